// What cmd/bench plays: one request an iteration, numbered for the server's log.
import { params, type Case, type It } from "weir";
import { Endpoint } from "weir/llm";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  streams: { default: 1, help: "streams at the same time" },
  requests: { default: 1, help: "requests of each stream, one after another" },
  tokens: { default: 200, help: "tokens of each answer" },
  prompt: { default: "Why is the sky blue?", help: "the prompt" },
});

const service = new Endpoint({ url: p.url, model: "sim", maxTokens: p.tokens, ignoreEos: true });

export function* plan(): Generator<Case> {
  yield { name: "bench", executor: "per-vu-iterations", vus: p.streams, iterations: p.requests };
}

export default async function (it: It): Promise<void> {
  await service.complete(p.prompt, { headers: { "X-Request-Id": String(it.index) } });
}
