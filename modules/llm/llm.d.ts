/** Requests to LLM inference services, whose token streams are timed and counted. */
declare module "weir/llm" {
  import type { Duration, Reach } from "weir";
  import type { Tokenizer } from "weir/tokenizer";
  import type { Item, MediaItem, Messages } from "weir/dataset";

  /** A wire protocol; docs/protocols.md tells what each sends and reads. */
  export type BackendName =
    | "openai-chat" | "openai" | "openai-responses" | "anthropic"
    | "vllm" | "sglang" | "tgi" | "llamacpp"
    | "trt" | "triton" | "mindie" | "mindie-vllm" | "mindie-tgi" | "mindie-triton" | "mindspore" | "base"
    | "embeddings" | "rerank";

  /**
   * A wire protocol of your own. Its functions run on the event loop, one event after another, which costs a multiple of
   * what a built-in backend takes (docs/performance.md). Events are stamped by the kernel before that; but when the loop takes
   * longer than the time between two of them, they are read late, and the verdict says so. The functions must not be async.
   *
   *     const service = new Endpoint({
   *       url: "http://127.0.0.1:8000",
   *       backend: {
   *         path: "/ask",
   *         request: (prompt, o) => ({ question: prompt, max: o.maxTokens }),
   *         event: (data) => { const e = JSON.parse(data); return { text: e.answer, done: e.last }; },
   *       },
   *     });
   */
  export interface CustomBackend {
    /** For results and errors. Default: "custom". */
    name?: string;
    /** Added to the endpoint's `url`; `{model}` stands for the model's name. Default: "/". */
    path?: string;
    /** The same for requests with `stream: false`. */
    wholePath?: string;
    /** "sse": an event stream. "values": JSON values, each ended by a newline or NUL, with or without `data:`. Default: "sse". */
    stream?: "sse" | "values";
    /** The text of an event is all that there is so far, perhaps with the prompt before it. Default: false, it is what is new. */
    cumulative?: boolean;
    /** It takes messages: `chat` may be called. */
    chat?: boolean;
    /** `event` says of the end that it is one (`done` or `finishReason`): a stream that ends without that is `stream_incomplete`. Default: true. */
    endMark?: boolean;
    /** Makes the body of a request: a text goes out as it is, anything else as JSON. */
    request(prompt: any, options: RequestOptions): unknown;
    /** Says what an event has brought, or a whole answer with `stream: false`; nothing: it was of no interest. */
    event(data: string): CustomEvent | null | undefined;
  }

  /** What an event has brought. */
  export interface CustomEvent {
    /** New text of the answer. */
    text?: string | null;
    /** New reasoning. */
    reasoning?: string | null;
    /** A new part of a tool call. */
    toolCalls?: string | null;
    /** Tokens that came with it. */
    tokens?: number;
    finishReason?: string | null;
    /** It is the last one. */
    done?: boolean;
    /** The service has failed. */
    error?: string | null;
    id?: string | null;
    usage?: { inputTokens?: number; outputTokens?: number; reasoningTokens?: number; cachedTokens?: number };
  }

  /** Weights 1/rank^s (s: 1) for a list of names: the first is asked for most, and many seldom. */
  export function zipf(names: readonly string[], s?: number): Record<string, number>;

  /** When a request that failed is sent again. */
  export interface Retry {
    /** In all, the first one included. */
    attempts: number;
    /** Before the second attempt; it doubles with each, up to a minute. The service's `Retry-After` goes before. Default: 1 second. */
    wait?: Duration;
    /** Kinds of errors and statuses. Default: "rate_limited", 502, 503, 504, "connect", "connect_timeout", "connection_closed", "write". */
    on?: (string | number)[];
  }

  /** The wire protocols that this version speaks. */
  export const backends: readonly string[];

  /** What a single request may set, too. Numbers that are left out are left to the service. */
  export interface RequestOptions {
    /**
     * Name of the model. Left out of the request when empty. Of a list, or of names with weights (see `zipf`), each
     * iteration gets one, by chance, but the same in every run.
     */
    model?: string | readonly string[] | Record<string, number>;
    temperature?: number;
    topP?: number;
    topK?: number;
    /** Seed of the service's sampling. */
    seed?: number;
    /** Number of choices. */
    n?: number;
    /** Choices that the service makes to return the best (openai, vllm, tgi). */
    bestOf?: number;
    /** Tokens to make at most. */
    maxTokens?: number;
    /** Length of the prompt that you mean to send, tokens; the validity verdict holds it against what the service counted. */
    promptTokens?: number;
    /**
     * Tokens of each event but the first, where the service does not count them: multi-step scheduling. Default: 1.
     */
    tokensPerEvent?: number;
    /** Ask for the count of tokens in each event (`stream_options.continuous_usage_stats` of vLLM). Default: false. */
    continuousUsage?: boolean;
    /** Send a request that has failed again: how many attempts in all, or more about it. Default: 1. Each attempt counts as a request. */
    retry?: number | Retry;
    /** Do not stop before `maxTokens` (vLLM, SGLang, llama.cpp). Default: false. */
    ignoreEos?: boolean;
    /** Ask for an event stream. Without it there is no TTFT and no ITL. Default: true. */
    stream?: boolean;
    /** Texts at which the service stops. */
    stop?: string | string[];
    /** More members of the request's JSON; they replace those of the same name, but for objects, which are merged. */
    extraBody?: Record<string, unknown>;
    /** More header fields; they replace those of the same name. */
    headers?: Record<string, string>;
    /** Keep the connection for the next request. Default: true. */
    keepAlive?: boolean;
    /** Limit of the whole request. Default: 3 hours. */
    timeout?: Duration;
    /** Limit of opening a connection: name lookup, TCP and TLS. Default: 10 seconds. */
    connectTimeout?: Duration;
    /** Limit of the wait for the response's head. Default: none of its own. */
    headTimeout?: Duration;
    /** Limit of the wait between two pieces of the answer. Default: none of its own. */
    idleTimeout?: Duration;
  }

  /** A service, and how it is asked. What requests may set, too, holds for all that do not. */
  export interface EndpointOptions extends RequestOptions, Reach {
    /**
     * Requests of this endpoint that are in prefill at the same time, at most: sent, without a first token, and not ended.
     * The others wait, in the order in which they came, before they are started: the wait is in no latency but those from
     * the schedule, and has a metric of its own, `prefill_wait`. Of several hosts it counts all requests. Default: no limit.
     */
    maxPrefill?: number;
    /** Default: "openai-chat". */
    backend?: BackendName | (string & {}) | CustomBackend;
    /** Base URL of the service, with or without /v1: "http://127.0.0.1:8000"; or several, see `balance`. */
    url?: string | readonly string[];
    /** The requests' URL as it is, or several; instead of `url`. */
    requestUrl?: string | readonly string[];
    /** Which of several URLs gets a request: each in turn, or the one with the fewest requests in flight. Default: "round-robin". */
    balance?: "round-robin" | "least-in-flight";
    /** Path added to `url` instead of the backend's. */
    path?: string;
    /**
     * The server's own page of metrics (vLLM, SGLang, TGI, MindIE, llama.cpp, Triton, LMDeploy, TensorRT-LLM), or several: read just
     * before and after each case and in between, and set beside what the client saw (docs/server-metrics.md). `true`: the base URL with
     * /metrics in place of /v1 (of Triton and MindIE on their usual ports, the port of their metrics). Asked for with the headers,
     * certificates, proxy and signature of the requests; on another host, or without TLS where they have it, without what proves
     * who asks. `false`: not read, even with `--metrics-url auto`. A page that cannot be read is reported, and ends nothing.
     */
    metricsUrl?: boolean | string | readonly string[];
    /** Sent as `Authorization: Bearer …`, or as `X-Api-Key` to an anthropic service. */
    apiKey?: string;
    /** Sent as `X-Apig-AppCode`. */
    appCode?: string;
    /** Sent as `X-Auth-Token`. */
    authToken?: string;
    /** Counts tokens when the service does not say how many there were. */
    tokenizer?: Tokenizer;
  }

  /** One message of a chat, in OpenAI's form. */
  export interface Message {
    role: "system" | "user" | "assistant" | "tool" | (string & {});
    content: unknown;
    [more: string]: unknown;
  }

  /** Why a request failed. */
  export interface RequestError {
    /** One of the kinds in docs/metrics.md, such as "connect" or "http_status". */
    kind: string;
    /** HTTP status, 0 when there was none. */
    status: number;
    message: string;
  }

  /** Tokens as the service has counted them. */
  export interface Usage {
    inputTokens: number;
    outputTokens: number;
    totalTokens: number;
    /** Output tokens that are reasoning; null: the service does not tell. */
    reasoningTokens: number | null;
    /** Tokens of the prompt that the service took from its cache; null: the service does not tell. */
    cachedTokens: number | null;
  }

  /** What came of a request. Its fields are made when they are read. */
  export interface Reply {
    /** Text of the first choice. */
    readonly text: string;
    /** Texts of all choices. */
    readonly choices: readonly string[];
    readonly reasoning: string;
    /** Names and arguments of tool calls, as they came. */
    readonly toolCalls: string;
    /** "stop", "length", …; null when the service gave none. */
    readonly finishReason: string | null;
    /** What the service counted; null when it did not say. */
    readonly usage: Usage | null;
    /**
     * Times that the service tells of itself in the usage of its answer (`ttft`, `tpot` and `latency`, ms, of services of
     * AscendCloud-LLM), null where it does not.
     */
    readonly serverTimes: { ttft: number | null; tpot: number | null; latency: number | null } | null;
    /** Token events: those that brought text, reasoning or a part of a tool call. */
    readonly events: number;
    /** The model that was asked for. */
    readonly model: string;
    /** How often the request was sent, see `retry`. */
    readonly attempts: number;
    /** Embeddings, or documents that were ranked. */
    readonly results: number;
    /** Length of an embedding. */
    readonly dimensions: number;
    /** What `rerank` has found, in the service's order: `index` is that of the document. */
    readonly scores: readonly { index: number; score: number }[];
    /** Output tokens: counted by the service, else by the endpoint's tokenizer, else one for each event. */
    readonly tokens: number;
    /**
     * Time to the first token, ms; null without a stream or without a token, and when the first token came in one read
     * with a later part of the stream and nobody saw that they came together: then its time is only an upper bound.
     */
    readonly ttft: number | null;
    /** From the start of sending to the end of the answer, ms. */
    readonly latency: number;
    /** The service's id of the answer. */
    readonly id: string;
    /** HTTP status, 0 when there was no answer. */
    readonly status: number;
    /** null when the request completed. */
    readonly error: RequestError | null;
  }

  /**
   * A service. Equal endpoints share their connections.
   *
   *     const service = new Endpoint({ backend: "openai-chat", url: "http://127.0.0.1:8000", model: "qwen3" });
   *     const reply = await service.complete("Why is the sky blue?", { maxTokens: 64 });
   *
   * The promises do not reject when the *service* fails: `reply.error` says what happened, and the request counts
   * as failed. Wrong arguments throw.
   */
  export class Endpoint {
    constructor(options: EndpointOptions);
    /**
     * Sends a prompt: a text (a chat backend sends it as one user message), token ids (not on chat backends), or an item of a dataset,
     * which also says how long the prompt is and how many tokens to ask for.
     */
    complete(prompt: string | readonly number[] | Item | MediaItem | { prompt: string; promptTokens?: number; outputTokens?: number }, options?: RequestOptions): Promise<Reply>;
    /** Sends messages; chat backends only. */
    chat(messages: readonly Message[] | Messages, options?: RequestOptions): Promise<Reply>;
    /** Has a text embedded, or several; backend "embeddings". */
    embed(input: string | readonly string[] | readonly number[] | readonly (readonly number[])[] | Item | { prompt: string; promptTokens?: number }, options?: RequestOptions): Promise<Reply>;
    /** Has documents ranked by what they say to a query; backend "rerank". */
    rerank(query: string, documents: readonly string[], options?: RequestOptions): Promise<Reply>;
  }
}
