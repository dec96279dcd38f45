// What cmd/bench plays: one request an iteration, numbered for the server's log.
import { params, sleep, type Case, type It } from "weir";
import { Endpoint, type CustomBackend } from "weir/llm";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  streams: { default: 1, help: "streams at the same time" },
  requests: { default: 1, help: "requests of each stream, one after another" },
  tokens: { default: 200, help: "tokens of each answer" },
  spread: { default: "0s", type: "duration", help: "time over which the streams' first requests are spread" },
  prompt: { default: "Why is the sky blue?", help: "the prompt" },
  custom: { default: false, help: "read the protocol in JavaScript" },
});

const inJavaScript: CustomBackend = {
  path: "/v1/chat/completions",
  request: (prompt: string, o) => ({
    model: "sim",
    messages: [{ role: "user", content: prompt }],
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: o.maxTokens,
    ignore_eos: true,
  }),
  event: (data: string) => {
    if (data === "[DONE]") return { done: true };
    const e = JSON.parse(data);
    const choice = e.choices[0];
    return {
      text: choice?.delta.content,
      finishReason: choice?.finish_reason,
      usage: e.usage && { inputTokens: e.usage.prompt_tokens, outputTokens: e.usage.completion_tokens },
    };
  },
};

const service = new Endpoint({ url: p.url, model: "sim", maxTokens: p.tokens, ignoreEos: true, ...(p.custom ? { backend: inJavaScript } : {}) });

export function* plan(): Generator<Case> {
  yield { name: "bench", executor: "per-vu-iterations", vus: p.streams, iterations: p.requests };
}

export default async function (it: It): Promise<void> {
  if (p.spread > 0 && it.iterationInVU === 0) await sleep((p.spread / 1000) * (it.vu / p.streams));
  await service.complete(p.prompt, { headers: { "X-Request-Id": String(it.index) } });
}
