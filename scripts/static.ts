// The static benchmark: fixed prompt length, fixed output length, fixed
// concurrency → throughput and first-token latency. It takes the flags of the
// AscendCloud-LLM script benchmark_parallel.py and writes its CSV; what differs
// on purpose is in docs/ascend.md.
import { invalidParams, params, type Case, type CaseResult, type It, type Options } from "weir";
import { Endpoint, backends, type RequestOptions } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Dataset } from "weir/dataset";
import { Trend } from "weir/metrics";
import { Csv } from "weir/output";

const p = params({
  backend: {
    default: "openai-chat",
    choices: ["embedding", ...backends.filter((name) => name !== "rerank")],
    help: "protocol of the service; embedding is the scripts' name for embeddings",
  },
  host: { default: ["localhost"], help: "host of the service, or several with commas in between: requests go to each in turn" },
  port: { default: ["9288"], help: "port of the service, one for all hosts or one for each" },
  scheme: { default: "auto", choices: ["auto", "http", "https"], help: "of the URL that is made of --host and --port; auto is https for tgi, as in the scripts, and http for all others" },
  url: { default: "", help: "whole URL of the requests, used as it is instead of --host and --port" },
  appCode: { default: "", secret: true, help: "sent as header X-Apig-AppCode" },
  apiKey: { default: "", secret: true, help: "sent as header Authorization: Bearer (anthropic: X-Api-Key)" },
  authToken: { default: "", secret: true, help: "sent as header X-Auth-Token" },
  insecure: { default: false, help: "accept a TLS certificate that cannot be verified, as the scripts do" },
  balance: { default: "round-robin", choices: ["round-robin", "least-in-flight"], help: "which of several hosts gets a request" },
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
  bestOf: { default: 1, help: "choices of which the service returns the best; only for backend tgi" },
  useBeamSearch: { default: false, help: "accepted for backend tgi, to which it says no more than --best-of" },
  numSchedulerSteps: { default: 1, help: "tokens that the service sends at once (multi-step scheduling); one request finds out first whether it does" },
  useSpecDecode: { default: false, help: "the service decodes speculatively: tokens are counted in each event; only for openai and openai-chat" },
  numSpeculativeTokens: { default: -1, help: "tokens that are speculated; 0 or more adds the acceptance rates to the table" },
  useMtpAcceptRate: { default: true, help: "with --csv-layout 6.5: the acceptance rate is of the speculated tokens alone; --no-use-mtp-accept-rate counts the one that is certain, too" },
  datasetType: { default: "random", choices: ["random", "sharegpt", "human-eval"], help: "where prompts come from" },
  datasetPath: { default: "", help: "file with the prompts" },
  useRealDatasetOutputTokens: { default: false, help: "output lengths of the dataset instead of --output-tokens" },
});

const backend = p.backend === "embedding" ? "embeddings" : p.backend;
const embeds = backend === "embeddings";
const speculates = p.numSpeculativeTokens >= 0;
checkParams();

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({
  backend,
  ...(p.url ? { requestUrl: p.url } : { url: hosts() }),
  balance: p.balance as "round-robin" | "least-in-flight",
  model: p.servedModelName || p.tokenizer,
  apiKey: p.apiKey,
  appCode: p.appCode,
  authToken: p.authToken,
  insecure: p.insecure,
  tokenizer,
  keepAlive: p.keepAlive,
  timeout: p.timeout,
  ...(embeds ? {} : generation()),
});

export const options: Options = {};

const acceptance = speculates ? new Trend("spec_accept_rate") : undefined;

// The scripts ask once whether the service sends as many tokens at once as it should.
export async function setup(): Promise<void> {
  if (p.numSchedulerSteps === 1 || p.useSpecDecode || embeds) return;
  const [input, output] = [p.promptTokens[0], p.outputTokens[0]];
  const one = synthetic({ tokenizer, count: 1, input, output, seed: p.seed - 1 });
  const reply = await service.complete(one[0]);
  if (reply.error) throw new Error(`the request that finds out about --num-scheduler-steps failed: ${reply.error.message}`);
  const expected = 1 + Math.ceil((reply.tokens - 1) / p.numSchedulerSteps);
  if (reply.events !== expected) {
    throw new Error(
      `the service does not send ${p.numSchedulerSteps} tokens at once: ${reply.tokens} tokens came in ${reply.events} events and not in ${expected}. ` +
        "Set --num-scheduler-steps to what it was started with, or leave it out where the service counts its tokens in every event",
    );
  }
}

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
  if (embeds) {
    await service.embed(it.item!);
    return;
  }
  const reply = await service.complete(it.item!);
  if (acceptance && !reply.error) acceptance.add(acceptRate(reply.tokens, reply.events));
}

// acceptRate is the share of speculated tokens that were accepted, as each generation
// of benchmark_parallel.py reckons it: each step but the first makes one token and
// speculates k more, of S steps that are sent at once.
function acceptRate(tokens: number, steps: number): number {
  const [k, s] = [p.numSpeculativeTokens, p.csvLayout === "6.3" ? 1 : p.numSchedulerSteps];
  if (steps <= 1) return 0;
  if (p.csvLayout === "6.5" && p.useMtpAcceptRate) return k === 0 ? 0 : (tokens - 1 - (steps - 1) * s) / ((steps - 1) * k * s);
  return (tokens - 1) / ((steps - 1) * (k + 1) * s);
}

// generation are the options of requests that make tokens.
function generation(): RequestOptions {
  const counted = backend === "openai" || backend === "openai-chat";
  return {
    temperature: p.temperature,
    ...(p.topP < 1 ? { topP: p.topP } : {}),
    ...(p.topK > 0 ? { topK: p.topK } : {}),
    ignoreEos: true,
    ...(p.bestOf > 1 ? { bestOf: p.bestOf } : {}),
    ...(p.numSchedulerSteps > 1 ? (counted ? { continuousUsage: true } : { tokensPerEvent: p.numSchedulerSteps }) : {}),
    ...(p.useSpecDecode ? { continuousUsage: true, extraBody: { skip_special_tokens: false } } : {}),
  };
}

// hosts are the base URLs of --host and --port.
function hosts(): string[] {
  const scheme = p.scheme === "auto" ? (backend === "tgi" ? "https" : "http") : p.scheme;
  return split(p.host).map((host, i, all) => {
    const ports = split(p.port);
    return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${ports[ports.length === all.length ? i : 0]}`;
  });
}

// split takes values with commas or blanks in between.
function split(values: readonly string[]): string[] {
  return values.flatMap((v) => v.split(",")).filter((v) => v !== "");
}

// Flags that are true with any value, as Python's type=bool.
function given(value: string): boolean {
  return value !== "" && !/^(false|0|no)$/i.test(value);
}

function checkParams(): void {
  if (p.promptTokens.length !== p.outputTokens.length) {
    invalidParams(`--prompt-tokens has ${p.promptTokens.length} values and --output-tokens has ${p.outputTokens.length}; they are paired, so there must be as many`);
  }
  for (const [flag, list] of [["--parallel-num", p.parallelNum], ["--prompt-tokens", p.promptTokens], ["--output-tokens", p.outputTokens], ["--epochs", [p.epochs]]] as const) {
    if (list.length === 0 || list.some((n) => !Number.isInteger(n) || n < 1)) {
      invalidParams(`${flag} must be whole numbers of at least 1, got ${list.join(" ")}`);
    }
  }
  const [names, ports] = [split(p.host), split(p.port)];
  const wrong = ports.find((port) => !/^\d+$/.test(port) || +port < 1 || +port > 65535);
  if (wrong !== undefined) {
    invalidParams(`--port must be a whole number from 1 to 65535, got ${wrong}`);
  }
  if (names.length === 0 || ports.length === 0 || (ports.length !== 1 && ports.length !== names.length)) {
    invalidParams(`--host names ${names.length} hosts and --port ${ports.length} ports; give one port, or one for each host`);
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
  if ((p.bestOf !== 1 || p.useBeamSearch) && backend !== "tgi") {
    invalidParams("--best-of and --use-beam-search only apply to backend tgi");
  }
  if (!Number.isInteger(p.bestOf) || p.bestOf < 1) {
    invalidParams(`--best-of must be a whole number of at least 1, got ${p.bestOf}`);
  }
  if (p.datasetType !== "random" || p.datasetPath !== "" || p.useRealDatasetOutputTokens) {
    invalidParams("--dataset-type, --dataset-path and --use-real-dataset-output-tokens: only random prompts are built yet");
  }
  if (!Number.isInteger(p.numSchedulerSteps) || p.numSchedulerSteps < 1) {
    invalidParams(`--num-scheduler-steps must be a whole number of at least 1, got ${p.numSchedulerSteps}`);
  }
  if (p.useSpecDecode && backend !== "openai" && backend !== "openai-chat") {
    invalidParams("--use-spec-decode needs a service that counts its tokens in every event: --backend openai or openai-chat");
  }
  if (!Number.isInteger(p.numSpeculativeTokens)) {
    invalidParams(`--num-speculative-tokens must be a whole number, got ${p.numSpeculativeTokens}`);
  }
}

type Column = string | { name: string; decimals: number; float: boolean };

// columns are the heads of the two generations of benchmark_parallel.py, with
// their rounding: four decimals in milliseconds, or three in seconds.
function columns(): Column[] {
  if (embeds) {
    return ["Input_Length", "Concurrency", ...["QPS", "INPUT_TOKEN_THROUGHPUT", "TP90_REQ_LATENCY", "TP99_REQ_LATENCY", "MAX_REQ_LATENCY", "AVG_REQ_LATENCY"].map((name) => ({ name, decimals: 3, float: true }))];
  }
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
        ...(speculates ? ["投机接受率TP90", "投机接受率TP99", "投机最大接受率", "投机最小接受率", "投机平均接受率"] : []),
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
    ...(speculates ? ["TP90", "TP99", "MAX", "MIN", "AVG"].map((name) => seconds(`${name}_SPEC_ACCEPT_RATE`)) : []),
  ];
}

type Cell = string | number | null;

function row(promptTokens: number, outputTokens: number, parallel: number, result: CaseResult): Cell[] {
  const { ttft, itl_decode, tpot, tpot_from_second, ttst, e2el } = result.metrics;
  if (embeds) {
    return [promptTokens, parallel, result.throughput.requests, result.throughput.input_tokens, e2el.p(90), e2el.p(99), e2el.max ?? null, e2el.avg ?? null];
  }
  const accepted = speculates ? (result.metrics.spec_accept_rate as typeof ttft | undefined) : undefined;
  const rates: Cell[] = speculates ? [accepted?.p(90) ?? null, accepted?.p(99) ?? null, accepted?.max ?? null, accepted?.min ?? null, accepted?.avg ?? null] : [];
  if (p.csvLayout === "6.3") {
    return [
      promptTokens,
      outputTokens,
      parallel,
      result.throughput.output_tokens,
      ...[ttft, itl_decode].flatMap((m) => [m.p(90), m.p(99), m.max ?? null, m.avg ?? null]),
      ...rates,
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
    ...rates,
  ];
}
