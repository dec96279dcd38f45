import { type Duration, type Load } from "weir";
/** Both ends are values, too. Downwards when `to` is less than `from`. */
export interface Range {
    from: number;
    to: number;
}
/**
 * Values at equal distances: `linear({ from: 10, to: 50, step: 10 })` is 10, 20, 30, 40, 50, and so is `{ from: 10, to: 50, count: 5 }`.
 * Where `step` does not lead to `to`, the last step is shorter.
 */
export declare function linear(o: Range & ({
    step: number;
    count?: undefined;
} | {
    count: number;
    step?: undefined;
})): number[];
/**
 * Values at equal ratios: `geometric({ from: 1, to: 64, factor: 4 })` is 1, 4, 16, 64, and so is `{ from: 1, to: 64, count: 4 }`. Where
 * `factor` does not lead to `to`, the last one is smaller. `whole` rounds them, each once, for numbers of users.
 */
export declare function geometric(o: Range & {
    whole?: boolean;
} & ({
    factor: number;
    count?: undefined;
} | {
    count: number;
    factor?: undefined;
})): number[];
/** As `stages` of a load has it. */
export type Stage = NonNullable<Load["stages"]>[number];
/**
 * Stages for `ramping-vus` and `ramping-arrival-rate` that hold each value for a while, and go to the next one within `rise` (0: at once).
 *
 * ```ts
 * yield { executor: "ramping-arrival-rate", stages: staircase(linear({ from: 5, to: 20, step: 5 }), { hold: "1m", rise: "5s" }) };
 * ```
 */
export declare function staircase(values: readonly number[], o: {
    hold: Duration;
    rise?: Duration;
}): Stage[];
/** Stages of a load that is suddenly another one for a while: `base`, then `peak`, then `base` again to see how long it takes to recover. */
export declare function spike(o: {
    base: number;
    peak: number;
    before: Duration;
    hold: Duration;
    after: Duration;
    rise?: Duration;
    fall?: Duration;
}): Stage[];
/**
 * Timestamps for `replay` of exactly `count` random arrivals in `count / rate` seconds, the time in which so many come on average: a
 * Poisson process whose number of arrivals is known. Those of `arrival-rate` with process poisson differ in their rate from case to case, 662 of them by
 * 4 % as often as not. Equal seeds give equal times.
 */
export declare function arrivals(o: {
    rate: number;
    count: number;
    seed: number;
}): number[];
