/** Turns text into token ids and back with a Hugging Face tokenizer, and messages into text with a model's chat template. */
declare module "weir/tokenizer" {
  /**
   * A tokenizer. Equal paths give one tokenizer a run, shared by all JavaScript
   * runtimes.
   */
  export class Tokenizer {
    /**
     * @param path a `tokenizer.json`, the model's directory that contains one, or
     * `"builtin"` for weir's own small byte-level BPE (4,096 tokens). Without a
     * `tokenizer.json`, a `tokenizer.model` (SentencePiece) or `vocab.json` with
     * `merges.txt` is read; see docs/tokenizers.md. Relative paths start
     * where those of `open` do.
     * @throws when the file is missing, broken, or of another format.
     */
    constructor(path: string);

    /** What was loaded: the path of the file, or `"builtin"`. */
    readonly path: string;

    /** Number of tokens of the model, without added tokens. */
    readonly vocabSize: number;

    /** Number of tokens with the added ones. */
    readonly totalVocabSize: number;

    /** The special tokens, in order of their ids. */
    readonly specialTokens: SpecialToken[];

    /** The token for the beginning of a text, by `tokenizer_config.json`; null when it names none. */
    readonly bosToken: string | null;

    /** The token for the end of a text, by `tokenizer_config.json`; null when it names none. */
    readonly eosToken: string | null;

    /**
     * What `tokenizer_config.json` says about `add_bos_token`, null when it does not. `encode` does what
     * `tokenizer.json` says, as Hugging Face's transformers 5 does; older versions followed this setting.
     */
    readonly addBosToken: boolean | null;

    /** What `tokenizer_config.json` says about `add_eos_token`, null when it does not. */
    readonly addEosToken: boolean | null;

    /** The longest input of the model in tokens, by `tokenizer_config.json`; null when it gives none. */
    readonly modelMaxLength: number | null;

    /** True when the model came with a chat template. */
    readonly hasChatTemplate: boolean;

    /**
     * The token ids of a text. The text of a special token within it, such as
     * `<|im_end|>`, becomes that token's id.
     * @throws when the text has more than 32 MiB, or a NUL character that the
     * tokenizer cannot take (most can).
     */
    encode(text: string, options?: EncodeOptions): number[];

    /** `encode(text, options).length`, without making the array. */
    count(text: string, options?: EncodeOptions): number;

    /**
     * The text of token ids. Characters that are cut in half become U+FFFD.
     * @throws when an id does not exist.
     */
    decode(ids: Iterable<number>, options?: DecodeOptions): string;

    /** `encode` of many texts, on all cores. */
    encodeBatch(texts: Iterable<string>, options?: EncodeOptions): number[][];

    /** `count` of many texts, on all cores. */
    countBatch(texts: Iterable<string>, options?: EncodeOptions): number[];

    /** `decode` of many lists of ids, on all cores. */
    decodeBatch(lists: Iterable<Iterable<number>>, options?: DecodeOptions): string[];

    /** Decodes ids that come one after another. */
    decoder(options?: DecodeOptions): TokenDecoder;

    /** A token's text as the vocabulary has it, such as `Ġthe` for " the"; null when there is no such id. */
    token(id: number): string | null;

    /** The id of a token's text as the vocabulary has it; null when there is no such token. */
    id(token: string): number | null;

    /**
     * The text that messages become with the model's chat template, as by Hugging Face's
     * `apply_chat_template`.
     * @throws what the template says is wrong with the messages, with its file and line; and when there is
     * no template.
     */
    applyChatTemplate(messages: ChatMessages, options?: ChatOptions): string;

    /** The number of tokens of `applyChatTemplate(messages, options)`. None are added: the template has them. */
    countChat(messages: ChatMessages, options?: ChatOptions): number;
  }

  /** Decodes ids that come one after another. What it returns, joined, is what `decode` returns for all. */
  export interface TokenDecoder {
    /**
     * The text that these ids complete, which may be empty: a character whose bytes are not all there
     * waits for the next call.
     */
    push(ids: number | Iterable<number>): string;

    /** What is left. A cut character becomes U+FFFD. The decoder then begins anew. */
    end(): string;
  }

  /** A token that stands for no text, such as the end of a message. */
  export interface SpecialToken {
    id: number;
    text: string;
  }

  /** How texts become ids. */
  export interface EncodeOptions {
    /**
     * Add the tokens that the tokenizer puts around a text, such as one for its
     * beginning. Default: true.
     */
    addSpecialTokens?: boolean;
  }

  /** How ids become texts. */
  export interface DecodeOptions {
    /** Leave special tokens out of the text. Default: false. */
    skipSpecialTokens?: boolean;
  }

  /** A list of messages, or the `messages` of a dataset's item. */
  export type ChatMessages = readonly ChatMessage[] | object;

  /** One message, in OpenAI's form. */
  export interface ChatMessage {
    role: string;
    content?: unknown;
    [key: string]: unknown;
  }

  /** What a chat template is given besides messages. */
  export interface ChatOptions {
    /** End with the beginning of an answer. Default: true. */
    addGenerationPrompt?: boolean;

    /** The name of one of the model's templates, or a Jinja template. Default: the model's. */
    template?: string;

    /** What the model may call, as in a request to a service. */
    tools?: readonly object[];

    /** A further variable of the template: `enableThinking` is its `enable_thinking`. */
    [variable: string]: unknown;
  }
}
