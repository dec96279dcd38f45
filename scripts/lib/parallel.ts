// What the scenarios have in common that replace benchmark_parallel.py and
// modal_benchmark_parallel.py: the flags of their load, the sweep over lengths
// and concurrencies, and the table.
import { invalidParams, type Case, type CaseResult } from "weir";
import { Csv } from "weir/output";
import { checkService, type Service, type Values } from "./service";

export const loadFlags = {
  parallelNum: { default: [1, 4, 8], help: "requests at the same time, one case each" },
  promptTokens: { default: [512, 1024, 2048], help: "prompt lengths in tokens, paired with --output-tokens" },
  outputTokens: { default: [256, 256, 256], help: "output lengths in tokens, paired with --prompt-tokens" },
  epochs: { default: 10, help: "waves of each case: all requests of a wave are awaited before the next one starts" },
  requestRate: { default: Infinity, help: "starts per second inside a wave; inf: all at once" },
} as const;

export const tableFlags = {
  benchmarkCsv: { default: "benchmark_parallel.csv", help: "file for the table; it must not exist yet" },
  csvLayout: { default: "6.3", choices: ["6.3", "6.5"], help: "layout of the table: 6.3 has Chinese heads and milliseconds, 6.5 English heads and seconds" },
} as const;

type Layout = Values<typeof tableFlags>["csvLayout"];

/** Ends the run when flags make no sense, or not together. */
export function checkFlags(p: Service & Values<typeof loadFlags> & { readonly warmup: number; readonly seed: number }, hasOutput = true): void {
  if (hasOutput && p.promptTokens.length !== p.outputTokens.length) {
    invalidParams(`--prompt-tokens has ${p.promptTokens.length} values and --output-tokens has ${p.outputTokens.length}; they are paired, so there must be as many`);
  }
  for (const [flag, list] of [["--parallel-num", p.parallelNum], ["--prompt-tokens", p.promptTokens], ["--output-tokens", p.outputTokens], ["--epochs", [p.epochs]]] as const) {
    if (list.length === 0 || list.some((n) => !Number.isInteger(n) || n < 1)) {
      invalidParams(`${flag} must be whole numbers of at least 1, got ${list.join(" ")}`);
    }
  }
  checkService(p);
  if (!(p.requestRate > 0)) {
    invalidParams(`--request-rate must be more than 0, got ${p.requestRate}`);
  }
  if (p.warmup < 0 || !Number.isInteger(p.warmup)) {
    invalidParams(`--warmup must be a whole number of at least 0, got ${p.warmup}`);
  }
  if (p.seed < -1 || !Number.isInteger(p.seed)) {
    invalidParams(`--seed must be a whole number of at least 0, or -1 for one of weir's own, got ${p.seed}`);
  }
}

/** One case of a sweep. */
export interface Point {
  promptTokens: number;
  outputTokens: number;
  parallel: number;
  /** Requests of the case and of its warm-up: only the first case has one. */
  requests: number;
  warmup: number;
  /** Of the case's data, from --seed on: no case finds the prompts of another one in the service's cache. */
  seed: number;
}

export type Cell = string | number | null;
export type Column = string | { name: string; decimals: number; float: boolean };

interface Sweep {
  columns: Column[];
  /** What a case has besides its load. */
  load(point: Point): Case;
  row(point: Point, result: CaseResult): Cell[];
  /** Of the rows; left out: by the first column, then the second, and so on. */
  order?: (a: readonly unknown[], b: readonly unknown[]) => number;
  /** Made before; left out: it is made. */
  table?: Csv;
}

/** The file of a sweep's table. */
export function sweepTable(path: string, columns: Column[]): Csv {
  return new Csv(path, { columns, bom: true, eol: "\r\n", exclusive: true, mode: 0o600 });
}

/** The cases, one for each concurrency and pair of lengths, and a row of the table for each. */
export function* sweep(
  p: Values<typeof loadFlags & typeof tableFlags> & { readonly seed: number; readonly warmup: number; readonly pause: number },
  { columns, load, row, order, table }: Sweep,
): Generator<Case, void, CaseResult> {
  const csv = table ?? sweepTable(p.benchmarkCsv, columns);
  let number = 0;
  const seed = p.seed >= 0 ? p.seed : Date.now() % 2 ** 31;
  if (p.seed < 0) console.log(`seed: ${seed} (--seed ${seed} makes the same prompts again)`);
  try {
    for (const parallel of p.parallelNum) {
      for (const [i, promptTokens] of p.promptTokens.entries()) {
        const outputTokens = p.outputTokens[i] ?? p.outputTokens[0];
        const warmup = number === 0 ? p.warmup : 0;
        const point: Point = { promptTokens, outputTokens, parallel, requests: parallel * p.epochs, warmup, seed: seed + number };
        const { tags, ...others } = load(point);
        const result = yield {
          name: `${promptTokens} in, ${outputTokens} out, ${parallel} parallel`,
          of: p.parallelNum.length * p.promptTokens.length,
          executor: "waves",
          vus: parallel,
          waves: p.epochs,
          rate: p.requestRate,
          process: "poisson",
          seed: point.seed,
          warmup,
          pause: p.pause,
          ...others,
          tags: { ...tags, seed: point.seed },
        };
        number++;
        const failed = result.counts.requests_failed;
        if (number === 1 && failed > 0 && failed === result.counts.requests) {
          console.error(`${result.name}: no request succeeded, so no other case is played`);
          return;
        }
        csv.row(row(point, result));
        if (failed > 0) {
          const others = failed < result.counts.requests ? "is made of the others" : "has no latencies";
          console.warn(`${result.name}: ${failed} of ${result.counts.requests} requests failed; the row of the table ${others}`);
        }
      }
    }
  } finally {
    if (csv.length > 0) {
      csv.sort(order);
      console.log(`table: ${p.benchmarkCsv}`);
    } else {
      csv.discard();
    }
  }
}

/**
 * The heads of the two generations of the scripts, with their rounding: four decimals in milliseconds, or three in seconds. Those of
 * modal_benchmark_parallel.py call a percentile P90 instead of TP90 in the first one, and have the shape of the images.
 */
export function columns(layout: Layout, images?: { shape: string; percentile: "P" }): Column[] {
  const shape = images ? [images.shape] : [];
  if (layout === "6.3") {
    const four = (name: string): Column => ({ name, decimals: 4, float: true });
    const tp = images?.percentile ?? "TP";
    return [
      four("输入长度"),
      four("输出长度"),
      "并发数",
      ...shape,
      ...[
        "输出tokens总吞吐",
        `首tokens时延${tp}90（ms）`,
        `首tokens时延${tp}99（ms）`,
        "最大首tokens时延（ms）",
        "平均首tokens时延（ms）",
        `增量时延${tp}90（ms）`,
        `增量时延${tp}99（ms）`,
        "最大增量时延（ms）",
        "平均增量时延（ms）",
      ].map(four),
    ];
  }
  const seconds = (name: string): Column => ({ name, decimals: 3, float: true });
  const rate = (name: string): Column => ({ name, decimals: 2, float: true });
  const stats = (names: string[], of: string): Column[] => names.map((n) => seconds(`${n}_${of}(s)`));
  const all = ["TP75", "TP90", "TP95", "TP99", "MAX", "AVG"];
  return [
    "Input_Length",
    "Output_Length",
    "Concurrency",
    ...shape,
    rate("Total_Token_Throughput(tokens/s)"),
    rate("Output_Token_Throughput(tokens/s)"),
    ...stats(all, "TTFT"),
    ...stats(all, "TPOT"),
    ...stats(["TP90", "TP95", "TP99", "MAX", "AVG"], "TPOT_SEC"),
    ...stats(["TP90", "TP95", "TP99", "MIN", "MAX", "AVG"], "TIME_BETWEEN_FIRST_AND_SECOND_TOKEN"),
    ...stats(all, "E2E"),
    seconds("Total_Time(s)"),
    rate("QPS"),
    { name: "Fail_Rate", decimals: 4, float: false },
    "Backend",
    "Temperature",
    "Top_k",
    "Top_p",
  ];
}

/** How the service was asked, which the table of 6.5 has. */
interface Asked {
  backend: string;
  temperature: number;
  topK: number;
  topP: number;
}

/** The cells below `columns`. */
export function cells(layout: Layout, point: Point, result: CaseResult, asked: Asked, shape?: string): Cell[] {
  const { ttft, itl_decode, tpot, tpot_from_second, ttst, e2el } = result.metrics;
  const what = [point.promptTokens, point.outputTokens, point.parallel, ...(shape ? [shape] : [])];
  if (layout === "6.3") {
    return [...what, result.throughput.output_tokens, ...[ttft, itl_decode].flatMap((m) => [m.p(90), m.p(99), m.max ?? null, m.avg ?? null])];
  }
  const seconds = (ms: number | undefined): Cell => (ms === undefined ? null : ms / 1000);
  const tail = (m: typeof ttft, ...percentiles: number[]): Cell[] => percentiles.map((q) => seconds(m.p(q)));
  const all = (m: typeof ttft): Cell[] => [...tail(m, 75, 90, 95, 99), seconds(m.max), seconds(m.avg)];
  return [
    ...what,
    result.throughput.total_tokens,
    result.throughput.output_tokens,
    ...all(ttft),
    ...all(tpot),
    ...tail(tpot_from_second, 90, 95, 99),
    seconds(tpot_from_second.max),
    seconds(tpot_from_second.avg),
    ...tail(ttst, 90, 95, 99),
    seconds(ttst.min),
    seconds(ttst.max),
    seconds(ttst.avg),
    ...all(e2el),
    result.duration_s,
    result.throughput.requests,
    result.counts.requests === 0 ? 0 : result.counts.requests_failed / result.counts.requests,
    asked.backend,
    asked.temperature,
    asked.topK,
    asked.topP,
  ];
}
