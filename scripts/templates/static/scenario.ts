// A static benchmark: prompts and answers of fixed lengths, and one case for each number
// of users. All users ask at once, wait for all answers, and ask again.
import { check, params, type It, type Options, type Plan } from "weir";
import { synthetic, type Dataset } from "weir/dataset";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";

// Each of these is a flag (--users 1 4 16), may stand in a --params file, or in a variable (WEIR_USERS).
const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  model: { default: "", help: "name of the model, as the service knows it" },
  apiKey: { default: "", secret: true, help: "sent as a bearer token" },
  tokenizer: { default: "builtin", help: "folder with the model's tokenizer.json" },
  users: { default: [1, 4, 16], help: "requests at the same time, one case each" },
  promptTokens: { default: 512, help: "length of each prompt" },
  outputTokens: { default: 128, help: "length of each answer" },
  waves: { default: 5, help: "how often all users ask" },
});

const tokenizer = new Tokenizer(p.tokenizer);
// ignoreEos: answers are as long as was asked for, so that cases can be compared.
const service = new Endpoint({ url: p.url, model: p.model, apiKey: p.apiKey, tokenizer, ignoreEos: true });

// What has to hold. A threshold that is crossed ends the run with exit code 99.
export const options: Options = {
  thresholds: { request_failed: "rate<0.01", checks: "rate>0.99" },
};

// Yields one case after another, and gets each one's result: a sweep, or a search, is plain code.
export function* plan(): Plan {
  for (const users of p.users) {
    const result = yield {
      name: `concurrency ${users}`,
      of: p.users.length,
      tags: { users }, // thresholds and reports can tell cases by them: ttft{users:16}
      executor: "waves",
      vus: users,
      waves: p.waves,
      // Other prompts in each case: what the service has cached of one is no help in the next.
      data: synthetic({ tokenizer, count: users * p.waves, input: p.promptTokens, output: p.outputTokens, seed: users }),
      warmup: { vus: users, iterations: users },
    };
    console.log(`${result.name}: ${result.throughput.output_tokens.toFixed(0)} tokens/s`);
  }
}

// One iteration: thousands of them may run at once.
export default async function (it: It<Dataset>) {
  const reply = await service.complete(it.item!);
  check(reply, { "as long as asked": (r) => r.tokens === p.outputTokens });
}
