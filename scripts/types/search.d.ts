import type { Verdict } from "./slo";
/** Where a search goes. */
export interface SearchOptions {
    start: number;
    min: number;
    max: number;
    /** The search has ended when the bracket's ends differ by less than this share. */
    tolerance: number;
    /** Loads are whole numbers. */
    whole: boolean;
    maxCases: number;
    /** Of a case, and of one that is repeated as often as it takes. */
    requests: number;
    maxRequests: number;
}
/** A case to be played. */
export interface Step {
    load: number;
    requests: number;
    /** From 1: the case is repeated with more requests while its verdict is unclear. */
    attempt: number;
}
/** What came of it. */
export interface Seen {
    verdict: Verdict;
    lean: "met" | "missed";
}
/** What was decided about a load. */
export interface Decision {
    load: number;
    met: boolean;
    /** The verdict was unclear to the last, and the values themselves have decided. */
    doubtful: boolean;
}
/** What is known so far. */
export interface Bracket {
    /** Highest load that was met below the lowest that was missed; undefined: none was. */
    kept?: Decision;
    /** Lowest load above it that was missed; undefined: none was. */
    missed?: Decision;
}
/** What a search has come to. */
export interface Answer extends Bracket {
    /** Why the search is over. */
    ended: "found" | "cases" | "min" | "max";
    cases: number;
    /** Loads that were missed though a higher one, or the same one, was met at another time. */
    contradictions: Decision[];
}
/** Yields the cases, and takes what came of each. soFar is kept up to date meanwhile. */
export declare function search(o: SearchOptions, soFar?: Bracket): Generator<Step, Answer, Seen>;
