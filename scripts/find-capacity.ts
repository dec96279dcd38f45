// Finds the highest request rate, or the highest number of requests at the same
// time, at which a service keeps its SLOs. docs/find-capacity.md tells how.
import { invalidParams, notMet, params, randomSeeded, sleep, type Case, type CaseResult, type It, type Options, type RunResult } from "weir";
import { Endpoint, backends } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Dataset, type Length } from "weir/dataset";
import { Csv, type Cell } from "weir/output";
import { capacityTable, type Row } from "./lib/capacitytable";
import { refusal } from "./lib/outcome";
import { search, type Answer, type Decision, type Step } from "./lib/search";
import { checkService, serviceFlags, serviceOptions } from "./lib/service";
import { hopelessMisses, judge, limitName, parseLimits, perRequest, requestsFor, type Promised } from "./lib/slo";

const p = params({
  backend: { default: "openai-chat", choices: backends.filter((name) => name !== "embeddings" && name !== "rerank"), help: "protocol of the service" },
  ...serviceFlags,
  scheme: { default: "http", choices: ["http", "https"] as const, help: "of the URL that is made of --host and --port" },
  slo: {
    default: ["ttft:p99<2000", "tpot:p99<100"],
    help: 'what the service must keep, each as "metric:statistic<milliseconds": metrics are ttft, ttfo, tpot, itl, e2el, statistics avg, med, p50 to p99.9, max; ttft:500 is p99. Quote them: < is special to shells',
  },
  goodputShare: { default: 0.99, help: "least share of requests that keep the SLOs one by one" },
  failedShare: { default: 0.01, help: "largest share of requests that may fail" },
  search: { default: "rate", choices: ["rate", "concurrency"] as const, help: "what is searched for: requests per second, or requests at the same time" },
  start: { default: 1, help: "where the search begins" },
  min: { default: 0, help: "where it gives up; 0: a 64th of --start, with --search concurrency 1" },
  max: { default: Infinity, help: "the most that is tried" },
  tolerance: { default: 0.05, help: "the search has ended when what is kept and what is missed differ by less than this share" },
  maxCases: { default: 20, help: "cases at most" },
  requests: { default: 0, help: "requests of a case; 0: as many as the percentiles of --slo take, 662 for p99" },
  maxRequests: { default: 0, help: "requests of a case that is repeated because it is too close to call; 0: four times --requests" },
  confidence: { default: 0.95, help: "with which a case must be met or missed; otherwise it is repeated with twice the requests" },
  ignoreValidity: { default: false, help: "let INVALID cases decide too, in which this client may have been the limit" },
  process: { default: "poisson", choices: ["poisson", "constant"] as const, help: "gaps between the starts of --search rate: exponential or equal" },
  promptTokens: { default: 512, help: "mean prompt length, tokens" },
  promptTokensStd: { default: 0, help: "its standard deviation" },
  promptTokensMin: { default: 0, help: "shortest prompt; 0: no limit" },
  promptTokensMax: { default: 0, help: "longest prompt; 0: no limit" },
  outputTokens: { default: 128, help: "mean output length, tokens" },
  outputTokensStd: { default: 0, help: "its standard deviation" },
  outputTokensMin: { default: 0, help: "shortest output; 0: no limit" },
  outputTokensMax: { default: 0, help: "longest output; 0: no limit" },
  temperature: { default: 0, help: "sampling temperature" },
  seed: { default: -1, help: "of the prompts and of the gaps; -1: another one for each run, which it names, so that none finds the prompts of an earlier one in the cache" },
  warmup: { default: 4, help: "requests before the first case that are not counted" },
  pause: { default: "0s", type: "duration", help: "wait between cases" },
  timeout: { default: "10m", type: "duration", help: "limit of one request" },
  keepAlive: { default: true, help: "reuse connections; --no-keep-alive opens one for each request" },
  capacityCsv: { default: "", help: "file for the table of cases; it must not exist yet" },
});

const rates = p.search === "rate";
const unit = rates ? "req/s" : "concurrency";
const show = (load: number): string => (rates ? `${load} req/s` : `concurrency ${load}`);
const limits = parseLimits(p.slo, rates);
checkFlags();
const slo = perRequest(limits, p.goodputShare);
const requests = p.requests || requestsFor(limits, p.goodputShare);
const promised: Promised = {
  limits,
  goodputShare: p.goodputShare,
  failedShare: p.failedShare,
  ...(rates ? { growth: p.tolerance / 2 } : {}),
  confidence: p.confidence,
};

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({
  ...serviceOptions(p, p.scheme),
  backend: p.backend,
  tokenizer,
  temperature: p.temperature,
  ignoreEos: true,
  keepAlive: p.keepAlive,
  timeout: p.timeout,
});

export const options: Options = { slo };

const rows: Row[] = [];
let conclusion = "";

export function* plan(): Generator<Case, void, CaseResult> {
  const seed = p.seed >= 0 ? p.seed : Date.now() % 2 ** 31;
  if (p.seed < 0) console.log(`seed: ${seed} (--seed ${seed} makes the same prompts again)`);
  const goodput = Object.entries(slo).map(([name, limit]) => `${name} ≤ ${limit} ms`);
  console.log(`must keep: ${limits.map((l) => `${limitName(l)} < ${l.below} ms`).join(", ")}${goodput.length > 0 ? `, and ${+(100 * p.goodputShare).toFixed(2)} % of the requests ${goodput.join(", ")}` : ""}`);
  if (requests < requestsFor(limits, p.goodputShare)) {
    console.warn(`--requests ${requests} are few for these SLOs: it takes ${requestsFor(limits, p.goodputShare)}, and cases will be repeated more often`);
  }
  const csv = p.capacityCsv ? new Csv(p.capacityCsv, { columns: csvColumns() }) : undefined;
  try {
    const steps = search({
      start: p.start,
      min: p.min || (rates ? p.start / 64 : 1),
      max: p.max,
      tolerance: p.tolerance,
      whole: !rates,
      maxCases: p.maxCases,
      requests,
      maxRequests: Math.max(requests, p.maxRequests || 4 * requests),
    });
    let latency = 0; // of the case before, ms
    let step = steps.next();
    while (!step.done) {
      const { load, attempt } = step.value;
      const count = requestsOf(step.value);
      const warmup = rows.length === 0 ? p.warmup : 0;
      const own = seed + rows.length;
      const result = yield {
        name: `${show(load)}${attempt > 1 ? `, attempt ${attempt}` : ""}`,
        tags: { [p.search]: load, attempt, seed: own, ...(rates ? {} : { stagger_ms: latency / load }) },
        ...(rates ? arrivals(load, count, own) : { executor: "shared-iterations", vus: load, iterations: count, maxDuration: "30d" }),
        data: prompts(count + warmup, own),
        warmup,
        pause: p.pause,
        expect: serviceRules,
        ...(Object.keys(slo).length > 0 ? { stopWhen: { goodput: `missed>=${hopelessMisses(count, promised)}` } } : {}),
      };
      latency = result.metrics.e2el.avg ?? latency;
      const judgement = judge(result, promised);
      const row: Row = { load, attempt, result, judgement, decision: judgement.verdict };
      rows.push(row);
      const refused = rows.length === 1 ? refusal(result) : null;
      if (refused !== null) {
        row.decision = "none: no request succeeded";
        record(row, csv);
        conclusion = refused;
        return;
      }
      const invalid = result.validity.reasons.find((r) => r.verdict === "INVALID");
      if (invalid && !p.ignoreValidity) {
        row.decision = "none: INVALID";
        record(row, csv);
        conclusion = `${result.name} is INVALID, so it decides nothing: ${invalid.rule}: ${invalid.message}`;
        notMet(`${conclusion}\n  hint: the client was the limit, or something is wrong with the requests (docs/validity.md); with --ignore-validity such cases decide too`);
      }
      step = steps.next(judgement);
      const decided = step.done ? step.value.decisions : undefined;
      const open = !step.done && step.value.load === load && step.value.attempt === attempt + 1;
      if (judgement.verdict === "unclear") row.decision = open ? "unclear" : `unclear, taken as ${judgement.lean}`;
      record(row, csv);
      console.log(`${result.name}: ${row.decision}${judgement.against.length > 0 ? ` (${judgement.against.map((f) => f.text).join(", ")})` : ""}`);
      if (decided) conclude(step.value as Answer);
    }
  } finally {
    if (csv) {
      csv.sort();
      if (csv.length === 0) csv.discard();
      else console.log(`table: ${p.capacityCsv}`);
    }
  }
}

export default async function (it: It<Dataset>): Promise<void> {
  // Users who all came at once would find a queue that no other request meets.
  if (!rates && !it.warmup && it.iterationInVU === 0) await sleep(`${Number(it.tags.stagger_ms) * it.vu}ms`);
  await service.complete(it.item!);
}

export function handleSummary(result: RunResult): Record<string, string> {
  const ended = conclusion || (rows.length > 0 ? "the search did not come to its end" : "no case came to its end");
  const errors = result.cases.flatMap((c) => c.errors).filter((e, i, all) => all.findIndex((o) => o.kind === e.kind && o.status === e.status) === i);
  return {
    stdout: `${capacityTable(rows, limits, unit)}${errors.map((e) => `error: ${e.kind}${e.status ? ` ${e.status}` : ""}: ${e.message}\n`).join("")}${ended}\n`,
  };
}

// What these rules find is the service's doing under too much load, or that
// of stopWhen: the SLOs judge it.
const serviceRules = ["no_completed_requests", "failed_requests", "failed_dials", "interrupted_requests"];

// Of many users at the same time, each must come to its turn some times.
function requestsOf(step: Step): number {
  return rates ? step.requests : Math.ceil(step.requests * Math.max(1, (4 * step.load) / requests));
}

// arrivals are those of a case. Of random ones, exactly so many come in the time in
// which so many come on average: a Poisson process whose number of arrivals is
// known. Otherwise the rate of 662 of them would be off by 4 % as often as not.
function arrivals(rate: number, count: number, seed: number): Case {
  if (p.process === "constant") return { executor: "arrival-rate", rate, iterations: count, process: "constant" };
  const random = randomSeeded(seed);
  const timestamps = Array.from({ length: count }, () => (random() * count * 1000) / rate).sort((a, b) => a - b);
  return { executor: "replay", timestamps };
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

// record adds what was decided to the result and to the table.
function record({ load, attempt, result, judgement, decision }: Row, csv: Csv | undefined): void {
  result.tag("decision", decision);
  const { counts, throughput, goodput, growth, validity } = result;
  const findings: Cell[] = judgement.findings.slice(0, limits.length).flatMap((f) => [f.value, f.low, f.high === Infinity ? null : f.high]);
  csv?.row([
    load, attempt, counts.requests, counts.requests_failed, decision, ...findings,
    goodput?.share ?? null, goodput?.per_second ?? null, throughput.requests, throughput.output_tokens, growth?.slope ?? null,
    validity.verdict, judgement.against.map((f) => f.text).join("; "),
  ]);
}

function csvColumns(): string[] {
  const statistics = limits.map(limitName).flatMap((name) => [name, `${name} at least`, `${name} at most`].map((n) => n.replaceAll(" ", "_")));
  return [p.search, "attempt", "requests", "failed", "decision", ...statistics, "goodput_share", "goodput_per_second", "requests_per_second", "output_tokens_per_second", "growth", "validity", "against"];
}

// conclude puts the answer into a sentence, and ends the run when there is none.
function conclude({ kept, missed, ended, cases, contradictions }: Answer): void {
  const why = (d: Decision): string => {
    const { judgement } = rows.findLast((row) => row.load === d.load)!;
    return `${judgement.against.map((f) => f.text).join(", ") || "no request completed"}${d.doubtful ? "; too close to call, decided by the values alone" : ""}`;
  };
  const misses = missed ? `; ${missed.load} misses: ${why(missed)}` : "";
  const doubt = kept?.doubtful ? " (too close to call, decided by the values alone)" : "";
  const cut = ended === "cases" ? `after ${cases} cases (--max-cases), before the bracket was narrow enough: ` : "";
  const up = ended === "max" ? ", the most that was tried (--max)" : "";
  conclusion = kept
    ? `${cut}keeps ${show(kept.load)}${doubt}${up}${misses}`
    : `${cut}does not keep the SLOs at ${show(missed!.load)}${ended === "min" ? ", the least that was tried (--min)" : ""}: ${why(missed!)}`;
  for (const d of contradictions) {
    conclusion += `\nnot monotonic: ${show(d.load)} was missed, and it or more was met at another time: the service was not the same all the time, or the cases are too short`;
  }
  if (!kept) notMet(conclusion);
}

function checkFlags(): void {
  checkService(p);
  for (const [flag, n, least] of [
    ["--max-cases", p.maxCases, 2],
    ["--requests", p.requests, 0],
    ["--max-requests", p.maxRequests, 0],
    ["--warmup", p.warmup, 0],
    ["--prompt-tokens", p.promptTokens, 1],
    ["--output-tokens", p.outputTokens, 1],
    ["--seed", p.seed, -1],
  ] as const) {
    if (!Number.isInteger(n) || n < least) invalidParams(`${flag} must be a whole number of at least ${least}, got ${n}`);
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
  if (!(p.start > 0) || !(p.min >= 0) || !(p.min <= p.start) || !(p.start <= p.max) || p.start === Infinity) {
    invalidParams(`--min, --start and --max must be above 0 and in this order, got ${p.min}, ${p.start} and ${p.max}`);
  }
  if (!rates && ![p.start, p.min, p.max].every((n) => Number.isInteger(n) || n === Infinity)) {
    invalidParams("--start, --min and --max are whole numbers with --search concurrency");
  }
}
