// Replays a trace: its arrivals, faster or slower, with prompts and outputs of its
// lengths. Prompts have in common what those of the trace had, and in conversations
// the next turn waits for the answer before it. One case for each speed.
// docs/scenarios.md tells how times are kept and what to look at.
import { invalidParams, params, sleep, type Case, type CaseResult, type It, type RunResult, type Options } from "weir";
import { Endpoint } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { formats, read, synthetic, type Dataset, type ReadOptions, type RecordedItem, type Sessions } from "weir/dataset";
import { Csv, type Cell } from "weir/output";
import { hitRate, tellsNothing } from "./parts/cache";
import { aboveZero, checkSeed, wholeNumbers } from "./parts/checks";
import { some } from "./parts/lists";
import { sayRefused } from "./parts/outcome";
import { report } from "./parts/report";
import { sayRead } from "./parts/sayread";
import { caseSeed, chooseSeed, seedFlag } from "./parts/seed";
import { generating } from "./parts/requests";
import { askingFlags, askingOptions, checkService, plainSchemeFlag, serviceFlags } from "./parts/service";
import { number, percents, textTable } from "weir/lib/text";

const p = params({
  trace: { type: "string", required: true, help: "file or folder of the trace: Mooncake, Bailian, BurstGPT, Azure, Weka, weir's own, or records.jsonl.zst of a run; also .gz, .zst" },
  format: { default: "auto", choices: ["auto", ...formats.map((f) => f.name)], help: "its format; auto finds out" },
  speed: { default: [1], help: "how many times as fast as it was recorded; one case each" },
  from: { default: "0s", type: "duration", help: "leave out what comes before, counted from the trace's begin" },
  to: { default: "0s", type: "duration", help: "leave out what comes after; 0s: nothing" },
  limit: { default: 0, help: "requests at most; 0: all" },
  sessions: { default: "auto", choices: ["auto", "off"] as const, help: "auto: the next turn of a conversation waits for the answer before it; off: every request at its own time" },
  maxPromptTokens: { default: 0, help: "leave out longer prompts; 0: no limit" },
  maxTotalTokens: { default: 0, help: "leave out what is longer with its output, as the service's context is; 0: no limit" },
  outputTokens: { default: 128, help: "output length where the trace tells none, tokens" },
  ignoreEos: { default: true, help: "outputs as long as in the trace; --no-ignore-eos: at most" },
  maxInFlight: { default: 0, help: "requests (or conversations) at the same time at most; others start late; 0: no limit" },
  backend: { default: "openai-chat", choices: generating, help: "protocol of the service" },
  ...serviceFlags,
  ...plainSchemeFlag,
  temperature: { default: 0, help: "sampling temperature" },
  ...seedFlag,
  warmup: { default: 4, help: "short requests before the first case, which are not the trace's and not counted" },
  ...askingFlags,
  replayCsv: { default: "", help: "file for the table of cases; it must not exist yet" },
});

checkService(p);
checkSeed(p.seed);
aboveZero({ "--speed": p.speed });
wholeNumbers(0, { "--limit": p.limit, "--max-prompt-tokens": p.maxPromptTokens, "--max-total-tokens": p.maxTotalTokens, "--max-in-flight": p.maxInFlight, "--warmup": p.warmup });
wholeNumbers(1, { "--output-tokens": p.outputTokens });

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({
  ...askingOptions(p),
  tokenizer,
  maxTokens: p.outputTokens, // an item's own goes before
});

const selection: ReadOptions = {
  ...(p.format === "auto" ? {} : { format: p.format }),
  tokenizer,
  from: p.from,
  to: p.to,
  limit: p.limit,
  maxPromptTokens: p.maxPromptTokens,
  maxTotalTokens: p.maxTotalTokens,
};
// Its lengths and times. Prompts are made for each case.
const trace = read(p.trace, { ...selection, prompts: "none" });
const waits = p.sessions === "auto" && some(trace, (item) => item.session !== null && item.turn > 0);
const timed = some(trace, (item) => item.at !== null);
if (!timed && !waits) {
  invalidParams(`${p.trace} (${trace.format}) does not say when its requests were sent: ${p.sessions === "off" && some(trace, (item) => item.turn > 0) ? "leave out --sessions off, so that each turn follows the one before it" : "play it with weir run dynamic or weir run multi-turn"}`);
}
const warm = p.warmup > 0 ? synthetic({ tokenizer, count: p.warmup, input: 32, output: 4 }) : null;

/** What a case plays: iteration i is request or conversation order[i]. */
interface Replayed { requests: Dataset<RecordedItem>; conversations: Sessions | null; order: number[]; speed: number }

interface Row { speed: number; offered: number; result: CaseResult }

const rows: Row[] = [];

export const options: Options = { doctor: true, setupTimeout: "24h" }; // large datasets take long to read and to make

export function* plan(): Generator<Case, void, CaseResult> {
  sayRead(trace);
  const { times, order } = schedule();
  const { lasts, rate } = pace();
  describe(lasts, rate);
  const seed = chooseSeed(p.seed);
  const csv = p.replayCsv === "" ? null : new Csv(p.replayCsv, { columns: columns.map(([name]) => name), eol: "\n" });
  try {
    for (const [i, speed] of p.speed.entries()) {
      const requests = read(p.trace, { ...selection, seed: caseSeed("replay", seed, i) });
      if (requests.inexact > 0) console.warn(`${requests.inexact} of ${requests.length} prompts do not have the length of the trace: no text of that length was found with this tokenizer`);
      const data: Replayed = { requests, conversations: waits ? requests.sessions() : null, order, speed };
      const result = yield {
        name: `speed ${speed}`,
        of: p.speed.length,
        tags: { trace: p.trace, speed, seed },
        ...(timed
          ? { executor: "replay", timestamps: times, speed, ...(p.maxInFlight > 0 ? { maxInFlight: p.maxInFlight } : {}) }
          : { executor: "shared-iterations", vus: Math.min(p.maxInFlight || order.length, order.length), iterations: order.length, maxDuration: "7d" }),
        data,
        warmup: i === 0 ? p.warmup : 0,
        pause: p.pause,
        expect: ["cached_prompts"], // what prompts have in common is the trace's
      };
      if (i === 0 && sayRefused(result)) return;
      const played = shareOf(result, order.length);
      if (i === 0 && played < 1) console.log(`this instance plays ${percents(played)} % of ${waits ? "the conversations" : "the requests"}, which is the rate offered below`);
      const row = { speed, offered: rate * speed * played, result };
      rows.push(row);
      csv?.row(columns.map(([, cell]) => cell(row)));
    }
  } finally {
    if (csv?.length) console.log(`table: ${p.replayCsv}`);
    else csv?.discard();
    if (ideal() > 0 && rows.some(answered) && rows.every((r) => !(hitRate(r.result) > 0))) console.warn(tellsNothing);
  }
}

export function handleSummary(result: RunResult): Record<string, string> {
  return report(result, table());
}

export default async function (it: It<Replayed>): Promise<void> {
  if (it.warmup) {
    await service.complete(warm![it.index]);
    return;
  }
  const { requests, conversations, order, speed } = it.data;
  if (conversations === null) await service.complete(requests[order[it.index]]);
  else await converse(conversations[order[it.index]], speed);
}

// converse plays a conversation, whose begin is on the schedule. A turn comes after the answer before it: after the pause that
// the trace has, or else when the trace has it, if that is later. Its prompt has the whole history, as recorded, so that a failure does not end it.
async function converse(turns: Dataset<RecordedItem>, speed: number): Promise<void> {
  const begun = performance.now();
  const first = turns[0].at ?? 0;
  for (let i = 0; i < turns.length; i++) {
    const { delay, at } = turns[i];
    if (i > 0) {
      const pause = delay !== null ? delay / speed : at !== null ? (at - first) / speed - (performance.now() - begun) : 0;
      if (pause > 0) await sleep(pause / 1000);
    }
    await service.complete(turns[i]);
  }
}

// schedule is when each request or conversation begins, in the order of these times; without times in the trace, all begin at once.
function schedule(): { times: number[]; order: number[] } {
  const starts = waits ? trace.sessions() : trace;
  const order = Array.from({ length: starts.length }, (_, i) => i);
  if (!timed) return { times: [], order };
  const first = (i: number): RecordedItem => (waits ? (starts as Sessions)[i][0] : (starts as Dataset<RecordedItem>)[i]);
  const without = order.filter((i) => first(i).at === null).length;
  if (without > 0) {
    invalidParams(
      `${p.trace} (${trace.format}) does not say when ${without} of its ${starts.length} ${waits ? "conversations begin" : "requests were sent"}, only when others ${waits ? "do" : "were"}: ` +
        (waits ? "give the first row of each a time, or none of them, and they begin at once" : `${p.sessions === "off" ? "leave out --sessions off, so that a turn follows the one before it, or " : ""}give each row a time`),
    );
  }
  const at = starts.timestamps();
  order.sort((a, b) => at[a] - at[b]);
  return { times: order.map((i) => at[i]), order };
}

// pace is how long the trace lasts, ms, and how many requests with a time of their own come per second; NaN: that cannot be known.
function pace(): { lasts: number; rate: number } {
  let [first, last, count] = [Infinity, -Infinity, 0];
  for (const { at } of trace) if (at !== null) [first, last, count] = [Math.min(first, at), Math.max(last, at), count + 1];
  return count === 0 ? { lasts: NaN, rate: NaN } : { lasts: last - first, rate: last > first ? ((count - 1) * 1000) / (last - first) : NaN };
}

// shareOf is the part of the schedule that this one of several instances plays.
function shareOf({ counts, interrupted }: CaseResult, all: number): number {
  return interrupted ? 1 : counts.scheduled / all;
}

function answered({ result: { counts } }: Row): boolean {
  return counts.requests > counts.requests_failed;
}

// describe tells what the trace is like.
function describe(lasts: number, rate: number): void {
  const { promptTokens, outputTokens } = trace.stats();
  const lengths = (what: string, s: typeof promptTokens): string => (s.n === 0 ? `${what}: not known` : `${what}: ${number(s.avg)} avg, ${number(s.p50)} p50, ${number(s.p99)} p99, ${s.max} max`);
  const conversations = waits ? ` in ${trace.sessions().length} conversations` : "";
  console.log(`${trace.length} requests${conversations}${timed ? ` in ${span(lasts)}` : ", of which nobody says when they begin: all do at once"}${rate > 0 ? `, ${number(rate)} a second` : ""}`);
  console.log(lengths("prompt tokens", promptTokens));
  console.log(lengths("output tokens", outputTokens));
  const reuse = trace.reuse();
  if (reuse) console.log(`prefixes: ${percents(ideal())} % of the prompt tokens come again: the ideal hit rate`);
  if (p.speed.length > 1 && trace[0].prompt !== "") console.warn("the trace has texts of its own: later cases may find those of earlier ones in the service's cache");
}

// ideal is the part of the prompt tokens that came before, 0…1; NaN: the trace does not tell.
function ideal(): number {
  const reuse = trace.reuse();
  return reuse ? reuse.cachedTokens / reuse.promptTokens : NaN;
}

function span(ms: number): string {
  const s = Math.round(ms / 1000);
  const two = (n: number): string => `${n}`.padStart(2, "0");
  return ms < 10_000 ? `${number(ms / 1000)} s` : s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** The columns of the CSV. */
const columns: [name: string, cell: (row: Row) => Cell][] = [
  ["speed", (r) => r.speed],
  ["requests", (r) => r.result.counts.requests],
  ["failed", (r) => r.result.counts.requests_failed],
  ["duration_s", (r) => r.result.duration_s],
  ["offered_requests_per_s", (r) => r.offered],
  ["requests_per_s", (r) => r.result.throughput.requests],
  ["input_tokens_per_s", (r) => r.result.throughput.input_tokens],
  ["output_tokens_per_s", (r) => r.result.throughput.output_tokens],
  ...(["ttft", "tpot", "e2el", "ttft_from_schedule", "start_lag"] as const).flatMap((name): [string, (row: Row) => Cell][] => [
    [`${name}_avg_ms`, (r) => r.result.metrics[name].avg],
    ...[50, 90, 99].map((q): [string, (row: Row) => Cell] => [`${name}_p${q}_ms`, (r) => r.result.metrics[name].p(q)]),
  ]),
  ["late", (r) => r.result.counts.late],
  ["hit_rate", (r) => hitRate(r.result)],
  ["ideal_hit_rate", () => ideal()],
  ["verdict", (r) => r.result.validity.verdict],
];

// table shows the cases side by side, 80 columns wide.
function table(): string {
  if (rows.length === 0) return "";
  const above = ["", "", "", "", "TTFT ms", "", "TPOT ms", "", "lag ms", ""];
  const head = ["speed", "offered", "req/s", "failed", "p50", "p99", "p50", "p99", "p99", "hits %"];
  const lines = rows.map(({ speed, offered, result }) => {
    const { ttft, tpot, start_lag: lag } = result.metrics;
    const { counts, throughput } = result;
    return [`${speed}`, number(offered), number(throughput.requests), `${counts.requests_failed}`, number(ttft.p(50)), number(ttft.p(99)), number(tpot.p(50)), number(tpot.p(99)), number(lag.p(99)), percents(hitRate(result))];
  });
  return textTable(head, lines, above);
}
