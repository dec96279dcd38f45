// Verdicts on SLOs and the search that follows them, without a service, as scripts_test.go runs them:
// each fault is thrown, and the console has the numbers that are worth reading.
import { randomSeeded, type CaseResult, type Distribution } from "weir";
import { binomialCDF, normalQuantile, percentileRanks, sampleFloor, shareInterval } from "weir/lib/intervals";
import { search, type Answer, type Bracket, type SearchOptions, type Seen } from "weir/lib/search";
import { hopelessFailures, hopelessMisses, judge, parseLimits, perRequest, requestsFor, type Judgement, type Promised } from "weir/lib/slo";
import { equal, near } from "./faults";

/** Against values of exact rational arithmetic. */
export function intervals(): void {
  for (const [k, n, p, want] of [
    [0, 10, 0.3, 0.0282475249], [3, 10, 0.3, 0.6496107184], [9, 10, 0.3, 0.9999940951], [650, 662, 0.99, 0.037217008799309836],
    [655, 662, 0.99, 0.49276662000115545], [2, 300, 0.01, 0.42206391753974426], [60, 100, 0.5, 0.9823998998911476], [-1, 5, 0.5, 0], [5, 5, 0.5, 1],
    [0, 5, 0, 1], [4, 5, 1, 0],
  ]) {
    near(`P(X ≤ ${k}) of ${n} with ${p}`, binomialCDF(k, n, p), want);
  }
  for (const [confidence, want] of [[0.5, 0.6744897501960817], [0.9, 1.6448536269514715], [0.95, 1.9599639845400536], [0.99, 2.5758293035489]]) {
    near(`quantile of ${confidence}`, normalQuantile(confidence), want);
  }
  for (const [hits, n, low, high] of [
    [9, 10, 0.5958499732047616, 0.982123786904927], [50, 100, 0.4038315303659957, 0.5961684696340044],
    [661, 662, 0.9914936555797881, 0.9997332968075864], [648, 662, 0.9648171316611011, 0.9873614862382857],
  ]) {
    const got = shareInterval(hits, n);
    near(`${hits} of ${n} at least`, got[0], low);
    near(`${hits} of ${n} at most`, got[1], high);
  }
  equal("nothing seen", shareInterval(0, 0), [0, 1]);
  equal("ends", [shareInterval(0, 10)[0], shareInterval(10, 10)[1]], [0, 1]);
  for (const [n, p, low, high] of [[10, 50, 2, 9], [100, 50, 40, 61], [100, 90, 84, 96], [100, 99, 97, 101], [662, 99, 650, 661], [5, 99, 4, 6], [10, 0, 0, 1], [10, 100, 10, 11]]) {
    equal(`ranks of p${p} in ${n}`, percentileRanks(n, p, 0.95), [low, high]);
  }
  // MLPerf's floors.
  for (const [p, n] of [[50, 11], [75, 24], [90, 64], [95, 130], [97, 219], [99, 662], [99.9, 6636], [99.99, 66381]]) {
    equal(`floor of p${p}`, sampleFloor(p), n);
  }
}

/** A case of n requests; sorted are its latencies. */
function result(latencies: number[], o: { good?: number; failed?: number; slope?: number; stopped?: boolean } = {}): CaseResult {
  const sorted = [...latencies].sort((a, b) => a - b);
  const [n, failed] = [sorted.length, o.failed ?? 0];
  const avg = sorted.reduce((a, b) => a + b, 0) / n;
  const distribution = {
    n, avg, max: sorted[n - 1], std: Math.sqrt(sorted.reduce((a, b) => a + (b - avg) ** 2, 0) / n),
    p: (q: number) => (n === 0 ? NaN : sorted[Math.min(n - 1, Math.round(((n - 1) * q) / 100))]),
  } as Distribution;
  return {
    counts: { requests: n + failed, requests_failed: failed, requests_interrupted: 0 },
    metrics: { ttft: distribution, tpot: { n: 0 } },
    ...(o.good === undefined ? {} : { goodput: { requests: n + failed, good: o.good, share: o.good / (n + failed) } }),
    ...(o.slope === undefined ? {} : { growth: { n, slope: o.slope, stderr: 0.001 } }),
    ...(o.stopped ? { stopped: { metric: "goodput", expr: "", value: 0, after_s: 0 } } : {}),
  } as unknown as CaseResult;
}

/** --slo, and verdicts on cases of 1 … n ms. */
export function verdicts(): void {
  equal("limits", parseLimits(["ttft:p99<500,tpot:avg<=50", "e2el:2s", "itl:p99.9:80ms", "ttfo:med<1.5s", "ttft:max<900"], false), [
    { metric: "ttft", statistic: "percentile", p: 99, below: 500 }, { metric: "tpot", statistic: "avg", p: NaN, below: 50 },
    { metric: "e2el", statistic: "percentile", p: 99, below: 2000 }, { metric: "itl", statistic: "percentile", p: 99.9, below: 80 },
    { metric: "ttfo", statistic: "percentile", p: 50, below: 1500 }, { metric: "ttft", statistic: "max", p: NaN, below: 900 },
  ]);
  const scheduled = parseLimits(["ttft:500", "tpot:50", "e2el:p90<9s"], true);
  equal("with a schedule", scheduled.map((l) => l.metric), ["ttft_from_schedule", "tpot", "e2el_from_schedule"]);
  equal("of each request", perRequest(scheduled, 0.99), { ttft_from_schedule: 500, tpot: 50 });
  equal("of each request at 90 %", perRequest(scheduled, 0.9), { ttft_from_schedule: 500, tpot: 50, e2el_from_schedule: 9000 });
  equal("max is stricter", perRequest(parseLimits(["ttft:p99<500", "ttft:max<400", "itl:p99<5"], false), 0.99), { ttft: 400 });
  equal("requests", [["ttft:500"], ["ttft:p99.9<500"], ["ttft:avg<500"], ["ttft:p95<500"]].map((s) => requestsFor(parseLimits(s, false), 0.99)), [662, 6636, 100, 130]);

  const promise = (slo: string, more: Partial<Promised> = {}): Promised => ({ limits: parseLimits([slo], false), goodputShare: 0.99, failedShare: 0.01, confidence: 0.95, ...more });
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
  for (const [what, c, promised, verdict, lean] of [
    // p99 of 1 … 1000 is between samples 984 and 997.
    ["clearly below", result(upTo(1000)), promise("ttft:p99<1001"), "met", "met"],
    ["rather below", result(upTo(1000)), promise("ttft:p99<992"), "unclear", "met"],
    ["rather above", result(upTo(1000)), promise("ttft:p99<989"), "unclear", "missed"],
    ["clearly above", result(upTo(1000)), promise("ttft:p99<980"), "missed", "missed"],
    ["too few to be sure", result(upTo(100)), promise("ttft:p99<5s"), "unclear", "met"],
    ["few are enough to see that", result(upTo(100)), promise("ttft:p99<50"), "missed", "missed"],
    ["the largest", result(upTo(100)), promise("ttft:max<101"), "met", "met"],
    ["the largest is it", result(upTo(100)), promise("ttft:max<100"), "missed", "missed"],
    // The mean is 500.5, ± 1.96 · 288.7/√1000 = 17.9.
    ["mean", result(upTo(1000)), promise("ttft:avg<519"), "met", "met"],
    ["mean, close", result(upTo(1000)), promise("ttft:avg<518"), "unclear", "met"],
    ["mean, above", result(upTo(1000)), promise("ttft:avg<482"), "missed", "missed"],
    ["one token", result(upTo(1000)), promise("tpot:p99<1"), "met", "met"],
    ["no answer", result([], { failed: 10 }), promise("tpot:p99<1"), "missed", "missed"],
    ["goodput", result(upTo(662), { good: 661 }), promise("ttft:avg<9s"), "met", "met"],
    ["goodput, close", result(upTo(662), { good: 656 }), promise("ttft:avg<9s"), "unclear", "met"],
    ["goodput, close from below", result(upTo(662), { good: 654 }), promise("ttft:avg<9s"), "unclear", "missed"],
    ["goodput, missed", result(upTo(662), { good: 648 }), promise("ttft:avg<9s"), "missed", "missed"],
    ["stopped early", result(upTo(662), { good: 656, stopped: true }), promise("ttft:avg<9s"), "missed", "missed"],
    ["a failure", result(upTo(661), { failed: 1 }), promise("ttft:avg<9s"), "met", "met"],
    ["some failures", result(upTo(656), { failed: 6 }), promise("ttft:avg<9s"), "unclear", "met"],
    ["many failures", result(upTo(648), { failed: 14 }), promise("ttft:avg<9s"), "missed", "missed"],
    ["a queue that grows", result(upTo(100), { slope: 0.06 }), promise("ttft:avg<9s", { growth: 0.025 }), "unclear", "missed"],
    ["a queue that hardly grows", result(upTo(100), { slope: 0.02 }), promise("ttft:avg<9s", { growth: 0.025 }), "met", "met"],
    ["a queue of a closed loop", result(upTo(100), { slope: 0.06 }), promise("ttft:avg<9s"), "met", "met"],
  ] as [string, CaseResult, Promised, string, string][]) {
    const got = judge(c, promised);
    equal(what, [got.verdict, got.lean, got.against.length > 0 || got.verdict === "met" || c.counts.requests_failed > 0], [verdict, lean, true]);
  }
  // Growth is missed only by a longer case, and where it is beyond doubt.
  const growing = promise("ttft:avg<9s", { growth: 0.025 });
  equal("growth of longer cases", [0.06, 0.0265, 0.02].map((slope) => judge(result(upTo(100), { slope }), growing, true).verdict), ["missed", "unclear", "met"]);
  // What speaks against a load, and no more; what is unclear shows its interval.
  const against = (c: CaseResult, slo: string): string[] => judge(c, promise(slo)).against.map((f) => f.text);
  equal("too few", against(result(upTo(100)), "ttft:p99<900"), ["ttft p99 99.0 ms, could be above 900: too few requests"]);
  equal("the wrong side alone", against(result(upTo(1000), { good: 991 }), "ttft:p99<989"), ["ttft p99 990 ms, could be 983 to 997, limit 989"]);
  equal("on the right side", against(result(upTo(1000), { good: 991 }), "ttft:p99<992"), ["ttft p99 990 ms, could be 983 to 997, limit 992", "goodput 99.1 %, could be 98.3 % to 99.53 %, limit 99 %"]);
  equal("missed", against(result(upTo(1000), { good: 991 }), "ttft:p99<980"), ["ttft p99 990 ≥ 980 ms"]);
  // Failures make a case hopeless, too.
  for (const n of [30, 662, 6636]) {
    const verdict = (failed: number): unknown => judge(result(upTo(n - failed), { failed }), promise("ttft:avg<9s")).findings.find((f) => f.name === "failed")!.verdict;
    const failures = hopelessFailures(n, promise("ttft:avg<9s"));
    equal(`hopeless failures of ${n}`, [verdict(failures), verdict(failures - 1)], ["missed", "unclear"]);
  }
  // So many that not even all others being good would help, and no less.
  for (const [n, share] of [[662, 0.99], [100, 0.9], [6636, 0.999], [30, 0.5]]) {
    const promised = promise("ttft:p99<1", { goodputShare: share });
    const misses = hopelessMisses(n, promised);
    const verdict = (bad: number): string => judge(result(upTo(n).map(() => 0.5), { good: n - bad }), promised).findings.find((f) => f.name === "goodput")!.verdict;
    equal(`hopeless misses of ${n}`, [verdict(misses), verdict(misses - 1) === "missed"], ["missed", false]);
  }
}

/** A search, with what is seen of each load. */
function find(o: Partial<SearchOptions>, see: (load: number, requests: number, number: number) => Seen["verdict"] | Seen): Answer & { loads: number[] } {
  const loads: number[] = [];
  const steps = search({ start: 1, min: 1 / 64, max: Infinity, tolerance: 0.05, whole: false, maxCases: 50, requests: 100, maxRequests: 400, ...o });
  for (let step = steps.next(); ; ) {
    if (step.done) return { ...step.value, loads };
    loads.push(step.value.load);
    const seen = see(step.value.load, step.value.requests, loads.length);
    step = steps.next(typeof seen === "string" ? { verdict: seen, lean: seen === "missed" ? "missed" : "met" } : seen);
  }
}

/** The search by itself, without noise and with mishaps. */
export function searches(): void {
  const limit = (capacity: number) => (load: number): Seen["verdict"] => (load <= capacity ? "met" : "missed");
  for (const capacity of [0.02, 0.3, 1, 1.7, 7.5, 99, 12345]) {
    const { kept, missed, ended, contradictions } = find({}, limit(capacity));
    if (!(ended === "found" && kept!.load <= capacity && missed!.load > capacity && missed!.load / kept!.load < 1.05)) throw new Error(`${capacity}: ${JSON.stringify([kept, missed, ended])}`);
    equal(`contradictions at ${capacity}`, contradictions, []);
  }
  equal("doubling, then bisection", find({}, limit(5)).loads, [1, 2, 4, 8, 5.657, 4.757, 5.188, 4.968]);
  equal("nothing is kept", [find({}, limit(0.01)).ended, find({}, limit(0.01)).kept], ["min", undefined]);
  equal("everything is kept", [find({ max: 100 }, limit(1e9)).ended, find({ max: 100 }, limit(1e9)).kept!.load], ["max", 100]);
  for (const capacity of [1, 2, 3, 9, 40, 1000]) {
    const { kept, missed, loads } = find({ whole: true, min: 1 }, limit(capacity));
    if (!(kept!.load <= capacity && missed!.load > capacity && (missed!.load - kept!.load === 1 || missed!.load / kept!.load < 1.05)) || !loads.every(Number.isInteger)) throw new Error(`whole ${capacity}: ${loads}`);
  }
  const soFar: Bracket = {};
  const steps = search({ start: 2, min: 1, max: 100, tolerance: 0.05, whole: true, maxCases: 9, requests: 1, maxRequests: 1 }, soFar);
  steps.next();
  steps.next({ verdict: "met", lean: "met" });
  steps.next({ verdict: "missed", lean: "missed" });
  equal("so far", [soFar.kept?.load, soFar.missed?.load], [2, 4]);
  equal("cases run out", [find({ maxCases: 4 }, limit(5)).ended, find({ maxCases: 4 }, limit(5)).kept!.load], ["cases", 4]);

  // Too close to call: with 100, with 200, with 400 requests; then the values decide.
  const asked: number[] = [];
  const close = find({ start: 8, max: 8 }, (_, requests) => {
    asked.push(requests);
    return { verdict: "unclear", lean: "met" };
  });
  equal("prolonged", asked, [100, 200, 400]);
  equal("decided by the values", [close.kept, close.ended], [{ load: 8, met: true, doubtful: true }, "max"]);
  equal("clear at the second attempt", find({ max: 1 }, (_, requests) => (requests === 200 ? "met" : "unclear")).kept!.doubtful, false);

  // The first case was missed because the service was cold: all after it run into
  // that end, so it is played again, and the search goes on above.
  const cold = find({ start: 4 }, (load, _, number) => (number === 1 ? "missed" : limit(20)(load)));
  if (!(cold.kept!.load <= 20 && cold.kept!.load > 19)) throw new Error(`cold: ${JSON.stringify(cold)}`);
  equal("contradiction", cold.contradictions.map((d) => d.load), [4]);
  // And a lucky one was met far above the capacity.
  const lucky = find({ start: 1 }, (load, _, number) => (number === 5 ? "met" : limit(5)(load)));
  if (!(lucky.kept!.load <= 5 && lucky.missed!.load > 5)) throw new Error(`lucky: ${JSON.stringify(lucky)}`);
  equal("lucky contradicts", lucky.contradictions.length > 0, true);
}

// normal draws from the normal distribution.
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** How many of n samples hit, each with probability p. */
function binomial(n: number, p: number, random: () => number): number {
  if (n * p > 50) return Math.max(0, Math.min(n, Math.round(n * p + Math.sqrt(n * p * (1 - p)) * normal(random))));
  let hits = 0;
  for (let at = 0; p > 0; hits++) {
    at += Math.ceil(Math.log(1 - random()) / Math.log1p(-p));
    if (at > n) break;
  }
  return hits;
}

/**
 * Searches of a service whose queue is that of textbooks (M/M/1): of requests that come
 * with rate λ and are served with rate μ, the share λ/μ · exp(−(μ−λ)·t)
 * waits longer than t. Its capacity is where that is 1 % for the SLO, and it
 * is seen through the noise of so many samples.
 */
export function noisySearches(): void {
  const wait = 0.5; // s
  const promised: Promised = { limits: parseLimits(["ttft:p99<500"], false), goodputShare: 0.99, failedShare: 0.01, confidence: 0.95 };
  let [within, cases, repeated, most] = [0, 0, 0, 0];
  const runs = 200;
  for (let seed = 1; seed <= runs; seed++) {
    const random = randomSeeded(seed);
    const served = 60 * 2 ** (3 * random()); // 60 … 480 a second
    const beyond = (rate: number, t: number): number => (rate >= served ? 1 : (rate / served) * Math.exp(-(served - rate) * t));
    let [low, high] = [0, served];
    for (let i = 0; i < 60; i++) {
      if (beyond((low + high) / 2, wait) < 0.01) low = (low + high) / 2;
      else high = (low + high) / 2;
    }
    const capacity = low;
    let attempts = 0;
    const { kept, cases: played } = find({ start: capacity / (2 + 30 * random()), requests: 662, maxRequests: 2648, maxCases: 30 }, (rate, n) => {
      attempts++;
      const share = beyond(rate, wait);
      const bad = binomial(n, share, random);
      // The samples beyond the SLO are as many as were drawn; the tail of the others is stretched to fit.
      const stretch = (bad || 0.5) / n / share;
      const quantile = (q: number): number => {
        const tail = Math.max(1 - q / 100, 0.5 / n) / stretch;
        return rate >= served ? 1e6 : Math.max(0, (1000 * Math.log(rate / served / tail)) / (served - rate));
      };
      return judge(
        { counts: { requests: n, requests_failed: 0, requests_interrupted: 0 }, metrics: { ttft: { n, p: quantile } }, goodput: { requests: n, good: n - bad, share: 1 - bad / n } } as unknown as CaseResult,
        promised,
      ) satisfies Judgement;
    });
    if (kept && Math.abs(kept.load / capacity - 1) <= 0.05) within++;
    cases += played;
    repeated += Number(attempts > 12);
    most = Math.max(most, attempts);
  }
  console.log(`${within} of ${runs} searches within 5 % of the capacity; ${(cases / runs).toFixed(1)} cases on average, ${most} at most, ${repeated} took more than 12`);
  if (within < 0.95 * runs) throw new Error(`only ${within} of ${runs} searches came within 5 % of the capacity`);
}
