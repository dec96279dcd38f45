import type { CaseResult } from "weir";
import { Csv, type Cell, type Column } from "weir/output";
/** Of benchmark_parallel.py: that of the packages up to 6.3, or from 6.5 on. */
export type Layout = "6.3" | "6.5";
/** Those that there are, for the choices of a parameter. */
export declare const layouts: readonly Layout[];
/**
 * A table as those scripts write it: byte order mark, CR LF, readable for its owner alone. A file that exists is not overwritten. Not in init
 * code, as `new Csv`.
 */
export declare function scriptTable(path: string, columns: readonly (string | Column)[]): Csv;
/**
 * For the `finally` of a plan: puts the rows in order and says where the table is, or takes a table without rows away. Without `order`:
 * by the first column, then the second, and so on; null leaves them as they are.
 */
export declare function closeTable(table: Csv, order?: Parameters<Csv["sort"]>[0] | null): void;
/** What a case was, for the first columns of its row. */
export interface Point {
    /** Tokens. */
    promptTokens: number;
    outputTokens: number;
    /** Requests at the same time. */
    parallel: number;
}
/** How the service was asked, which the table of 6.5 has. What is left out is an empty cell. */
export interface Asked {
    backend?: string;
    temperature?: number;
    topK?: number;
    topP?: number;
}
/**
 * The heads of benchmark_parallel.py, with their rounding: four decimals in milliseconds, or three in seconds. Those of
 * modal_benchmark_parallel.py (`images`) call a percentile P90 instead of TP90 in 6.3, and have the shape of the images.
 */
export declare function parallelColumns(layout: Layout, images?: {
    shape: string;
    percentile: "P";
}): Column[];
/** The row of a case below `parallelColumns`; `shape` is that of its images. */
export declare function parallelCells(layout: Layout, point: Point, result: CaseResult, asked?: Asked, shape?: string): Cell[];
/** The heads of benchmark_serving.py, four decimals each. */
export declare const servingColumns: readonly Column[];
/** What was sent in a case, for its row in the table of benchmark_serving.py. */
export interface Sent {
    dataset: string;
    /** Mean lengths that were asked for: `stats()` of the dataset has them. */
    promptTokens: number;
    outputTokens: number;
    /** Requests per second that were asked for; Infinity: all at once. */
    rate: number;
}
/** The row of a case below `servingColumns`. */
export declare function servingCells({ dataset, promptTokens, outputTokens, rate }: Sent, { metrics, throughput }: CaseResult): Cell[];
/** The order that benchmark_serving.py gives its rows: by dataset and rate. For `closeTable`. */
export declare function byRate(a: readonly unknown[], b: readonly unknown[]): number;
