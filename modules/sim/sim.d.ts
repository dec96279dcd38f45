/** A simulated inference service of the script's own. */
declare module "weir/sim" {
  import type { Duration } from "weir";

  /** The knobs of `weir sim --help`, in camel case; what is left out has the default shown there. */
  export interface SimulatorOptions {
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
    /** Every so many tokens one comes without a text, as of a character that is split; 0: none. */
    splitEvery?: number;
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
    /** Folder for the traces of `/start_profile` and `/stop_profile`; left out: these answer 404, as vLLM's do. */
    profileDir?: string;
    /** Time that a trace takes to be written. */
    profileTime?: Duration;
    seed?: number;
    [knob: string]: unknown;
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
