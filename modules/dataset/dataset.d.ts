/** The prompts that a case sends. */
declare module "weir/dataset" {
  import type { Tokenizer } from "weir/tokenizer";

  /** One request to be made. */
  export interface Item {
    prompt: string;
    /** Tokens of the prompt, special ones included unless they were turned off. */
    promptTokens: number;
    /** Tokens to ask the service for. */
    outputTokens: number;
  }

  /**
   * A list of items that JavaScript runtimes share: give it as a case's `data`. An item is made when it is read, anew each time. It is no
   * Array: for map, filter and the like, write `[...dataset].map(…)`.
   */
  export class Dataset implements Iterable<Item> {
    private constructor();

    readonly length: number;

    /**
     * How many prompts do not have the asked number of tokens, because no text of
     * that length was found. Their `promptTokens` is the true number.
     */
    readonly inexact: number;

    readonly [index: number]: Item;

    /** Item `index`; negative ones count from the end. */
    at(index: number): Item | undefined;

    [Symbol.iterator](): IterableIterator<Item>;
  }

  /**
   * A length in tokens: the same for all, or a normal distribution that is cut to
   * whole numbers and then clipped to `min` and `max`.
   */
  export type Length =
    | number
    | {
        mean: number;
        /** Standard deviation. Default: 0. */
        std?: number;
        /** Default: the least that is possible. */
        min?: number;
        /** Default: no limit. */
        max?: number;
      };

  export interface SyntheticOptions {
    tokenizer: Tokenizer;
    /** How many items. */
    count: number;
    /** Length of the prompts. */
    input: Length;
    /** Length of the outputs to ask for. */
    output: Length;
    /**
     * Number of tokens that all prompts have in common: "Hello" again and again, at
     * their start and within their length, special tokens before it included.
     * For measuring prefix caches. Default: 0.
     */
    prefix?: number;
    /** Equal seeds give equal items on every machine. Default: 0. */
    seed?: number;
    /** One prompt for all items. Default: false, every prompt is different. */
    same?: boolean;
    /**
     * Count the special tokens that the tokenizer puts around a text. Turn it off
     * for a service that does not add them. Default: true.
     */
    specialTokens?: boolean;
  }

  /**
   * Makes prompts of an exact number of tokens, on all cores: random tokens from the
   * middle of the vocabulary, decoded, and corrected until encoding the text
   * gives the number that was asked for. In init code, equal options give one
   * Dataset, which is kept for the whole run; elsewhere each call makes its own.
   */
  export function synthetic(options: SyntheticOptions): Dataset;
}
