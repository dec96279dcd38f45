// What cmd/bench plays for big inputs: as many requests as asked, each with a prompt of its own.
import { params, type Case, type It, type Options } from "weir";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Dataset } from "weir/dataset";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  requests: { default: 1000, help: "requests in all" },
  streams: { default: 256, help: "requests at the same time" },
  tokens: { default: 4096, help: "tokens of each prompt, and of each answer" },
});

const tokenizer = new Tokenizer("builtin");
const service = new Endpoint({ url: p.url, model: "sim", ignoreEos: true });

export const options: Options = { setupTimeout: "24h" }; // to make the prompts takes minutes

export function* plan(): Generator<Case> {
  const data = synthetic({ tokenizer, count: p.requests, input: p.tokens, output: p.tokens });
  if (data.inexact > 0) throw new Error(`${data.inexact} of ${data.length} prompts do not have ${p.tokens} tokens`);
  yield { name: "big", executor: "shared-iterations", vus: p.streams, iterations: p.requests, maxDuration: "24h", data };
}

export default async function (it: It<Dataset>): Promise<void> {
  await service.complete(it.item!);
}
