// The highest load at which a service keeps its SLOs: plays cases until it lies between one that keeps them and one that does not.
// docs/find-capacity.md tells how it searches and how it decides; `weir run find-capacity` is this search with flags.
//
// ```ts
// const search = new CapacitySearch({
//   slo: ["ttft:p95<500", "tpot:avg<50"],
//   start: 4,
//   case: ({ requests, number }) => ({ data: synthetic({ tokenizer, count: requests, input: 512, output: 64, seed: number }) }),
// });
//
// export function* plan() {
//   yield* search.run();
//   search.conclude();
// }
//
// export const handleSummary = () => ({ stdout: search.report() });
// ```
import { notMet, undecided, type Case, type CaseResult, type SLOs } from "weir";
import { arrivals } from "./ramps";
import { search, type Answer, type Bracket, type Decision } from "./search";
import { hopelessMisses, judge, parseLimits, perRequest, requestsFor, type Judgement, type Limit, type Promised } from "./slo";
import { milliseconds, percents, textTable, thousands, wrapped } from "./text";

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
export const serviceRules: readonly string[] = ["no_completed_requests", "failed_requests", "interrupted_requests"];

/** A search; its fields are up to date after each case, also when the run ends early. */
export class CapacitySearch {
  /** What must be kept. */
  readonly limits: readonly Limit[];
  /** Latencies that make a single request a bad one. */
  readonly slo: SLOs;
  /** What cases are held against: the limits with the shares and the confidence. */
  readonly promised: Promised;
  /** In the order in which they were played. */
  readonly played: Played[] = [];
  /** Why the search is over; undefined: it is not. */
  ended?: Answer["ended"] | "interrupted" | "no answer" | "invalid";
  readonly #o: Required<Omit<CapacityOptions, "slo">>;
  readonly #rates: boolean;
  readonly #soFar: Bracket = {};
  #answer: Answer | undefined;

  constructor(options: CapacityOptions) {
    const { slo, of = "rate", start, tolerance = 0.05, goodputShare = 0.99, failedShare = 0.01, confidence = 0.95 } = options;
    if (!Array.isArray(slo)) throw new TypeError('new CapacitySearch: slo must be a list, such as ["ttft:p99<500", "tpot:avg<50"]');
    this.#rates = of === "rate";
    this.limits = slo.length > 0 && typeof slo[0] !== "string" ? (slo as readonly Limit[]) : parseLimits(slo as readonly string[], this.#rates);
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as CapacityOptions;
    const requests = options.requests ?? requestsFor(this.limits, goodputShare);
    this.#o = {
      min: this.#rates ? start / 64 : 1,
      max: Infinity,
      maxCases: 20,
      maxRequests: 4 * requests,
      ignoreValidity: false,
      latency: 0,
      played: () => {},
      nameOf: (option) => option,
      ...given, of, tolerance, goodputShare, failedShare, confidence, requests,
    };
    check(this.#o);
    this.slo = perRequest(this.limits, goodputShare);
    this.promised = { limits: this.limits, goodputShare, failedShare, confidence, ...(this.#rates ? { growth: tolerance / 2 } : {}) };
  }

  /** Highest load that was met below the lowest that was missed; undefined: none was. */
  get kept(): Decision | undefined {
    return this.#soFar.kept;
  }

  /** Lowest load above it that was missed; undefined: none was. */
  get missed(): Decision | undefined {
    return this.#soFar.missed;
  }

  /** Plays the cases: `yield* search.run()` in plan, once. It ends without throwing; see `ended`. */
  *run(): Generator<Case, void, CaseResult> {
    if (this.#answer !== undefined || this.played.length > 0) throw new TypeError("CapacitySearch.run: this search was run before; make a new one for each");
    const [o, played] = [this.#o, this.played];
    const steps = search({ ...o, whole: !this.#rates }, this.#soFar);
    let [invalid, latency] = [0, o.latency]; // invalid: cases one after another
    let step = steps.next();
    while (!step.done) {
      const { load } = step.value;
      const attempt = played.filter((p) => p.load === load).length + 1;
      const requests = this.#requestsOf(load, step.value.requests);
      const result = yield this.#caseOf({ load, requests, attempt, number: played.length + 1 }, latency);
      if (result.interrupted) {
        this.ended = "interrupted";
        return;
      }
      latency = result.metrics.e2el.avg ?? latency;
      const judgement = judge(result, this.promised, step.value.attempt > 1);
      const row: Played = { load, attempt, result, judgement, decision: judgement.verdict };
      played.push(row);
      const { requests: sent, requests_failed: failed, requests_interrupted: cut } = result.counts;
      if (sent - failed - cut <= 0) {
        this.#decide(row, "none: no answer");
        this.ended = "no answer";
        return;
      }
      const reason = result.validity.reasons.find((r) => r.verdict === "INVALID");
      if (reason && !o.ignoreValidity) {
        this.#decide(row, "none: INVALID");
        console.warn(wrapped(`${result.name}: INVALID: ${reason.rule}: ${reason.message}`, 71));
        if (++invalid <= 2) continue; // a mishap does not end a search
        this.ended = "invalid";
        return;
      }
      invalid = 0;
      const before = step.value;
      step = steps.next(judgement);
      const open = !step.done && step.value.load === load && step.value.attempt === before.attempt + 1;
      this.#decide(row, judgement.verdict !== "unclear" ? judgement.verdict : open ? "unclear" : `unclear, taken as ${judgement.lean}`);
      console.log(wrapped(`${result.name}: ${row.decision}${judgement.against.length > 0 ? ` (${judgement.against.map((f) => f.text).join("; ")})` : ""}`));
    }
    this.ended = step.value.ended;
    this.#answer = step.value;
  }

  /** Ends the run when there is no answer: exit code 99 when no load that was tried keeps the SLOs, 1 when it could not be found out. For the end of plan. */
  conclude(): void {
    switch (this.ended) {
      case "no answer":
        return undecided("the service stopped answering");
      case "invalid":
        return undecided("no case at this load can be believed\n  hint: the client was the limit, or something is wrong with the requests (docs/validity.md);\n  with --ignore-validity such cases decide too");
      case "found": case "cases": case "min": case "max":
        if (!this.kept) notMet("no load that was tried keeps the SLOs");
    }
  }

  /** The table and the sentence, in lines of at most 80 columns; `before` are lines between them. */
  report(before: readonly string[] = []): string {
    const scheduled = this.limits.some((l) => l.metric.endsWith("_from_schedule")) && this.played.length > 0;
    return `${this.table()}${scheduled ? "ttft, ttfo and e2el count from the schedule\n" : ""}${wrapped([...before, this.text].join("\n"))}\n`;
  }

  /** What is known, as a sentence: "keeps 35 req/s: 34.7 req/s, 555 tok/s; 36.7 misses: …". */
  get text(): string {
    const { nameOf } = this.#o;
    const last = this.played.at(-1);
    switch (this.ended) {
      case undefined: case "interrupted":
        return `the search did not come to its end; until then: ${this.#bracket()}`;
      case "no answer":
        return `the service stopped answering in case ${last!.result.name}; until then: ${this.#bracket()}`;
      case "invalid":
        return `${this.#show(last!.load)} was INVALID ${last!.attempt} times, so it decides nothing; until then: ${this.#bracket()}`;
    }
    const cut = this.ended === "cases" ? `after ${this.#answer!.cases} cases (${nameOf("maxCases")}), before the bracket was narrow enough: ` : "";
    const tried = this.ended === "max" ? `; it is the most that was tried (${nameOf("max")})` : this.ended === "min" ? `; it is the least that was tried (${nameOf("min")})` : "";
    const loads = [...new Set(this.#answer!.contradictions.map((d) => d.load))].sort((a, b) => a - b);
    const doubt = loads.length > 0 ? `\nnot monotonic: ${loads.join(", ")} missed though as much or more was met at another time: the service was not the same all the time, or the cases are too short` : "";
    return `${cut}${this.#bracket()}${tried}${doubt}`;
  }

  /** The cases in the order of their load. */
  table(): string {
    if (this.played.length === 0) return "";
    const metrics = this.limits.map((l) => l.metric.replace("_from_schedule", ""));
    const statistics = this.limits.map((l) => `${l.statistic === "percentile" ? `p${l.p}` : l.statistic} ms`);
    const above = ["", "", ...metrics, "good", "", "", ""];
    const head = [this.#rates ? "req/s" : "concurrency", "sent", ...statistics, "%", "failed", "validity", "decision"];
    const lines = [...this.played]
      .sort((a, b) => a.load - b.load || a.attempt - b.attempt)
      .map(({ load, result, judgement, decision }) => [
        `${load}`,
        `${result.counts.requests}`,
        ...judgement.findings.slice(0, this.limits.length).map((f) => (Number.isNaN(f.value) ? null : milliseconds(f.value))),
        percents(result.goodput?.share),
        `${result.counts.requests_failed}`,
        result.validity.verdict,
        `${decision.replace(/^unclear, taken as (.*)/, "$1 (unclear)")}${result.stopped ? ", cut" : ""}`,
      ]);
    return `${textTable(head, lines, above)}\n`;
  }

  // Of many users at the same time, each must come to its turn some times.
  #requestsOf(load: number, requests: number): number {
    return this.#rates ? requests : Math.ceil(requests * Math.max(1, (4 * load) / this.#o.requests));
  }

  #caseOf(next: Next, latency: number): Case {
    const { load, requests, attempt, number } = next;
    const own = this.#o.case(next);
    const hopeless: Record<string, string> = Object.keys(this.slo).length > 0 ? { goodput: `missed>=${hopelessMisses(requests, this.promised)}` } : {};
    return {
      name: `${this.#show(load)}${attempt > 1 ? `, attempt ${attempt}` : ""}`,
      ...(own.executor !== undefined ? {} : this.#rates
        ? { executor: "replay", timestamps: arrivals({ rate: load, count: requests, seed: number }) }
        // Users who all came at once would find a queue that no other request meets.
        : { executor: "ramping-vus", startVUs: 1, stages: [{ duration: latency, target: load }], iterations: requests }),
      ...own,
      tags: { [this.#o.of]: load, attempt, ...own.tags },
      slo: { ...this.slo, ...own.slo },
      expect: [...serviceRules, ...(own.expect ?? [])],
      stopWhen: { ...hopeless, ...own.stopWhen },
    };
  }

  #decide(row: Played, decision: string): void {
    row.decision = decision;
    row.result.tag("decision", decision);
    this.#o.played(row);
  }

  #show(load: number): string {
    return this.#rates ? `${load} req/s` : `concurrency ${load}`;
  }

  // bracket is what is known so far.
  #bracket(): string {
    const { kept, missed, played } = this;
    const last = played.at(-1);
    const open = last && last.load !== kept?.load && last.load !== missed?.load && last.decision.startsWith("unclear") ? `, ${last.load} unclear` : "";
    if (!kept && !missed) return `no load was decided${open}`;
    const doubt = (d: Decision): string => (d.doubtful ? " (too close to call, decided by the values alone)" : "");
    const misses = missed ? `${this.#caseThatDecided(missed).judgement.against.map((f) => f.text).join("; ") || "no request completed"}${doubt(missed)}` : "";
    if (!kept) return `does not keep the SLOs at ${this.#show(missed!.load)}: ${misses}${open}`;
    const { throughput, goodput } = this.#caseThatDecided(kept).result;
    const good = goodput ? `, goodput ${thousands(goodput.per_second)} req/s` : "";
    const what = this.#rates ? this.#show(kept.load) : `${kept.load} at once`;
    return `keeps ${what}${doubt(kept)}: ${thousands(throughput.requests)} req/s, ${thousands(throughput.output_tokens)} tok/s${good}${missed ? `; ${missed.load} misses: ${misses}` : ""}${open}`;
  }

  #caseThatDecided({ load, met }: Decision): Played {
    return this.played.findLast((row) => row.load === load && row.decision.endsWith(met ? "met" : "missed")) ?? this.played.findLast((row) => row.load === load)!;
  }
}

function check(o: Required<Omit<CapacityOptions, "slo">>): void {
  const fault = (what: string): never => {
    throw new TypeError(`new CapacitySearch: ${what}`);
  };
  if (typeof o.case !== "function") fault("case must be a function that returns what a case has besides its load, such as { data }");
  if (o.of !== "rate" && o.of !== "concurrency") fault(`of is ${JSON.stringify(o.of)}; it must be "rate" or "concurrency"`);
  if (!(o.start > 0 && o.start < Infinity)) fault(`start is ${o.start}; it must be above 0: where does the search begin?`);
  if (!(o.min > 0 && o.min <= o.start && o.start <= o.max)) fault(`min, start and max must be above 0 and in this order, got ${o.min}, ${o.start} and ${o.max}`);
  if (o.of === "concurrency" && ![o.start, o.min, o.max].every((n) => Number.isInteger(n) || n === Infinity)) fault("start, min and max of a concurrency are whole numbers");
  for (const [name, share, least] of [["tolerance", o.tolerance, 0.001], ["goodputShare", o.goodputShare, 0], ["failedShare", o.failedShare, 0], ["confidence", o.confidence, 0.5]] as const) {
    if (!(share >= least && share < 1)) fault(`${name} is ${share}; it must be from ${least} to below 1`);
  }
  for (const [name, n, least] of [["maxCases", o.maxCases, 2], ["requests", o.requests, 1], ["maxRequests", o.maxRequests, o.requests]] as const) {
    if (!(Number.isInteger(n) && n >= least)) fault(`${name} is ${n}; it must be a whole number of at least ${least}`);
  }
}
