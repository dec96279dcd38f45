/** A simulated inference service of the script's own. */
declare module "weir/sim" {
  import type { Duration } from "weir";

  /** The knobs of `weir sim --help`, in camel case; what is left out has the default shown there. */
  export interface SimulatorOptions {
    /** Address and port that it listens on. Default: 127.0.0.1, and a free port. */
    host?: string;
    port?: number;
    /** Name of the model that it shows. */
    model?: string;
    /** Protocols that the service speaks, by the names of `backend`; left out: all but mindie-vllm, mindie-tgi and mindie-triton. */
    speaks?: string | string[];
    /** What ends a value of the protocol vllm. */
    delimiter?: "nul" | "newline";
    /** Time to the first token of an empty prompt. */
    ttft?: Duration;
    /** Speed of reading prompts, tokens per second; 0: prompts cost nothing. */
    prefillRate?: number;
    /** Time between tokens of a single stream. */
    itl?: Duration;
    /** Added to it for each running stream. */
    itlSlope?: Duration;
    /** Largest deviation of an interval, as a share of it. */
    jitter?: number;
    /** Streams that run at the same time; others wait. */
    maxBatch?: number;
    /** Tokens that share an event. */
    tokensPerEvent?: number;
    /** Tokens that are proposed in each step by speculative decoding; 0: none. */
    draftTokens?: number;
    /** Probability that a proposed token is accepted. */
    acceptRate?: number;
    /** Every so many tokens one comes without a text, as of a character that is split; 0: none. */
    splitEvery?: number;
    /** Length of a reply whose request gives no limit, tokens. */
    defaultTokens?: number;
    /** Tokens at the head of a chat reply that are reasoning, and the field that they come in. */
    reasoningTokens?: number;
    reasoningField?: "reasoning" | "reasoning_content";
    /** Send the finish reason in a chunk of its own. */
    finishChunk?: boolean;
    /** Tokens that an image, a sound or a video in a prompt costs. */
    mediaTokens?: number;
    /** Largest sum of prompt and reply, tokens. */
    maxModelLen?: number;
    /** Dimensions of embeddings. */
    embeddingSize?: number;
    /** Keep prompts and replies: what is found again at the start of a prompt costs no prefill. Default: false. */
    prefixCache?: boolean;
    /** Tokens that it keeps, and those in a block of it. */
    kvTokens?: number;
    blockSize?: number;
    /** Probability that a reply ends by itself before it has the asked length. */
    earlyStop?: number;
    /** Tell ttft, tpot and latency in the usage at the end of OpenAI's streams, as services of AscendCloud-LLM do. */
    serverTimes?: boolean;
    /** What goes wrong, and how often (0 to 1). */
    fault?: string;
    faultRate?: number;
    /** Token events before a fault in the middle of a stream. */
    faultAfter?: number;
    /** Pause between two bytes under the fault `"trickle"`. */
    trickleDelay?: Duration;
    /** Folder for the traces of `/start_profile` and `/stop_profile`; left out: these answer 404, as vLLM's do. */
    profileDir?: string;
    /** Time that a trace takes to be written. */
    profileTime?: Duration;
    /** Seed of everything that is drawn. */
    seed?: number;
    /** File for one JSON line a request: when each event was really sent. */
    log?: string;
    /** Requests that it remembers in memory. */
    logRequests?: number;
  }

  /**
   * Starts a simulated service that ends with the run. Make it in init code: equal options are one service, whatever
   * the number of JavaScript runtimes.
   *
   *     const sim = new Simulator({ ttft: "80ms", itl: 20 });
   *     const service = new Endpoint({ url: sim.url });
   */
  export class Simulator {
    constructor(options?: SimulatorOptions);
    /** Base URL of the service. */
    readonly url: string;
  }
}
