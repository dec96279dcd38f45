// What the scenarios have in common that replace benchmark_parallel.py and
// modal_benchmark_parallel.py: the flags of their load, the sweep over lengths
// and concurrencies, and the table.
import { invalidParams, type Case, type CaseResult } from "weir";
import type { Cell, Column, Csv } from "weir/output";
import { closeTable, layouts, scriptTable, type Point as Row } from "weir/lib/ascend";
import { checkRate, checkSeed, limits, paired, wholeNumbers } from "./checks";
import { sayFailed, sayRefused } from "./outcome";
import { caseSeed, chooseSeed } from "./seed";
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
  csvLayout: { default: "6.3", choices: layouts, help: "layout of the table: 6.3 has Chinese heads and milliseconds, 6.5 English heads and seconds" },
} as const;

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
export interface Point extends Row {
  /** Requests of the case and of its warm-up: only the first case has one. */
  requests: number;
  warmup: number;
  /** Of the case's data, made of --seed: no case finds the prompts of another one in the service's cache. */
  seed: number;
}

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
