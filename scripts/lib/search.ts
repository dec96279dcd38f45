// The search for the highest load that is met, by itself: doubling or halving until the limit is between two loads, then bisection.
// It knows nothing of cases: who drives it plays a step and tells what came of it, as weir/lib/capacity does with SLOs.
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
export function* search(o: SearchOptions, soFar: Bracket = {}): Generator<Step, Answer, Seen> {
  const { start, min, max, tolerance, maxCases, requests, maxRequests } = o;
  if (!(min > 0 && min <= start && start <= max && start < Infinity)) throw new TypeError(`search: min, start and max must be above 0 and in this order, got ${min}, ${start} and ${max}`);
  if (!(tolerance > 0)) throw new TypeError(`search: tolerance is ${tolerance}; it must be above 0`);
  if (!(maxCases >= 1)) throw new TypeError(`search: maxCases is ${maxCases}; it must be at least 1`);
  if (!(requests >= 1 && maxRequests >= requests)) throw new TypeError(`search: requests is ${requests} and maxRequests ${maxRequests}; they must be at least 1, and in this order`);
  const decisions: Decision[] = [];
  let cases = 0;
  let { kept, missed } = soFar;
  const answer = (ended: Answer["ended"]): Answer => ({
    kept,
    missed,
    ended,
    cases,
    contradictions: decisions.filter((d) => !d.met && decisions.some((other) => other.met && other.load >= d.load)),
  });

  // decide plays a load until it is clear, or cannot become any clearer.
  function* decide(load: number): Generator<Step, Decision | undefined, Seen> {
    for (let attempt = 1, requests = o.requests; ; attempt++, requests = Math.min(2 * requests, o.maxRequests)) {
      if (cases === o.maxCases && attempt === 1) return undefined;
      cases++;
      const { verdict, lean } = yield { load, requests, attempt };
      const last = requests >= o.maxRequests || cases >= o.maxCases;
      if (verdict !== "unclear" || last) {
        const decision = { load, met: verdict === "unclear" ? lean === "met" : verdict === "met", doubtful: verdict === "unclear" };
        decisions.push(decision);
        return decision;
      }
    }
  }

  let load = o.start;
  const checked = new Set<number>(); // ends of the bracket that were played once more
  for (;;) {
    const decision = yield* decide(load);
    if (!decision) return answer("cases");
    if (decision.met) {
      kept = decision;
      if (missed && missed.load <= load) missed = lowest(decisions.filter((d) => !d.met && d.load > load));
    } else {
      missed = decision;
      if (kept && kept.load >= load) kept = highest(decisions.filter((d) => d.met && d.load < load));
    }
    Object.assign(soFar, { kept, missed });
    if (!missed) {
      if (kept!.load >= o.max) return answer("max");
      load = between(2 * kept!.load, o);
    } else if (!kept) {
      if (missed.load <= o.min) return answer("min");
      load = between(missed.load / 2, o);
    } else if (missed.load / kept.load < 1 + o.tolerance || (o.whole && missed.load - kept.load <= 1)) {
      const suspect = unconfirmed(decisions, kept, missed);
      if (!suspect || checked.has(suspect.load)) return answer("found");
      checked.add(suspect.load);
      load = suspect.load;
    } else {
      load = between(Math.sqrt(kept.load * missed.load), o);
    }
  }
}

// unconfirmed is the end of the bracket that all of several decisions since have
// run into: if the case that has decided it was wrong, by a mishap of the service,
// so are they. undefined: both ends were approached.
function unconfirmed(decisions: Decision[], kept: Decision, missed: Decision): Decision | undefined {
  const [since, earlier] = [kept, missed].map((end) => [decisions.indexOf(end), end] as const).sort(([a], [b]) => a - b)[0];
  return decisions.length - 1 - since >= 3 ? earlier : undefined;
}

const highest = (all: Decision[]): Decision | undefined => all.reduce<Decision | undefined>((a, b) => (!a || b.load > a.load ? b : a), undefined);
const lowest = (all: Decision[]): Decision | undefined => all.reduce<Decision | undefined>((a, b) => (!a || b.load < a.load ? b : a), undefined);

// between rounds a load to what is pleasant to read, which keeps it where it is.
function between(load: number, { whole, min, max }: SearchOptions): number {
  if (load <= min || load >= max) return load <= min ? min : max;
  return whole ? Math.max(1, Math.round(load)) : Number(load.toPrecision(4));
}
