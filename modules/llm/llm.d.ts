/** Requests to LLM inference services, whose token streams are timed and counted. */
declare module "weir/llm" {
  import type { Duration } from "weir";
  import type { Tokenizer } from "weir/tokenizer";
  import type { Item } from "weir/dataset";

  /** A wire protocol. */
  export type BackendName = "openai-chat" | "openai";

  /** The wire protocols that this version speaks. */
  export const backends: readonly string[];

  /** What a single request may set, too. Numbers that are left out are left to the service. */
  export interface RequestOptions {
    /** Name of the model. Left out of the request when empty. */
    model?: string;
    temperature?: number;
    topP?: number;
    topK?: number;
    /** Seed of the service's sampling. */
    seed?: number;
    /** Number of choices. */
    n?: number;
    /** Tokens to make at most. */
    maxTokens?: number;
    /** Length of the prompt that you mean to send, tokens; the validity verdict holds it against what the service counted. */
    promptTokens?: number;
    /** Do not stop before `maxTokens` (vLLM, SGLang, llama.cpp). Default: false. */
    ignoreEos?: boolean;
    /** Ask for an event stream. Without it there is no TTFT and no ITL. Default: true. */
    stream?: boolean;
    /** Texts at which the service stops. */
    stop?: string | string[];
    /** More members of the request's JSON; they replace those of the same name. */
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

  export interface EndpointOptions extends RequestOptions {
    /** Default: "openai-chat". */
    backend?: string;
    /** Base URL of the service, with or without /v1: "http://127.0.0.1:8000". */
    url?: string;
    /** The requests' URL as it is; instead of `url`. */
    requestUrl?: string;
    /** Path added to `url` instead of the backend's. */
    path?: string;
    /** Sent as `Authorization: Bearer …`. */
    apiKey?: string;
    /** Sent as `X-Apig-AppCode`. */
    appCode?: string;
    /** Accept a certificate that cannot be verified. Default: false. */
    insecure?: boolean;
    /** Counts tokens when the service does not say how many there were. */
    tokenizer?: Tokenizer;
  }

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

  export interface Usage {
    inputTokens: number;
    outputTokens: number;
    totalTokens: number;
    reasoningTokens: number;
    /** Tokens of the prompt that the service took from its cache. */
    cachedTokens: number;
  }

  /** What came of a request. Its fields are made when they are read. */
  export interface Reply {
    /** Text of the first choice. */
    readonly text: string;
    readonly reasoning: string;
    /** Names and arguments of tool calls, as they came. */
    readonly toolCalls: string;
    /** "stop", "length", …; null when the service gave none. */
    readonly finishReason: string | null;
    /** What the service counted; null when it did not say. */
    readonly usage: Usage | null;
    /** Output tokens: counted by the service, else by the endpoint's tokenizer, else one for each event. */
    readonly tokens: number;
    /**
     * Time to the first token, ms; null without a stream or without a token, and when the first token came in one read
     * with a later part of the stream, so that its time is only an upper bound.
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
    complete(prompt: string | readonly number[] | Item | { prompt: string; promptTokens?: number; outputTokens?: number }, options?: RequestOptions): Promise<Reply>;
    /** Sends messages; chat backends only. */
    chat(messages: readonly Message[], options?: RequestOptions): Promise<Reply>;
  }
}
