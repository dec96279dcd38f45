/** How much of its prompts a service with a prefix cache need not compute again. */
declare module "weir/x/prefix" {
  export interface PrefixCacheOptions {
    /** Tokens of a block, as the service has it (vLLM: `--block-size`). Only whole blocks are kept. 16 by default. */
    blockTokens?: number;
    /** Blocks that there is room for; the one that was not used for longest is forgotten. 0, the default: no limit. */
    blocks?: number;
    /** File to write the prompts to, as a trace for `weir run replay --trace`. One that is there is not overwritten. */
    trace?: string;
  }

  /** What `add` has found, in tokens. */
  export interface Found {
    tokens: number;
    /** Of these, from the start of the prompt, those that were in the cache. */
    cached: number;
  }

  /**
   * A prefix cache that knows what was sent. It is made in init code; equal options are one cache for the whole run.
   * Every prompt adds to the metric `prefix_expected`: the share of its tokens that was in the cache.
   */
  export class PrefixCache {
    constructor(options?: PrefixCacheOptions);
    readonly blockTokens: number;
    /** Looks a prompt up, given as token ids (`tokenizer.encode`), and keeps it. */
    add(tokens: ArrayLike<number>): Promise<Found>;
  }
}
