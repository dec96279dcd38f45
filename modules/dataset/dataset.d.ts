/** The prompts, images and sounds that a case sends. */
declare module "weir/dataset" {
  import type { Duration } from "weir";
  import type { Message } from "weir/llm";
  import type { Tokenizer } from "weir/tokenizer";

  // ---- prompts ----

  /** One request to be made. `service.complete(item)` sends it without its texts going through the script. */
  export interface Item {
    readonly prompt: string;
    /**
     * Tokens of the prompt, with those of its system message, and the special ones unless they were turned off; 0: not known
     * (a file that was read without a tokenizer). Of `messages`: in the tokenizer's chat template where it has one, else of their texts.
     */
    readonly promptTokens: number;
    /** Tokens to ask the service for; 0: nobody says. */
    readonly outputTokens: number;
  }

  /** An item that was read from a file, or of a mix. What its format does not have is null. */
  export interface RecordedItem extends Item {
    /** The recorded answer. */
    readonly output: string | null;
    /** A message of the system before the prompt; `complete` sends it. */
    readonly system: string | null;
    /** The whole conversation after the system's message, when there is more than one question in it. */
    readonly turns: readonly { role: string; content: string }[] | null;
    /** Chat messages that `complete` sends as they are. */
    readonly messages: Messages | null;
    /** Of a trace: when it was sent, ms from the first. */
    readonly at: number | null;
    /** Of a trace: the conversation it belongs to, its number in it from 0, and the pause after the answer before it, ms. */
    readonly session: string | null;
    readonly turn: number;
    readonly delay: number | null;
    /** As the trace names them. */
    readonly model: string | null;
    readonly kind: string | null;
    /** Of a mix: the name of its part. */
    readonly part: string | null;
  }

  /** An item of a dataset with media. */
  export interface MediaItem extends Item {
    /** The prompt and its media, for `service.chat(item.messages, …)`. `promptTokens` counts the text alone. */
    readonly messages: Messages;
  }

  /**
   * A list of items that JavaScript runtimes share: give it as a case's `data`. An item is made when it is read, anew each time. It is no
   * Array: for map and the like, write `[...dataset].map(…)`. It never changes: its methods make other datasets, which share its texts.
   */
  export class Dataset<T extends Item = Item> implements Iterable<T> {
    private constructor();

    readonly length: number;

    /**
     * How many prompts do not have the asked number of tokens, because no text of
     * that length was found. Their `promptTokens` is the true number.
     */
    readonly inexact: number;

    /** What was read, the name of its format, and what that was recognised by; null of what was made. */
    readonly path: string | null;
    readonly format: string | null;
    readonly why: string | null;

    /** What was not taken of the file, or dropped by a filter, by reason, most frequent first; with the first rows of each. */
    readonly rejected: readonly { reason: string; count: number; first: readonly { path: string; line: number; text: string }[] }[];

    /** How many rows' lengths were looked at, where a sample was full before the last one: `rejected` has nothing of the others. Otherwise null. */
    readonly looked: number | null;

    readonly [index: number]: T;

    /** Item `index`; negative ones count from the end. */
    at(index: number): T | undefined;

    [Symbol.iterator](): IterableIterator<T>;

    /** The items whose lengths are within limits. */
    filter(limits: LengthLimits): Dataset<T>;
    /** As of an Array. */
    slice(from?: number, to?: number): Dataset<T>;
    /** Another order: the same for equal seeds. Default seed: 0. */
    shuffle(options?: { seed?: number }): Dataset<T>;
    /** Draws different items; the first m of them are a sample of m. Throws when there are too few. */
    sample(count: number, options?: { seed?: number }): Dataset<T>;
    /** The items again and again, until there are `count`; those of a trace lose their times. (A case's data are begun again by itself.) */
    cycle(count: number): Dataset<T>;
    /** Asks for outputs of other lengths. */
    withOutput(length: Length, options?: { seed?: number }): Dataset<T>;
    /**
     * Messages of the system before the prompts, instead of those that they may have: a text for all ("" for none), or random ones. Without a tokenizer,
     * how long a prompt is then is not known any more. Throws for items that are `messages`.
     */
    withSystem(system: string | SystemOptions): Dataset<RecordedItem>;
    /** Recorded outputs: item i gets the prompt of item i of another dataset, and asks for as many tokens. */
    withAnswers(answers: Dataset): Dataset<RecordedItem>;
    /**
     * Of `synthetic` with groups of prefixes: the prefix of each group that the items have, once, as a prompt. Sent before, it is in the service's
     * cache when the items come. Throws where there are no groups.
     */
    prefixes(): Dataset<T>;
    /** The conversations, by the items' `session`: each a dataset in the order of its turns. */
    sessions(): Sessions;
    /** `at` of all items, for the executor "replay". Throws where there are none. */
    timestamps(): number[];
    /**
     * What a prefix cache that keeps everything finds of a trace's prompts in the order of their times, by their hash ids, in tokens.
     * null: they have none.
     */
    reuse(): { promptTokens: number; cachedTokens: number } | null;
    /** What lengths there are. Items whose length is not known are left out. */
    stats(): { promptTokens: LengthStats; outputTokens: LengthStats };
  }

  /** Percentiles are numpy's linear ones; without items `n` is 0 and the others are undefined. */
  export interface LengthStats { n: number; sum: number; avg: number; std: number; min: number; max: number; p50: number; p90: number; p99: number }

  /** A list of conversations, each a dataset of its turns. */
  export class Sessions implements Iterable<Dataset<RecordedItem>> {
    private constructor();
    readonly length: number;
    readonly [index: number]: Dataset<RecordedItem>;
    /** Conversation `index`; negative ones count from the end. */
    at(index: number): Dataset<RecordedItem> | undefined;
    [Symbol.iterator](): IterableIterator<Dataset<RecordedItem>>;
    /** When each begins, for the executor "replay". */
    timestamps(): number[];
  }

  /** The messages of the system that `withSystem` puts before prompts. */
  export interface SystemOptions {
    text?: string;
    /** Instead of a text: random ones of as many tokens. */
    tokens?: number;
    /** How many different ones there are. An item's is drawn. Default: 1. */
    groups?: number;
    /** Part of the items that get one, 0 to 1. Default: 1. */
    share?: number;
    /** Counts the text, or makes it. */
    tokenizer?: Tokenizer;
    /** Default: 0. */
    seed?: number;
  }

  /** Limits of lengths in tokens; 0 or left out: none. An item whose length is not known is kept by a maximum, and dropped by a minimum. */
  export interface LengthLimits {
    minPromptTokens?: number;
    maxPromptTokens?: number;
    /** Held against the recorded output where there is one, else against what is asked for. */
    minOutputTokens?: number;
    /** Of what is asked for. */
    maxOutputTokens?: number;
    /** Of prompt and output together. */
    maxTotalTokens?: number;
    /** Ask for a shorter output instead of dropping the item, where its output is too long. Default: false. */
    clamp?: boolean;
  }

  /**
   * A length in tokens: the same for all, or drawn. What is drawn is cut to whole numbers and then clipped to `min` (default: the
   * least that is possible) and `max` (default: no limit).
   */
  export type Length =
    | number
    | { distribution?: "normal" | "lognormal"; /** Of the lengths themselves. */ mean: number; /** Standard deviation. Default: 0. */ std?: number; min?: number; max?: number }
    /** Every whole number from min to max. */
    | { distribution: "uniform"; min?: number; max: number }
    /** min + r with a probability in proportion to 1/(r+1)^s. */
    | { distribution: "zipf"; s: number; min?: number; max: number }
    /** One of the values, or of those in a file with a length in each line. */
    | { distribution: "empirical"; values?: readonly number[]; file?: string; min?: number; max?: number };

  /** What prompts `synthetic` makes. */
  export interface SyntheticOptions {
    tokenizer: Tokenizer;
    /** How many items. */
    count: number;
    /** Length of the prompts. It has to be there unless `like` is. */
    input?: Length;
    /** Length of the outputs to ask for; 1 where there are none, as of embeddings. It has to be there unless `like` is. */
    output?: Length;
    /** Instead of `input` and `output`: the lengths of a dataset's items, drawn in pairs. */
    like?: Dataset;
    /**
     * What prompts have in common, at their start and within their length, for measuring prefix caches. A number of tokens: "Hello" again and
     * again. Or several groups of prompts, each with a start of its own of random words: `tokens` long, in a `share` of the prompts (default 1;
     * the others have nothing in common). Special tokens before a text count. Default: 0.
     */
    prefix?: number | { tokens: number; groups?: number; share?: number };
    /** Equal seeds give equal items on every machine. Default: 0. */
    seed?: number;
    /** One prompt for all items. Default: false, every prompt is different. */
    same?: boolean;
    /**
     * Count the special tokens that the tokenizer puts around a text. Turn it off
     * for a service that does not add them. Default: true.
     */
    specialTokens?: boolean;
    /**
     * The length is that of the prompt in the tokenizer's chat template, as the only message: what a chat service counts. Default: false.
     */
    template?: boolean;
    /** With `template`: a message of the system that goes before the prompt, and is counted. */
    system?: string;
  }

  /**
   * Makes prompts of an exact number of tokens, on all cores: random words from the
   * middle of the vocabulary, and each prompt is encoded to see that it has the number that was asked for. They are written anew when they are
   * read, so that 100,000 of them take no more memory than a few. In init code, equal options give one
   * Dataset, which is kept for the whole run; elsewhere each call makes its own.
   */
  export function synthetic(options: SyntheticOptions): Dataset;

  // ---- files ----

  /** What `read` takes of a file, and how. */
  export interface ReadOptions extends LengthLimits {
    /** Default: found out from the content. `formats` lists them, and docs/datasets.md describes them. */
    format?: string;
    /** Alpaca: "input" alone is the prompt, as in benchmark_serving.py. Default: false, instruction and input. */
    inputOnly?: boolean;
    /** ShareGPT: the first two turns alone, whatever their roles are, as in benchmark_serving.py and vLLM. Default: false, whole conversations. */
    firstExchange?: boolean;
    /** CSV and JSONL: the columns or members with other names. */
    fields?: { prompt?: string; output?: string; system?: string; output_tokens?: string; prompt_tokens?: string; timestamp?: string; session?: string; delay?: string };
    /** What a trace's numeric times are multiples of. Default: as its format has it. */
    timeUnit?: Duration;
    /** How many tokens a hash id of a trace stands for. Default: as the file or its format has it. */
    blockSize?: number;
    /** A folder of files `<length>.json`: which of them. */
    length?: number;
    /** Counts tokens, and makes the prompts of traces. Without it lengths are what the file says. */
    tokenizer?: Tokenizer;
    /** Count the special tokens around prompts. Default: true. */
    specialTokens?: boolean;
    /** Count those around recorded outputs, as the AscendCloud-LLM scripts do. Default: false. */
    outputSpecialTokens?: boolean;
    /** Ask for outputs of this length. Default: that of the recorded ones. */
    output?: Length;
    /** Items at most, in the file's order. Not with `sample`. */
    limit?: number;
    /** Draw so many from all rows that are within the limits. */
    sample?: number;
    /** How many of the sample are enough, where there are fewer. Default: all of it; fewer are an error. */
    atLeast?: number;
    /** Another order. Default: false. */
    shuffle?: boolean;
    /** Of the sample, the order, lengths that are drawn and prompts that are made. Default: 0. */
    seed?: number;
    /** The part of a trace that is taken, from its begin. Its rows may stand up to an hour off their order; turns that only have a delay go with their conversation's begin. */
    from?: Duration;
    to?: Duration;
    /** "none": a trace's prompts are not made, for looking at its lengths and times. Default: "made". */
    prompts?: "made" | "none";
  }

  /**
   * Reads prompts, conversations or a trace from a file (also .gz, .zst, .bz2) or folder; docs/datasets.md has the formats. Relative paths start at
   * the script's folder, those that the run names in a parameter at the current one; docs/trust.md says what may be read. Texts are kept in memory up to 32 MB, and beyond that in a temporary file (in TMPDIR) that is gone with the process.
   *
   * A trace has lengths and times but mostly no texts: its prompts are made, to the exact length. Rows with hash ids get blocks of words, equal ones
   * for equal ids, so that the service's prefix cache finds what it found when the trace was recorded.
   *
   * In init code, equal options give one Dataset; elsewhere each call reads anew. Not in an iteration.
   */
  export function read(path: string, options?: ReadOptions): Dataset<RecordedItem>;

  /** The formats that `read` knows. */
  export const formats: readonly { name: string; title: string; trace: boolean }[];

  /**
   * Draws each of `count` items (default: as many as all parts have) from one of several datasets, by weights (default: 1). The items of a part come in their
   * order, again and again, and lose the times of a trace; `item.part` is its name.
   *
   *     const data = mix({ chat: { data: chat, weight: 3 }, code: { data: code, weight: 1 } }, { count: 1000 });
   */
  export function mix(parts: Record<string, Dataset | { data: Dataset; weight?: number }>, options?: { count?: number; seed?: number }): Dataset<RecordedItem>;

  /** How `save` writes a file. */
  export interface SaveOptions {
    /**
     * - "weir": JSONL with all that items have: texts, lengths, times and sessions of a trace.
     * - "openai": JSONL of chat requests, `messages` and `max_tokens`; the only one for conversations. A recorded output is the last message.
     * - "vllm-custom": JSONL of `prompt` and `output_tokens`, for `vllm bench serve --dataset-name custom`.
     * - "custom": the JSON list that generate_dataset.py writes; items need recorded outputs.
     *
     * Default: "weir".
     */
    format?: "weir" | "openai" | "vllm-custom" | "custom";
    /** Throw when the file exists, instead of replacing it. Default: true. */
    exclusive?: boolean;
    /** Permissions of the file. Default: 0o644. */
    mode?: number;
  }

  /**
   * Writes a dataset to a file, which `read` can read again. Of a function, it is what that returns, and that the file can be written is seen before it is called:
   *
   *     save("prompts.jsonl", () => synthetic({ tokenizer, count: 100_000, input: 2000, output: 200 }));
   *
   * The file gets its name when it is complete and on disk. Returns the dataset. A path that the run names in
   * a parameter starts at the current folder, any other in the result's, which alone may be written to then. Not in init code,
   * which every JavaScript runtime runs, and not in an iteration.
   */
  export function save<T extends Item>(path: string, data: Dataset<T> | (() => Dataset<T>), options?: SaveOptions): Dataset<T>;

  // ---- images and sounds ----

  /**
   * An image or a sound, encoded and ready to be sent. It may stand in the content
   * of a chat message, as one of its parts; in `messages(…)` it never becomes
   * a string of the script.
   */
  export class Media {
    private constructor();
    readonly kind: "image" | "audio";
    /** "image/jpeg", "audio/wav"; "" of a URL that is passed on. */
    readonly type: string;
    /** Of an image, pixels; null where it is not known: URLs, WebP, BMP. */
    readonly width: number | null;
    readonly height: number | null;
    /** Of a sound that was made by `audio`. */
    readonly seconds: number | null;
    readonly sampleRate: number | null;
    /** Size of the file, before base64; null of a URL that is passed on. */
    readonly bytes: number | null;
    /** `data:image/jpeg;base64,…`, or the URL that is passed on. */
    toURL(): string;
    /** The file in base64. Throws for a URL that is passed on. */
    toBase64(): string;
    /** The part of a message's content: `{ type: "image_url", … }` or `{ type: "input_audio", … }`. */
    toJSON(): unknown;
  }

  /**
   * A list of media that JavaScript runtimes share. It is no Array: for map, filter and the like, write `[...list].map(…)`.
   *
   * The files are kept in base64: the first 32 MB in memory, what comes after them in a temporary file (in TMPDIR) that is gone when the
   * list is, or the process. Thousands of large images so take no more memory than a few.
   */
  export class MediaList implements Iterable<Media> {
    private constructor();
    readonly length: number;
    /** How many records of the dataset that named the files had none. */
    readonly skipped: number;
    readonly [index: number]: Media;
    /** Element `index`; negative ones count from the end. */
    at(index: number): Media | undefined;
    [Symbol.iterator](): IterableIterator<Media>;
  }

  /** What images `images` makes. */
  export interface ImageOptions {
    /** How many images. */
    count: number;
    /** Pixels, 1 to 65535; an image has 67 million at most. */
    width?: number;
    height?: number;
    /** Several sizes instead of `width` and `height`: `[[512, 512], [1024, 768]]`. */
    sizes?: readonly (readonly [width: number, height: number])[];
    /** Draw one of `sizes` for each image. Default: false, they are taken in turn. */
    draw?: boolean;
    /** Default: "jpeg". */
    format?: "jpeg" | "png";
    /** Of JPEG, 1 to 100. Default: 75. */
    quality?: number;
    /** Equal seeds give equal images, byte for byte, with the same version of weir. Default: 0. */
    seed?: number;
    /** One image for all elements. Default: false, every image is different. */
    same?: boolean;
  }

  /**
   * Makes images of random noise, on all cores: every pixel of every image is drawn by itself, so no cache of the service
   * takes one for another. Noise hardly compresses: a JPEG of 1024×1024 pixels has some 0.6 MB, a PNG 3 MB.
   *
   * To make many takes a while (1024×1024 in JPEG: about 15 a second and core), so it is done in init code, `setup` or `plan`, never in
   * an iteration. In init code, equal options give one list, which is kept for the whole run; elsewhere each call makes its own.
   */
  export function images(options: ImageOptions): MediaList;

  /** What sounds `audio` makes. */
  export interface AudioOptions {
    /** How many sounds. */
    count: number;
    /** Length of each. */
    seconds: number;
    /** Samples per second. Default: 16000. */
    sampleRate?: number;
    /** Default: "wav", one channel of 16 bits. */
    format?: "wav";
    /** Equal seeds give equal sounds on every machine. Default: 0. */
    seed?: number;
    /** One sound for all elements. Default: false, every sound is different. */
    same?: boolean;
  }

  /** Makes sounds of white noise; otherwise as `images`. They go into requests as `input_audio`. */
  export function audio(options: AudioOptions): MediaList;

  /** Which files `imageFiles` and `audioFiles` take. */
  export interface FileOptions {
    /** Field of the dataset's records that names the files. Default: the first that there is of image, images, image_path, image_url, file_name, file (or audio, audios, …). */
    field?: string;
    /** Folder of the files that a dataset names. Default: that of the dataset. */
    root?: string;
    /** Files to take at most; 0 is all. Default: 0. */
    limit?: number;
  }

  /**
   * Images that are there already, unchanged: JPEG, PNG, WebP, GIF or BMP. The source is
   *
   * - a folder, with those below it, in the order of the paths;
   * - a list of paths and URLs, or a single one;
   * - a dataset (.json with a list, or .jsonl) whose records name files or URLs; records without are skipped.
   *
   * Relative paths start where those of `open` do. URLs (`https://…`, `file://…`, `s3://…`) are passed on to the service as they are; `data:` URLs are taken apart.
   * Like `images`, not in an iteration.
   */
  export function imageFiles(source: string | readonly string[], options?: FileOptions): MediaList;

  /** Sounds that are there already, unchanged: WAV, MP3, FLAC or Ogg. Otherwise as `imageFiles`, but URLs cannot be passed on. */
  export function audioFiles(source: string | readonly string[], options?: FileOptions): MediaList;

  // ---- messages ----

  /**
   * Chat messages for `service.chat(…)` that are put together when the request is written, so that what is large never goes through the
   * script. `toJSON()` makes them to look at.
   */
  export class Messages {
    private constructor();
    /** The messages in full, media included. */
    toJSON(): Message[];
  }

  /** How `withMedia` puts prompts and media together. */
  export interface WithMediaOptions {
    /** Media of each list in one prompt. Default: 1. */
    perPrompt?: number;
    /** Media before the text. Default: false, after it. */
    mediaFirst?: boolean;
    /** Text of a system message before the prompt. Default: none. */
    system?: string;
  }

  /**
   * Prompts with media: item i has the i-th prompt and the next `perPrompt` elements of each list, which is begun again at its end. A service that caches what it has
   * computed of an image finds those that come again, so make `count × perPrompt` of them.
   *
   * ```ts
   * const data = withMedia(synthetic({ tokenizer, count, input: 128, output: 64 }), images({ count, width: 512, height: 512 }));
   * // in the iteration:
   * const { messages, outputTokens } = it.item!;
   * await service.chat(messages, { maxTokens: outputTokens });
   * ```
   */
  export function withMedia(prompts: Dataset, media: MediaList | readonly (MediaList | Media)[], options?: WithMediaOptions): Dataset<MediaItem>;

  /** A message whose content may have texts and media among its parts. */
  export interface MediaMessage {
    role: Message["role"];
    content: string | readonly (string | Media | object)[] | null;
    [more: string]: unknown;
  }

  /** Chat messages of any form with media among the parts of their content: `messages([{ role: "user", content: ["What is this?", image] }])`. Quick, also in an iteration. */
  export function messages(list: readonly MediaMessage[]): Messages;
}
