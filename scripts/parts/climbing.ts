// The load of benchmark_climbing.py: connections that become more in steps, are kept
// busy until all requests are sent, at one service after another, and its table.
import { invalidParams, type Case, type CaseResult, type CounterMetric, type It } from "weir";
import { synthetic, type Dataset } from "weir/dataset";
import { Endpoint, type RequestOptions } from "weir/llm";
import { Counter, Trend } from "weir/metrics";
import { makeFolder, type Csv } from "weir/output";
import type { Profiler } from "weir/profile";
import type { Tokenizer } from "weir/tokenizer";
import { closeTable, scriptTable } from "weir/lib/ascend";
import { limits, paired, useless, wholeNumbers } from "./checks";
import { climbingCells, climbingColumns, localTime } from "./climbingtable";
import { sayInexact } from "./made";
import { sayFailed, sayRefused } from "./outcome";
import { type Point } from "./parallel";
import { profiler, type Profiling } from "./profiling";
import { readProviders, type Provider } from "./providers";
import { folderPrompts } from "./realdata";
import { checkSteps } from "./requests";
import { caseSeed, chooseSeed } from "./seed";
import { serverTimesFlags, serverTimesOf } from "./servertimes";
import { schemeFlag, serviceFlags, type Service, type Values } from "./service";
import { acceptRate, type Speculation } from "./speculation";

export const climbingFlags = {
  controlMethod: {
    default: "queue",
    choices: ["queue", "round", "pd-adaptive"],
    help: "queue: connections become more, by --growth-rate each --climbing-period, and are kept busy; round: all from the begin; pd-adaptive: the same, with limits of what the service prefills and decodes at once",
  },
  growthRate: { default: 1, help: "connections that are added each period, with --control-method queue" },
  initConcurrency: { default: 0, help: "connections that begin at once, with --control-method queue; 0: as many as --growth-rate" },
  climbingPeriod: { default: 1000, help: "the period, milliseconds" },
  rounds: { default: 2, help: "requests of each connection, on average, where --num-prompts does not say how many there are" },
  numPrompts: { default: [], type: "number list", help: "requests of each case, one number for each concurrency" },
  serverPrefillConcurrency: { default: 0, help: "pd-adaptive: requests that wait for their first token at the same time, at most" },
  serverDecodeConcurrency: { default: 0, help: "pd-adaptive: requests at the same time, at most, where that is less than the concurrency" },
  providersPath: { default: "", help: "YAML file with the services, which are asked one after another (default: the one of --url, or --host and --port)" },
  datasetDir: { default: "", help: "folder with prompts in files <length>.json, each a list of {\"input\": …} (default: random ones are made)" },
  ...serverTimesFlags,
  benchmarkDir: { default: ".", help: "folder for the tables" },
} as const;

export type ClimbingFlags = Values<typeof climbingFlags>;

export interface Climbing extends ClimbingFlags, Speculation, Service, Profiling {
  backend: string;
  /** Of the URL made of --host and --port. */
  scheme: string;
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
  wholeNumbers(1, { [concurrencyFlag]: p.concurrencies }, limits.vus);
  wholeNumbers(1, { "--prompt-tokens": p.promptTokens, "--output-tokens": p.outputTokens }, limits.tokens);
  wholeNumbers(1, { "--rounds": p.rounds }, limits.prompts);
  const queue = p.controlMethod === "queue";
  wholeNumbers(queue ? 1 : 0, { "--growth-rate": p.growthRate }, limits.vus); // the others do not look at it
  wholeNumbers(0, { "--init-concurrency": p.initConcurrency, "--server-prefill-concurrency": p.serverPrefillConcurrency, "--server-decode-concurrency": p.serverDecodeConcurrency }, limits.vus);
  wholeNumbers(0, { "--warmup": p.warmup }, limits.prompts);
  paired({ "--prompt-tokens": p.promptTokens, "--output-tokens": p.outputTokens });
  if (!(p.climbingPeriod > 0 && p.climbingPeriod < Infinity)) {
    invalidParams(`--climbing-period must be milliseconds above 0, got ${p.climbingPeriod}`);
  }
  checkNumPrompts(p.numPrompts, p.concurrencies, concurrencyFlag);
  const most = Math.max(...p.concurrencies) * p.rounds;
  if (p.numPrompts.length === 0 && most > limits.prompts) {
    invalidParams(`${concurrencyFlag} and --rounds make a case of ${most} prompts; weir makes ${limits.prompts} at most`);
  }
  if (!queue && p.initConcurrency > 0) invalidParams("--init-concurrency only applies to --control-method queue");
  const adaptive = { "--server-prefill-concurrency": p.serverPrefillConcurrency, "--server-decode-concurrency": p.serverDecodeConcurrency };
  const given = Object.entries(adaptive).find(([, n]) => n > 0);
  if (p.controlMethod !== "pd-adaptive" && given) {
    invalidParams(`${given[0]} only applies to --control-method pd-adaptive`);
  }
  if (p.controlMethod === "pd-adaptive" && p.serverPrefillConcurrency === 0) {
    invalidParams("--control-method pd-adaptive needs --server-prefill-concurrency: how many requests may wait for their first token at the same time");
  }
  if (p.providersPath !== "") {
    const { host, port, url, apiKey, servedModelName } = serviceFlags;
    useless({ host, port, url, apiKey, servedModelName }, p, "to --providers-path: the file says where each service is, with its key and its model");
    useless(schemeFlag, p as Values<typeof schemeFlag>, "to --providers-path: it is in the URLs of the file");
  }
}

/** --num-prompts has a number for each concurrency, or none at all. */
export function checkNumPrompts(numPrompts: readonly number[], concurrencies: readonly number[], concurrencyFlag: string): void {
  if (numPrompts.length === 0) return;
  wholeNumbers(1, { "--num-prompts": numPrompts }, limits.prompts);
  paired({ "--num-prompts": numPrompts, [concurrencyFlag]: concurrencies });
}

/** What a scenario is made of that climbs. */
export interface Climb {
  setup(): Promise<void>;
  plan(): Generator<Case, void, CaseResult>;
  iterate(it: It<Dataset>): Promise<void>;
}

/** The load; for init code. request is what every request says. */
export function climbing(p: Climbing, tokenizer: Tokenizer, request: RequestOptions): Climb {
  const { list: providers, ignored } = readProviders(p.providersPath, p, p.scheme === "https" ? "https" : "http", p.backend);
  const tables = tableNames(p, providers);
  const services = new Map<string, Endpoint>();
  const profilers = new Map(providers.map(({ name, endpoint }) => [name, profiler(p, endpoint)]));
  for (const { name, endpoint } of providers) {
    const prefill = p.controlMethod === "pd-adaptive" ? { maxPrefill: p.serverPrefillConcurrency } : {};
    try {
      services.set(name, new Endpoint({ ...endpoint, backend: p.backend, tokenizer, ...request, ...prefill }));
    } catch (error) {
      if (p.providersPath === "") throw error;
      invalidParams(`--providers-path ${p.providersPath}: ${name}: ${(error as Error).message.replace(/^new Endpoint: /, "")}`);
    }
  }
  // Its prompts are those of no case.
  const warmupSeed = caseSeed("climbing warm-up", Math.max(p.seed, 0), 0);
  const warm = synthetic({ tokenizer, count: Math.max(p.warmup, 1), input: warmupLength, output: warmupLength, seed: warmupSeed });
  const acceptance = p.numSpeculativeTokens >= 0 ? new Trend("spec_accept_rate") : undefined;
  const busy = new Counter(busyConnections);
  const server = p.serverStatistics ? serverTimesOf() : null;

  return {
    async setup() {
      if (p.numSchedulerSteps > 1 && !p.useSpecDecode) {
        for (const service of services.values()) await checkSteps(service, warm[0], p.numSchedulerSteps);
      }
      if (server) for (const service of services.values()) await server.check(service, warm[0]);
    },
    plan() {
      if (ignored.length > 0) console.warn(`--providers-path ${p.providersPath}: ignored: ${ignored.join("; ")}`);
      return climb(p, tokenizer, providers, tables, profilers);
    },
    async iterate(it) {
      if (it.iterationInVU === 0) busy.add(1);
      const service = services.get(String(it.tags.provider))!;
      const reply = await service.complete(it.warmup ? warm[it.index % warm.length] : it.item!, server?.request());
      server?.add(reply);
      if (acceptance && !reply.error) acceptance.add(acceptRate(p, "6.5", reply.tokens, reply.events));
    },
  };
}

// How many connections have sent something: what scripts add up in a case, not shown in its table.
const busyConnections = "_busy_connections";

/** The cases: of each service, one for each concurrency and pair of lengths. */
function* climb(p: Climbing, tokenizer: Tokenizer, providers: readonly Provider[], names: readonly string[], profilers: ReadonlyMap<string, Profiler | null>): Generator<Case, void, CaseResult> {
  const tables: Csv[] = [];
  const seed = chooseSeed(p.seed);
  const cases = points(p);
  try {
    // All of them are there before anything is sent.
    if (p.benchmarkDir !== "") makeFolder(p.benchmarkDir);
    const time = localTime(new Date()).replace(/[-:]/g, "").replace(" ", "_");
    for (const name of names) tables.push(scriptTable(`${name}_${time}.csv`, climbingColumns));
    const folder = p.datasetDir === "" ? null : folderPrompts(p.datasetDir, providers.flatMap(() => cases), tokenizer, seed);
    let number = 0;
    for (const [i, provider] of providers.entries()) {
      const shown = providers.length > 1 ? `${provider.name}: ` : "";
      for (const [j, one] of cases.entries()) {
        const point = { ...one, seed: caseSeed("climbing", seed, number++) };
        const result = yield {
          name: `${shown}${point.promptTokens} in, ${point.outputTokens} out, ${point.parallel} at once`,
          of: providers.length * cases.length,
          tags: {
            provider: provider.name,
            control_method: p.controlMethod,
            prompt_tokens: point.promptTokens,
            output_tokens: point.outputTokens,
            concurrency: point.parallel,
            num_prompts: point.requests,
            seed,
          },
          ...load(p, point),
          data: folder ? folder.take(point) : made(tokenizer, point),
          warmup: j === 0 && p.warmup > 0 ? { executor: "shared-iterations", vus: Math.min(warmupAtOnce, p.warmup), iterations: p.warmup } : 0,
          pause: p.pause,
          profile: profilers.get(provider.name) ?? null,
          // Connections are opened to every service of the script; those of others would only wait.
          ...(providers.length > 1 ? { preconnect: false } : {}),
        };
        if (j === 0 && sayRefused(result, providers.length > 1 ? `no other case of ${provider.name}` : undefined)) break;
        sayReached(p, point, result);
        tables[i].row(climbingCells({ ...p, point: folder ? folder.average(point) : point, provider: provider.name }, result));
        sayFailed(result);
      }
    }
  } finally {
    for (const table of tables) closeTable(table, null);
  }
}

// points are the cases of a service.
function points(p: Climbing): Point[] {
  return p.concurrencies.flatMap((parallel, c) =>
    p.promptTokens.map((promptTokens, i) => ({ promptTokens, outputTokens: p.outputTokens[i], parallel, requests: p.numPrompts[c] ?? parallel * p.rounds, warmup: 0, seed: 0 })),
  );
}

// most is how many connections a case has in the end.
function most(p: Climbing, { parallel }: Point): number {
  return p.controlMethod === "pd-adaptive" && p.serverDecodeConcurrency > 0 ? Math.min(parallel, p.serverDecodeConcurrency) : parallel;
}

// load is how the connections of a case become more. They take the requests from one stock, and the case ends with it.
function load(p: Climbing, point: Point): Case {
  const all = Math.min(most(p, point), point.requests); // more would find nothing to send
  const queue = p.controlMethod === "queue";
  let connections = Math.min(queue ? p.initConcurrency || p.growthRate : all, all);
  const startVUs = connections;
  const stages = [{ duration: 0, target: connections }];
  while (connections < all) {
    stages.push({ duration: p.climbingPeriod, target: connections });
    connections = Math.min(connections + p.growthRate, all);
    stages.push({ duration: 0, target: connections });
  }
  return { executor: "ramping-vus", startVUs, stages, iterations: point.requests };
}

// sayReached says that a case had fewer requests at once than its row says: they were over before all connections had begun.
function sayReached(p: Climbing, point: Point, result: CaseResult): void {
  const asked = most(p, point);
  const busy = (result.metrics[busyConnections] as CounterMetric | undefined)?.sum;
  if (busy === undefined || busy >= asked || result.interrupted) return;
  result.tag("connections", busy);
  const steps = p.controlMethod === "queue" ? Math.ceil((asked - (p.initConcurrency || p.growthRate)) / p.growthRate) : 0;
  const more = p.numPrompts.length > 0 ? "--num-prompts" : "--rounds";
  console.warn(
    `${result.name}: its ${point.requests} requests were over before all connections had begun: at most ${busy} of ${asked} were busy at once. ` +
      (steps > 0 ? `All are there after ${(steps * p.climbingPeriod) / 1000} s: give more ${more}, or a larger --growth-rate` : `Give more ${more}`),
  );
}

function made(tokenizer: Tokenizer, { promptTokens, outputTokens, requests, seed }: Point): Dataset {
  return sayInexact(synthetic({ tokenizer, count: requests, input: promptTokens, output: outputTokens, seed }), promptTokens);
}

// tableNames are the names that the script gives to the tables of the services, without the time at their end.
function tableNames(p: Climbing, providers: readonly Provider[]): string[] {
  const safe = (name: string): string => name.replace(/[\s/\\:*?"<>|]+/g, "_");
  const folder = p.benchmarkDir === "" || p.benchmarkDir === "." ? "" : p.benchmarkDir.endsWith("/") ? p.benchmarkDir : `${p.benchmarkDir}/`;
  const names = providers.map(({ name, category }) => `${folder}summary_${safe(name)}_${safe(category)}_${p.controlMethod}_${p.growthRate}growth`);
  for (const [i, name] of names.entries()) {
    const first = names.findIndex((other) => other.toLowerCase() === name.toLowerCase()); // some file systems do not tell these apart
    if (first < i) invalidParams(`--providers-path ${p.providersPath}: the tables of ${providers[first].name} and ${providers[i].name} would have the same name, ${name}_….csv: rename one of them`);
  }
  return names;
}
