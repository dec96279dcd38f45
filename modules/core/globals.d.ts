/**
 * What scripts find around them without an import, besides the language itself
 * (lib ES2023). There is no DOM and nothing of Node.js.
 */

/** Writes to the terminal, one line a call; a first string may hold %s %d %i %f %j %o. */
declare const console: {
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  debug(...values: unknown[]): void;
};

/**
 * Reads a file: as text, or with "b" as bytes. Relative paths start at the script's folder, those that the run names in a
 * parameter at the current one; what is in neither may not be read. Only in init code, as in k6.
 */
declare function open(path: string, mode?: ""): string;
/** Reads a file as bytes. */
declare function open(path: string, mode: "b"): ArrayBuffer;

/** The environment variables; none in a scenario that came from elsewhere. */
declare const __ENV: Record<string, string | undefined>;

/** Calls a function once, after a time. A timer keeps its iteration alive until it has fired or was cleared. Delays are milliseconds. */
declare function setTimeout<Args extends unknown[]>(callback: (...args: Args) => void, ms?: number, ...args: Args): number;
/** Calls a function again and again. Not in init code, which would never end. */
declare function setInterval<Args extends unknown[]>(callback: (...args: Args) => void, ms?: number, ...args: Args): number;
/** Calls a function as soon as what runs now has come to its end or awaits. */
declare function setImmediate<Args extends unknown[]>(callback: (...args: Args) => void, ...args: Args): number;
/** Ends a timer of `setTimeout`; one that has fired, or undefined, is left alone. */
declare function clearTimeout(timer: number | undefined): void;
/** Ends a timer of `setInterval`. */
declare function clearInterval(timer: number | undefined): void;
/** Takes a call of `setImmediate` back. */
declare function clearImmediate(timer: number | undefined): void;
/** Calls a function just after the code that runs now, before any timer, as a promise's `then` does. */
declare function queueMicrotask(callback: () => void): void;

/** A deep copy of plain data, with its cycles. Functions cannot be cloned. */
declare function structuredClone<T>(value: T): T;

/** Base64 to text whose characters are bytes. */
declare function atob(base64: string): string;
/** Text whose characters are bytes to base64. */
declare function btoa(latin1: string): string;

/** A clock for durations. */
declare const performance: {
  /** Milliseconds since the runtime's start, by a clock that never goes back. */
  now(): number;
  /** The runtime's start, in milliseconds since 1970. */
  readonly timeOrigin: number;
};

/** Random values that nobody can foresee; `randomSeeded` of weir makes repeatable ones. */
declare const crypto: {
  /** A random UUID (version 4). */
  randomUUID(): string;
  /** Fills an array of at most 65536 bytes. */
  getRandomValues<T extends ArrayBufferView>(array: T): T;
};

/** Text to UTF-8. */
declare class TextEncoder {
  constructor();
  readonly encoding: "utf-8";
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, into: Uint8Array): { read: number; written: number };
}

/** UTF-8 to text. */
declare class TextDecoder {
  constructor(encoding?: "utf-8" | "utf8", options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: "utf-8";
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(bytes?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}

/** A URL and its parts, as in browsers. */
declare class URL {
  constructor(url: string | URL, base?: string | URL);
  /** Whether the constructor would take this. */
  static canParse(url: string | URL, base?: string | URL): boolean;
  /** As the constructor, but null instead of an exception. */
  static parse(url: string | URL, base?: string | URL): URL | null;
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  hash: string;
  readonly searchParams: URLSearchParams;
  toString(): string;
  toJSON(): string;
}

/** The names and values of a URL's query, as in browsers. */
declare class URLSearchParams {
  constructor(init?: string | Record<string, string> | Iterable<readonly [string, string]> | URLSearchParams);
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  forEach(callback: (value: string, name: string, all: URLSearchParams) => void): void;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  entries(): IterableIterator<[string, string]>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
  toString(): string;
}

/** What `atob`, `structuredClone` and others of the web's functions throw. */
declare class DOMException extends Error {
  constructor(message?: string, name?: string);
}
