// The dynamic benchmark: prompts of a dataset, which arrive at random at one rate
// after another → throughput and latencies. It takes the flags of the
// AscendCloud-LLM script benchmark_serving.py and writes its CSV; what differs on
// purpose is in docs/ascend.md.
import { params, type Case, type CaseResult, type It, type Options } from "weir";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Dataset } from "weir/dataset";
import { byRate, closeTable, scriptTable, servingColumns } from "weir/lib/ascend";
import { askedFlags, askedService } from "./parts/asked";
import { named } from "./parts/checks";
import { checkProfile, profileFlags, profiler } from "./parts/profiling";
import { checkRequests, checkSteps, requestFlags } from "./parts/requests";
import { chooseSeed, seedFlag } from "./parts/seed";
import { checkServing, datasetTypes, serve, servingFlags, servingPrompts } from "./parts/serving";
import { checkService, sayScheme, schemeOf, serviceOptions } from "./parts/service";

const p = params({
  dataset: { type: "string", required: true, help: "file with the prompts and the answers whose lengths are asked for (also .gz, .zst)" },
  datasetType: {
    default: "sharegpt",
    choices: datasetTypes,
    help: "what the dataset is: alpaca takes its input alone, sharegpt the first two turns, custom is that of generate-dataset, as in benchmark_serving.py; auto finds out",
  },
  ...servingFlags,
  benchmarkCsv: { default: "benchmark_serving.csv", help: "file for the table; it must not exist yet" },
  ...askedFlags,
  ...requestFlags,
  ...profileFlags,
  ...seedFlag,
  keepAlive: { default: true, help: "reuse connections; --no-keep-alive opens one for each request, as benchmark_serving.py does" },
  timeout: { default: "3h", type: "duration", help: "limit of one request" },
  requestTime: { default: 300, help: "no effect, as in benchmark_serving.py" },
  maxRequests: { default: 3000, help: "no effect, as in benchmark_serving.py" },
});

checkServing(p);
checkService(p);
checkRequests(p, p.backend);
checkProfile(p);
named({ "--dataset": p.dataset, "--benchmark-csv": p.benchmarkCsv });

const tokenizer = new Tokenizer(p.tokenizer);
const service = askedService(p, tokenizer);
const profile = profiler(p, serviceOptions(p, schemeOf(p, p.backend)));

export const options: Options = { doctor: true, setupTimeout: "24h" }; // large datasets take long to read and to make

// The script asks once whether the service sends as many tokens at once as it should.
export async function setup(): Promise<void> {
  if (p.numSchedulerSteps === 1) return;
  const output = Math.max(p.maxTokens - p.maxPromptTokens, 1);
  const [prompt] = synthetic({ tokenizer, count: 1, input: p.maxPromptTokens, output, seed: Math.max(p.seed, 0) });
  await checkSteps(service, prompt, p.numSchedulerSteps);
}

export function* plan(): Generator<Case, void, CaseResult> {
  sayScheme(p, p.backend);
  const table = scriptTable(p.benchmarkCsv, servingColumns);
  try {
    const load = { ...p, seed: chooseSeed(p.seed), tokenizer };
    yield* serve({ ...load, prompts: servingPrompts(load), cases: p.requestRate.length, tables: [table], profile });
  } finally {
    closeTable(table, byRate);
  }
}

export default async function (it: It<Dataset>): Promise<void> {
  await service.complete(it.item!);
}
