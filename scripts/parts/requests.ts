// How the scenarios that replace the AscendCloud-LLM scripts ask for tokens: what
// their requests say besides the prompt and its output length.
import { invalidParams } from "weir";
import { backends, type Endpoint, type Reply, type RequestOptions } from "weir/llm";
import type { Item } from "weir/dataset";
import { wholeNumbers } from "./checks";
import type { Values } from "./service";

/** The backends that make tokens. */
export const generating = backends.filter((name) => name !== "embeddings" && name !== "rerank");

export const requestFlags = {
  temperature: { default: 0, help: "sampling temperature" },
  topP: { default: 0.8, help: "nucleus sampling; 1 leaves it out of the request" },
  topK: { default: 5, help: "top-k sampling; 0 or less leaves it out of the request" },
  bestOf: { default: 1, help: "choices of which the service returns the best; only for backend tgi" },
  useBeamSearch: { default: false, help: "accepted for backend tgi, to which it says no more than --best-of" },
  numSchedulerSteps: { default: 1, help: "tokens that the service sends at once (multi-step scheduling); one request finds out first whether it does" },
} as const;

export type Requests = Values<typeof requestFlags>;

/** Ends the run when flags make no sense for the backend. */
export function checkRequests(p: Requests & { readonly servedModelName: string }, backend: string): void {
  if ((p.bestOf !== 1 || p.useBeamSearch) && backend !== "tgi") {
    invalidParams("--best-of and --use-beam-search only apply to backend tgi");
  }
  if (backend === "mindie-triton" && p.servedModelName === "") {
    invalidParams("--served-model-name is missing: backend mindie-triton has it in the path of its requests");
  }
  wholeNumbers(1, { "--best-of": p.bestOf, "--num-scheduler-steps": p.numSchedulerSteps });
}

/** What every request says: the outputs have the length that is asked for. */
export function requestOptions(p: Requests, backend: string): RequestOptions {
  const counted = backend === "openai" || backend === "openai-chat";
  return {
    temperature: p.temperature,
    ...(p.topP < 1 ? { topP: p.topP } : {}),
    ...(p.topK > 0 ? { topK: p.topK } : {}),
    ignoreEos: true,
    ...(p.bestOf > 1 ? { bestOf: p.bestOf } : {}),
    ...(p.numSchedulerSteps > 1 ? (counted ? { continuousUsage: true } : { tokensPerEvent: p.numSchedulerSteps }) : {}),
  };
}

/** In the path of a Triton a model has another name than in those of the others. */
export function modelOf(p: { readonly servedModelName: string }, backend: string): { model?: string } {
  return backend === "trt" || backend === "triton" ? { model: p.servedModelName } : {};
}

/** Sends one request, and ends the run if the service does not send as many tokens at once as --num-scheduler-steps says. */
export async function checkSteps(service: Endpoint, prompt: Item, steps: number): Promise<void> {
  const reply: Reply = await service.complete(prompt);
  if (reply.error) throw new Error(`the request that finds out about --num-scheduler-steps failed: ${reply.error.message}`);
  const made = reply.usage ? reply.tokens : prompt.outputTokens; // what is counted in the text may be some more or less
  const expected = 1 + Math.ceil((made - 1) / steps);
  if (reply.events !== expected) {
    invalidParams(
      `the service does not send ${steps} tokens at once: ${made} tokens came in ${reply.events} events and not in ${expected}. ` +
        "Set --num-scheduler-steps to what it was started with, or leave it out where the service counts its tokens in every event",
    );
  }
}
