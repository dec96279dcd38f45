// What a prefix cache brings: prompts of which a share begins with one of
// several prefixes, and the others with nothing that was seen before. One case
// for each share. docs/scenarios.md tells how to read the result.
import { invalidParams, params, type Case, type CaseResult, type It } from "weir";
import { Endpoint, backends } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Item } from "weir/dataset";
import { Csv, type Cell } from "weir/output";
import { hitRate, tellsNothing } from "./lib/cache";
import { aboveZero, checkSeed, wholeNumbers } from "./lib/checks";
import { shuffled } from "./lib/lists";
import { chooseSeed, seedFlag } from "./lib/seed";
import { checkService, serviceFlags, serviceOptions } from "./lib/service";
import { number, percents, textTable } from "./lib/texttable";

const p = params({
  backend: { default: "openai-chat", choices: backends.filter((name) => name !== "embeddings" && name !== "rerank"), help: "protocol of the service" },
  ...serviceFlags,
  scheme: { default: "http", choices: ["http", "https"] as const, help: "of the URL that is made of --host and --port" },
  groups: { default: 10, help: "prefixes that there are" },
  prefixTokens: { default: 1024, help: "length of the prefixes, tokens" },
  promptTokens: { default: 2048, help: "length of the prompts with their prefix, tokens" },
  outputTokens: { default: 64, help: "length of the outputs, tokens" },
  share: { default: [0, 0.5, 1], help: "part of the prompts that begin with a prefix, 0 to 1; one case each" },
  requests: { default: 200, help: "requests of each case" },
  concurrency: { default: 8, help: "requests at the same time" },
  rate: { default: 0, help: "requests per second, with exponential gaps, instead of --concurrency" },
  prime: { default: true, help: "send each prefix once before a case; --no-prime: the first request with it finds nothing" },
  temperature: { default: 0, help: "sampling temperature" },
  ...seedFlag,
  warmup: { default: 4, help: "requests before the first case that are not counted" },
  pause: { default: "0s", type: "duration", help: "wait between cases" },
  timeout: { default: "10m", type: "duration", help: "limit of one request" },
  keepAlive: { default: true, help: "reuse connections; --no-keep-alive opens one for each request" },
  prefixCacheCsv: { default: "", help: "file for the table of cases; it must not exist yet" },
});

checkService(p);
checkSeed(p.seed);
wholeNumbers(1, { "--groups": p.groups, "--prefix-tokens": p.prefixTokens, "--prompt-tokens": p.promptTokens, "--output-tokens": p.outputTokens });
wholeNumbers(1, { "--requests": p.requests, "--concurrency": p.concurrency });
wholeNumbers(0, { "--warmup": p.warmup });
if (p.rate !== 0) aboveZero({ "--rate": p.rate });
if (p.share.length === 0 || p.share.some((s) => !(s >= 0 && s <= 1))) invalidParams(`--share must be from 0 to 1, got ${p.share.join(" ") || "none"}`);
if (p.prefixTokens >= p.promptTokens) invalidParams(`--prefix-tokens ${p.prefixTokens} must be less than --prompt-tokens ${p.promptTokens}: something must follow the prefix`);

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({
  ...serviceOptions(p, p.scheme),
  backend: p.backend,
  tokenizer,
  temperature: p.temperature,
  ignoreEos: true,
  keepAlive: p.keepAlive,
  timeout: p.timeout,
});

/** The prompts of a case, and those before it: they bring its prefixes into the cache, and are the warm-up. */
interface Prompts { measured: Item[]; before: Item[] }

interface Row { share: number; asked: number; found: number; result: CaseResult }

export function* plan(): Generator<Case, void, CaseResult> {
  const seed = chooseSeed(p.seed);
  const csv = p.prefixCacheCsv === "" ? null : new Csv(p.prefixCacheCsv, { columns: columns.map(([name]) => name), eol: "\n" });
  const rows: Row[] = [];
  try {
    for (const [i, share] of p.share.entries()) {
      const data = prompts(share, seed + i, i === 0 ? p.warmup : 0);
      const result = yield {
        name: `${+(100 * share).toFixed(1)} % with a prefix`,
        of: p.share.length,
        tags: { share, seed: seed + i },
        ...(p.rate > 0
          ? { executor: "arrival-rate", rate: p.rate, process: "poisson", iterations: p.requests, seed: seed + i }
          : { executor: "shared-iterations", vus: p.concurrency, iterations: p.requests, maxDuration: "7d" }),
        data,
        warmup: data.before.length,
        pause: p.pause,
        expect: ["cached_prompts"], // they are what is measured
      };
      const row = { share, asked: ((Math.round(share * p.requests) / p.requests) * p.prefixTokens) / p.promptTokens, found: hitRate(result), result };
      rows.push(row);
      csv?.row(columns.map(([, cell]) => cell(row, rows)));
    }
  } finally {
    if (csv?.length) console.log(`table: ${p.prefixCacheCsv}`);
    else csv?.discard();
    if (rows.length > 0) report(rows);
  }
}

export default async function (it: It<Prompts>): Promise<void> {
  await service.complete((it.warmup ? it.data.before : it.data.measured)[it.index]);
}

// prompts are those of a case. Another seed gives other prefixes: no case finds those of another one in the cache.
function prompts(share: number, seed: number, warmup: number): Prompts {
  const common = { tokenizer, seed, input: p.promptTokens, output: p.outputTokens };
  const shared = Math.round(share * p.requests);
  const withPrefix = shared > 0 ? synthetic({ ...common, count: shared, prefix: { tokens: p.prefixTokens, groups: p.groups } }) : null;
  const others = p.requests - shared + warmup > 0 ? synthetic({ ...common, count: p.requests - shared + warmup }) : null;
  const inexact = (withPrefix?.inexact ?? 0) + (others?.inexact ?? 0);
  if (inexact > 0) console.warn(`${inexact} prompts do not have ${p.promptTokens} tokens: no text of that length was found with this tokenizer`);
  const all = [...(withPrefix ?? []), ...(others ?? [])];
  const measured = shuffled(all.slice(0, p.requests), seed);
  return { measured, before: [...(p.prime && shared > 0 ? onePerGroup(seed) : []), ...all.slice(p.requests)] };
}

// onePerGroup are the prefixes, each with as little behind it as there can be. Groups are drawn, so some more items are made than are needed.
function onePerGroup(seed: number): Item[] {
  const found = new Map<string, Item>();
  for (let count = 8 * p.groups; found.size < p.groups && count < 1e6; count *= 2) {
    const prefix = { tokens: p.prefixTokens, groups: p.groups };
    for (const item of synthetic({ tokenizer, seed, prefix, count, input: { mean: p.prefixTokens + 1, max: p.promptTokens }, output: 1 })) {
      const text = item.prompt;
      const start = text.slice(0, text.lastIndexOf(" "));
      if (!found.has(start)) found.set(start, item);
    }
  }
  return [...found.values()];
}

// base is the case without prefixes, which others are held against.
function base(rows: readonly Row[]): Row | undefined {
  return rows.find((r) => r.share === 0 && r.result.metrics.ttft.n > 0);
}

function speedUp({ result }: Row, rows: readonly Row[]): number {
  return (base(rows)?.result.metrics.ttft.avg ?? NaN) / (result.metrics.ttft.avg ?? NaN);
}

/** The columns of the CSV. */
const columns: [name: string, cell: (row: Row, rows: readonly Row[]) => Cell][] = [
  ["share", (r) => r.share],
  ["groups", () => p.groups],
  ["prefix_tokens", () => p.prefixTokens],
  ["prompt_tokens", () => p.promptTokens],
  ["requests", (r) => r.result.counts.requests],
  ["failed", (r) => r.result.counts.requests_failed],
  ["expected_hit_rate", (r) => r.asked],
  ["hit_rate", (r) => r.found],
  ["ttft_avg_ms", (r) => r.result.metrics.ttft.avg],
  ...[50, 90, 99].map((q): [string, (row: Row) => Cell] => [`ttft_p${q}_ms`, (r) => r.result.metrics.ttft.p(q)]),
  ["e2el_avg_ms", (r) => r.result.metrics.e2el.avg],
  ["input_tokens_per_s", (r) => r.result.throughput.input_tokens],
  ["output_tokens_per_s", (r) => r.result.throughput.output_tokens],
  ["ttft_speedup", speedUp],
  ["verdict", (r) => r.result.validity.verdict],
];

// report shows the cases side by side, and says what does not fit.
function report(rows: readonly Row[]): void {
  const head = ["share", "expected %", "hits %", "TTFT avg ms", "p50", "p99", "input tok/s", "speed-up"];
  const lines = rows.map((r) => {
    const { ttft } = r.result.metrics;
    const faster = number(speedUp(r, rows));
    return [`${r.share}`, percents(r.asked), percents(r.found), number(ttft.avg), number(ttft.p(50)), number(ttft.p(99)), number(r.result.throughput.input_tokens), faster && `${faster}×`];
  });
  console.log(textTable(head, lines));
  const most = rows.reduce((a, b) => (b.asked > a.asked ? b : a));
  if (!(most.asked > 0)) return;
  if (rows.every((r) => !(r.found > 0))) console.warn(tellsNothing);
  else if (most.found < 0.9 * most.asked) {
    console.warn(`fewer hits than prefixes: the cache may be smaller than ${p.groups} × ${p.prefixTokens} tokens and what runs, or several instances have caches of their own`);
  }
}
