/** The arithmetic mean. */
export declare function mean(values: readonly number[]): number;
/** The standard deviation: of the values themselves, or with `sample`, estimated for what they are a sample of (divided by n − 1; NaN of one value). */
export declare function std(values: readonly number[], o?: {
    sample?: boolean;
}): number;
/** The percentile p (0 … 100), linear between the two values that it lies between. */
export declare function percentile(values: readonly number[], p: number): number;
/** The value in the middle, or the mean of the two there. */
export declare function median(values: readonly number[]): number;
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
export declare function summary(values: readonly number[]): Summary;
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
export declare function linearRegression(x: readonly number[], y: readonly number[]): Line;
