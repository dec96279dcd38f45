// Retrieval-augmented generation: a question is embedded, as to look up documents, and
// then asked with a long document before it. Many questions are about the same few
// documents, so that a service with a prefix cache has read most of each prompt before.
import { check, params, type It, type Options, type Plan } from "weir";
import { synthetic, type Dataset } from "weir/dataset";
import { Endpoint } from "weir/llm";
import { Trend } from "weir/metrics";
import { Tokenizer } from "weir/tokenizer";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service that answers" },
  model: { default: "", help: "name of its model" },
  embeddingUrl: { default: "", help: "base URL of the service that embeds; default: that of --url" },
  embeddingModel: { default: "", help: "name of its model" },
  apiKey: { default: "", secret: true, help: "sent as a bearer token to both" },
  tokenizer: { default: "builtin", help: "folder with the answering model's tokenizer.json" },
  documents: { default: [4], help: "different documents, one case each" },
  documentTokens: { default: 2000, help: "length of a document" },
  questionTokens: { default: 40, help: "length of a question" },
  outputTokens: { default: 64, help: "length of an answer" },
  users: { default: 4, help: "questions at the same time" },
  requests: { default: 40, help: "questions of each case" },
});

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({ url: p.url, model: p.model, apiKey: p.apiKey, tokenizer, ignoreEos: true });
const embedder = new Endpoint({ backend: "embeddings", url: p.embeddingUrl || p.url, model: p.embeddingModel, apiKey: p.apiKey });

// What a user waits for: embedding and first token together.
const firstWord = new Trend("first_word", true);

export const options: Options = { thresholds: { request_failed: "rate<0.01" } };

interface Data { prompts: Dataset; questions: Dataset }

export function* plan(): Plan {
  for (const groups of p.documents) {
    const data: Data = {
      prompts: synthetic({
        tokenizer,
        count: p.requests,
        input: p.documentTokens + p.questionTokens,
        output: p.outputTokens,
        prefix: { tokens: p.documentTokens, groups }, // each prompt begins with one of the documents
        seed: groups,
      }),
      questions: synthetic({ tokenizer, count: p.requests, input: p.questionTokens, output: 1, seed: groups }),
    };
    const result = yield {
      name: `${groups} documents`,
      of: p.documents.length,
      tags: { documents: groups },
      executor: "shared-iterations",
      vus: p.users,
      iterations: p.requests,
      data,
      expect: ["cached_prompts"], // that prompts begin alike is what this is about
    };
    const cached = result.metrics.cached_tokens;
    if (cached.n > 0) console.log(`${result.name}: ${cached.avg!.toFixed(0)} tokens of a prompt came from the service's cache`);
  }
}

export default async function (it: It<Data>) {
  const i = it.index % p.requests;
  const vector = await embedder.embed(it.data.questions[i]);
  if (vector.error) return;
  const reply = await service.complete(it.data.prompts[i]);
  check(reply, { "as long as asked": (r) => r.tokens === p.outputTokens });
  if (reply.ttft !== null) firstWord.add(vector.latency + reply.ttft);
}
