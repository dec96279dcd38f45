// Statistics of numbers that a script has collected, such as the results of repetitions. They are those that weir's own distributions
// have: percentiles are numpy's linear ones (type 7), the deviation is the population's unless it is asked for otherwise. Of no
// values they are NaN, as percentiles of a metric without samples are. How sure they are tells weir/lib/intervals.

/** The arithmetic mean. */
export function mean(values: readonly number[]): number {
  return sum(numbers("mean", values)) / values.length;
}

/** The standard deviation: of the values themselves, or with `sample`, estimated for what they are a sample of (divided by n − 1; NaN of one value). */
export function std(values: readonly number[], o: { sample?: boolean } = {}): number {
  const center = mean(numbers("std", values));
  return Math.sqrt(sum(values.map((v) => (v - center) ** 2)) / (values.length - (o.sample ? 1 : 0)));
}

/** The percentile p (0 … 100), linear between the two values that it lies between. */
export function percentile(values: readonly number[], p: number): number {
  numbers("percentile", values);
  if (!(p >= 0 && p <= 100)) throw new TypeError(`percentile: p is ${p}; it must be from 0 to 100`);
  return quantile(sorted(values), p);
}

/** The value in the middle, or the mean of the two there. */
export function median(values: readonly number[]): number {
  return quantile(sorted(numbers("median", values)), 50);
}

/** What weir's distributions have. */
export interface Summary {
  n: number;
  avg: number;
  /** Of the values themselves. */
  std: number;
  min: number;
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  max: number;
}

/** All of it at once. */
export function summary(values: readonly number[]): Summary {
  const all = sorted(numbers("summary", values));
  const at = (p: number): number => quantile(all, p);
  return { n: all.length, avg: mean(all), std: std(all), min: at(0), p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: at(100) };
}

/** A straight line through points, by least squares. */
export interface Line {
  slope: number;
  intercept: number;
  /** Standard error of the slope; NaN with two points. */
  stderr: number;
  /** Share of the spread of y that the line explains, 0 … 1; NaN when all y are equal. */
  r2: number;
  n: number;
}

/**
 * The line y = intercept + slope · x that fits best: how latency grows with the prompt's length, say. Two points at least, and not all
 * at one x.
 */
export function linearRegression(x: readonly number[], y: readonly number[]): Line {
  numbers("linearRegression", x);
  numbers("linearRegression", y);
  const n = x.length;
  if (n !== y.length) throw new TypeError(`linearRegression: there are ${n} x and ${y.length} y; there must be as many`);
  const [mx, my] = [mean(x), mean(y)];
  const sxx = sum(x.map((v) => (v - mx) ** 2));
  if (!(sxx > 0)) throw new TypeError(`linearRegression: a line takes points at two different x; there ${n === 1 ? "is 1 point" : `are ${n} points`}${n > 1 ? ` at x = ${x[0]}` : ""}`);
  const syy = sum(y.map((v) => (v - my) ** 2));
  const sxy = sum(x.map((v, i) => (v - mx) * (y[i] - my)));
  const slope = sxy / sxx;
  const intercept = my - slope * mx;
  const rest = sum(x.map((v, i) => (y[i] - intercept - slope * v) ** 2));
  return { slope, intercept, stderr: n > 2 ? Math.sqrt(rest / (n - 2) / sxx) : NaN, r2: 1 - rest / syy, n };
}

// numbers refuses what is no list of numbers: a metric without samples has no avg, and NaN in a mean hides where it came from.
function numbers(what: string, values: readonly number[]): readonly number[] {
  if (!Array.isArray(values)) throw new TypeError(`${what}: the values must be a list of numbers, not ${values === null ? "null" : typeof values}`);
  const i = values.findIndex((v) => typeof v !== "number" || Number.isNaN(v));
  if (i >= 0) throw new TypeError(`${what}: value ${i} is ${String(values[i])}, not a number; leave out what was not measured`);
  return values;
}

const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

function quantile(ordered: readonly number[], p: number): number {
  const at = ((ordered.length - 1) * p) / 100;
  const [low, high] = [ordered[Math.floor(at)], ordered[Math.ceil(at)]];
  return ordered.length === 0 ? NaN : low === high ? low : low + (high - low) * (at - Math.floor(at));
}

// sum adds up without losing what is small beside the sum (Neumaier).
function sum(values: readonly number[]): number {
  let [total, lost] = [0, 0];
  for (const v of values) {
    const next = total + v;
    lost += Math.abs(total) >= Math.abs(v) ? total - next + v : v - next + total;
    total = next;
  }
  return Number.isFinite(total) ? total + lost : total;
}
