// The load of benchmark_climbing.py: connections that become more in steps, are kept
// busy until all requests are sent, at one service after another, and its table.
import { invalidParams, type Case, type CaseResult, type It } from "weir";
import { read, synthetic, type Dataset, type Item } from "weir/dataset";
import { Endpoint, type RequestOptions } from "weir/llm";
import { Trend } from "weir/metrics";
import { Csv, makeFolder } from "weir/output";
import type { Tokenizer } from "weir/tokenizer";
import { wholeNumbers } from "./checks";
import { climbingCells, climbingColumns, localTime } from "./climbingtable";
import { type Point } from "./parallel";
import { readProviders, type Provider } from "./providers";
import { checkSteps } from "./requests";
import { chooseSeed } from "./seed";
import type { Service, Values } from "./service";
import { acceptRate, type Speculation } from "./speculation";

export const climbingFlags = {
  controlMethod: {
    default: "queue",
    choices: ["queue", "round", "pd-adaptive"],
    help: "queue: connections become more, by --growth-rate each --climbing-period, and are kept busy; round: all from the begin; pd-adaptive: the same, with limits of what the service prefills and decodes at once",
  },
  growthRate: { default: 1, help: "connections that are added each period, with --control-method queue" },
  climbingPeriod: { default: 1000, help: "the period, milliseconds" },
  rounds: { default: 2, help: "requests of each connection, on average, where --num-prompts does not say how many there are" },
  numPrompts: { default: [], type: "number list", help: "requests of each case, one number for each concurrency" },
  serverPrefillConcurrency: { default: 0, help: "pd-adaptive: requests that wait for their first token at the same time, at most" },
  serverDecodeConcurrency: { default: 0, help: "pd-adaptive: requests at the same time, at most, where that is less than the concurrency" },
  providersPath: { default: "", help: "YAML file with the services, which are asked one after another (default: the one of --url, or --host and --port)" },
  datasetDir: { default: "", help: "folder with prompts in files <length>.json, each a list of {\"input\": …} (default: random ones are made)" },
  benchmarkDir: { default: ".", help: "folder for the tables" },
} as const;

export type ClimbingFlags = Values<typeof climbingFlags>;

export interface Climbing extends ClimbingFlags, Speculation, Service {
  backend: string;
  /** Of requests at the same time, and their lengths, which are paired. */
  concurrencies: readonly number[];
  promptTokens: readonly number[];
  outputTokens: readonly number[];
  temperature: number;
  topK: number;
  topP: number;
  numSchedulerSteps: number;
  /** Requests before the first case of each service. */
  warmup: number;
  seed: number;
  pause: number;
}

// The warm-up has lengths of its own, and runs so many requests at once.
const warmupLength = 128;
const warmupAtOnce = 4;

/** Ends the run when flags make no sense, or not together. concurrencyFlag names --concurrencies. */
export function checkClimbing(p: Climbing, concurrencyFlag: string): void {
  wholeNumbers(1, { [concurrencyFlag]: p.concurrencies, "--prompt-tokens": p.promptTokens, "--output-tokens": p.outputTokens, "--rounds": p.rounds, "--growth-rate": p.growthRate });
  wholeNumbers(0, { "--server-prefill-concurrency": p.serverPrefillConcurrency, "--server-decode-concurrency": p.serverDecodeConcurrency });
  if (p.promptTokens.length !== p.outputTokens.length) {
    invalidParams(`--prompt-tokens has ${p.promptTokens.length} values and --output-tokens has ${p.outputTokens.length}; they are paired, so there must be as many`);
  }
  if (!(p.climbingPeriod > 0 && p.climbingPeriod < Infinity)) {
    invalidParams(`--climbing-period must be milliseconds above 0, got ${p.climbingPeriod}`);
  }
  checkNumPrompts(p.numPrompts, p.concurrencies, concurrencyFlag);
  const limits = { "--server-prefill-concurrency": p.serverPrefillConcurrency, "--server-decode-concurrency": p.serverDecodeConcurrency };
  const given = Object.entries(limits).find(([, n]) => n > 0);
  if (p.controlMethod !== "pd-adaptive" && given) {
    invalidParams(`${given[0]} only applies to --control-method pd-adaptive`);
  }
  if (p.controlMethod === "pd-adaptive" && p.serverPrefillConcurrency === 0) {
    invalidParams("--control-method pd-adaptive needs --server-prefill-concurrency: how many requests may wait for their first token at the same time");
  }
}

/** --num-prompts has a number for each concurrency, or none at all. */
export function checkNumPrompts(numPrompts: readonly number[], concurrencies: readonly number[], concurrencyFlag: string): void {
  if (numPrompts.length === 0) return;
  wholeNumbers(1, { "--num-prompts": numPrompts });
  if (numPrompts.length !== concurrencies.length) {
    invalidParams(`--num-prompts has ${numPrompts.length} values and ${concurrencyFlag} has ${concurrencies.length}; they are paired, so there must be as many`);
  }
}

/** What a scenario is made of that climbs. */
export interface Climb {
  setup(): Promise<void>;
  plan(): Generator<Case, void, CaseResult>;
  iterate(it: It<Dataset>): Promise<void>;
}

/** The load; for init code. request is what every request says. */
export function climbing(p: Climbing, tokenizer: Tokenizer, request: RequestOptions): Climb {
  const { list: providers, ignored } = readProviders(p.providersPath, p);
  const services = new Map<string, Endpoint>();
  for (const { name, endpoint } of providers) {
    const prefill = p.controlMethod === "pd-adaptive" ? { maxPrefill: p.serverPrefillConcurrency } : {};
    services.set(name, new Endpoint({ ...endpoint, backend: p.backend, tokenizer, ...request, ...prefill }));
  }
  // Its prompts are those of no case.
  const warmupSeed = Math.max(p.seed, 0) + providers.length * p.concurrencies.length * p.promptTokens.length;
  const warm = synthetic({ tokenizer, count: Math.max(p.warmup, 1), input: warmupLength, output: warmupLength, seed: warmupSeed });
  const acceptance = p.numSpeculativeTokens >= 0 ? new Trend("spec_accept_rate") : undefined;

  return {
    async setup() {
      if (p.numSchedulerSteps > 1 && !p.useSpecDecode) {
        for (const service of services.values()) await checkSteps(service, warm[0], p.numSchedulerSteps);
      }
    },
    plan() {
      if (ignored.length > 0) console.warn(`--providers-path ${p.providersPath}: ignored: ${ignored.join("; ")}`);
      return climb(p, tokenizer, providers);
    },
    async iterate(it) {
      const service = services.get(String(it.tags.provider))!;
      const reply = await service.complete(it.warmup ? warm[it.index % warm.length] : it.item!);
      if (acceptance && !reply.error) acceptance.add(acceptRate(p, "6.5", reply.tokens, reply.events));
    },
  };
}

/** The cases: of each service, one for each concurrency and pair of lengths. */
function* climb(p: Climbing, tokenizer: Tokenizer, providers: readonly Provider[]): Generator<Case, void, CaseResult> {
  const tables: Csv[] = [];
  try {
    // All of them are there before anything is sent.
    if (p.benchmarkDir !== "") makeFolder(p.benchmarkDir);
    for (const provider of providers) tables.push(new Csv(tablePath(p, provider), { columns: climbingColumns, bom: true, eol: "\r\n", mode: 0o600 }));
    const files = datasets(p, tokenizer);
    let number = 0;
    const seed = chooseSeed(p.seed);
    for (const [i, provider] of providers.entries()) {
      for (const [point, first] of points(p, seed)) {
        const shown = providers.length > 1 ? `${provider.name}: ` : "";
        const pointSeed = seed + number++;
        const result = yield {
          name: `${shown}${point.promptTokens} in, ${point.outputTokens} out, ${point.parallel} at once`,
          of: providers.length * p.concurrencies.length * p.promptTokens.length,
          tags: {
            provider: provider.name,
            control_method: p.controlMethod,
            prompt_tokens: point.promptTokens,
            output_tokens: point.outputTokens,
            concurrency: point.parallel,
            num_prompts: point.requests,
            seed: pointSeed,
          },
          ...load(p, point),
          data: prompts(tokenizer, files, { ...point, seed: pointSeed }),
          warmup: first && p.warmup > 0 ? { executor: "shared-iterations", vus: Math.min(warmupAtOnce, p.warmup), iterations: p.warmup } : 0,
          pause: p.pause,
          // Connections are opened to every service of the script; those of others would only wait.
          ...(providers.length > 1 ? { preconnect: false } : {}),
        };
        const { requests, requests_failed: failed } = result.counts;
        if (first && failed > 0 && failed === requests) {
          console.error(`${result.name}: no request succeeded, so no other case of ${provider.name} is played`);
          break;
        }
        tables[i].row(climbingCells({ ...p, point, provider: provider.name }, result));
        if (failed > 0) {
          const others = failed < requests ? "is made of the others" : "has no latencies";
          console.warn(`${result.name}: ${failed} of ${requests} requests failed; the row of the table ${others}`);
        }
      }
    }
  } finally {
    for (const table of tables) {
      if (table.length > 0) console.log(`table: ${table.path}`);
      else table.discard();
    }
  }
}

// points are the cases of a service, and whether each is the first.
function* points(p: Climbing, seed: number): Generator<[Point, boolean]> {
  for (const [c, parallel] of p.concurrencies.entries()) {
    for (const [i, promptTokens] of p.promptTokens.entries()) {
      const requests = p.numPrompts[c] ?? parallel * p.rounds;
      yield [{ promptTokens, outputTokens: p.outputTokens[i], parallel, requests, warmup: 0, seed }, c === 0 && i === 0];
    }
  }
}

// load is how the connections of a case become more. They take the requests from one stock, and the case ends with it.
function load(p: Climbing, { parallel, requests }: Point): Case {
  const most = p.controlMethod === "pd-adaptive" && p.serverDecodeConcurrency > 0 ? Math.min(parallel, p.serverDecodeConcurrency) : parallel;
  const step = p.controlMethod === "queue" ? p.growthRate : most;
  let connections = Math.min(step, most);
  const startVUs = connections;
  const stages = [{ duration: 0, target: connections }];
  while (connections < most) {
    stages.push({ duration: p.climbingPeriod, target: connections });
    connections = Math.min(connections + step, most);
    stages.push({ duration: 0, target: connections });
  }
  return { executor: "ramping-vus", startVUs, stages, iterations: requests };
}

// datasets are the files of --dataset-dir, by length: that one is missing is found out before anything is sent.
function datasets(p: Climbing, tokenizer: Tokenizer): Map<number, Dataset<Item>> {
  const lengths = p.datasetDir === "" ? [] : new Set(p.promptTokens);
  return new Map([...lengths].map((length) => [length, read(p.datasetDir, { length, tokenizer })]));
}

// prompts are those of a case.
function prompts(tokenizer: Tokenizer, files: Map<number, Dataset<Item>>, { promptTokens, outputTokens, requests, seed }: Point): Dataset<Item> {
  const file = files.get(promptTokens);
  if (file) {
    if (file.length < requests) console.warn(`${file.path}, ${promptTokens}.json: ${file.length} prompts for ${requests} requests: they are sent more than once, and the service's prefix cache may answer them`);
    return file.withOutput(outputTokens).shuffle({ seed });
  }
  const data = synthetic({ tokenizer, count: requests, input: promptTokens, output: outputTokens, seed });
  if (data.inexact > 0) {
    console.warn(`${data.inexact} of ${data.length} prompts do not have ${promptTokens} tokens: no text of that length was found with this tokenizer`);
  }
  return data;
}

// tablePath is the name that the script gives to the table of a service.
function tablePath(p: Climbing, provider: Provider): string {
  const time = localTime(new Date()).replace(/[-:]/g, "").replace(" ", "_");
  const safe = (name: string): string => name.replace(/[\s/\\:*?"<>|]+/g, "_");
  const folder = p.benchmarkDir === "" || p.benchmarkDir === "." ? "" : p.benchmarkDir.endsWith("/") ? p.benchmarkDir : `${p.benchmarkDir}/`;
  return `${folder}summary_${safe(provider.name)}_${safe(provider.category)}_${p.controlMethod}_${p.growthRate}growth_${time}.csv`;
}
