import { type Case, type CaseResult, type SLOs } from "weir";
import { type Answer, type Decision } from "./search";
import { type Judgement, type Limit, type Promised } from "./slo";
/** What is searched for, and how. */
export interface CapacityOptions {
    /** What must be kept: texts such as "ttft:p99<500", or what `parseLimits` of weir/lib/slo has made of them. */
    slo: readonly string[] | readonly Limit[];
    /**
     * What is searched for. "rate" (the default): requests per second, which come at random; ttft, ttfo and e2el count from the schedule,
     * and latencies must not grow all the time. "concurrency": requests at the same time.
     */
    of?: "rate" | "concurrency";
    /** Where the search begins; the closer to the answer, the fewer cases. */
    start: number;
    /** Where it gives up. Default: a 64th of start, of a concurrency 1. */
    min?: number;
    /** The most that is tried. Default: no limit. */
    max?: number;
    /** The search has ended when what is kept and what is missed differ by less than this share. Default 0.05. */
    tolerance?: number;
    /** Default 20. */
    maxCases?: number;
    /** Of a case. Default: as many as the percentiles of the SLOs take, 662 for p99, 130 for p95. */
    requests?: number;
    /** Of a case that is too close to call, and is played again with twice the requests. Default: four times `requests`. */
    maxRequests?: number;
    /** Least share of requests that keep the SLOs one by one; 0: it is not looked at. Default 0.99. */
    goodputShare?: number;
    /** Largest share of requests that may fail. Default 0.01. */
    failedShare?: number;
    /** With which a case must be met or missed. Default 0.95. */
    confidence?: number;
    /** Let INVALID cases decide too, in which this client may have been the limit. Default false. */
    ignoreValidity?: boolean;
    /** Of a concurrency: how long a request takes before the first case has shown it, milliseconds. Users come one after another over that time. Default 0. */
    latency?: number;
    /** What a case has besides its load, its name, its tags, and the SLOs that end it early: its data above all. What it says of these itself holds. */
    case: (next: Next) => Case;
    /** Called after each case that was played to its end. */
    played?: (played: Played) => void;
    /** What an option is called in sentences, such as "--max" for "max". */
    nameOf?: (option: "max" | "min" | "maxCases") => string;
}
/** A case that is about to be played. */
export interface Next {
    load: number;
    /** How many it sends. */
    requests: number;
    /** How often this load is played with it, from 1. */
    attempt: number;
    /** Of the case in the search, from 1: a seed with which no case finds the prompts of another one in the cache. */
    number: number;
}
/** A case that was played. */
export interface Played {
    load: number;
    attempt: number;
    result: CaseResult;
    judgement: Judgement;
    /** What was made of its verdict: "met", "missed", "unclear", "unclear, taken as met", "none: INVALID", …; also a tag of the result. */
    decision: string;
}
/** Validity rules whose findings are the service's doing under too much load, or that of stopWhen: the SLOs judge it. */
export declare const serviceRules: readonly string[];
/** A search; its fields are up to date after each case, also when the run ends early. */
export declare class CapacitySearch {
    #private;
    /** What must be kept. */
    readonly limits: readonly Limit[];
    /** Latencies that make a single request a bad one. */
    readonly slo: SLOs;
    /** What cases are held against: the limits with the shares and the confidence. */
    readonly promised: Promised;
    /** In the order in which they were played. */
    readonly played: Played[];
    /** Why the search is over; undefined: it is not. */
    ended?: Answer["ended"] | "interrupted" | "no answer" | "invalid";
    constructor(options: CapacityOptions);
    /** Highest load that was met below the lowest that was missed; undefined: none was. */
    get kept(): Decision | undefined;
    /** Lowest load above it that was missed; undefined: none was. */
    get missed(): Decision | undefined;
    /** Plays the cases: `yield* search.run()` in plan, once. It ends without throwing; see `ended`. */
    run(): Generator<Case, void, CaseResult>;
    /** Ends the run when there is no answer: exit code 99 when no load that was tried keeps the SLOs, 1 when it could not be found out. For the end of plan. */
    conclude(): void;
    /** The table and the sentence, in lines of at most 80 columns; `before` are lines between them. */
    report(before?: readonly string[]): string;
    /** What is known, as a sentence: "keeps 35 req/s: 34.7 req/s, 555 tok/s; 36.7 misses: …". */
    get text(): string;
    /** The cases in the order of their load. */
    table(): string;
}
