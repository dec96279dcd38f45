// What a service promises, and whether a case has kept it: limits of statistics,
// the share of good requests, the share of failed ones.
// weir/lib/capacity searches with it for the highest load that keeps them.
import { invalidParams, type CaseResult, type Distribution, type SLOName, type SLOs } from "weir";
import { normalQuantile, percentileRanks, sampleFloor, shareInterval } from "./intervals";
import { milliseconds, percent } from "./text";

/** A limit of a statistic, such as ttft:p99<500. */
export interface Limit {
  metric: "ttft" | "ttfo" | "tpot" | "itl" | "e2el" | "ttft_from_schedule" | "ttfo_from_schedule" | "e2el_from_schedule";
  statistic: "avg" | "max" | "percentile";
  /** Of a percentile, 0 … 100. */
  p: number;
  /** Milliseconds. */
  below: number;
}

const grammar = /^([a-z0-9_]+):(?:(avg|med|max|p[0-9]+(?:\.[0-9]+)?)(?:<=?|:))?([0-9]+(?:\.[0-9]+)?)(ms|s)?$/;
const metrics: readonly string[] = ["ttft", "ttfo", "tpot", "itl", "e2el", "ttft_from_schedule", "ttfo_from_schedule", "e2el_from_schedule"] satisfies Limit["metric"][];

/**
 * Reads limits such as "ttft:p99<500", several in a text with commas between them. With a schedule, ttft, ttfo and e2el are counted from
 * it. What is wrong ends the run as a wrong parameter does, with a message that begins with `name`, the flag's.
 */
export function parseLimits(texts: readonly string[], scheduled = false, name = "slo"): Limit[] {
  const all: Limit[] = texts.flatMap((text) => text.split(",")).filter((text) => text.trim() !== "").map((text) => {
    const [, metric, statistic = "p99", number, unit] = grammar.exec(text.trim()) ?? [];
    if (metric === undefined) {
      return invalidParams(`${name} ${text}: write metric:statistic<milliseconds, in quotes, such as "ttft:p99<500" or "tpot:avg<50"; ttft:500 is p99`);
    }
    if (!metrics.includes(metric)) {
      invalidParams(`${name} ${text}: there is no SLO on ${metric}, only on ${metrics.join(", ")}`);
    }
    if (!scheduled && metric.endsWith("_from_schedule")) {
      invalidParams(`${name} ${text}: there is no schedule that latencies could be counted from; a search for a rate has one`);
    }
    const p = statistic === "med" ? 50 : Number(statistic.slice(1));
    if (statistic.startsWith("p") && !(p > 0 && p < 100)) {
      invalidParams(`${name} ${text}: a percentile is above 0 and below 100; the largest value is max`);
    }
    const below = Number(number) * (unit === "s" ? 1000 : 1);
    if (!(below > 0)) {
      invalidParams(`${name} ${text}: the limit must be more than 0`);
    }
    const fromSchedule = scheduled && (metric === "ttft" || metric === "ttfo" || metric === "e2el");
    return {
      metric: (fromSchedule ? `${metric}_from_schedule` : metric) as Limit["metric"],
      statistic: statistic === "avg" || statistic === "max" ? statistic : "percentile",
      p,
      below,
    };
  });
  if (all.length === 0) {
    invalidParams(`${name} is missing: what must the service keep? Such as "ttft:p99<500" "tpot:p99<50"`);
  }
  const names = all.map(limitName);
  const twice = names.find((limit, i) => names.indexOf(limit) !== i);
  if (twice !== undefined) invalidParams(`${name} has two limits of ${twice}`);
  return all;
}

/** "ttft p99". */
export function limitName(limit: Limit): string {
  return `${limit.metric} ${limit.statistic === "percentile" ? `p${limit.p}` : limit.statistic}`;
}

/**
 * The SLOs that each request is held against: those whose statistic lets at most as
 * many requests miss them as the goodput share does. An average, or a
 * percentile below the share, allows single requests to be slower.
 */
export function perRequest(limits: readonly Limit[], share: number): SLOs {
  const slo: SLOs = {};
  for (const { metric, statistic, p, below } of limits) {
    const strict = statistic === "max" || (statistic === "percentile" && p / 100 >= share - 1e-9);
    if (metric !== "itl" && strict) slo[metric as SLOName] = Math.min(below, Number(slo[metric as SLOName] ?? Infinity));
  }
  return slo;
}

/** How many requests a case needs for its statistics to mean something. */
export function requestsFor(limits: readonly Limit[], share: number): number {
  const percentiles = limits.filter((l) => l.statistic === "percentile").map((l) => l.p);
  if (Object.keys(perRequest(limits, share)).length > 0) percentiles.push(100 * share);
  return Math.max(100, ...percentiles.map(sampleFloor));
}

/** What a case is held against. */
export interface Promised {
  limits: readonly Limit[];
  /** Least share of good requests. */
  goodputShare: number;
  /** Largest share of failed requests. */
  failedShare: number;
  /** Largest growth of latencies, seconds a second; undefined: not looked at. */
  growth?: number;
  /** Of the intervals, such as 0.95. */
  confidence: number;
}

/** met: kept, with the confidence that was asked for. missed: not kept, with it. unclear: too close to call. */
export type Verdict = "met" | "missed" | "unclear";

/** One thing that was promised, and what a case shows of it. */
export interface Finding {
  name: string;
  value: number;
  /** Between these the true value is, with the confidence that was asked for. */
  low: number;
  high: number;
  limit: number;
  verdict: Verdict;
  /** The limit as a sentence has it. */
  text: string;
}

/** What a case shows of all that was promised. */
export interface Judgement {
  verdict: Verdict;
  /** What the values themselves say, without their uncertainty. */
  lean: "met" | "missed";
  findings: Finding[];
  /** What speaks against the load: what is missed; if nothing is, what is unclear and on the wrong side; if nothing is, what is unclear. */
  against: Finding[];
}

/** So many requests must miss their SLOs that a case of n requests is missed whatever the others do. */
export function hopelessMisses(n: number, promised: Promised): number {
  return least(n, (misses) => shareInterval(n - misses, n, promised.confidence)[1] < promised.goodputShare);
}

/** So many requests must fail. */
export function hopelessFailures(n: number, promised: Promised): number {
  return least(n, (failures) => shareInterval(failures, n, promised.confidence)[0] > promised.failedShare);
}

// least is the smallest number from 1 to n that is enough, n if none is.
function least(n: number, enough: (number: number) => boolean): number {
  let [low, high] = [0, n];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Holds a case against what was promised. longer: it had more requests than the load's first one. */
export function judge(result: CaseResult, promised: Promised, longer = false): Judgement {
  const z = normalQuantile(promised.confidence);
  const completed = result.counts.requests - result.counts.requests_failed - result.counts.requests_interrupted;
  const findings = promised.limits.map((limit) => judgeLimit(result.metrics[limit.metric], completed, limit, promised.confidence, z));
  const goodput = result.goodput;
  if (goodput && goodput.requests > 0) {
    const [low, high] = shareInterval(goodput.good, goodput.requests, promised.confidence);
    const given = result.stopped?.metric === "goodput" ? "missed" : undefined; // however the rest would have gone
    findings.push(atLeast("goodput", goodput.share!, low, high, promised.goodputShare, given));
  }
  const ended = completed + result.counts.requests_failed;
  if (ended > 0 && result.counts.requests_failed > 0) {
    const [low, high] = shareInterval(result.counts.requests_failed, ended, promised.confidence);
    findings.push(atMost("failed", result.counts.requests_failed / ended, low, high, promised.failedShare));
  }
  if (promised.growth !== undefined && result.growth) {
    const { slope, stderr } = result.growth;
    const [low, high] = [slope - z * stderr, slope + z * stderr];
    const grows = low > 0 && slope > promised.growth;
    // A service that has just been idle gets slower for a while, too: only in a longer case, growth that stays is told from that.
    const verdict = longer && low > promised.growth ? "missed" : grows ? "unclear" : "met";
    const text = `latencies grow by ${percent(slope)} of the time that passes${verdict === "unclear" ? `, could be ${percent(low)} to ${percent(high)}, limit ${percent(promised.growth)}` : ""}`;
    findings.push({ name: "growth", value: slope, low, high, limit: promised.growth, verdict, text });
  }
  const [missed, unclear] = (["missed", "unclear"] as const).map((verdict) => findings.filter((f) => f.verdict === verdict));
  const keeps = (f: Finding): boolean => (f.name === "goodput" ? f.value >= f.limit : f.name === "failed" ? f.value <= f.limit : f.value < f.limit);
  const wrong = unclear.filter((f) => !keeps(f));
  const verdict = completed === 0 || missed.length > 0 ? "missed" : unclear.length > 0 ? "unclear" : "met";
  const lean = verdict === "missed" || wrong.length > 0 ? "missed" : "met";
  const against = missed.length > 0 ? missed : wrong.length > 0 ? wrong : unclear;
  return { verdict, lean, findings, against };
}

// judgeLimit holds one statistic against its limit. Gaps between tokens of one
// request are alike, so there are taken to be only as many samples as requests.
function judgeLimit(of: Distribution | undefined, requests: number, limit: Limit, confidence: number, z: number): Finding {
  const name = limitName(limit);
  const n = Math.min(of?.n ?? 0, requests);
  if (of === undefined || of.n === 0) {
    // Nothing that could be measured: tpot of answers of one token, or no answer at all.
    const verdict = limit.metric === "tpot" || limit.metric === "itl" ? "met" : "missed";
    return { name, value: NaN, low: NaN, high: NaN, limit: limit.below, verdict, text: `${name} was never measured` };
  }
  let [value, low, high] = [0, 0, 0];
  switch (limit.statistic) {
    case "max":
      value = low = high = of.max!;
      break;
    case "avg":
      value = of.avg!;
      [low, high] = [value - (z * of.std!) / Math.sqrt(n), value + (z * of.std!) / Math.sqrt(n)];
      break;
    case "percentile": {
      value = of.p(limit.p);
      const ranks = percentileRanks(n, limit.p, confidence);
      low = ranks[0] < 1 ? 0 : of.p(n > 1 ? (100 * (ranks[0] - 1)) / (n - 1) : 50);
      high = ranks[1] > n ? Infinity : of.p(n > 1 ? (100 * (ranks[1] - 1)) / (n - 1) : 50);
    }
  }
  const verdict = high < limit.below ? "met" : low >= limit.below ? "missed" : "unclear";
  const finding = { name, value, low, high, limit: limit.below, verdict } as const;
  return { ...finding, text: says(finding, milliseconds, value < limit.below ? "<" : "≥", " ms") };
}

// says puts a finding into words: what is unclear with its interval.
function says({ name, value, low, high, limit, verdict }: Omit<Finding, "text">, show: (n: number) => string, sign: string, unit = ""): string {
  if (verdict !== "unclear") return `${name} ${show(value)} ${sign} ${show(limit)}${unit}`;
  if (high === Infinity) return `${name} ${show(value)}${unit}, could be above ${show(limit)}: too few requests`;
  if (low <= 0) return `${name} ${show(value)}${unit}, could be below ${show(limit)}: too few requests`;
  return `${name} ${show(value)}${unit}, could be ${show(low)} to ${show(high)}, limit ${show(limit)}`;
}

function atLeast(name: string, value: number, low: number, high: number, limit: number, given?: Verdict): Finding {
  const finding = { name, value, low, high, limit, verdict: given ?? (low >= limit ? "met" : high < limit ? "missed" : "unclear") } as const;
  return { ...finding, text: says(finding, percent, value < limit ? "<" : "≥") };
}

function atMost(name: string, value: number, low: number, high: number, limit: number): Finding {
  const finding = { name, value, low, high, limit, verdict: high <= limit ? "met" : low > limit ? "missed" : "unclear" } as const;
  return { ...finding, text: says(finding, percent, value > limit ? ">" : "≤") };
}
