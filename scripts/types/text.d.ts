/**
 * A table whose columns are as wide as what is in them, without lines: the first column flush left, the others flush right. null is
 * a dash. `above` is a head above the head, for what several columns have in common. Every row has as many cells as the head.
 *
 * ```ts
 * textTable(["users", "ttft ms"], result.cases.map((c) => [c.name, number(c.metrics.ttft.avg)]))
 * ```
 */
export declare function textTable(head: readonly string[], rows: readonly (readonly (string | null)[])[], above?: readonly string[]): string;
/** A number with as many decimals as three digits take: 0.0123, 1.50, 12.5, 1250. null, undefined and NaN are null, a dash in a table. */
export declare function number(value: number | null | undefined): string | null;
/** A share (0 … 1) as percents, for a column whose head has the sign: 0.125 is "12.5". null, undefined and NaN are null. */
export declare function percents(share: number | null | undefined): string | null;
/** A share (0 … 1) as a sentence has it: 0.99 is "99 %". */
export declare function percent(share: number): string;
/** Milliseconds in three digits, without the unit: 12.5, 1250. */
export declare function milliseconds(ms: number): string;
/** A number of three digits or more in groups: 1900 is "1,900", 12.345 is "12.3". */
export declare function thousands(n: number): string;
/** Breaks lines between words, so that none has more columns than that; those that follow are indented. A number keeps its unit. */
export declare function wrapped(text: string, columns?: number): string;
