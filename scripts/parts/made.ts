// Prompts that are made.
import type { Dataset } from "weir/dataset";

/** Says that some prompts do not have the length that was asked for. */
export function sayInexact<D extends Dataset>(data: D, promptTokens: number): D {
  if (data.inexact > 0) {
    console.warn(`${data.inexact} of ${data.length} prompts do not have ${promptTokens} tokens: no text of that length was found with this tokenizer`);
  }
  return data;
}
