import { type CaseResult, type SLOs } from "weir";
/** A limit of a statistic, such as ttft:p99<500. */
export interface Limit {
    metric: "ttft" | "ttfo" | "tpot" | "itl" | "e2el" | "ttft_from_schedule" | "ttfo_from_schedule" | "e2el_from_schedule";
    statistic: "avg" | "max" | "percentile";
    /** Of a percentile, 0 … 100. */
    p: number;
    /** Milliseconds. */
    below: number;
}
/**
 * Reads limits such as "ttft:p99<500", several in a text with commas between them. With a schedule, ttft, ttfo and e2el are counted from
 * it. What is wrong ends the run as a wrong parameter does, with a message that begins with `name`, the flag's.
 */
export declare function parseLimits(texts: readonly string[], scheduled?: boolean, name?: string): Limit[];
/** "ttft p99". */
export declare function limitName(limit: Limit): string;
/**
 * The SLOs that each request is held against: those whose statistic lets at most as
 * many requests miss them as the goodput share does. An average, or a
 * percentile below the share, allows single requests to be slower.
 */
export declare function perRequest(limits: readonly Limit[], share: number): SLOs;
/** How many requests a case needs for its statistics to mean something. */
export declare function requestsFor(limits: readonly Limit[], share: number): number;
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
export declare function hopelessMisses(n: number, promised: Promised): number;
/** So many requests must fail. */
export declare function hopelessFailures(n: number, promised: Promised): number;
/** Holds a case against what was promised. longer: it had more requests than the load's first one. */
export declare function judge(result: CaseResult, promised: Promised, longer?: boolean): Judgement;
