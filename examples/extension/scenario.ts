// Four users ask about one long text: all but the first question find it in the cache.
//   ./weir-prefix run examples/extension/scenario.ts --sim --trace prompts.jsonl
import { params, type It } from "weir";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { PrefixCache } from "weir/x/prefix";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  trace: { default: "", help: "file to write the prompts to, for weir run replay" },
});

const tokenizer = new Tokenizer("builtin");
const service = new Endpoint({ url: p.url, maxTokens: 8 });
const cache = new PrefixCache({ blockTokens: 16, trace: p.trace });

const text = "A weir measures the flow of a stream. ".repeat(40);

export const options = { vus: 1, iterations: 4, thresholds: { prefix_expected: ["max>0.8"] } };

export default async function (it: It) {
  const prompt = `${text} Question ${it.index}: why?`;
  const found = await cache.add(tokenizer.encode(prompt));
  await service.complete(prompt);
  console.log(`${found.cached} of ${found.tokens} tokens are in the cache`);
}
