// Confidence intervals: between which two numbers the true value lies, with the share `confidence` of certainty, 0.95 unless
// another one is given. They take samples as independent of each other. Requests that share a queue are not, so that theirs are
// narrower than the truth.
import { randomSeeded } from "weir";
import { mean, percentile, std } from "./stats";

/** Both ends. */
export type Interval = [low: number, high: number];

/**
 * Of the mean of a few values that are spread normally, such as the throughputs of repetitions (Student's t). Of one value, from
 * -Infinity to Infinity: it says nothing of how they differ.
 */
export function meanInterval(values: readonly number[], confidence = 0.95): Interval {
  checkConfidence("meanInterval", confidence);
  const [n, center] = [values.length, mean(values)];
  if (n < 2) return [-Infinity, Infinity];
  const half = (studentQuantile(n - 1, confidence) * std(values, { sample: true })) / Math.sqrt(n);
  return [center - half, center + half];
}

/** Of a percentile (0 … 100), whatever the values' distribution is. An end is infinite when there are too few values to tell. */
export function percentileInterval(values: readonly number[], p: number, confidence = 0.95): Interval {
  checkConfidence("percentileInterval", confidence);
  percentile(values, p); // checks both
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = percentileRanks(sorted.length, p, confidence);
  return [low < 1 ? -Infinity : sorted[low - 1], high > sorted.length ? Infinity : sorted[high - 1]];
}

/**
 * Of any statistic of values, by drawing from them `resamples` times (percentile bootstrap; default 2000). It takes some dozens of values;
 * equal seeds (default 1) give equal ends.
 *
 * ```ts
 * bootstrap(latencies, (v) => percentile(v, 90) / median(v)) // how much slower the slow ones are
 * ```
 */
export function bootstrap(values: readonly number[], statistic: (values: number[]) => number, o: { confidence?: number; resamples?: number; seed?: number } = {}): Interval {
  const { confidence = 0.95, resamples = 2000, seed = 1 } = o;
  checkConfidence("bootstrap", confidence);
  if (!(Number.isInteger(resamples) && resamples >= 100 && resamples <= 1e6)) {
    throw new TypeError(`bootstrap: resamples is ${resamples}; it must be a whole number from 100 to 1000000`);
  }
  if (values.length < 2) return [-Infinity, Infinity];
  const random = randomSeeded(seed);
  const seen = Array.from({ length: resamples }, () => statistic(values.map(() => values[Math.floor(random() * values.length)])));
  return [percentile(seen, 50 * (1 - confidence)), percentile(seen, 50 * (1 + confidence))];
}

/** Of a share of which `hits` of `n` samples were seen (Wilson). */
export function shareInterval(hits: number, n: number, confidence = 0.95): Interval {
  checkConfidence("shareInterval", confidence);
  if (!(n >= 0 && hits >= 0 && hits <= n)) throw new TypeError(`shareInterval: ${hits} of ${n} is no share`);
  if (n === 0) return [0, 1];
  const z = normalQuantile(confidence);
  const share = hits / n;
  const center = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return [hits === 0 ? 0 : Math.max(0, center - half), hits === n ? 1 : Math.min(1, center + half)];
}

function checkConfidence(what: string, confidence: number): void {
  if (!(confidence > 0 && confidence < 1)) throw new TypeError(`${what}: the confidence is ${confidence}; it must be between 0 and 1, such as 0.95`);
}

function checkPercent(what: string, p: number): void {
  if (!(p >= 0 && p <= 100)) throw new TypeError(`${what}: p is ${p}; it must be from 0 to 100`);
}

function checkWhole(what: string, name: string, n: number, least: number): void {
  if (!(Number.isInteger(n) && n >= least)) throw new TypeError(`${what}: ${name} is ${n}; it must be a whole number of at least ${least}`);
}

/** How far from the mean of a normal distribution the share `confidence` of it lies: 1.96 for 0.95. */
export function normalQuantile(confidence: number): number {
  checkConfidence("normalQuantile", confidence);
  const known = quantiles.get(confidence) ?? findQuantile(confidence);
  quantiles.set(confidence, known);
  return known;
}

const quantiles = new Map<number, number>();

function findQuantile(confidence: number): number {
  const erf = (x: number): number => {
    // Its Taylor series, good to 1e-12 as far out as 5 σ.
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  };
  let [low, high] = [0, 5];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (erf(middle / Math.SQRT2) < confidence) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The same of Student's distribution with so many degrees of freedom (whole, from 1): 2.776 for 4 and 0.95. */
export function studentQuantile(freedom: number, confidence: number): number {
  checkWhole("studentQuantile", "freedom", freedom, 1);
  checkConfidence("studentQuantile", confidence);
  let [low, high] = [0, 1];
  while (studentShare(high, freedom) < confidence) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (studentShare(middle, freedom) < confidence) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

// studentShare is the share between -t and t (Abramowitz and Stegun 26.7.3 and 26.7.4).
function studentShare(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  const odd = freedom % 2 === 1;
  let term = odd ? cos : 1;
  let total = freedom === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < freedom; k += 2) {
    term *= ((k - 1) / k) * cos * cos;
    total += term;
  }
  return odd ? (2 / Math.PI) * (angle + sin * total) : sin * total;
}

/** P(X ≤ k) where X of n samples hit, each with probability p. */
export function binomialCDF(k: number, n: number, p: number): number {
  checkWhole("binomialCDF", "k", k, -1);
  checkWhole("binomialCDF", "n", n, 0);
  if (!(p >= 0 && p <= 1)) throw new TypeError(`binomialCDF: p is ${p}; it must be from 0 to 1`);
  if (k < 0) return 0;
  if (k >= n || p === 0) return 1;
  if (k > n * p) return 1 - binomialCDF(n - k - 1, n, 1 - p); // sum up the tail that is shorter
  let term = Math.exp(logChoose(n, k) + k * Math.log(p) + (n - k) * Math.log1p(-p));
  let sum = term;
  for (let i = k; i > 0 && term > sum * 1e-16; i--) {
    term *= (i / (n - i + 1)) * ((1 - p) / p);
    sum += term;
  }
  return Math.min(1, sum);
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

function logFactorial(n: number): number {
  let sum = 0;
  // Stirling's series is exact to 1e-13 from 16 on.
  for (; n < 16; n++) sum -= Math.log(n + 1);
  return sum + (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1260 * n ** 5);
}

/**
 * The ranks (1 … n) of the ordered samples between which the percentile p
 * (0 … 100) lies with the given confidence: each side errs with half of the rest.
 * A rank of 0 or n + 1 means that the samples say nothing on that side.
 */
export function percentileRanks(n: number, p: number, confidence: number): Interval {
  checkWhole("percentileRanks", "n", n, 0);
  checkPercent("percentileRanks", p);
  checkConfidence("percentileRanks", confidence);
  const key = `${n} ${p} ${confidence}`;
  const known = ranks.get(key) ?? findRanks(n, p, confidence);
  ranks.set(key, known);
  return known;
}

// Cases of one search have only some numbers of samples.
const ranks = new Map<string, [low: number, high: number]>();

function findRanks(n: number, p: number, confidence: number): [low: number, high: number] {
  const [share, tail] = [p / 100, (1 - confidence) / 2];
  // The percentile is below sample r with P(X < r), where X is the number of samples below it.
  let low = 0;
  let [from, to] = [0, Math.floor(n * share)];
  while (from <= to) {
    const r = Math.floor((from + to) / 2);
    if (binomialCDF(r - 1, n, share) <= tail) {
      low = r;
      from = r + 1;
    } else to = r - 1;
  }
  let high = n + 1;
  [from, to] = [Math.ceil(n * share), n];
  while (from <= to) {
    const r = Math.floor((from + to) / 2);
    if (r > 0 && 1 - binomialCDF(r - 1, n, share) <= tail) {
      high = r;
      to = r - 1;
    } else from = r + 1;
  }
  return [low, high];
}

/**
 * How many samples it takes for a percentile (0 … 100) to be known with 99 %
 * confidence although one sample was beyond it: MLPerf's floors, 662 for p99.
 */
export function sampleFloor(p: number): number {
  checkPercent("sampleFloor", p);
  const beyond = 1 - p / 100;
  if (!(beyond > 0)) return 1;
  let [low, high] = [1, 2];
  const known = (n: number): boolean => (1 - beyond) ** n + n * beyond * (1 - beyond) ** (n - 1) < 0.01;
  while (!known(high)) high *= 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (known(middle)) high = middle;
    else low = middle;
  }
  return high;
}
