// What a prefix cache brings: prompts of which a share begins with one of
// several prefixes, and the others with nothing that was seen before. One case
// for each share. docs/scenarios.md tells how to read the result.
import { invalidParams, params, type Case, type CaseResult, type It, type RunResult, type Options } from "weir";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { synthetic, type Item } from "weir/dataset";
import { Csv, type Cell } from "weir/output";
import { hitRate, tellsNothing } from "./parts/cache";
import { aboveZero, checkSeed, useless, wholeNumbers } from "./parts/checks";
import { shuffled } from "./parts/lists";
import { sayRefused } from "./parts/outcome";
import { report } from "./parts/report";
import { caseSeed, chooseSeed, seedFlag } from "./parts/seed";
import { generating } from "./parts/requests";
import { askingFlags, askingOptions, checkService, plainSchemeFlag, serviceFlags } from "./parts/service";
import { number, percents, textTable } from "weir/lib/text";

const closedLoop = { concurrency: { default: 8, help: "requests at the same time" } } as const;

const p = params({
  backend: { default: "openai-chat", choices: generating, help: "protocol of the service" },
  ...serviceFlags,
  ...plainSchemeFlag,
  groups: { default: 10, help: "prefixes that there are" },
  prefixTokens: { default: 1024, help: "length of the prefixes, tokens" },
  promptTokens: { default: 2048, help: "length of the prompts with their prefix, tokens" },
  outputTokens: { default: 64, help: "length of the outputs, tokens" },
  share: { default: [0, 0.5, 1], help: "part of the prompts that begin with a prefix, 0 to 1; one case each" },
  requests: { default: 200, help: "requests of each case" },
  ...closedLoop,
  rate: { default: 0, help: "requests per second, with exponential gaps, instead of --concurrency" },
  prime: { default: true, help: "send each prefix that a case has once before it; --no-prime: the first request with it finds nothing" },
  temperature: { default: 0, help: "sampling temperature" },
  ...seedFlag,
  warmup: { default: 4, help: "requests before the first case that are not counted" },
  ...askingFlags,
  prefixCacheCsv: { default: "", help: "file for the table of cases; it must not exist yet" },
});

checkService(p);
checkSeed(p.seed);
wholeNumbers(1, { "--groups": p.groups, "--prefix-tokens": p.prefixTokens, "--prompt-tokens": p.promptTokens, "--output-tokens": p.outputTokens });
wholeNumbers(1, { "--requests": p.requests, "--concurrency": p.concurrency });
wholeNumbers(0, { "--warmup": p.warmup });
if (p.rate !== 0) {
  aboveZero({ "--rate": p.rate });
  useless(closedLoop, p, "with --rate: requests come whether or not others have been answered");
}
if (p.share.length === 0 || p.share.some((s) => !(s >= 0 && s <= 1))) invalidParams(`--share must be from 0 to 1, got ${p.share.join(" ") || "none"}`);
if (p.prefixTokens >= p.promptTokens) invalidParams(`--prefix-tokens ${p.prefixTokens} must be less than --prompt-tokens ${p.promptTokens}: something must follow the prefix`);

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({
  ...askingOptions(p),
  tokenizer,
});

/** The prompts of a case, and those before it: they bring its prefixes into the cache, and are the warm-up. */
interface Prompts { measured: Item[]; before: Item[] }

interface Row { share: number; asked: number; found: number; result: CaseResult }

const rows: Row[] = [];

export const options: Options = { doctor: true, setupTimeout: "24h" }; // large datasets take long to read and to make

export function* plan(): Generator<Case, void, CaseResult> {
  const seed = chooseSeed(p.seed);
  const csv = p.prefixCacheCsv === "" ? null : new Csv(p.prefixCacheCsv, { columns: columns.map(([name]) => name), eol: "\n" });
  try {
    for (const [i, share] of p.share.entries()) {
      const own = caseSeed("prefix-cache", seed, i);
      const data = prompts(share, own, i === 0 ? p.warmup : 0);
      const result = yield {
        name: `${+(100 * share).toFixed(1)} % with a prefix`,
        of: p.share.length,
        tags: { share, seed },
        ...(p.rate > 0
          ? { executor: "arrival-rate", rate: p.rate, process: "poisson", iterations: p.requests, seed: own }
          : { executor: "shared-iterations", vus: p.concurrency, iterations: p.requests, maxDuration: "7d" }),
        data,
        warmup: data.before.length,
        pause: p.pause,
        expect: ["cached_prompts"], // they are what is measured
      };
      if (i === 0 && sayRefused(result)) return;
      const row = { share, asked: ((Math.round(share * p.requests) / p.requests) * p.prefixTokens) / p.promptTokens, found: hitRate(result), result };
      rows.push(row);
      csv?.row(columns.map(([, cell]) => cell(row)));
    }
  } finally {
    if (csv?.length) console.log(`table: ${p.prefixCacheCsv}`);
    else csv?.discard();
    warn();
  }
}

export function handleSummary(result: RunResult): Record<string, string> {
  return report(result, table());
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
  return { measured, before: [...(p.prime && withPrefix ? withPrefix.prefixes().withOutput(1) : []), ...all.slice(p.requests)] };
}

// base is the case without prefixes, which others are held against.
function base(): Row | undefined {
  return rows.find((r) => r.share === 0 && r.result.metrics.ttft.n > 0);
}

function speedUp({ result }: Row): number {
  return (base()?.result.metrics.ttft.avg ?? NaN) / (result.metrics.ttft.avg ?? NaN);
}

/** The columns of the CSV. */
const columns: [name: string, cell: (row: Row) => Cell][] = [
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

// table shows the cases side by side, 80 columns wide.
function table(): string {
  if (rows.length === 0) return "";
  const above = ["", "expected", "hits", "", "TTFT ms", "", "", "input", ""];
  const head = ["share", "%", "%", "failed", "avg", "p50", "p99", "tok/s", "speed-up"];
  const lines = rows.map((r) => {
    const { ttft } = r.result.metrics;
    const faster = number(speedUp(r));
    return [`${r.share}`, percents(r.asked), percents(r.found), `${r.result.counts.requests_failed}`, number(ttft.avg), number(ttft.p(50)), number(ttft.p(99)), number(r.result.throughput.input_tokens), faster && `${faster}×`];
  });
  return textTable(head, lines, above);
}

// warn says what does not fit.
function warn(): void {
  const known = rows.filter((r) => r.found >= 0); // those that a service has told of
  const answered = rows.some(({ result: { counts } }) => counts.requests > counts.requests_failed);
  const most = Math.max(...rows.map((r) => r.asked));
  if (answered && most > 0 && !known.some((r) => r.found > 0)) console.warn(tellsNothing);
  if (!known.some((r) => r.found > 0)) return;
  const names = (odd: Row[]): string => odd.map((r) => r.result.name).join(", ");
  const fewer = known.filter((r) => r.found < 0.9 * r.asked);
  const more = known.filter((r) => r.found > r.asked + 0.05);
  if (fewer.length > 0) {
    console.warn(`${names(fewer)}: fewer hits than prefixes: the cache may be smaller than ${p.groups} × ${p.prefixTokens} tokens and what runs, or several instances have caches of their own`);
  }
  if (more.length > 0) {
    console.warn(`${names(more)}: more hits than prefixes: the service has seen these prompts before, as in a run with the same --seed, or its template has many tokens before them. The speed-up says nothing then: give another --seed, or none`);
  }
}
