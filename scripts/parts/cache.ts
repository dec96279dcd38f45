// What the service tells of its prefix cache.
import type { CaseResult } from "weir";

/** Share of the prompt tokens that came from the cache, 0…1; NaN when the service counts no prompt tokens. */
export function hitRate({ metrics: { cached_tokens: cached, input_tokens: input } }: CaseResult): number {
  return cached?.n > 0 ? (cached.avg! * cached.n) / (input.avg! * input.n) : NaN;
}

export const tellsNothing =
  "the service told of no cached tokens: it has no prefix cache, or does not tell of it (vLLM does with --enable-prompt-tokens-details)";
