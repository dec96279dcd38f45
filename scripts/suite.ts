// The dynamic benchmark with Alpaca and with ShareGPT, and after them the static
// one, in one run. It takes the flags of the AscendCloud-LLM script benchmark.py and
// writes its files; what differs on purpose is in docs/ascend.md.
import { params, type Case, type CaseResult, type It, type Options } from "weir";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Dataset } from "weir/dataset";
import { Workbook, makeFolder, type Csv } from "weir/output";
import { cells, checkFlags, columns, loadFlags, sweep, sweepTable } from "./lib/parallel";
import { checkRequests, checkSteps, generating, modelOf, requestFlags, requestOptions } from "./lib/requests";
import { chooseSeed, seedFlag } from "./lib/seed";
import { checkServing, closeTable, serve, servingFlags, servingPrompts, servingTable } from "./lib/serving";
import { serviceFlags, serviceOptions } from "./lib/service";

const p = params({
  alpacaDataset: { type: "string", required: true, help: "file of the Alpaca dataset, alpaca_data.json" },
  sharegptDataset: { type: "string", required: true, help: "file of the ShareGPT dataset" },
  outputDir: { default: "./output", help: "folder for the tables, none of which may exist yet" },
  backend: { default: "openai-chat", choices: generating, help: "protocol of the service" },
  ...serviceFlags,
  tokenizer: { type: "string", required: true, help: "folder with tokenizer.json, or that file, of the model that is served; builtin is a small one of weir's own, whose lengths are not those of the model" },
  scheme: { default: "auto", choices: ["auto", "http", "https"], help: "of the URL that is made of --host and --port; auto is https for tgi, as in the scripts, and http for all others" },
  ...servingFlags,
  requestRate: { default: [0.05, 1, 2, 4, 8, 10, 20, 30], help: "dynamic: requests per second, one case each" },
  numPrompts: { default: [6, 100, 1000, 1000, 1000, 1000, 1000, 1000], flag: "alpaca-num-prompts", help: "dynamic: requests of each case with Alpaca, paired with --request-rate" },
  sharegptNumPrompts: { default: [6, 1000, 1000, 1000, 1000, 1000, 1000, 1000], help: "the same with ShareGPT" },
  parallelNum: { ...loadFlags.parallelNum, default: [1, 2, 4, 8], help: "static: requests at the same time, one case each" },
  promptTokens: { ...loadFlags.promptTokens, default: [512, 1024], help: "static: prompt lengths in tokens, paired with --output-tokens" },
  outputTokens: { ...loadFlags.outputTokens, default: [256, 256], help: "static: output lengths in tokens, paired with --prompt-tokens" },
  epochs: { ...loadFlags.epochs, default: 5, help: "static: waves of each case" },
  pause: { default: "0s", type: "duration", help: "wait between cases; the scripts wait 60s (dynamic) and 10s (static)" },
  warmup: { default: 16, help: "requests before the first case with each dataset, and before the static ones, that are not counted" },
  ...requestFlags,
  ...seedFlag,
  keepAlive: { default: true, help: "reuse connections; --no-keep-alive opens one for each request, as the scripts do" },
  timeout: { default: "3h", type: "duration", help: "limit of one request" },
});

const parallel = { ...p, requestRate: Infinity, benchmarkCsv: `${p.outputDir}/benchmark_parallel.csv`, csvLayout: "6.3" } as const;
checkServing(p, "--alpaca-num-prompts");
checkServing({ ...p, numPrompts: p.sharegptNumPrompts }, "--sharegpt-num-prompts");
checkFlags(parallel);
checkRequests(p, p.backend);

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({
  ...serviceOptions(p, p.scheme === "auto" ? (p.backend === "tgi" ? "https" : "http") : p.scheme),
  backend: p.backend,
  ...modelOf(p, p.backend),
  tokenizer,
  keepAlive: p.keepAlive,
  timeout: p.timeout,
  ...requestOptions(p, p.backend),
});

export const options: Options = {};

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
  makeFolder(p.outputDir);
  const file = (name: string): string => `${p.outputDir}/${name}`;
  const made: Csv[] = [];
  const open = (table: Csv): Csv => (made.push(table), table);
  try {
    // All at once: which of them cannot be made is found out before any load.
    const book = new Workbook(file("output.xlsx"), { mode: 0o600 });
    const tables: Tables = {
      alpaca: open(servingTable(file("benchmark_serving_alpaca.csv"))),
      sharegpt: open(servingTable(file("benchmark_serving_sharegpt.csv"))),
      both: open(servingTable(file("benchmark_serving.csv"))),
      parallel: open(sweepTable(parallel.benchmarkCsv, columns("6.3"))),
    };
    try {
      yield* all(tables);
    } finally {
      for (const table of [tables.alpaca, tables.sharegpt, tables.both]) closeTable(table);
      if (tables.both.length > 0) book.sheet("benchmark_serving", tables.both);
      if (tables.parallel.length > 0) book.sheet("benchmark_parallel", tables.parallel);
      if (tables.both.length + tables.parallel.length > 0) console.log(`workbook: ${book.path}`);
    }
  } finally {
    for (const table of made) table.discard(); // those without rows
  }
}

function* all({ alpaca, sharegpt, both, parallel: table }: Tables): Generator<Case, void, CaseResult> {
  const seed = chooseSeed(p.seed);
  const cases = 2 * p.requestRate.length + p.parallelNum.length * p.promptTokens.length;
  const withAlpaca = { ...p, tokenizer, dataset: p.alpacaDataset, datasetType: "alpaca", seed };
  const withShareGPT = { ...p, tokenizer, dataset: p.sharegptDataset, datasetType: "sharegpt", seed: seed + 1000, numPrompts: p.sharegptNumPrompts };
  // Both are read before any load, so that a file that is missing is not found out after hours.
  const [first, second] = [withAlpaca, withShareGPT].map(servingPrompts);
  if (!(yield* serve({ ...withAlpaca, prompts: first, cases, tables: [alpaca, both] }))) return;
  if (!(yield* serve({ ...withShareGPT, prompts: second, cases, tables: [sharegpt, both] }))) return;
  yield* sweep({ ...parallel, seed: seed + 2000 }, {
    columns: columns("6.3"),
    table,
    load: ({ promptTokens, outputTokens, parallel, requests, warmup, seed }) => ({
      of: cases,
      tags: { prompt_tokens: promptTokens, output_tokens: outputTokens, parallel },
      data: synthetic({ tokenizer, count: requests + warmup, input: promptTokens, output: outputTokens, seed }),
    }),
    row: (point, result) => cells("6.3", point, result, p),
  });
}

export default async function (it: It<Dataset>): Promise<void> {
  await service.complete(it.item!);
}
