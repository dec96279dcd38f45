// The load of benchmark_serving.py: prompts and output lengths of a dataset, which
// arrive at random at one rate after another, and its table.
import { invalidParams, type Case, type CaseResult } from "weir";
import { formats, read, type Dataset, type RecordedItem } from "weir/dataset";
import { Csv, type Cell, type Column } from "weir/output";
import type { Tokenizer } from "weir/tokenizer";
import { checkSeed, wholeNumbers } from "./checks";
import { sayRead } from "./sayread";

/** What datasets may be: the formats that weir reads. */
export const datasetTypes = ["auto", ...formats.map((f) => f.name)];

/** Which prompts of a dataset are taken. */
export const limitFlags = {
  maxTokens: { default: 1024, help: "tokens of prompt and output together: outputs are shortened to it" },
  maxPromptTokens: { default: 900, help: "tokens of a prompt: longer ones are left out" },
} as const;

export const servingFlags = {
  requestRate: { default: [1, 4, 8], help: "requests per second, one case each, with exponential gaps; inf: all at once" },
  numPrompts: { default: [1000, 1000, 1000], help: "requests of each case, paired with --request-rate" },
  ...limitFlags,
  samePrompts: { default: false, help: "the same prompts at every rate, as benchmark_serving.py has it, which a prefix cache then answers" },
  pause: { default: "0s", type: "duration", help: "wait between rates; benchmark_serving.py waits 60s" },
  warmup: { default: 16, help: "requests before the first rate that are not counted, at 100 a second; benchmark_serving.py sends 256" },
} as const;

export interface Serving {
  dataset: string;
  datasetType: string;
  requestRate: readonly number[];
  numPrompts: readonly number[];
  maxTokens: number;
  maxPromptTokens: number;
  samePrompts: boolean;
  pause: number;
  warmup: number;
  seed: number;
}

/** Ends the run when flags make no sense, or not together. numbers is the flag of numPrompts. */
export function checkServing(p: Omit<Serving, "dataset" | "datasetType">, numbers = "--num-prompts"): void {
  if (p.numPrompts.length !== p.requestRate.length) {
    invalidParams(`${numbers} has ${p.numPrompts.length} values and --request-rate has ${p.requestRate.length}; they are paired, so there must be as many`);
  }
  if (p.requestRate.length === 0 || p.requestRate.some((rate) => !(rate > 0))) {
    invalidParams(`--request-rate must be more than 0, got ${p.requestRate.join(" ")}`);
  }
  wholeNumbers(1, { [numbers]: p.numPrompts, "--max-prompt-tokens": p.maxPromptTokens });
  wholeNumbers(2, { "--max-tokens": p.maxTokens });
  wholeNumbers(0, { "--warmup": p.warmup });
  checkSeed(p.seed);
}

/** The table's heads, four decimals each. */
export const servingColumns: Column[] = [
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

/**
 * One case for each rate, and a row of the tables for each. prompts are those of servingPrompts; cases is how many the
 * run has in all. Returns false when the service answers nothing.
 */
export function* serve(p: Serving & { prompts: Dataset; cases: number; tables: readonly Csv[] }): Generator<Case, boolean, CaseResult> {
  const { prompts } = p;
  let used = 0;
  for (const [i, rate] of p.requestRate.entries()) {
    const count = p.numPrompts[i];
    const warmup = i === 0 ? p.warmup : 0;
    const shown = Number.isFinite(rate) ? rate : "inf";
    const data = p.samePrompts ? prompts : prompts.slice(used, used + count + warmup);
    used += count + warmup;
    const asked = data.slice(0, count).stats();
    const result = yield {
      name: `${p.datasetType}: ${shown} req/s, ${count} prompts`,
      of: p.cases,
      tags: { dataset: p.datasetType, request_rate: shown, num_prompts: count, seed: p.seed + i },
      executor: "arrival-rate",
      process: "poisson",
      rate,
      iterations: count,
      seed: p.seed + i,
      data, // the warm-up takes those at the end
      warmup: { executor: "arrival-rate", rate: 100, process: "poisson", iterations: warmup },
      pause: p.pause,
      expect: p.samePrompts ? ["cached_prompts"] : [],
    };
    const failed = result.counts.requests_failed;
    if (i === 0 && failed > 0 && failed === result.counts.requests) {
      console.error(`${result.name}: no request succeeded, so no other case is played`);
      return false;
    }
    const row = cells(p.datasetType, asked.promptTokens.avg, asked.outputTokens.avg, rate, result);
    for (const table of p.tables) table.row(row);
    if (failed > 0) {
      const others = failed < result.counts.requests ? "is made of the others" : "has no latencies";
      console.warn(`${result.name}: ${failed} of ${result.counts.requests} requests failed; the row of the table ${others}`);
    }
  }
  return true;
}

/** The prompts of all rates, each with its own where the dataset has enough. */
export function servingPrompts(p: Serving & { tokenizer: Tokenizer }): Dataset<RecordedItem> {
  const most = Math.max(...p.numPrompts);
  const needed = (p.samePrompts ? most : p.numPrompts.reduce((sum, n) => sum + n, 0)) + p.warmup;
  const data = read(p.dataset, {
    ...(p.datasetType === "auto" ? {} : { format: p.datasetType }),
    inputOnly: p.datasetType === "alpaca",
    firstExchange: p.datasetType === "sharegpt",
    tokenizer: p.tokenizer,
    outputSpecialTokens: true,
    minPromptTokens: 4,
    minOutputTokens: 4,
    maxPromptTokens: p.maxPromptTokens,
    maxTotalTokens: p.maxTokens,
    clamp: true,
    sample: needed,
    atLeast: most,
    seed: p.seed,
  });
  sayRead(data);
  if (data.length === needed) return data;
  console.warn(
    `${p.dataset}: ${data.length} prompts are left, and ${needed} would be needed for ${p.samePrompts ? "the warm-up to have its own" : "each rate to have its own"}: ` +
      "they come again, and a prefix cache may answer them",
  );
  return data.cycle(needed);
}

function cells(dataset: string, input: number, output: number, rate: number, result: CaseResult): Cell[] {
  const { e2el, ttft, decode_speed, decode_per_token } = result.metrics;
  return [
    dataset,
    input,
    output,
    rate,
    result.throughput.requests,
    e2el.avg === undefined ? null : e2el.avg / 1000,
    decode_speed.avg ?? null,
    decode_per_token.avg ?? null,
    ttft.avg ?? null,
    result.throughput.output_tokens,
  ];
}

/** Puts the rows in order, or takes a table without rows away. */
export function closeTable(table: Csv): void {
  if (table.length === 0) {
    table.discard();
    return;
  }
  const order = (a: unknown, b: unknown): number => (a === b ? 0 : (a as number) < (b as number) ? -1 : 1);
  table.sort((a, b) => order(a[0], b[0]) || order(a[3], b[3]));
  console.log(`table: ${table.path}`);
}

/** A table at this path, in the scripts' layout. */
export function servingTable(path: string): Csv {
  return new Csv(path, { columns: servingColumns, bom: true, eol: "\r\n", exclusive: true, mode: 0o600 });
}
