// Libraries by themselves, as scripts_test.go runs them; a fault is thrown. Values of statistics are those of Python's module of that
// name and of integrals of the densities.
import type { CaseResult } from "weir";
import { layouts, parallelCells, parallelColumns, servingCells, servingColumns } from "weir/lib/ascend";
import { CapacitySearch, type CapacityOptions } from "weir/lib/capacity";
import { binomialCDF, bootstrap, meanInterval, normalQuantile, percentileInterval, percentileRanks, sampleFloor, shareInterval, studentQuantile } from "weir/lib/intervals";
import { arrivals, geometric, linear, spike, staircase } from "weir/lib/ramps";
import { linearRegression, mean, median, percentile, std, summary } from "weir/lib/stats";
import { search as loads, type SearchOptions } from "weir/lib/search";
import { milliseconds, number, percent, percents, textTable, thousands, wrapped } from "weir/lib/text";
import { equal, near, refuses } from "./faults";

export function statistics(): void {
  const v = [12.5, 3.25, 7, 7, 19.75, 0.5, -4, 100, 8.125, 6];
  near("mean", mean(v), 16.0125);
  near("std", std(v), 28.65159517810483);
  near("std of a sample", std(v, { sample: true }), 30.201433119969654);
  near("median", median(v), 7);
  near("median of two", median([1, 4]), 2.5);
  for (const [p, want] of [[0, -4], [1, -3.595], [25, 3.9375], [50, 7], [90, 27.775], [99, 92.7775], [99.9, 99.27775], [100, 100]]) near(`p${p}`, percentile(v, p), want);
  equal("nothing changes the list", v[0], 12.5);
  equal("summary", summary([4, 1, 3, 2]), { n: 4, avg: 2.5, std: 1.118033988749895, min: 1, p50: 2.5, p90: 3.7, p95: 3.85, p99: 3.97, max: 4 });
  near("what is small beside the sum", mean([1e16, 1, -1e16, 1]), 0.5);
  near("infinite", mean([1, Infinity]), Infinity);
  near("percentile between infinities", percentile([1, Infinity, Infinity], 90), Infinity);
  for (const [what, got] of [["mean", mean([])], ["std", std([])], ["median", median([])], ["percentile", percentile([], 50)], ["std of one", std([3], { sample: true })]] as const) near(`${what} of nothing`, got, NaN);

  const line = linearRegression([1, 2, 3, 4, 5.5, 8], [2.1, 3.9, 6.2, 7.8, 11.5, 15.9]);
  near("slope", line.slope, 2.002587322121604);
  near("intercept", line.intercept, 0.05653298835705023, 1e-7);
  near("stderr", line.stderr, 0.05084927298068194);
  near("r2", line.r2, 0.997427662369448);
  near("stderr of two points", linearRegression([0, 2], [1, 5]).stderr, NaN);
  near("r2 of a level line", linearRegression([0, 1, 2], [3, 3, 3]).r2, NaN);

  refuses("mean: value 1 is undefined, not a number; leave out what was not measured", () => mean([1, undefined as unknown as number]));
  refuses("median: value 0 is NaN, not a number; leave out what was not measured", () => median([NaN]));
  refuses("std: the values must be a list of numbers, not object", () => std({} as number[]));
  refuses("percentile: p is 101; it must be from 0 to 100", () => percentile([1], 101));
  refuses("linearRegression: there are 2 x and 3 y; there must be as many", () => linearRegression([1, 2], [1, 2, 3]));
  refuses("linearRegression: a line takes points at two different x; there are 2 points at x = 5", () => linearRegression([5, 5], [1, 2]));
  refuses("linearRegression: a line takes points at two different x; there is 1 point", () => linearRegression([5], [1]));
}

export function confidence(): void {
  for (const [freedom, share, want] of [[1, 0.95, 12.706204736432095], [2, 0.95, 4.302652729911275], [4, 0.95, 2.7764451051977987], [10, 0.95, 2.2281388519649385], [30, 0.95, 2.0422724563012373], [3, 0.99, 5.840909309733355], [7, 0.9, 1.8945786050613054]]) {
    near(`t of ${freedom} and ${share}`, studentQuantile(freedom, share), want);
  }
  const [low, high] = meanInterval([101.2, 99.5, 103.1, 98.7, 100.4]);
  near("mean at least", low, 98.47758747343055);
  near("mean at most", high, 102.68241252656945);
  equal("of one value", meanInterval([5]).map(String), ["-Infinity", "Infinity"]);
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => n - i);
  equal("ranks", percentileInterval(upTo(100), 90), [84, 96]); // as qbinom of R has them
  equal("too few", percentileInterval(upTo(5), 99).map(String), ["4", "Infinity"]);
  // Of a mean, drawing again comes close to what the normal distribution says: 50.5 ± 1.96 · 28.87/√100.
  const drawn = bootstrap(upTo(100), mean, { resamples: 500 });
  near("drawn at least", drawn[0], 44.84, 0.03);
  near("drawn at most", drawn[1], 56.16, 0.03);
  const again = (seed?: number): unknown => bootstrap(upTo(9), median, { resamples: 100, seed });
  equal("the same again", again(1), again());
  equal("of one value", bootstrap([1], mean).map(String), ["-Infinity", "Infinity"]);
  refuses("meanInterval: the confidence is 95; it must be between 0 and 1, such as 0.95", () => meanInterval([1, 2], 95));
  refuses("shareInterval: 3 of 2 is no share", () => shareInterval(3, 2));
  refuses("bootstrap: resamples is 5; it must be a whole number from 100 to 1000000", () => bootstrap([1, 2], mean, { resamples: 5 }));
  refuses("studentQuantile: freedom is 0; it must be a whole number of at least 1", () => studentQuantile(0, 0.9));
  refuses("normalQuantile: the confidence is 95; it must be between 0 and 1, such as 0.95", () => normalQuantile(95));
  refuses("binomialCDF: p is 2; it must be from 0 to 1", () => binomialCDF(1, 2, 2));
  refuses("binomialCDF: k is 0.5; it must be a whole number of at least -1", () => binomialCDF(0.5, 2, 0.5));
  refuses("percentileRanks: n is -1; it must be a whole number of at least 0", () => percentileRanks(-1, 50, 0.95));
  refuses("sampleFloor: p is 101; it must be from 0 to 100", () => sampleFloor(101));
}

export function ramps(): void {
  equal("steps", linear({ from: 10, to: 50, step: 10 }), [10, 20, 30, 40, 50]);
  equal("down, with a shorter one", linear({ from: 5, to: 0, step: 2 }), [5, 3, 1, 0]);
  equal("no binary dust", linear({ from: 0.1, to: 0.5, step: 0.1 }), [0.1, 0.2, 0.3, 0.4, 0.5]);
  equal("a count", linear({ from: 0, to: 1, count: 5 }), [0, 0.25, 0.5, 0.75, 1]);
  equal("one value", linear({ from: 3, to: 3, step: 1 }), [3]);
  equal("factor", geometric({ from: 1, to: 64, factor: 4 }), [1, 4, 16, 64]);
  equal("factor that does not lead there", geometric({ from: 1, to: 50, factor: 4 }), [1, 4, 16, 50]);
  equal("down", geometric({ from: 8, to: 1, factor: 2 }), [8, 4, 2, 1]);
  equal("ratios of a count", geometric({ from: 1, to: 1000, count: 4 }), [1, 10, 100, 1000]);
  equal("whole, each once", geometric({ from: 1, to: 8, count: 10, whole: true }), [1, 2, 3, 4, 5, 6, 8]);
  equal("staircase", staircase([2, 4], { hold: "1m", rise: "5s" }), [{ duration: "5s", target: 2 }, { duration: "1m", target: 2 }, { duration: "5s", target: 4 }, { duration: "1m", target: 4 }]);
  equal("spike", spike({ base: 1, peak: 9, before: 10, hold: 20, after: 30, fall: 5 }).map((s) => [s.duration, s.target]), [[0, 1], [10, 1], [0, 9], [20, 9], [5, 1], [30, 1]]);
  const times = arrivals({ rate: 50, count: 1000, seed: 3 });
  equal("arrivals", [times.length, times.every((t, i) => t >= (times[i - 1] ?? 0)), times[999] < 20_000], [1000, true, true]);
  near("spread evenly", mean(times), 10_000, 0.1);
  equal("again", arrivals({ rate: 50, count: 1000, seed: 3 }), times);

  refuses("linear: give a step above 0 or a count, got step undefined", () => linear({ from: 1, to: 2 } as never));
  refuses("linear: give a step above 0 or a count, got step -1", () => linear({ from: 1, to: 2, step: -1 }));
  refuses("linear: that makes 1000000 values; 100000 are the most", () => linear({ from: 0, to: 1, step: 1e-6 }));
  refuses("linear: from and to must be numbers, got 1 and undefined", () => linear({ from: 1, step: 1 } as never));
  refuses("geometric: the count is 1; it must be a whole number of at least 2, as both ends are values", () => geometric({ from: 1, to: 2, count: 1 }));
  refuses("geometric: from and to must be above 0, got 0 and 8; linear has values from 0 on", () => geometric({ from: 0, to: 8, factor: 2 }));
  refuses("geometric: give a factor above 1 or a count, got factor 1", () => geometric({ from: 1, to: 8, factor: 1 }));
  refuses("staircase: there are no values to hold", () => staircase([], { hold: 1 }));
  refuses('staircase: hold is missing: how long is each value kept, such as { hold: "1m" }?', () => staircase([1], {} as never));
  refuses("spike: peak is missing", () => spike({ base: 1 } as never));
  refuses("arrivals: the rate is 0; it must be above 0, per second", () => arrivals({ rate: 0, count: 1, seed: 1 }));
  refuses("arrivals: the count is 0.5; it must be a whole number of at least 1", () => arrivals({ rate: 1, count: 0.5, seed: 1 }));
}

export function texts(): void {
  equal("table", textTable(["case", "ms"], [["a", "1.0"], ["long name", null]]).split("\n"), ["case        ms", "a          1.0", "long name    –"]);
  equal("two heads", textTable(["case", "p50", "p99"], [["a", "1", "2"]], ["", "ttft", ""]).split("\n"), ["      ttft", "case   p50  p99", "a        1    2"]);
  equal("wide characters", textTable(["用例", "首token"], [["短", "1"], ["chat 🌊", "20"]]).split("\n"), ["用例     首token", "短             1", "chat 🌊       20"]);
  equal("numbers", [0.01234, 1.5, 12.345, 1250.4, 0, NaN, undefined, -0.5].map(number), ["0.0123", "1.50", "12.3", "1250", "0.00", null, null, "-0.500"]);
  equal("shares", [percents(0.125), percents(NaN), percent(0.99), percent(0.99995)], ["12.5", null, "99 %", "100 %"]);
  equal("others", [milliseconds(12.345), milliseconds(1250.4), thousands(1900), thousands(12.345), thousands(1234567)], ["12.3", "1250", "1,900", "12.3", "1,234,567"]);
  equal("wrapped", wrapped("a limit of 500 ms is what it is", 14), "a limit of\n  500 ms is\n  what it is");
  refuses("textTable: line 2 has 1 cells, and the head has 2", () => textTable(["a", "b"], [["1"]]));
}

/** Rows have as many cells as there are heads; what is in them is compared with the scripts' own elsewhere. */
export function ascend(): void {
  const empty = { n: 0, p: () => NaN };
  const metrics = Object.fromEntries(["ttft", "itl_decode", "tpot", "tpot_from_second", "ttst", "e2el", "decode_speed", "decode_per_token"].map((name) => [name, empty]));
  const result = { metrics, throughput: { requests: 2, output_tokens: 30, total_tokens: 90 }, counts: { requests: 4, requests_failed: 1 }, duration_s: 2 } as unknown as CaseResult;
  const point = { promptTokens: 512, outputTokens: 256, parallel: 8 };
  for (const layout of layouts) {
    equal(`${layout} heads`, parallelColumns(layout).length, parallelCells(layout, point, result).length);
    equal(`${layout} heads with images`, parallelColumns(layout, { shape: "shape", percentile: "P" })[3].name, "shape");
    equal(`${layout} begins`, parallelCells(layout, point, result, {}, "64x64").slice(0, 4), [512, 256, 8, "64x64"]);
  }
  const row = parallelCells("6.5", point, result, { backend: "openai-chat", topP: 0.9 });
  equal("6.5 ends", row.slice(-7), [2, 2, 0.25, "openai-chat", null, null, 0.9]);
  equal("what was not measured is empty", row[5], null);
  equal("serving", servingCells({ dataset: "alpaca", promptTokens: 12, outputTokens: 34, rate: 5 }, result), ["alpaca", 12, 34, 5, 2, null, null, null, null, 30]);
  equal("serving heads", servingColumns.length, 10);
  refuses('parallelColumns: there is no layout "6.4"; there are "6.3" and "6.5"', () => parallelColumns("6.4" as never));
}

/** A search drives its cases; what it decides of them is tested with the verdicts. */
export function capacities(): void {
  const case_ = (): CapacityOptions["case"] => () => ({ data: [1] });
  const search = new CapacitySearch({ slo: ["ttft:avg<100"], start: 8, max: 16, requests: 10, goodputShare: 0, case: ({ load, requests, number }) => ({ data: [load, requests, number], tags: { mine: true } }) });
  const cases = search.run();
  const first = cases.next().value!;
  equal("its case", [first.name, first.executor, first.timestamps?.length, first.data, first.tags], ["8 req/s", "replay", 10, [8, 10, 1], { rate: 8, attempt: 1, mine: true }]);
  equal("before", search.text, "the search did not come to its end; until then: no load was decided");
  const seen: unknown[] = [];
  const result = (ttft: number): CaseResult => ({
    name: "case", interrupted: false, counts: { requests: 10, requests_failed: 0, requests_interrupted: 0 }, validity: { verdict: "VALID", reasons: [] },
    metrics: { ttft_from_schedule: { n: 10, avg: ttft, std: 1, max: ttft, p: () => ttft }, e2el: { n: 10, avg: 20 } }, throughput: { requests: 7.5, output_tokens: 75 },
    tag: (...t: unknown[]) => seen.push(t),
  }) as unknown as CaseResult;
  let step = cases.next(result(20)); // 8 is met, 16 is missed, and so is what is between them
  while (!step.done) {
    const rate = step.value.tags!.rate as number;
    step = cases.next(result(rate > 9 ? 200 : 20));
  }
  equal("ended", [search.ended, search.kept!.load <= 9, search.missed!.load > 9, seen[0], search.played.length > 3], ["found", true, true, ["decision", "met"], true]);
  equal("its sentence", /^keeps [0-9.]+ req\/s: 7.5 req\/s, 75 tok\/s; [0-9.]+ misses: ttft_from_schedule avg 200 ≥ 100 ms$/.test(search.text), true);
  refuses("CapacitySearch.run: this search was run before; make a new one for each", () => search.run().next());
  equal("its table", search.table().split("\n")[1], "req/s  sent  avg ms     %  failed  validity  decision");

  const options = (o: Partial<CapacityOptions>): CapacityOptions => ({ slo: ["ttft:500"], start: 4, case: case_(), ...o });
  for (const [message, o] of [
    ['slo must be a list, such as ["ttft:p99<500", "tpot:avg<50"]', { slo: "ttft:p99<500" as never }],
    ["case must be a function that returns what a case has besides its load, such as { data }", { case: {} as never }],
    ['of is "load"; it must be "rate" or "concurrency"', { of: "load" as never }],
    ["start is 0; it must be above 0: where does the search begin?", { start: 0 }],
    ["min, start and max must be above 0 and in this order, got 0.0625, 4 and 2", { max: 2 }],
    ["start, min and max of a concurrency are whole numbers", { of: "concurrency", start: 1.5 }],
    ["tolerance is 0; it must be from 0.001 to below 1", { tolerance: 0 }],
    ["requests is 0.5; it must be a whole number of at least 1", { requests: 0.5 }],
    ["maxRequests is 10; it must be a whole number of at least 662", { maxRequests: 10 }],
  ] as [string, Partial<CapacityOptions>][]) {
    refuses(`new CapacitySearch: ${message}`, () => new CapacitySearch(options(o)));
  }
  const of = (o: Partial<SearchOptions>): (() => unknown) => () => loads({ start: 1, min: 1, max: 8, tolerance: 0.1, whole: true, maxCases: 9, requests: 5, maxRequests: 5, ...o }).next();
  refuses("search: min, start and max must be above 0 and in this order, got 1, 1 and undefined", of({ max: undefined }));
  refuses("search: tolerance is 0; it must be above 0", of({ tolerance: 0 }));
  refuses("search: maxCases is undefined; it must be at least 1", of({ maxCases: undefined }));
  refuses("search: requests is 5 and maxRequests 1; they must be at least 1, and in this order", of({ maxRequests: 1 }));
}
