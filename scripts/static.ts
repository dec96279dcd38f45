// The static benchmark: fixed prompt length, fixed output length, fixed
// concurrency → throughput and first-token latency. It takes the flags of the
// AscendCloud-LLM script benchmark_parallel.py and writes its CSV; what differs
// on purpose is in docs/ascend.md.
import { invalidParams, params, type Case, type CaseResult, type It, type Options } from "weir";
import { Endpoint, backends } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Dataset } from "weir/dataset";
import { Csv } from "weir/output";

const p = params({
  backend: {
    default: "openai-chat",
    choices: ["openai-chat", "openai", "vllm", "mindspore", "base", "tgi", "trt", "embedding"],
    help: "protocol of the service",
  },
  host: { default: "localhost", help: "host of the service" },
  port: { default: 9288, help: "port of the service" },
  url: { default: "", help: "whole URL of the requests, used as it is instead of --host and --port" },
  appCode: { default: "", secret: true, help: "sent as header X-Apig-AppCode" },
  apiKey: { default: "", secret: true, help: "sent as header Authorization: Bearer" },
  tokenizer: {
    default: "builtin",
    help: "folder with tokenizer.json, or that file, of the model that is served; builtin is a small one of weir's own, whose lengths are not those of the model",
  },
  servedModelName: { default: "", help: "name of the model in requests (default: the value of --tokenizer)" },
  parallelNum: { default: [1, 4, 8], help: "requests at the same time, one case each" },
  promptTokens: { default: [512, 1024, 2048], help: "prompt lengths in tokens, paired with --output-tokens" },
  outputTokens: { default: [256, 256, 256], help: "output lengths in tokens, paired with --prompt-tokens" },
  epochs: { default: 10, help: "waves of each case: all requests of a wave are awaited before the next one starts" },
  requestRate: { default: Infinity, help: "starts per second inside a wave; inf: all at once" },
  usePdSeparate: { default: "", help: "any value but false: equal gaps of 1/rate instead of exponential ones" },
  benchmarkCsv: { default: "benchmark_parallel.csv", help: "file for the table; it must not exist yet" },
  csvLayout: { default: "6.3", choices: ["6.3", "6.5"], help: "layout of the table: 6.3 has Chinese heads and milliseconds, 6.5 English heads and seconds" },
  seed: { default: 0, help: "of the prompts and of the gaps" },
  temperature: { default: 0, help: "sampling temperature" },
  topP: { default: 0.8, help: "nucleus sampling; 1 leaves it out of the request" },
  topK: { default: 5, help: "top-k sampling; 0 or less leaves it out of the request" },
  enablePrefixCaching: { default: "", help: "any value but false: prompts begin with the same --prefix-caching-num tokens" },
  prefixCachingNum: { default: 0, help: "tokens that prompts have in common with --enable-prefix-caching" },
  samePrompt: { default: false, help: "one prompt for all requests of a case, as benchmark_parallel.py does" },
  keepAlive: { default: true, help: "reuse connections; --no-keep-alive opens one for each request, as benchmark_parallel.py does" },
  pause: { default: "0s", type: "duration", help: "wait between cases; benchmark_parallel.py waits 10s" },
  timeout: { default: "3h", type: "duration", help: "limit of one request" },
  warmup: { default: 4, help: "requests before the first case that are not counted" },
  bestOf: { default: 1, help: "only for backend tgi" },
  useBeamSearch: { default: false, help: "only for backend tgi" },
  numSchedulerSteps: { default: 1, help: "tokens that the service sends at once (multi-step scheduling)" },
  useSpecDecode: { default: false, help: "the service decodes speculatively" },
  numSpeculativeTokens: { default: -1, help: "tokens that are speculated; 0 or more adds the acceptance rates to the table" },
  datasetType: { default: "random", choices: ["random", "sharegpt", "human-eval"], help: "where prompts come from" },
  datasetPath: { default: "", help: "file with the prompts" },
  useRealDatasetOutputTokens: { default: false, help: "output lengths of the dataset instead of --output-tokens" },
});

checkParams();

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({
  backend: p.backend,
  ...(p.url ? { requestUrl: p.url } : { url: `http://${p.host}:${p.port}` }),
  model: p.servedModelName || p.tokenizer,
  apiKey: p.apiKey,
  appCode: p.appCode,
  tokenizer,
  temperature: p.temperature,
  ...(p.topP < 1 ? { topP: p.topP } : {}),
  ...(p.topK > 0 ? { topK: p.topK } : {}),
  ignoreEos: true,
  keepAlive: p.keepAlive,
  timeout: p.timeout,
});

export const options: Options = {};

export function* plan(): Generator<Case, void, CaseResult> {
  const csv = new Csv(p.benchmarkCsv, { columns: columns(), bom: true, eol: "\r\n", exclusive: true, mode: 0o600 });
  const cases = p.parallelNum.length * p.promptTokens.length;
  let number = 0;
  try {
    for (const parallel of p.parallelNum) {
      for (const [i, promptTokens] of p.promptTokens.entries()) {
        const outputTokens = p.outputTokens[i];
        const requests = parallel * p.epochs;
        const warmup = number === 0 ? p.warmup : 0;
        const data = synthetic({
          tokenizer,
          count: requests + warmup,
          input: promptTokens,
          output: outputTokens,
          prefix: given(p.enablePrefixCaching) ? p.prefixCachingNum : 0,
          same: p.samePrompt,
          // Prompts differ from case to case too, so that no case finds those of
          // another one in the service's prefix cache. The warm-up takes those at the end.
          seed: p.seed + number,
        });
        if (data.inexact > 0) {
          console.warn(`${data.inexact} of ${data.length} prompts do not have ${promptTokens} tokens: no text of that length was found with this tokenizer`);
        }
        const result = yield {
          name: `${promptTokens} in, ${outputTokens} out, ${parallel} parallel`,
          of: cases,
          tags: { prompt_tokens: promptTokens, output_tokens: outputTokens, parallel },
          executor: "waves",
          vus: parallel,
          waves: p.epochs,
          rate: p.requestRate,
          process: given(p.usePdSeparate) ? "constant" : "poisson",
          seed: p.seed + number,
          data,
          warmup,
          // Where prompts are to be found in the prefix cache, finding them is no fault.
          expect: p.samePrompt || given(p.enablePrefixCaching) ? ["cached_prompts"] : [],
          pause: p.pause,
        };
        number++;
        csv.row(row(promptTokens, outputTokens, parallel, result));
        const failed = result.counts.requests_failed;
        if (failed > 0) {
          const others = failed < result.counts.requests ? "is made of the others" : "has no latencies";
          console.warn(`${result.name}: ${failed} of ${result.counts.requests} requests failed; the row of the table ${others}`);
        }
      }
    }
  } finally {
    csv.sort();
    console.log(`table: ${p.benchmarkCsv}`);
  }
}

export default async function (it: It<Dataset>): Promise<void> {
  await service.complete(it.item!);
}

// Flags that are true with any value, as Python's type=bool.
function given(value: string): boolean {
  return value !== "" && !/^(false|0|no)$/i.test(value);
}

function checkParams(): void {
  if (!backends.includes(p.backend)) {
    invalidParams(`--backend ${p.backend} is not built yet; this version speaks ${backends.join(", ")}`);
  }
  if (p.promptTokens.length !== p.outputTokens.length) {
    invalidParams(`--prompt-tokens has ${p.promptTokens.length} values and --output-tokens has ${p.outputTokens.length}; they are paired, so there must be as many`);
  }
  for (const [flag, list] of [["--parallel-num", p.parallelNum], ["--prompt-tokens", p.promptTokens], ["--output-tokens", p.outputTokens], ["--epochs", [p.epochs]]] as const) {
    if (list.length === 0 || list.some((n) => !Number.isInteger(n) || n < 1)) {
      invalidParams(`${flag} must be whole numbers of at least 1, got ${list.join(" ")}`);
    }
  }
  if (!Number.isInteger(p.port) || p.port < 1 || p.port > 65535) {
    invalidParams(`--port must be a whole number from 1 to 65535, got ${p.port}`);
  }
  if (!(p.requestRate > 0)) {
    invalidParams(`--request-rate must be more than 0, got ${p.requestRate}`);
  }
  if (p.warmup < 0 || !Number.isInteger(p.warmup)) {
    invalidParams(`--warmup must be a whole number of at least 0, got ${p.warmup}`);
  }
  if (given(p.enablePrefixCaching) && p.promptTokens.some((n) => p.prefixCachingNum >= n)) {
    invalidParams(`--prefix-caching-num ${p.prefixCachingNum} must be less than every one of --prompt-tokens`);
  }
  if (p.bestOf !== 1 || p.useBeamSearch) {
    invalidParams("--best-of and --use-beam-search only apply to backend tgi");
  }
  if (p.datasetType !== "random" || p.datasetPath !== "" || p.useRealDatasetOutputTokens) {
    invalidParams("--dataset-type, --dataset-path and --use-real-dataset-output-tokens: only random prompts are built yet");
  }
  if (p.numSchedulerSteps !== 1) {
    invalidParams("--num-scheduler-steps is not built yet; tokens are counted as the service reports them, so leave it out");
  }
  if (p.useSpecDecode || p.numSpeculativeTokens >= 0) {
    invalidParams("--use-spec-decode and --num-speculative-tokens are not built yet; without them, tokens are counted as the service reports them");
  }
}

type Column = string | { name: string; decimals: number; float: boolean };

// columns are the heads of the two generations of benchmark_parallel.py, with
// their rounding: four decimals in milliseconds, or three in seconds.
function columns(): Column[] {
  if (p.csvLayout === "6.3") {
    const four = (name: string): Column => ({ name, decimals: 4, float: true });
    return [
      four("输入长度"),
      four("输出长度"),
      "并发数",
      ...[
        "输出tokens总吞吐",
        "首tokens时延TP90（ms）",
        "首tokens时延TP99（ms）",
        "最大首tokens时延（ms）",
        "平均首tokens时延（ms）",
        "增量时延TP90（ms）",
        "增量时延TP99（ms）",
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

type Cell = string | number | null;

function row(promptTokens: number, outputTokens: number, parallel: number, result: CaseResult): Cell[] {
  const { ttft, itl_decode, tpot, tpot_from_second, ttst, e2el } = result.metrics;
  if (p.csvLayout === "6.3") {
    return [
      promptTokens,
      outputTokens,
      parallel,
      result.throughput.output_tokens,
      ...[ttft, itl_decode].flatMap((m) => [m.p(90), m.p(99), m.max ?? null, m.avg ?? null]),
    ];
  }
  const seconds = (ms: number | undefined): Cell => (ms === undefined ? null : ms / 1000);
  const tail = (m: typeof ttft, ...percentiles: number[]): Cell[] => percentiles.map((q) => seconds(m.p(q)));
  const all = (m: typeof ttft): Cell[] => [...tail(m, 75, 90, 95, 99), seconds(m.max), seconds(m.avg)];
  return [
    promptTokens,
    outputTokens,
    parallel,
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
    p.backend,
    p.temperature,
    p.topK,
    p.topP,
  ];
}
