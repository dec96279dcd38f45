// A service whose protocol weir does not speak: two functions write its requests and read
// its events, and everything else is as always. Here they are llama.cpp's /completion;
// change them to what your service wants, beginning with path.
import { check, params, type It, type Options } from "weir";
import { Endpoint, type CustomBackend } from "weir/llm";

const p = params({
  url: { default: "http://127.0.0.1:8080", help: "base URL of the service" },
  apiKey: { default: "", secret: true, help: "sent as a bearer token" },
  users: { default: 4, help: "requests at the same time" },
  requests: { default: 40, help: "requests in all" },
  outputTokens: { default: 64, help: "length of each answer" },
});

/** An event of the stream, as the service sends it. */
interface Event {
  content: string;
  stop: boolean;
  stop_type?: string;
  tokens_predicted?: number;
  tokens_evaluated?: number;
  error?: { message: string };
}

const backend: CustomBackend = {
  name: "my-protocol",
  path: "/completion",
  // stream: "values", // for JSON values that are no event stream; the default is "sse"
  // The body of a request; o has what the endpoint and complete() were given.
  request: (prompt: string, o) => ({ prompt, n_predict: o.maxTokens, ignore_eos: o.ignoreEos, stream: o.stream }),
  // What an event has brought. Weir has noted before when it arrived.
  event: (data) => {
    const e: Event = JSON.parse(data);
    return {
      text: e.content,
      done: e.stop,
      finishReason: e.stop ? (e.stop_type === "limit" ? "length" : "stop") : null,
      usage: { inputTokens: e.tokens_evaluated, outputTokens: e.tokens_predicted },
      error: e.error?.message,
    };
  },
};

const service = new Endpoint({ url: p.url, apiKey: p.apiKey, backend, maxTokens: p.outputTokens, ignoreEos: true });

export const options: Options = {
  executor: "shared-iterations",
  vus: p.users,
  iterations: p.requests,
  thresholds: { request_failed: "rate<0.01", checks: "rate>0.99" },
};

export default async function (it: It) {
  const reply = await service.complete(`Write a line about river number ${it.index}.`);
  check(reply, {
    "all tokens came": (r) => r.tokens === p.outputTokens,
    "ended by length": (r) => r.finishReason === "length",
  });
}
