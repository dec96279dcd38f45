// Finds the highest request rate, or the highest number of requests at the same
// time, at which a service keeps its SLOs. docs/find-capacity.md tells how.
import { invalidParams, params, type Case, type CaseResult, type It, type Options, type RunResult } from "weir";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Dataset, type Length } from "weir/dataset";
import { run } from "weir/execution";
import { Counter } from "weir/metrics";
import { Csv, type Cell } from "weir/output";
import { CapacitySearch, serviceRules, type Next, type Played } from "weir/lib/capacity";
import { arrivals } from "weir/lib/ramps";
import { hopelessFailures, limitName, parseLimits, perRequest, requestsFor } from "weir/lib/slo";
import { percent, wrapped } from "weir/lib/text";
import { aboveZero, checkSeed, limits as most, useless, wholeNumbers } from "./parts/checks";
import { refusal } from "./parts/outcome";
import { caseSeed, chooseSeed } from "./parts/seed";
import { generating } from "./parts/requests";
import { askingFlags, askingOptions, checkService, plainSchemeFlag, serviceFlags } from "./parts/service";

const processFlag = { process: { default: "poisson", choices: ["poisson", "constant"] as const, help: "gaps between the starts of --search rate: exponential or equal" } } as const;
const promptLimits = {
  promptTokensMin: { default: 0, help: "shortest prompt; 0: no limit" },
  promptTokensMax: { default: 0, help: "longest prompt; 0: no limit" },
} as const;
const outputLimits = {
  outputTokensMin: { default: 0, help: "shortest output; 0: no limit" },
  outputTokensMax: { default: 0, help: "longest output; 0: no limit" },
} as const;

const p = params({
  backend: { default: "openai-chat", choices: generating, help: "protocol of the service" },
  ...serviceFlags,
  ...plainSchemeFlag,
  slo: {
    default: ["ttft:p99<2000", "tpot:p99<100"],
    help: 'what the service must keep, each as "metric:statistic<milliseconds": metrics are ttft, ttfo, tpot, itl, e2el, statistics avg, med, p50 to p99.9, max; ttft:500 is p99. With --search rate, ttft, ttfo and e2el are ttft_from_schedule, ttfo_from_schedule and e2el_from_schedule. Quote them: < is special to shells',
  },
  goodputShare: { default: 0.99, help: "least share of requests that keep the SLOs one by one" },
  failedShare: { default: 0.01, help: "largest share of requests that may fail" },
  search: { default: "rate", choices: ["rate", "concurrency"] as const, help: "what is searched for: requests per second, or requests at the same time" },
  start: { default: 0, help: "where the search begins; 0: at a quarter of what a short burst of 16 requests at the same time reaches, with --search concurrency 8" },
  min: { default: 0, help: "where it gives up; 0: a 64th of --start, with --search concurrency 1" },
  max: { default: Infinity, help: "the most that is tried" },
  tolerance: { default: 0.05, help: "the search has ended when what is kept and what is missed differ by less than this share" },
  maxCases: { default: 20, help: "cases at most" },
  requests: { default: 0, help: "requests of a case; 0: as many as the percentiles of --slo take, 662 for p99" },
  maxRequests: { default: 0, help: "requests of a case that is repeated because it is too close to call; 0: four times --requests" },
  confidence: { default: 0.95, help: "with which a case must be met or missed; otherwise it is repeated with twice the requests" },
  ignoreValidity: { default: false, help: "let INVALID cases decide too, in which this client may have been the limit" },
  ...processFlag,
  promptTokens: { default: 512, help: "mean prompt length, tokens" },
  promptTokensStd: { default: 0, help: "its standard deviation" },
  ...promptLimits,
  outputTokens: { default: 128, help: "mean output length, tokens" },
  outputTokensStd: { default: 0, help: "its standard deviation" },
  ...outputLimits,
  temperature: { default: 0, help: "sampling temperature" },
  seed: { default: -1, help: "of the prompts and of the gaps; -1: another one for each run, which it names, so that none finds the prompts of an earlier one in the cache" },
  warmup: { default: 4, help: "requests before the first case that are not counted; --search concurrency and --start 0 send a short burst besides" },
  ...askingFlags,
  capacityCsv: { default: "", help: "file for the table of cases; it must not exist yet" },
});

const rates = p.search === "rate";
const limits = parseLimits(p.slo, rates, "--slo");
checkFlags();
const slo = perRequest(limits, p.goodputShare);
const requests = p.requests || requestsFor(limits, p.goodputShare);

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({
  ...askingOptions(p),
  tokenizer,
});

// Requests that failed, for stopWhen: there is not always an SLO that they miss.
const failures = new Counter("failures");

export const options: Options = { doctor: true, slo };

const bursts = !rates || p.start === 0;
let search: CapacitySearch | undefined;
let refused: string | null = null;

export function* plan(): Generator<Case, void, CaseResult> {
  const seed = chooseSeed(p.seed);
  const goodput = Object.entries(slo).map(([name, limit]) => `${name} ≤ ${limit} ms`);
  console.log(wrapped(`must keep: ${limits.map((l) => `${limitName(l)} < ${l.below} ms`).join(", ")}${goodput.length > 0 ? `, and ${percent(p.goodputShare)} of the requests ${goodput.join(", ")}` : ""}`));
  if (requests < requestsFor(limits, p.goodputShare)) {
    console.warn(wrapped(`--requests ${requests} are few for these SLOs: it takes ${requestsFor(limits, p.goodputShare)}, and cases will be repeated more often`, 71));
  }
  const csv = p.capacityCsv ? new Csv(p.capacityCsv, { columns: csvColumns() }) : undefined;
  try {
    let [start, latency, warmup] = [p.start, 0, p.warmup]; // latency: of a request in the burst, ms
    if (bursts) {
      const burst = yield burstOf(caseSeed("find-capacity", seed, 0));
      if (burst.interrupted) return;
      refused = refusal(burst);
      if (refused !== null) return;
      if (start === 0) start = startAfter(burst.throughput.requests);
      [latency, warmup] = [burst.metrics.e2el.avg ?? 0, 0];
    }
    search = new CapacitySearch({
      slo: limits,
      of: p.search,
      start,
      min: p.min || undefined,
      max: p.max,
      tolerance: p.tolerance,
      maxCases: p.maxCases,
      requests,
      maxRequests: Math.max(requests, p.maxRequests || 4 * requests),
      goodputShare: p.goodputShare,
      failedShare: p.failedShare,
      confidence: p.confidence,
      ignoreValidity: p.ignoreValidity,
      latency,
      nameOf: (option) => ({ max: "--max", min: "--min", maxCases: "--max-cases" })[option],
      case: (next) => caseOf(next, seed, next.number === 1 ? warmup : 0),
      played: (row) => csv?.row(cells(row)),
    });
    yield* search.run();
    const [first] = search.played;
    if (search.ended === "no answer" && search.played.length === 1) refused = bursts ? null : refusal(first.result);
    if (refused === null) search.conclude();
  } finally {
    if (csv) {
      csv.sort();
      if (csv.length === 0) csv.discard();
      else console.log(`table: ${p.capacityCsv}`);
    }
  }
}

export default async function (it: It<Dataset>): Promise<void> {
  const reply = await service.complete(it.item!);
  if (reply.error !== null && !it.warmup) failures.add(1);
}

export function handleSummary(result: RunResult): Record<string, string> {
  const errors = result.cases.flatMap((c) => c.errors).filter((e, i, all) => all.findIndex((o) => o.kind === e.kind && o.status === e.status) === i);
  const faults = errors.map((e) => `error: ${e.kind}${e.status ? ` ${e.status}` : ""}: ${e.message}`);
  if (refused !== null) return { stdout: `${search?.table() ?? ""}${wrapped([...faults, refused].join("\n"))}\n` };
  return { stdout: search ? search.report(faults) : `${wrapped([...faults, "the search did not come to its end; no load was decided"].join("\n"))}\n` };
}

// burstOf is a short closed loop, which shows about how much the service does and
// how long a request takes.
function burstOf(seed: number): Case {
  const vus = Math.min(16, (!rates && p.start) || 16, p.max === Infinity || rates ? 16 : p.max);
  return {
    name: "burst",
    tags: { burst: true, seed },
    executor: "shared-iterations",
    vus,
    iterations: 4 * vus,
    maxDuration: "30d",
    data: prompts(4 * vus + p.warmup, seed),
    warmup: p.warmup,
    pause: p.pause,
    expect: serviceRules,
  };
}

// startAfter is where the search begins after a burst of so many requests a second.
function startAfter(reached: number): number {
  return rates ? Math.min(p.max, Math.max(p.min, Number((reached / 4).toPrecision(2)))) : Math.min(p.max, Math.max(p.min, 8));
}

// caseOf is a case of the search: exactly so many requests in the time in which so many come on average.
function caseOf({ load, requests, number }: Next, seed: number, warmup: number): Case {
  const own = caseSeed("find-capacity", seed, number);
  const arriving: Case = p.process === "constant"
    ? { executor: "arrival-rate", rate: load, iterations: requests, process: "constant" }
    : { executor: "replay", timestamps: arrivals({ rate: load, count: requests, seed: own }) };
  return {
    ...(rates ? arriving : {}),
    tags: { seed: own },
    data: prompts(requests + warmup, own),
    warmup,
    pause: p.pause,
    stopWhen: { [failures.name]: `count>=${hopelessFailures(requests, search!.promised)}` },
  };
}

// prompts are those of a case; the warm-up takes those at the end.
function prompts(count: number, seed: number): Dataset {
  const data = synthetic({
    tokenizer,
    count,
    input: length(p.promptTokens, p.promptTokensStd, p.promptTokensMin, p.promptTokensMax),
    output: length(p.outputTokens, p.outputTokensStd, p.outputTokensMin, p.outputTokensMax),
    seed,
  });
  if (data.inexact > 0) {
    console.warn(`${data.inexact} of ${count} prompts do not have the length that was drawn: no text of that length was found with this tokenizer`);
  }
  return data;
}

function length(mean: number, std: number, min: number, max: number): Length {
  if (std === 0) return mean;
  return { mean, std, ...(min > 0 ? { min } : { min: 1 }), ...(max > 0 ? { max } : {}) };
}

// cells are the row of a case in the table.
function cells({ load, attempt, result, judgement, decision }: Played): Cell[] {
  const { counts, throughput, goodput, growth, validity } = result;
  const findings: Cell[] = judgement.findings.slice(0, limits.length).flatMap((f) => [f.value, f.low, f.high === Infinity ? null : f.high]);
  return [
    load, attempt, counts.requests, counts.requests_failed, decision, ...findings,
    goodput?.share ?? null, goodput?.per_second ?? null, throughput.requests, throughput.output_tokens, growth?.slope ?? null,
    validity.verdict, judgement.against.map((f) => f.text).join("; "),
  ];
}

function csvColumns(): string[] {
  const statistics = limits.map(limitName).flatMap((name) => [name, `${name} at least`, `${name} at most`].map((n) => n.replaceAll(" ", "_")));
  return [p.search, "attempt", "requests", "failed", "decision", ...statistics, "goodput_share", "goodput_per_second", "requests_per_second", "output_tokens_per_second", "growth", "validity", "against"];
}

function checkFlags(): void {
  checkService(p);
  if (run.instances > 1) invalidParams("--instance does not apply to find-capacity: each instance would search for itself");
  if (Object.keys(run.goodput).length > 0) invalidParams("--goodput does not apply to find-capacity: say what the service must keep with --slo");
  wholeNumbers(2, { "--max-cases": p.maxCases });
  wholeNumbers(0, { "--requests": p.requests, "--max-requests": p.maxRequests, "--warmup": p.warmup }, most.prompts);
  wholeNumbers(1, { "--prompt-tokens": p.promptTokens, "--output-tokens": p.outputTokens }, most.tokens);
  checkSeed(p.seed);
  const floor = p.requests || requestsFor(limits, p.goodputShare);
  if (p.maxRequests > 0 && p.maxRequests < floor) {
    invalidParams(`--max-requests ${p.maxRequests} is less than the ${floor} requests of every case (--requests)`);
  }
  if (!rates) useless(processFlag, p, "to --search concurrency, which has no schedule");
  if (p.promptTokensStd === 0) useless(promptLimits, p, "without --prompt-tokens-std: all prompts have the same length");
  if (p.outputTokensStd === 0) useless(outputLimits, p, "without --output-tokens-std: all outputs have the same length");
  for (const [what, min, mean, max] of [
    ["prompt", p.promptTokensMin, p.promptTokens, p.promptTokensMax],
    ["output", p.outputTokensMin, p.outputTokens, p.outputTokensMax],
  ] as const) {
    wholeNumbers(0, { [`--${what}-tokens-min`]: min, [`--${what}-tokens-max`]: max }, most.tokens);
    if (max > 0 && Math.max(1, min) > max) invalidParams(`--${what}-tokens-min ${min} is more than --${what}-tokens-max ${max}`);
    if (min > mean || (max > 0 && max < mean)) invalidParams(`--${what}-tokens ${mean} is not between --${what}-tokens-min ${min} and --${what}-tokens-max ${max}`);
  }
  for (const [flag, share, least] of [
    ["--goodput-share", p.goodputShare, 0],
    ["--failed-share", p.failedShare, 0],
    ["--tolerance", p.tolerance, 0.001],
    ["--confidence", p.confidence, 0.5],
  ] as const) {
    if (!(share >= least && share < 1)) invalidParams(`${flag} must be from ${least} to below 1, got ${share}`);
  }
  for (const [flag, n] of [["--prompt-tokens-std", p.promptTokensStd], ["--output-tokens-std", p.outputTokensStd]] as const) {
    if (!(n >= 0)) invalidParams(`${flag} must be at least 0, got ${n}`);
  }
  aboveZero({ "--max": Math.min(p.max, Number.MAX_VALUE) });
  if (!(p.start >= 0 && p.min >= 0 && p.min <= (p.start || p.max) && p.start <= p.max && p.start < Infinity)) {
    invalidParams(`--min, --start and --max must be above 0 and in this order, got ${p.min}, ${p.start} and ${p.max}`);
  }
  if (!rates && ![p.start, p.min, p.max].every((n) => Number.isInteger(n) || n === Infinity)) {
    invalidParams("--start, --min and --max are whole numbers with --search concurrency");
  }
}
