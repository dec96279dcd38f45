// Makes the records that conventions are tested with (expected.py): every thing that
// tools see differently. Only needed to make them anew:
//   weir run testdata/conventions/record.ts --records --no-doctor --out FOLDER
//   zstd -dc FOLDER/records.jsonl.zst >records.jsonl
//   jq 'del(.environment, .services, .command, .settings, .cases[].client)' FOLDER/result.json >result.json
import { type Case, type It } from "weir";
import { Endpoint } from "weir/llm";
import { Simulator } from "weir/sim";

const pace = { ttft: "25ms", itl: "8ms", itlSlope: "500us", jitter: 0.3 };
const plain = new Endpoint({ url: new Simulator(pace).url, maxTokens: 16, ignoreEos: true });
const thinking = new Endpoint({ url: new Simulator({ ...pace, reasoningTokens: 5, tokensPerEvent: 3, finishChunk: true }).url, continuousUsage: true, ignoreEos: true });
const failing = new Endpoint({ url: new Simulator({ ...pace, fault: "error-event,500,500,truncate,reset,role-only,reset", faultRate: 0.6, faultAfter: 3, seed: 5 }).url, maxTokens: 12, ignoreEos: true, retry: { attempts: 2, wait: "5ms", on: [500, "truncated"] } });
const uncounted = new Endpoint({ url: new Simulator(pace).url, maxTokens: 10, ignoreEos: true, keepAlive: false, extraBody: { stream_options: { include_usage: false } } });

const prompt = "Describe a weir, and what it is good for, in a few words. ";

export const options = { slo: { ttft: 60, tpot: 11, e2el: 250 } };

export function* plan(): Generator<Case> {
  yield { name: "16 out, 3 parallel", executor: "waves", vus: 3, waves: 3, tags: { prompt_tokens: 32, output_tokens: 18, parallel: 3 } };
  yield { name: "reasoning, several tokens an event", executor: "shared-iterations", vus: 3, iterations: 10, exec: "think" };
  yield { name: "failures", executor: "shared-iterations", vus: 3, iterations: 14, exec: "fail" };
  yield { name: "no usage, a new connection each", executor: "arrival-rate", rate: 25, iterations: 8, exec: "uncount" };
}

export default async function () {
  await plain.complete(prompt);
}

// Every third answer has one token, one is not streamed.
export async function think(it: It) {
  await thinking.complete(prompt.repeat(1 + (it.index % 4)), { maxTokens: it.index % 3 === 2 ? 1 : 24, stream: it.index !== 4 });
}

export async function fail(it: It) {
  await failing.complete(prompt.repeat(1 + (it.index % 3)));
}

export async function uncount() {
  await uncounted.complete(prompt);
}
