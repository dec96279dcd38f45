// Speculative decoding: how the scenarios that replace the AscendCloud-LLM scripts
// count its tokens, and reckon how many of those that were speculated are accepted.
import { invalidParams } from "weir";
import type { RequestOptions } from "weir/llm";
import type { Values } from "./service";

export const speculationFlags = {
  useSpecDecode: { default: false, help: "the service decodes speculatively: tokens are counted in each event; only for openai and openai-chat" },
  numSpeculativeTokens: { default: -1, help: "tokens that are speculated; 0 or more adds the acceptance rates to the table" },
  useMtpAcceptRate: { default: true, help: "the acceptance rate is of the speculated tokens alone, not in layout 6.3; --no-use-mtp-accept-rate counts the one that is certain, too" },
} as const;

export type Speculation = Values<typeof speculationFlags>;

/** Ends the run when flags make no sense for the backend. */
export function checkSpeculation(p: Speculation, backend: string): void {
  if (p.useSpecDecode && backend !== "openai" && backend !== "openai-chat") {
    invalidParams("--use-spec-decode needs a service that counts its tokens in every event: --backend openai or openai-chat");
  }
  if (!Number.isInteger(p.numSpeculativeTokens)) {
    invalidParams(`--num-speculative-tokens must be a whole number, got ${p.numSpeculativeTokens}`);
  }
}

/** What requests say so that tokens are counted in each event. */
export function speculationOptions(p: Speculation): RequestOptions {
  return p.useSpecDecode ? { continuousUsage: true, extraBody: { skip_special_tokens: false } } : {};
}

/**
 * The share of speculated tokens that were accepted in an answer, as each generation of benchmark_parallel.py reckons
 * it: each step but the first makes one token and speculates k more, of S steps that are sent at once.
 */
export function acceptRate(p: Speculation & { readonly numSchedulerSteps: number }, layout: "6.3" | "6.5", tokens: number, steps: number): number {
  const [k, s] = [p.numSpeculativeTokens, layout === "6.3" ? 1 : p.numSchedulerSteps];
  if (steps <= 1) return 0;
  if (layout === "6.5" && p.useMtpAcceptRate) return k === 0 ? 0 : (tokens - 1 - (steps - 1) * s) / ((steps - 1) * k * s);
  return (tokens - 1) / ((steps - 1) * (k + 1) * s);
}
