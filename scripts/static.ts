// The static benchmark: fixed prompt length, fixed output length, fixed
// concurrency → throughput and first-token latency. It takes the flags of the
// AscendCloud-LLM script benchmark_parallel.py and writes its CSV; what differs
// on purpose is in docs/ascend.md. With --run-method climbing it is the climbing
// benchmark, as in the later packages.
import { invalidParams, params, type Case, type CaseResult, type It, type Options, type Tags } from "weir";
import { Endpoint, backends, type RequestOptions } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Dataset } from "weir/dataset";
import { Trend } from "weir/metrics";
import type { Cell, Column } from "weir/output";
import { parallelCells, parallelColumns } from "weir/lib/ascend";
import { named, useless } from "./parts/checks";
import { checkClimbing, checkNumPrompts, climbing, climbingFlags, type Climbing } from "./parts/climbing";
import { sayInexact } from "./parts/made";
import { checkFlags, loadFlags, sweep, tableFlags, type Point } from "./parts/parallel";
import { checkProfile, profileFlags, profiler } from "./parts/profiling";
import { checkReal, ownLengths, realFlags, realPairs, realPrompts } from "./parts/realdata";
import { checkRequests, checkSteps, modelOf, requestFlags, requestOptions } from "./parts/requests";
import { caseSeed, chooseSeed } from "./parts/seed";
import { sayScheme, schemeFlag, schemeOf, serviceFlags, serviceOptions } from "./parts/service";
import { acceptRate, checkSpeculation, speculationFlags, speculationOptions } from "./parts/speculation";

// Flags that one of the two ways of running alone looks at.
const parallelFlags = {
  epochs: loadFlags.epochs,
  requestRate: loadFlags.requestRate,
  ...tableFlags,
  usePdSeparate: { default: "", help: "any value but false: equal gaps of 1/rate instead of exponential ones" },
  enablePrefixCaching: { default: "", help: "any value but false: prompts begin with the same --prefix-caching-num tokens" },
  prefixCachingNum: { default: 0, help: "tokens that prompts have in common with --enable-prefix-caching" },
  samePrompt: { default: false, help: "one prompt for all requests of a case (of a dataset: the same prompts in every case), as benchmark_parallel.py does" },
} as const;
const { numPrompts, ...climbingAlone } = climbingFlags;

const p = params({
  runMethod: { default: "parallel", choices: ["parallel", "climbing"] as const, help: "parallel: waves of --parallel-num requests; climbing: connections that become more in steps, and the table of benchmark_climbing.py in --benchmark-dir" },
  backend: {
    default: "openai-chat",
    choices: ["embedding", ...backends.filter((name) => name !== "rerank")],
    help: "protocol of the service; embedding is the scripts' name for embeddings",
  },
  ...serviceFlags,
  ...schemeFlag,
  apiKey: { default: "", secret: true, help: "sent as header Authorization: Bearer (anthropic: X-Api-Key)" },
  ...loadFlags,
  ...parallelFlags,
  seed: { default: -1, help: "of the prompts and of the gaps; -1: another one for each run, which it names, so that none finds the prompts of an earlier one in the cache; several instances must be given the same" },
  ...requestFlags,
  keepAlive: { default: true, help: "reuse connections; --no-keep-alive opens one for each request, as benchmark_parallel.py does" },
  pause: { default: "0s", type: "duration", help: "wait between cases; benchmark_parallel.py waits 10s" },
  timeout: { default: "3h", type: "duration", help: "limit of one request" },
  warmup: { default: 4, help: "requests before the first case that are not counted" },
  ...speculationFlags,
  ...realFlags,
  ...profileFlags,
  ...climbingAlone,
  numPrompts: { ...numPrompts, help: "requests of each case, one number for each of --parallel-num; with --run-method parallel instead of --epochs, as many epochs for all" },
});

const backend = p.backend === "embedding" ? "embeddings" : p.backend;
const embeds = backend === "embeddings";
const speculates = p.numSpeculativeTokens >= 0;
const load = realPairs(p);
checkFlags(load, !embeds);
checkOwnFlags();
checkProfile(p);
if (p.runMethod === "climbing") useless(parallelFlags, p, "to --run-method climbing");
else useless(climbingAlone, p, "to --run-method parallel; --run-method climbing looks at it");
const epochs = p.runMethod === "parallel" && p.numPrompts.length > 0 ? epochsOf(p.numPrompts, p.parallelNum) : p.epochs;

const tokenizer = new Tokenizer(p.tokenizer);
const reached = serviceOptions(p, schemeOf(p, backend));
const climb = p.runMethod === "climbing" ? climbing(climbingLoad(), tokenizer, { ...generation(), keepAlive: p.keepAlive, timeout: p.timeout }) : null;
const service = climb ? null : new Endpoint({
  ...reached,
  backend,
  ...modelOf(p, backend),
  tokenizer,
  keepAlive: p.keepAlive,
  timeout: p.timeout,
  ...(embeds ? {} : generation()),
});

const profile = climb ? null : profiler(p, reached);

export const options: Options = { doctor: true, setupTimeout: "24h" }; // large datasets take long to read and to make

const acceptance = speculates && !climb ? new Trend("spec_accept_rate") : undefined;

// The scripts ask once whether the service sends as many tokens at once as it should.
export async function setup(): Promise<void> {
  if (climb) return climb.setup();
  if (p.numSchedulerSteps === 1 || p.useSpecDecode || embeds) return;
  const [input, output] = [p.promptTokens[0], p.outputTokens[0]];
  const one = synthetic({ tokenizer, count: 1, input, output, seed: caseSeed("static steps", Math.max(p.seed, 0), 0) }); // of no case
  await checkSteps(service!, one[0], p.numSchedulerSteps);
}

export function plan(): Generator<Case, void, CaseResult> {
  if (climb) return climb.plan();
  sayScheme(p, backend);
  const seed = chooseSeed(p.seed);
  const real = p.datasetType === "random" ? null : realPrompts({ ...load, epochs, seed }, tokenizer);
  const byConcurrency = (a: readonly unknown[], b: readonly unknown[]): number => (a[embeds ? 1 : 2] as number) - (b[embeds ? 1 : 2] as number);
  return sweep({ ...load, epochs, seed }, {
    columns: allColumns(),
    order: ownLengths(p) ? byConcurrency : undefined, // their rows have averages
    load: (point) => ({
      ...nameOf(point),
      tags: tagsOf(point),
      process: given(p.usePdSeparate) ? "constant" : "poisson",
      data: real ? real.take(point) : prompts(point),
      profile,
      // Where prompts are to be found in the prefix cache, finding them is no fault.
      expect: p.samePrompt || given(p.enablePrefixCaching) ? ["cached_prompts"] : [],
    }),
    row: (point, result) => allCells(real ? real.average(point) : point, result),
  });
}

function tagsOf({ promptTokens, outputTokens, parallel }: Point): Tags {
  if (!ownLengths(p)) return { prompt_tokens: promptTokens, output_tokens: outputTokens, parallel };
  return { dataset: p.datasetType, ...(p.useRealDatasetOutputTokens ? {} : { output_tokens: outputTokens }), parallel };
}

function nameOf({ promptTokens, outputTokens, parallel }: Point): { name?: string } {
  if (ownLengths(p)) return { name: `${p.datasetType}, ${p.useRealDatasetOutputTokens ? "its own" : outputTokens} out, ${parallel} parallel` };
  return embeds ? { name: `${promptTokens} in, ${parallel} parallel` } : {};
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
  return sayInexact(data, promptTokens);
}

export default async function (it: It<Dataset>): Promise<void> {
  if (climb) return climb.iterate(it);
  if (embeds) {
    await service!.embed(it.item!);
    return;
  }
  const reply = await service!.complete(it.item!);
  if (acceptance && !reply.error) acceptance.add(acceptRate(p, p.csvLayout, reply.tokens, reply.events));
}

function climbingLoad(): Climbing {
  const load = { ...p, backend, concurrencies: p.parallelNum };
  if (backend !== "openai" && backend !== "openai-chat") {
    invalidParams(`--run-method climbing asks services of --backend openai or openai-chat, not ${p.backend}`);
  }
  if (p.datasetType !== "random") {
    invalidParams("--dataset-type does not apply to --run-method climbing: --dataset-dir names a folder with prompts of fixed lengths");
  }
  checkClimbing(load, "--parallel-num");
  return load;
}

// epochsOf is how many waves make --num-prompts of --parallel-num.
function epochsOf(numPrompts: readonly number[], parallelNum: readonly number[]): number {
  checkNumPrompts(numPrompts, parallelNum, "--parallel-num");
  const waves = numPrompts.map((n, i) => n / parallelNum[i]);
  if (waves.some((n) => !Number.isInteger(n) || n !== waves[0])) {
    invalidParams(`--num-prompts must be the same multiple of every one of --parallel-num, as each case has as many waves; ${numPrompts.join(" ")} are ${waves.map((n) => +n.toFixed(3)).join(", ")} times ${parallelNum.join(" ")}`);
  }
  return waves[0];
}

// generation are the options of requests that make tokens.
function generation(): RequestOptions {
  return {
    ...requestOptions(p, backend),
    ...speculationOptions(p),
  };
}

// Flags that are true with any value, as Python's type=bool.
function given(value: string): boolean {
  return value !== "" && !/^(false|0|no)$/i.test(value);
}

function checkOwnFlags(): void {
  if (p.runMethod === "parallel") named({ "--benchmark-csv": p.benchmarkCsv });
  if (given(p.enablePrefixCaching) && p.promptTokens.some((n) => p.prefixCachingNum >= n)) {
    invalidParams(`--prefix-caching-num ${p.prefixCachingNum} must be less than every one of --prompt-tokens`);
  }
  checkRequests(p, backend);
  checkReal(p, embeds);
  if (p.datasetType !== "random" && (given(p.enablePrefixCaching) || p.prefixCachingNum > 0)) {
    invalidParams("--enable-prefix-caching and --prefix-caching-num only apply to --dataset-type random");
  }
  checkSpeculation(p, backend);
}

const rateNames = {
  "6.3": ["投机接受率TP90", "投机接受率TP99", "投机最大接受率", "投机最小接受率", "投机平均接受率"],
  "6.5": ["TP90", "TP99", "MAX", "MIN", "AVG"].map((name) => `${name}_SPEC_ACCEPT_RATE`),
};

// allColumns are those of the scripts, with those that only some of their flags add.
function allColumns(): Column[] {
  const numbers = (names: string[], decimals: number): Column[] => names.map((name) => ({ name, decimals, float: true }));
  if (embeds) {
    return [{ name: "Input_Length" }, { name: "Concurrency" }, ...numbers(["QPS", "INPUT_TOKEN_THROUGHPUT", "TP90_REQ_LATENCY", "TP99_REQ_LATENCY", "MAX_REQ_LATENCY", "AVG_REQ_LATENCY"], 3)];
  }
  return [...parallelColumns(p.csvLayout), ...(speculates ? numbers(rateNames[p.csvLayout], p.csvLayout === "6.3" ? 4 : 3) : [])];
}

function allCells(point: Point, result: CaseResult): Cell[] {
  if (embeds) {
    const { e2el } = result.metrics;
    return [point.promptTokens, point.parallel, result.throughput.requests, result.throughput.input_tokens, e2el.p(90), e2el.p(99), e2el.max ?? null, e2el.avg ?? null];
  }
  const row = parallelCells(p.csvLayout, point, result, p);
  if (!speculates) return row;
  const accepted = result.metrics.spec_accept_rate as typeof result.metrics.ttft | undefined;
  return [...row, accepted?.p(90) ?? null, accepted?.p(99) ?? null, accepted?.max ?? null, accepted?.min ?? null, accepted?.avg ?? null];
}
