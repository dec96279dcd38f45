// A service whose protocol weir does not know: two functions write its requests and
// read its events. Here it is llama.cpp's /completion, as if weir did not speak that.
//
//     weir run examples/protocol.ts --url http://127.0.0.1:8080
import { check, params, type It, type Options } from "weir";
import { Endpoint } from "weir/llm";

const p = params({
  url: { default: "http://127.0.0.1:8080", help: "base URL of the service" },
  tokens: { default: 32, help: "tokens of each answer" },
});

interface Event {
  content: string;
  stop: boolean;
  stop_type?: string;
  tokens_predicted?: number;
  tokens_evaluated?: number;
  error?: { message: string };
}

const service = new Endpoint({
  url: p.url,
  maxTokens: p.tokens,
  ignoreEos: true,
  backend: {
    name: "llama.cpp by hand",
    path: "/completion",
    request: (prompt: string, o) => ({ prompt, n_predict: o.maxTokens, ignore_eos: o.ignoreEos, stream: o.stream }),
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
  },
});

export const options: Options = { executor: "shared-iterations", vus: 4, iterations: 12 };

export default async function (it: It): Promise<void> {
  const reply = await service.complete(`Write a line about weir number ${it.index}.`);
  check(reply, {
    "all tokens came": (r) => r.tokens === p.tokens,
    "ended by length": (r) => r.finishReason === "length",
  });
}
