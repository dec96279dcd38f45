/** Plain HTTP requests and event streams, for what weir/llm does not speak. */
declare module "weir/http" {
  import type { Duration, Reach } from "weir";
  import type { RequestError } from "weir/llm";

  /** A string, bytes, or an object that is sent as JSON. */
  export type Body = string | ArrayBuffer | ArrayBufferView | object | null;

  /** The options of a request. */
  export interface Params extends Reach {
    headers?: Record<string, string>;
    /** Limit of the whole request. Default: 60 seconds. */
    timeout?: Duration;
    /** Limit of opening a connection. Default: 10 seconds. */
    connectTimeout?: Duration;
    /** Limit of the wait for the response's head. Default: none of its own. */
    headTimeout?: Duration;
    /** Limit of the wait between two pieces of the body. Default: none of its own. */
    idleTimeout?: Duration;
    /** Keep the connection for the next request. Default: true. */
    keepAlive?: boolean;
    /**
     * Redirects to follow at most. One to another scheme, host or port goes without
     * credentials: headers such as Authorization and Cookie, signature, client certificate. Default: 10.
     */
    redirects?: number;
    /** What `body` is: a string or an ArrayBuffer. Default: "text". */
    responseType?: "text" | "binary";
  }

  /** What came of a request. */
  export interface Response {
    readonly url: string;
    /** HTTP status, 0 when there was no answer. */
    readonly status: number;
    /** The request completed with a status below 400. */
    readonly ok: boolean;
    readonly headers: Record<string, string>;
    /** At most 256 MiB; a longer one is cut, and fails the request. */
    readonly body: string | ArrayBuffer;
    /** Milliseconds. */
    readonly timings: {
      /** From the start of sending to the end of the body. */
      duration: number;
      /** From the start of sending to the response's head. */
      waiting: number;
      /** Of a new connection; 0 on a kept one. */
      lookingUp: number;
      connecting: number;
      tlsHandshaking: number;
    };
    /** null when the request completed with a status below 400. */
    readonly error: RequestError | null;
    /** The body, parsed as JSON. Throws when it is not. */
    json(): any;
  }

  /** One event of a stream. */
  export interface StreamEvent {
    /** Of the `event:` field; "message" when there was none. */
    event: string;
    /** Of the `id:` field. */
    id: string;
    data: string;
    /** When its data arrived, ms after the start of sending. It does not depend on how fast the script reads. */
    at: number;
  }

  /** The options of `stream`. */
  export interface StreamParams extends Params {
    /** Default: "POST" with a body, else "GET". */
    method?: string;
    body?: Body;
    /** How the body is cut: as an event stream, or an event a line (NDJSON). Default: "sse". */
    format?: "sse" | "lines";
  }

  /** The events of an answer. It throws a failure at the place of the event that did not come. */
  export interface EventStream extends AsyncIterableIterator<StreamEvent> {
    /** HTTP status; 0 before the head has arrived. */
    readonly status: number;
    readonly headers: Record<string, string> | null;
    /** Closes the connection; it never rejects. Leaving the loop does that, too. */
    close(): Promise<unknown>;
  }

  /**
   * Sends a request. The promise does not reject when the request fails: `error` of the response says what happened.
   * What is sent in an iteration is counted and timed with the case (http_req_duration and others of docs/metrics.md).
   */
  export function request(method: string, url: string, body?: Body, params?: Params): Promise<Response>;
  /** `request("GET", url, null, params)`. */
  export function get(url: string, params?: Params): Promise<Response>;
  /** `request("HEAD", url, null, params)`. */
  export function head(url: string, params?: Params): Promise<Response>;
  /** `request("POST", url, body, params)`. */
  export function post(url: string, body?: Body, params?: Params): Promise<Response>;
  /** `request("PUT", url, body, params)`. */
  export function put(url: string, body?: Body, params?: Params): Promise<Response>;
  /** `request("PATCH", url, body, params)`. */
  export function patch(url: string, body?: Body, params?: Params): Promise<Response>;
  /** `request("DELETE", url, body, params)`. */
  export function del(url: string, body?: Body, params?: Params): Promise<Response>;
  /**
   * Reads an event stream.
   *
   *     for await (const event of http.stream(url, { body: { stream: true } })) console.log(event.at, event.data);
   */
  export function stream(url: string, params?: StreamParams): EventStream;

  const http: {
    request: typeof request;
    get: typeof get;
    head: typeof head;
    post: typeof post;
    put: typeof put;
    patch: typeof patch;
    del: typeof del;
    stream: typeof stream;
  };
  export default http;
}
