// Replays a trace: requests come when they came, with prompts and answers as long as they
// were. Prompts begin alike where the trace's did, by its hash ids, so that a prefix cache
// finds what it found then. Faster replays show how much more a service could take.
import { check, params, type It, type Options, type Plan } from "weir";
import { read, type Dataset, type RecordedItem } from "weir/dataset";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";

const p = params({
  url: { default: "http://127.0.0.1:8000", help: "base URL of the service" },
  model: { default: "", help: "name of the model, as the service knows it" },
  apiKey: { default: "", secret: true, help: "sent as a bearer token" },
  tokenizer: { default: "builtin", help: "folder with the model's tokenizer.json" },
  trace: { default: "trace.jsonl", help: "the trace: Mooncake, Bailian, BurstGPT, Azure and others; the format is found out" },
  speeds: { default: [1, 2], help: "how many times as fast as it was recorded, one case each" },
  maxPromptTokens: { default: 0, help: "leave out longer prompts; 0: none" },
});

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({ url: p.url, model: p.model, apiKey: p.apiKey, tokenizer, ignoreEos: true });

export const options: Options = {
  setupTimeout: "1h", // long traces take long to make
  thresholds: { request_failed: "rate<0.01" },
};

export function* plan(): Plan {
  for (const [i, speed] of p.speeds.entries()) {
    // Other words in each case, so that one does not find the last one's in the cache.
    const requests = read(p.trace, { tokenizer, maxPromptTokens: p.maxPromptTokens, seed: i });
    const reuse = requests.reuse();
    if (i === 0 && reuse) console.log(`${requests.length} requests; a cache that keeps everything finds ${((100 * reuse.cachedTokens) / reuse.promptTokens).toFixed(0)} % of their tokens`);
    yield {
      name: `speed ${speed}`,
      of: p.speeds.length,
      tags: { speed },
      executor: "replay",
      timestamps: requests.timestamps(),
      speed,
      data: requests,
      expect: ["cached_prompts"], // what prompts have in common is the trace's
    };
  }
}

export default async function (it: It<Dataset<RecordedItem>>) {
  const reply = await service.complete(it.item!);
  check(reply, { "as long as in the trace": (r) => r.tokens === it.item!.outputTokens });
}
