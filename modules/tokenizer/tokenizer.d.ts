/** Turns text into token ids and back with a Hugging Face `tokenizer.json`. */
declare module "weir/tokenizer" {
  /**
   * A tokenizer. Equal paths give one tokenizer a run, shared by all JavaScript
   * runtimes.
   */
  export class Tokenizer {
    /**
     * @param path a `tokenizer.json`, the model's directory that contains one, or
     * `"builtin"` for weir's own small byte-level BPE (4,096 tokens).
     * @throws when the file is missing, broken, or of another format.
     */
    constructor(path: string);

    /** What was loaded: the path of the `tokenizer.json`, or `"builtin"`. */
    readonly path: string;

    /** Number of tokens of the model, without added tokens. */
    readonly vocabSize: number;

    /** Number of tokens with the added ones. */
    readonly totalVocabSize: number;

    /**
     * The token ids of a text. The text of a special token within it, such as
     * `<|im_end|>`, becomes that token's id.
     * @throws when the text contains a NUL character.
     */
    encode(text: string, options?: EncodeOptions): number[];

    /** `encode(text, options).length`, without making the array. */
    count(text: string, options?: EncodeOptions): number;

    /**
     * The text of token ids. Characters that are cut in half become U+FFFD.
     * @throws when an id does not exist.
     */
    decode(ids: Iterable<number>, options?: DecodeOptions): string;
  }

  export interface EncodeOptions {
    /**
     * Add the tokens that the tokenizer puts around a text, such as one for its
     * beginning. Default: true.
     */
    addSpecialTokens?: boolean;
  }

  export interface DecodeOptions {
    /** Leave special tokens out of the text. Default: false. */
    skipSpecialTokens?: boolean;
  }
}
