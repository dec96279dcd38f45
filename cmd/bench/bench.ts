// What cmd/bench plays: one request an iteration, numbered for the server's log.
import { params, sleep, type Case, type It } from "weir";
import { Endpoint } from "weir/llm";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  streams: { default: 1, help: "streams at the same time" },
  requests: { default: 1, help: "requests of each stream, one after another" },
  tokens: { default: 200, help: "tokens of each answer" },
  spread: { default: "0s", type: "duration", help: "time over which the streams' first requests are spread" },
  prompt: { default: "Why is the sky blue?", help: "the prompt" },
});

const service = new Endpoint({ url: p.url, model: "sim", maxTokens: p.tokens, ignoreEos: true });

export function* plan(): Generator<Case> {
  yield { name: "bench", executor: "per-vu-iterations", vus: p.streams, iterations: p.requests };
}

export default async function (it: It): Promise<void> {
  if (p.spread > 0 && it.iterationInVU === 0) await sleep((p.spread / 1000) * (it.vu / p.streams));
  await service.complete(p.prompt, { headers: { "X-Request-Id": String(it.index) } });
}
