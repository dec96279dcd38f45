// A sweep is plain code: plan yields one case after another, sees each result,
// and stops when the service has had enough.
//   weir run examples/sweep.ts --sim
import { check, params, type Case, type CaseResult, type It } from "weir";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Dataset } from "weir/dataset";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  model: { default: "", help: "name of the model" },
  tokenizer: { default: "builtin", help: "folder with the model's tokenizer.json" },
  users: { default: [1, 2, 4, 8], help: "requests at the same time, one case each" },
  requests: { default: 4, help: "requests of each user" },
  sloTtft: { default: 500, help: "stop when the p99 of TTFT passes this, ms" },
});

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({ url: p.url, model: p.model, ignoreEos: true, tokenizer });

export const options = { thresholds: { request_failed: ["rate<0.01"] } };

export function* plan(): Generator<Case, void, CaseResult> {
  for (const users of p.users) {
    const result = yield {
      name: `concurrency ${users}`,
      of: p.users.length,
      tags: { users },
      executor: "per-vu-iterations",
      vus: users,
      iterations: p.requests,
      warmup: users === p.users[0] ? { iterations: 1 } : undefined,
      data: synthetic({ tokenizer, count: users * p.requests + 1, input: { mean: 200, std: 50, min: 50, max: 400 }, output: 32, seed: users }),
    };
    if (result.metrics.ttft.p(99) > p.sloTtft) {
      console.log(`concurrency ${users}: p99 of TTFT is above ${p.sloTtft} ms, so this was the last case`);
      return;
    }
  }
}

export default async function (it: It<Dataset>) {
  const reply = await service.complete(it.item!);
  check(reply, { "ended by length": (r) => r.finishReason === "length" });
}
