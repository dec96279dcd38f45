// The static benchmark: fixed prompt length, fixed output length, fixed
// concurrency → throughput and first-token latency. It takes the flags of the
// AscendCloud-LLM script benchmark_parallel.py and writes its CSV; what differs
// on purpose is in docs/ascend.md.
import { invalidParams, params, type Case, type CaseResult, type It, type Options } from "weir";
import { Endpoint, backends, type RequestOptions } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Dataset } from "weir/dataset";
import { Trend } from "weir/metrics";
import { cells, checkFlags, columns, loadFlags, sweep, tableFlags, type Cell, type Column, type Point } from "./lib/parallel";
import { serviceFlags, serviceOptions } from "./lib/service";

const p = params({
  backend: {
    default: "openai-chat",
    choices: ["embedding", ...backends.filter((name) => name !== "rerank")],
    help: "protocol of the service; embedding is the scripts' name for embeddings",
  },
  ...serviceFlags,
  scheme: { default: "auto", choices: ["auto", "http", "https"], help: "of the URL that is made of --host and --port; auto is https for tgi, as in the scripts, and http for all others" },
  apiKey: { default: "", secret: true, help: "sent as header Authorization: Bearer (anthropic: X-Api-Key)" },
  ...loadFlags,
  usePdSeparate: { default: "", help: "any value but false: equal gaps of 1/rate instead of exponential ones" },
  ...tableFlags,
  seed: { default: -1, help: "of the prompts and of the gaps; -1: another one for each run, which it names, so that none finds the prompts of an earlier one in the cache; several instances must be given the same" },
  temperature: { default: 0, help: "sampling temperature" },
  topP: { default: 0.8, help: "nucleus sampling; 1 leaves it out of the request" },
  topK: { default: 5, help: "top-k sampling; 0 or less leaves it out of the request" },
  enablePrefixCaching: { default: "", help: "any value but false: prompts begin with the same --prefix-caching-num tokens" },
  prefixCachingNum: { default: 0, help: "tokens that prompts have in common with --enable-prefix-caching" },
  samePrompt: { default: false, help: "one prompt for all requests of a case, as benchmark_parallel.py does" },
  keepAlive: { default: true, help: "reuse connections; --no-keep-alive opens one for each request, as benchmark_parallel.py does" },
  pause: { default: "0s", type: "duration", help: "wait between cases; benchmark_parallel.py waits 10s" },
  timeout: { default: "3h", type: "duration", help: "limit of one request" },
  warmup: { default: 4, help: "requests before the first case that are not counted" },
  bestOf: { default: 1, help: "choices of which the service returns the best; only for backend tgi" },
  useBeamSearch: { default: false, help: "accepted for backend tgi, to which it says no more than --best-of" },
  numSchedulerSteps: { default: 1, help: "tokens that the service sends at once (multi-step scheduling); one request finds out first whether it does" },
  useSpecDecode: { default: false, help: "the service decodes speculatively: tokens are counted in each event; only for openai and openai-chat" },
  numSpeculativeTokens: { default: -1, help: "tokens that are speculated; 0 or more adds the acceptance rates to the table" },
  useMtpAcceptRate: { default: true, help: "with --csv-layout 6.5: the acceptance rate is of the speculated tokens alone; --no-use-mtp-accept-rate counts the one that is certain, too" },
  datasetType: { default: "random", choices: ["random", "sharegpt", "human-eval"], help: "where prompts come from" },
  datasetPath: { default: "", help: "file with the prompts" },
  useRealDatasetOutputTokens: { default: false, help: "output lengths of the dataset instead of --output-tokens" },
});

const backend = p.backend === "embedding" ? "embeddings" : p.backend;
const embeds = backend === "embeddings";
const speculates = p.numSpeculativeTokens >= 0;
checkFlags(p, !embeds);
checkOwnFlags();

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({
  ...serviceOptions(p, p.scheme === "auto" ? (backend === "tgi" ? "https" : "http") : p.scheme),
  backend,
  // In the path of a Triton a model has another name than in those of the others.
  ...(backend === "trt" || backend === "triton" ? { model: p.servedModelName } : {}),
  tokenizer,
  keepAlive: p.keepAlive,
  timeout: p.timeout,
  ...(embeds ? {} : generation()),
});

export const options: Options = {};

const acceptance = speculates ? new Trend("spec_accept_rate") : undefined;

// The scripts ask once whether the service sends as many tokens at once as it should.
export async function setup(): Promise<void> {
  if (p.numSchedulerSteps === 1 || p.useSpecDecode || embeds) return;
  const [input, output] = [p.promptTokens[0], p.outputTokens[0]];
  const one = synthetic({ tokenizer, count: 1, input, output, seed: Math.max(p.seed, 0) + p.parallelNum.length * p.promptTokens.length }); // of no case
  const reply = await service.complete(one[0]);
  if (reply.error) throw new Error(`the request that finds out about --num-scheduler-steps failed: ${reply.error.message}`);
  const made = reply.usage ? reply.tokens : output; // what is counted in the text may be some more or less
  const expected = 1 + Math.ceil((made - 1) / p.numSchedulerSteps);
  if (reply.events !== expected) {
    invalidParams(
      `the service does not send ${p.numSchedulerSteps} tokens at once: ${made} tokens came in ${reply.events} events and not in ${expected}. ` +
        "Set --num-scheduler-steps to what it was started with, or leave it out where the service counts its tokens in every event",
    );
  }
}

export function plan(): Generator<Case, void, CaseResult> {
  if (backend === "tgi" && p.scheme === "auto" && p.url === "") console.log("tgi is asked over https, as the scripts do; --scheme http changes that");
  return sweep(p, {
    columns: allColumns(),
    load: (point) => ({
      ...(embeds ? { name: `${point.promptTokens} in, ${point.parallel} parallel` } : {}),
      tags: { prompt_tokens: point.promptTokens, output_tokens: point.outputTokens, parallel: point.parallel },
      process: given(p.usePdSeparate) ? "constant" : "poisson",
      data: prompts(point),
      // Where prompts are to be found in the prefix cache, finding them is no fault.
      expect: p.samePrompt || given(p.enablePrefixCaching) ? ["cached_prompts"] : [],
    }),
    row: allCells,
  });
}

// prompts are those of a case; the warm-up takes those at the end.
function prompts({ promptTokens, outputTokens, requests, warmup, seed }: Point): Dataset {
  const data = synthetic({
    tokenizer,
    count: requests + warmup,
    input: promptTokens,
    output: outputTokens,
    prefix: given(p.enablePrefixCaching) ? p.prefixCachingNum : 0,
    same: p.samePrompt,
    seed,
  });
  if (data.inexact > 0) {
    console.warn(`${data.inexact} of ${data.length} prompts do not have ${promptTokens} tokens: no text of that length was found with this tokenizer`);
  }
  return data;
}

export default async function (it: It<Dataset>): Promise<void> {
  if (embeds) {
    await service.embed(it.item!);
    return;
  }
  const reply = await service.complete(it.item!);
  if (acceptance && !reply.error) acceptance.add(acceptRate(reply.tokens, reply.events));
}

// acceptRate is the share of speculated tokens that were accepted, as each generation
// of benchmark_parallel.py reckons it: each step but the first makes one token and
// speculates k more, of S steps that are sent at once.
function acceptRate(tokens: number, steps: number): number {
  const [k, s] = [p.numSpeculativeTokens, p.csvLayout === "6.3" ? 1 : p.numSchedulerSteps];
  if (steps <= 1) return 0;
  if (p.csvLayout === "6.5" && p.useMtpAcceptRate) return k === 0 ? 0 : (tokens - 1 - (steps - 1) * s) / ((steps - 1) * k * s);
  return (tokens - 1) / ((steps - 1) * (k + 1) * s);
}

// generation are the options of requests that make tokens.
function generation(): RequestOptions {
  const counted = backend === "openai" || backend === "openai-chat";
  return {
    temperature: p.temperature,
    ...(p.topP < 1 ? { topP: p.topP } : {}),
    ...(p.topK > 0 ? { topK: p.topK } : {}),
    ignoreEos: true,
    ...(p.bestOf > 1 ? { bestOf: p.bestOf } : {}),
    ...(p.numSchedulerSteps > 1 ? (counted ? { continuousUsage: true } : { tokensPerEvent: p.numSchedulerSteps }) : {}),
    ...(p.useSpecDecode ? { continuousUsage: true, extraBody: { skip_special_tokens: false } } : {}),
  };
}

// Flags that are true with any value, as Python's type=bool.
function given(value: string): boolean {
  return value !== "" && !/^(false|0|no)$/i.test(value);
}

function checkOwnFlags(): void {
  if (given(p.enablePrefixCaching) && p.promptTokens.some((n) => p.prefixCachingNum >= n)) {
    invalidParams(`--prefix-caching-num ${p.prefixCachingNum} must be less than every one of --prompt-tokens`);
  }
  if ((p.bestOf !== 1 || p.useBeamSearch) && backend !== "tgi") {
    invalidParams("--best-of and --use-beam-search only apply to backend tgi");
  }
  if (backend === "mindie-triton" && p.servedModelName === "") {
    invalidParams("--served-model-name is missing: backend mindie-triton has it in the path of its requests");
  }
  if (!Number.isInteger(p.bestOf) || p.bestOf < 1) {
    invalidParams(`--best-of must be a whole number of at least 1, got ${p.bestOf}`);
  }
  if (p.datasetType !== "random" || p.datasetPath !== "" || p.useRealDatasetOutputTokens) {
    invalidParams("--dataset-type, --dataset-path and --use-real-dataset-output-tokens: only random prompts are built yet");
  }
  if (!Number.isInteger(p.numSchedulerSteps) || p.numSchedulerSteps < 1) {
    invalidParams(`--num-scheduler-steps must be a whole number of at least 1, got ${p.numSchedulerSteps}`);
  }
  if (p.useSpecDecode && backend !== "openai" && backend !== "openai-chat") {
    invalidParams("--use-spec-decode needs a service that counts its tokens in every event: --backend openai or openai-chat");
  }
  if (!Number.isInteger(p.numSpeculativeTokens)) {
    invalidParams(`--num-speculative-tokens must be a whole number, got ${p.numSpeculativeTokens}`);
  }
}

const rateNames = {
  "6.3": ["投机接受率TP90", "投机接受率TP99", "投机最大接受率", "投机最小接受率", "投机平均接受率"],
  "6.5": ["TP90", "TP99", "MAX", "MIN", "AVG"].map((name) => `${name}_SPEC_ACCEPT_RATE`),
};

// allColumns are those of the scripts, with those that only some of their flags add.
function allColumns(): Column[] {
  const numbers = (names: string[], decimals: number): Column[] => names.map((name) => ({ name, decimals, float: true }));
  if (embeds) {
    return ["Input_Length", "Concurrency", ...numbers(["QPS", "INPUT_TOKEN_THROUGHPUT", "TP90_REQ_LATENCY", "TP99_REQ_LATENCY", "MAX_REQ_LATENCY", "AVG_REQ_LATENCY"], 3)];
  }
  return [...columns(p.csvLayout), ...(speculates ? numbers(rateNames[p.csvLayout], p.csvLayout === "6.3" ? 4 : 3) : [])];
}

function allCells(point: Point, result: CaseResult): Cell[] {
  if (embeds) {
    const { e2el } = result.metrics;
    return [point.promptTokens, point.parallel, result.throughput.requests, result.throughput.input_tokens, e2el.p(90), e2el.p(99), e2el.max ?? null, e2el.avg ?? null];
  }
  const row = cells(p.csvLayout, point, result, p);
  if (!speculates) return row;
  const accepted = result.metrics.spec_accept_rate as typeof result.metrics.ttft | undefined;
  return [...row, accepted?.p(90) ?? null, accepted?.p(99) ?? null, accepted?.max ?? null, accepted?.min ?? null, accepted?.avg ?? null];
}
