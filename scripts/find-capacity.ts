// Finds the highest request rate, or the highest number of requests at the same
// time, at which a service keeps its SLOs. docs/find-capacity.md tells how.
import { invalidParams, notMet, params, randomSeeded, undecided, type Case, type CaseResult, type It, type Options, type RunResult } from "weir";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Dataset, type Length } from "weir/dataset";
import { run } from "weir/execution";
import { Counter } from "weir/metrics";
import { Csv, type Cell } from "weir/output";
import { capacityTable, thousands, wrapped, type Row } from "./parts/capacitytable";
import { aboveZero, checkSeed, limits as most, useless, wholeNumbers } from "./parts/checks";
import { refusal } from "./parts/outcome";
import { search, type Answer, type Bracket, type Decision, type Step } from "weir/lib/search";
import { caseSeed, chooseSeed } from "./parts/seed";
import { generating } from "./parts/requests";
import { askingFlags, askingOptions, checkService, plainSchemeFlag, serviceFlags } from "./parts/service";
import { hopelessFailures, hopelessMisses, judge, limitName, parseLimits, perRequest, requestsFor, type Judgement, type Promised } from "weir/lib/slo";

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
  ...askingOptions(p),
  tokenizer,
});

// Requests that failed, for stopWhen: there is not always an SLO that they miss.
const failures = new Counter("failures");

export const options: Options = { doctor: true, slo };

const bursts = !rates || p.start === 0;
const rows: Row[] = [];
const soFar: Bracket = {};
let conclusion = "";

export function* plan(): Generator<Case, void, CaseResult> {
  const seed = chooseSeed(p.seed);
  const goodput = Object.entries(slo).map(([name, limit]) => `${name} ≤ ${limit} ms`);
  console.log(wrapped(`must keep: ${limits.map((l) => `${limitName(l)} < ${l.below} ms`).join(", ")}${goodput.length > 0 ? `, and ${+(100 * p.goodputShare).toFixed(2)} % of the requests ${goodput.join(", ")}` : ""}`));
  if (requests < requestsFor(limits, p.goodputShare)) {
    console.warn(wrapped(`--requests ${requests} are few for these SLOs: it takes ${requestsFor(limits, p.goodputShare)}, and cases will be repeated more often`, 71));
  }
  const csv = p.capacityCsv ? new Csv(p.capacityCsv, { columns: csvColumns() }) : undefined;
  try {
    let [start, latency, warmup] = [p.start, 0, p.warmup]; // latency: of a request in the case before, ms
    if (bursts) {
      const burst = yield burstOf(caseSeed("find-capacity", seed, 0));
      if (burst.interrupted) return;
      const refused = refusal(burst);
      if (refused !== null) {
        conclusion = refused;
        return;
      }
      if (start === 0) start = startAfter(burst.throughput.requests);
      [latency, warmup] = [burst.metrics.e2el.avg ?? 0, 0];
    }
    const options = {
      start,
      min: p.min || (rates ? start / 64 : 1),
      max: p.max,
      tolerance: p.tolerance,
      whole: !rates,
      maxCases: p.maxCases,
      requests,
      maxRequests: Math.max(requests, p.maxRequests || 4 * requests),
    };
    const steps = search(options, soFar);
    let invalid = 0; // cases one after another that were INVALID
    let step = steps.next();
    while (!step.done) {
      const { load } = step.value;
      const count = requestsOf(step.value);
      const attempt = rows.filter((row) => row.load === load).length + 1;
      const own = caseSeed("find-capacity", seed, rows.length + 1);
      const result = yield {
        name: `${show(load)}${attempt > 1 ? `, attempt ${attempt}` : ""}`,
        tags: { [p.search]: load, attempt, seed: own },
        ...(rates ? arrivals(load, count, own) : users(load, count, latency)),
        data: prompts(count + warmup, own),
        warmup,
        pause: p.pause,
        expect: serviceRules,
        stopWhen: {
          [failures.name]: `count>=${hopelessFailures(count, promised)}`,
          ...(Object.keys(slo).length > 0 ? { goodput: `missed>=${hopelessMisses(count, promised)}` } : {}),
        },
      };
      if (result.interrupted) return;
      warmup = 0;
      latency = result.metrics.e2el.avg ?? latency;
      const judgement = judge(result, promised, step.value.attempt > 1);
      const row: Row = { load, attempt, result, judgement, decision: judgement.verdict };
      rows.push(row);
      const { requests: sent, requests_failed: failed, requests_interrupted: cut } = result.counts;
      if (sent - failed - cut <= 0) {
        row.decision = "none: no answer";
        record(row, csv);
        const refused = rows.length === 1 && !bursts ? refusal(result) : null;
        conclusion = refused ?? `the service stopped answering in case ${result.name}; until then: ${bracket()}`;
        if (refused !== null) return;
        undecided("the service stopped answering");
      }
      const reason = result.validity.reasons.find((r) => r.verdict === "INVALID");
      if (reason && !p.ignoreValidity) {
        row.decision = "none: INVALID";
        record(row, csv);
        console.warn(wrapped(`${result.name}: INVALID: ${reason.rule}: ${reason.message}`, 71));
        if (++invalid <= 2) continue; // a mishap does not end a search
        conclusion = `${show(load)} was INVALID ${invalid} times, so it decides nothing; until then: ${bracket()}`;
        undecided("no case at this load can be believed\n  hint: the client was the limit, or something is wrong with the requests (docs/validity.md);\n  with --ignore-validity such cases decide too");
      }
      invalid = 0;
      const played = step.value;
      step = steps.next(judgement);
      const open = !step.done && step.value.load === load && step.value.attempt === played.attempt + 1;
      if (judgement.verdict === "unclear") row.decision = open ? "unclear" : `unclear, taken as ${judgement.lean}`;
      record(row, csv);
      console.log(wrapped(`${result.name}: ${row.decision}${judgement.against.length > 0 ? ` (${judgement.against.map((f) => f.text).join("; ")})` : ""}`));
      if (step.done) conclude(step.value);
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
  const reply = await service.complete(it.item!);
  if (reply.error !== null && !it.warmup) failures.add(1);
}

export function handleSummary(result: RunResult): Record<string, string> {
  const ended = conclusion || `the search did not come to its end; until then: ${bracket()}`;
  const errors = result.cases.flatMap((c) => c.errors).filter((e, i, all) => all.findIndex((o) => o.kind === e.kind && o.status === e.status) === i);
  const scheduled = limits.some((l) => l.metric.endsWith("_from_schedule")) && rows.length > 0 ? "ttft, ttfo and e2el count from the schedule\n" : "";
  const lines = [...errors.map((e) => `error: ${e.kind}${e.status ? ` ${e.status}` : ""}: ${e.message}`), ended];
  return { stdout: `${capacityTable(rows, limits, unit)}${scheduled}${wrapped(lines.join("\n"))}\n` };
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

// What these rules find is the service's doing under too much load, or that
// of stopWhen: the SLOs judge it.
const serviceRules = ["no_completed_requests", "failed_requests", "interrupted_requests"];

// Of many users at the same time, each must come to its turn some times.
function requestsOf(step: Step): number {
  return rates ? step.requests : Math.ceil(step.requests * Math.max(1, (4 * step.load) / requests));
}

// users come one after another, over the time that a request takes: those who all
// came at once would find a queue that no other request meets.
function users(load: number, count: number, latency: number): Case {
  return { executor: "ramping-vus", startVUs: 1, stages: [{ duration: latency, target: load }], iterations: count };
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
function conclude({ kept, ended, cases, contradictions }: Answer): void {
  const cut = ended === "cases" ? `after ${cases} cases (--max-cases), before the bracket was narrow enough: ` : "";
  const tried = ended === "max" ? "; it is the most that was tried (--max)" : ended === "min" ? "; it is the least that was tried (--min)" : "";
  conclusion = `${cut}${bracket()}${tried}`;
  if (contradictions.length > 0) {
    const loads = [...new Set(contradictions.map((d) => d.load))].sort((a, b) => a - b);
    conclusion += `\nnot monotonic: ${loads.join(", ")} missed though as much or more was met at another time: the service was not the same all the time, or the cases are too short`;
  }
  if (!kept) notMet("no load that was tried keeps the SLOs");
}

// bracket is what is known so far, as a sentence.
function bracket(): string {
  const { kept, missed } = soFar;
  const last = rows.at(-1);
  const decided = (load: number, decision: Decision | undefined): boolean => decision?.load === load;
  const open = last && !decided(last.load, kept) && !decided(last.load, missed) && last.decision.startsWith("unclear") ? `, ${last.load} unclear` : "";
  if (!kept && !missed) return `no load was decided${open}`;
  const doubt = (d: Decision): string => (d.doubtful ? " (too close to call, decided by the values alone)" : "");
  const misses = missed ? `${judgementOf(missed).against.map((f) => f.text).join("; ") || "no request completed"}${doubt(missed)}` : "";
  if (!kept) return `does not keep the SLOs at ${show(missed!.load)}: ${misses}${open}`;
  const { throughput, goodput } = rowOf(kept).result;
  const good = goodput ? `, goodput ${thousands(goodput.per_second)} req/s` : "";
  return `keeps ${rates ? show(kept.load) : `${kept.load} at once`}${doubt(kept)}: ${thousands(throughput.requests)} req/s, ${thousands(throughput.output_tokens)} tok/s${good}${missed ? `; ${missed.load} misses: ${misses}` : ""}${open}`;
}

const judgementOf = (d: Decision): Judgement => rowOf(d).judgement;

// rowOf is the case that has decided.
function rowOf({ load, met }: Decision): Row {
  return rows.findLast((row) => row.load === load && row.decision.endsWith(met ? "met" : "missed")) ?? rows.findLast((row) => row.load === load)!;
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
