// Embeddings: texts of a length, several in a request, one case for each number of users.
// There is no token stream, so what counts is the latency and the texts per second.
import { check, params, type It, type Options, type Plan } from "weir";
import { synthetic, type Dataset } from "weir/dataset";
import { Endpoint } from "weir/llm";
import { Counter } from "weir/metrics";
import { Tokenizer } from "weir/tokenizer";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  model: { default: "", help: "name of the model, as the service knows it" },
  apiKey: { default: "", secret: true, help: "sent as a bearer token" },
  tokenizer: { default: "builtin", help: "folder with the model's tokenizer.json" },
  users: { default: [1, 4, 16], help: "requests at the same time, one case each" },
  requests: { default: 10, help: "requests of each user" },
  batch: { default: 8, help: "texts in a request" },
  tokens: { default: 256, help: "length of each text" },
});

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({ backend: "embeddings", url: p.url, model: p.model, apiKey: p.apiKey, tokenizer });
const texts = new Counter("texts"); // its rate is the texts per second

export const options: Options = { thresholds: { request_failed: "rate<0.01" } };

export function* plan(): Plan {
  for (const users of p.users) {
    yield {
      name: `concurrency ${users}`,
      of: p.users.length,
      tags: { users, batch: p.batch },
      executor: "per-vu-iterations",
      vus: users,
      iterations: p.requests,
      data: { sentences: synthetic({ tokenizer, count: users * p.requests * p.batch, input: p.tokens, output: 1, seed: users }) },
      warmup: 2,
    };
  }
}

export default async function (it: It<{ sentences: Dataset }>) {
  const { sentences } = it.data;
  const first = (it.index * p.batch) % sentences.length;
  const reply = await service.embed([...sentences.slice(first, first + p.batch)].map((item) => item.prompt));
  if (check(reply, { "one embedding for each text": (r) => r.results === p.batch })) texts.add(p.batch);
}
