// A dynamic benchmark: requests arrive at random, as from many people who know nothing of
// each other, at one rate after another, until the service does not keep its promises.
// CapacitySearch of weir/lib/capacity finds the rate between two of these.
import { check, params, type It, type Options, type Plan } from "weir";
import { synthetic, type Dataset } from "weir/dataset";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  model: { default: "", help: "name of the model, as the service knows it" },
  apiKey: { default: "", secret: true, help: "sent as a bearer token" },
  tokenizer: { default: "builtin", help: "folder with the model's tokenizer.json" },
  rates: { default: [1, 2, 4], help: "requests per second, one case each" },
  duration: { default: "30s", type: "duration", help: "how long requests arrive" },
  promptTokens: { default: 400, help: "mean length of the prompts" },
  outputTokens: { default: 100, help: "mean length of the answers" },
  ttft: { default: "1s", type: "duration", help: "most that the first token may take" },
  tpot: { default: "50ms", type: "duration", help: "most that each further token may take" },
  goodShare: { default: 0.9, help: "share of requests that must keep both" },
});

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({ url: p.url, model: p.model, apiKey: p.apiKey, tokenizer, ignoreEos: true });

export const options: Options = {
  slo: { ttft: p.ttft, tpot: p.tpot }, // a request that keeps them is good: see goodput
  thresholds: { request_failed: "rate<0.01" },
};

export function* plan(): Plan {
  for (const rate of p.rates) {
    const result = yield {
      name: `${rate} req/s`,
      of: p.rates.length,
      tags: { rate },
      executor: "arrival-rate", // requests start when it is time, however slow the service is
      rate,
      process: "poisson",
      duration: p.duration,
      seed: 1, // the same arrivals in every run
      data: synthetic({
        tokenizer,
        count: 10 + Math.ceil((1.2 * rate * p.duration) / 1000), // chance may bring more than the rate says
        // Lengths vary as those of people do: many short ones, and a few long.
        input: { distribution: "lognormal", mean: p.promptTokens, std: p.promptTokens / 2, min: 8, max: 4 * p.promptTokens },
        output: { distribution: "lognormal", mean: p.outputTokens, std: p.outputTokens / 2, min: 2, max: 4 * p.outputTokens },
        seed: rate,
      }),
      warmup: 4,
    };
    const share = result.goodput?.share ?? 0;
    if (share < p.goodShare) {
      console.log(`${result.name}: only ${(100 * share).toFixed(0)} % of the requests were good; higher rates are left out`);
      return;
    }
  }
}

export default async function (it: It<Dataset>) {
  const reply = await service.complete(it.item!);
  check(reply, { "there is an answer": (r) => r.tokens > 0 });
}
