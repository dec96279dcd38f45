/** Both ends. */
export type Interval = [low: number, high: number];
/**
 * Of the mean of a few values that are spread normally, such as the throughputs of repetitions (Student's t). Of one value, from
 * -Infinity to Infinity: it says nothing of how they differ.
 */
export declare function meanInterval(values: readonly number[], confidence?: number): Interval;
/** Of a percentile (0 … 100), whatever the values' distribution is. An end is infinite when there are too few values to tell. */
export declare function percentileInterval(values: readonly number[], p: number, confidence?: number): Interval;
/**
 * Of any statistic of values, by drawing from them `resamples` times (percentile bootstrap; default 2000). It takes some dozens of values;
 * equal seeds (default 1) give equal ends.
 *
 * ```ts
 * bootstrap(latencies, (v) => percentile(v, 90) / median(v)) // how much slower the slow ones are
 * ```
 */
export declare function bootstrap(values: readonly number[], statistic: (values: number[]) => number, o?: {
    confidence?: number;
    resamples?: number;
    seed?: number;
}): Interval;
/** Of a share of which `hits` of `n` samples were seen (Wilson). */
export declare function shareInterval(hits: number, n: number, confidence?: number): Interval;
/** How far from the mean of a normal distribution the share `confidence` of it lies: 1.96 for 0.95. */
export declare function normalQuantile(confidence: number): number;
/** The same of Student's distribution with so many degrees of freedom (whole, from 1): 2.776 for 4 and 0.95. */
export declare function studentQuantile(freedom: number, confidence: number): number;
/** P(X ≤ k) where X of n samples hit, each with probability p. */
export declare function binomialCDF(k: number, n: number, p: number): number;
/**
 * The ranks (1 … n) of the ordered samples between which the percentile p
 * (0 … 100) lies with the given confidence: each side errs with half of the rest.
 * A rank of 0 or n + 1 means that the samples say nothing on that side.
 */
export declare function percentileRanks(n: number, p: number, confidence: number): Interval;
/**
 * How many samples it takes for a percentile (0 … 100) to be known with 99 %
 * confidence although one sample was beyond it: MLPerf's floors, 662 for p99.
 */
export declare function sampleFloor(p: number): number;
