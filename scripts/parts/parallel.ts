// What the scenarios have in common that replace benchmark_parallel.py and
// modal_benchmark_parallel.py: the flags of their load, the sweep over lengths
// and concurrencies, and the table.
import { invalidParams, type Case, type CaseResult } from "weir";
import type { Csv } from "weir/output";
import { checkRate, checkSeed, limits, paired, wholeNumbers } from "./checks";
import { sayFailed, sayRefused } from "./outcome";
import { caseSeed, chooseSeed } from "./seed";
import { checkService, type Service, type Values } from "./service";
import { closeTable, scriptTable } from "./table";

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

/** Ends the run when flags make no sense, or not together. warmupFlag names --warmup. */
export function checkFlags(p: Service & Values<typeof loadFlags> & { readonly warmup: number; readonly seed: number }, hasOutput = true, warmupFlag = "--warmup"): void {
  if (hasOutput) paired({ "--prompt-tokens": p.promptTokens, "--output-tokens": p.outputTokens });
  wholeNumbers(1, { "--parallel-num": p.parallelNum }, limits.vus);
  wholeNumbers(1, { "--prompt-tokens": p.promptTokens, "--output-tokens": p.outputTokens }, limits.tokens);
  wholeNumbers(1, { "--epochs": p.epochs });
  wholeNumbers(0, { [warmupFlag]: p.warmup }, limits.prompts);
  const most = Math.max(...p.parallelNum) * p.epochs + p.warmup;
  if (most > limits.prompts) invalidParams(`--parallel-num and --epochs make a case of ${most} prompts; weir makes ${limits.prompts} at most`);
  checkService(p);
  checkRate(p.requestRate);
  checkSeed(p.seed);
}

/** One case of a sweep. */
export interface Point {
  promptTokens: number;
  outputTokens: number;
  parallel: number;
  /** Requests of the case and of its warm-up: only the first case has one. */
  requests: number;
  warmup: number;
  /** Of the case's data, made of --seed: no case finds the prompts of another one in the service's cache. */
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
  /** Called when a row has been written. */
  written?: () => void;
}

/** The cases, one for each concurrency and pair of lengths, and a row of the table for each. */
export function* sweep(
  p: Values<typeof loadFlags & typeof tableFlags> & { readonly seed: number; readonly warmup: number; readonly pause: number },
  { columns, load, row, order, table, written }: Sweep,
): Generator<Case, void, CaseResult> {
  const csv = table ?? scriptTable(p.benchmarkCsv, columns);
  let number = 0;
  const seed = chooseSeed(p.seed);
  try {
    for (const parallel of p.parallelNum) {
      for (const [i, promptTokens] of p.promptTokens.entries()) {
        const outputTokens = p.outputTokens[i] ?? p.outputTokens[0];
        const warmup = number === 0 ? p.warmup : 0;
        const point: Point = { promptTokens, outputTokens, parallel, requests: parallel * p.epochs, warmup, seed: caseSeed("parallel", seed, number) };
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
          tags: { ...tags, seed },
        };
        number++;
        if (number === 1 && sayRefused(result)) return;
        csv.row(row(point, result));
        written?.();
        sayFailed(result);
      }
    }
  } finally {
    closeTable(csv, order);
    if (csv.length > 0) written?.(); // its rows have changed places
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
  const length = (name: string): Column => ({ name, decimals: 2, float: false }); // the average of a dataset's
  const stats = (names: string[], of: string): Column[] => names.map((n) => seconds(`${n}_${of}(s)`));
  const all = ["TP75", "TP90", "TP95", "TP99", "MAX", "AVG"];
  return [
    length("Input_Length"),
    length("Output_Length"),
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
