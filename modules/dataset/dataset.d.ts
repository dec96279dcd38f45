/** The prompts, images and sounds that a case sends. */
declare module "weir/dataset" {
  import type { Message } from "weir/llm";
  import type { Tokenizer } from "weir/tokenizer";

  // ---- prompts ----

  /** One request to be made. */
  export interface Item {
    prompt: string;
    /** Tokens of the prompt, special ones included unless they were turned off. */
    promptTokens: number;
    /** Tokens to ask the service for. */
    outputTokens: number;
  }

  /** An item of a dataset with media. */
  export interface MediaItem extends Item {
    /** The prompt and its media, for `service.chat(item.messages, …)`. `promptTokens` counts the text alone. */
    messages: Messages;
  }

  /**
   * A list of items that JavaScript runtimes share: give it as a case's `data`. An item is made when it is read, anew each time. It is no
   * Array: for map, filter and the like, write `[...dataset].map(…)`.
   */
  export class Dataset<T extends Item = Item> implements Iterable<T> {
    private constructor();

    readonly length: number;

    /**
     * How many prompts do not have the asked number of tokens, because no text of
     * that length was found. Their `promptTokens` is the true number.
     */
    readonly inexact: number;

    readonly [index: number]: T;

    /** Item `index`; negative ones count from the end. */
    at(index: number): T | undefined;

    [Symbol.iterator](): IterableIterator<T>;
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
   * Relative paths start at the script's folder, as those of `open`. URLs (`https://…`, `file://…`, `s3://…`) are passed on to the service as they are; `data:` URLs are taken apart.
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
    toJSON(): Message[];
  }

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
