// The tables that the AscendCloud-LLM scripts write, so that what reads theirs reads yours: benchmark_parallel.py in the layouts of its
// two generations (6.3 with Chinese heads and milliseconds, 6.5 with English ones and seconds), and benchmark_serving.py.
// docs/ascend.md tells what each column is.
//
// ```ts
// const table = scriptTable("benchmark_parallel.csv", parallelColumns("6.5"));
// table.row(parallelCells("6.5", { promptTokens: 512, outputTokens: 256, parallel: 8 }, result, { backend: "openai-chat" }));
// ```
import type { CaseResult, Distribution } from "weir";
import { Csv, type Cell, type Column } from "weir/output";

/** Of benchmark_parallel.py: that of the packages up to 6.3, or from 6.5 on. */
export type Layout = "6.3" | "6.5";

/** Those that there are, for the choices of a parameter. */
export const layouts: readonly Layout[] = ["6.3", "6.5"];

/**
 * A table as those scripts write it: byte order mark, CR LF, readable for its owner alone. A file that exists is not overwritten. Not in init
 * code, as `new Csv`.
 */
export function scriptTable(path: string, columns: readonly (string | Column)[]): Csv {
  return new Csv(path, { columns: [...columns], bom: true, eol: "\r\n", exclusive: true, mode: 0o600 });
}

/**
 * For the `finally` of a plan: puts the rows in order and says where the table is, or takes a table without rows away. Without `order`:
 * by the first column, then the second, and so on; null leaves them as they are.
 */
export function closeTable(table: Csv, order?: Parameters<Csv["sort"]>[0] | null): void {
  if (table.length === 0) {
    table.discard();
    return;
  }
  if (order !== null) table.sort(order);
  console.log(`table: ${table.path}`);
}

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
export function parallelColumns(layout: Layout, images?: { shape: string; percentile: "P" }): Column[] {
  checkLayout("parallelColumns", layout);
  const shape = images ? [{ name: images.shape }] : [];
  if (layout === "6.3") {
    const four = (name: string): Column => ({ name, decimals: 4, float: true });
    const tp = images?.percentile ?? "TP";
    return [
      four("输入长度"),
      four("输出长度"),
      { name: "并发数" },
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
    { name: "Concurrency" },
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
    ...["Backend", "Temperature", "Top_k", "Top_p"].map((name) => ({ name })),
  ];
}

/** The row of a case below `parallelColumns`; `shape` is that of its images. */
export function parallelCells(layout: Layout, point: Point, result: CaseResult, asked: Asked = {}, shape?: string): Cell[] {
  checkLayout("parallelCells", layout);
  const { ttft, itl_decode, tpot, tpot_from_second, ttst, e2el } = result.metrics;
  const what = [point.promptTokens, point.outputTokens, point.parallel, ...(shape ? [shape] : [])];
  if (layout === "6.3") {
    return [...what, result.throughput.output_tokens, ...[ttft, itl_decode].flatMap((m) => [m.p(90), m.p(99), m.max ?? null, m.avg ?? null])];
  }
  const seconds = (ms: number | undefined): Cell => (ms === undefined ? null : ms / 1000);
  const tail = (m: Distribution, ...percentiles: number[]): Cell[] => percentiles.map((q) => seconds(m.p(q)));
  const all = (m: Distribution): Cell[] => [...tail(m, 75, 90, 95, 99), seconds(m.max), seconds(m.avg)];
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
    asked.backend ?? null,
    asked.temperature ?? null,
    asked.topK ?? null,
    asked.topP ?? null,
  ];
}

/** The heads of benchmark_serving.py, four decimals each. */
export const servingColumns: readonly Column[] = [
  { name: "数据集" },
  ...[
    "输入平均长度（tokens）",
    "输出平均长度（tokens）",
    "请求频率（req/s）",
    "请求吞吐（req/s）",
    "请求平均时延（s）",
    "平均输出tokens吞吐（tokens/s）",
    "单请求每tokens平均时延（ms）",
    "首tokens平均时延（ms）",
    "输出tokens总吞吐（tokens/s）",
  ].map((name) => ({ name, decimals: 4, float: true })),
];

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
export function servingCells({ dataset, promptTokens, outputTokens, rate }: Sent, { metrics, throughput }: CaseResult): Cell[] {
  const { e2el, ttft, decode_speed, decode_per_token } = metrics;
  return [
    dataset,
    promptTokens,
    outputTokens,
    rate,
    throughput.requests,
    e2el.avg === undefined ? null : e2el.avg / 1000,
    decode_speed.avg ?? null,
    decode_per_token.avg ?? null,
    ttft.avg ?? null,
    throughput.output_tokens,
  ];
}

/** The order that benchmark_serving.py gives its rows: by dataset and rate. For `closeTable`. */
export function byRate(a: readonly unknown[], b: readonly unknown[]): number {
  const order = (x: unknown, y: unknown): number => (x === y ? 0 : (x as number) < (y as number) ? -1 : 1);
  return order(a[0], b[0]) || order(a[3], b[3]);
}

function checkLayout(what: string, layout: Layout): void {
  if (!layouts.includes(layout)) throw new TypeError(`${what}: there is no layout ${JSON.stringify(layout)}; there are ${layouts.map((l) => `"${l}"`).join(" and ")}`);
}
