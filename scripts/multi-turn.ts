// Conversations: each iteration is one, whose turns follow one another with
// pauses, and whose prompts grow with every answer. Shows the time to the first
// token by turn, with the length of the prompt and what the prefix cache had of
// it. docs/scenarios.md tells how to read the result.
import { invalidParams, params, randomSeeded, sleep, type Case, type CaseResult, type CounterMetric, type Distribution, type It, type RunResult, type Options } from "weir";
import { Endpoint, type Message } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { formats, read, synthetic, type Dataset, type RecordedItem } from "weir/dataset";
import { Counter, Trend } from "weir/metrics";
import { Csv, type Cell } from "weir/output";
import { tellsNothing } from "./parts/cache";
import { aboveZero, checkSeed, useless, wholeNumbers } from "./parts/checks";
import { shuffled, some } from "./parts/lists";
import { sayRefused } from "./parts/outcome";
import { report } from "./parts/report";
import { sayRead } from "./parts/sayread";
import { caseSeed, chooseSeed, seedFlag } from "./parts/seed";
import { askingFlags, askingOptions, checkService, plainSchemeFlag, serviceFlags } from "./parts/service";
import { number, percents, textTable } from "weir/lib/text";

// Flags that say nothing together with others.
const closedLoop = {
  users: { default: [4], help: "conversations at the same time, one case each: a user begins the next one when the last has ended" },
} as const;
const madeFlags = {
  turnsStd: { default: 0, help: "standard deviation of the number of questions" },
  promptTokens: { default: 256, help: "mean length of a question, tokens" },
  promptTokensStd: { default: 0, help: "its standard deviation" },
  outputTokensStd: { default: 0, help: "its standard deviation" },
} as const;
const recordedFlags = {
  format: { default: "auto", choices: ["auto", ...formats.filter((f) => !f.trace).map((f) => f.name)], help: "its format; auto finds out" },
  minTurns: { default: 2, help: "leave out recorded conversations with fewer questions" },
} as const;

const p = params({
  ...closedLoop,
  conversationRate: { default: [], type: "number list", help: "conversations that begin per second, with exponential gaps, instead of --users; one case each" },
  conversations: { default: 0, help: "conversations of each case; 0: four for each user, 40 with --conversation-rate" },
  turns: { default: 0, help: "questions of a conversation; 0: 5, or as many as the recorded ones have" },
  ...madeFlags,
  outputTokens: { default: 0, help: "mean length of an answer, tokens; 0: 128, or as long as the recorded ones" },
  systemTokens: { default: 0, help: "length of a message of the system that all conversations of a case begin with, tokens" },
  dataset: { default: "", help: "file with recorded conversations instead of made ones: ShareGPT, OpenAI messages, MOSS and others" },
  ...recordedFlags,
  history: { default: "reply", choices: ["reply", "recorded"] as const, help: "what the next question follows: the answer that came, or the recorded one" },
  think: { default: "0s", type: "duration", help: "mean pause before each question but the first" },
  thinkProcess: { default: "exponential", choices: ["exponential", "constant"] as const, help: "how pauses are distributed" },
  ignoreEos: { default: true, help: "answers of just that length; --no-ignore-eos: at most" },
  backend: { default: "openai-chat", choices: ["openai-chat", "openai-responses", "anthropic"] as const, help: "protocol of the service" },
  ...serviceFlags,
  ...plainSchemeFlag,
  temperature: { default: 0, help: "sampling temperature" },
  ...seedFlag,
  warmup: { default: 2, help: "conversations before each case that are not counted, without pauses" },
  ...askingFlags,
  multiTurnCsv: { default: "", help: "file for the table of turns; it must not exist yet" },
});

checkService(p);
checkSeed(p.seed);
wholeNumbers(1, { "--users": p.users, "--prompt-tokens": p.promptTokens, "--min-turns": p.minTurns });
wholeNumbers(0, { "--conversations": p.conversations, "--turns": p.turns, "--output-tokens": p.outputTokens, "--system-tokens": p.systemTokens, "--warmup": p.warmup });
if (p.conversationRate.length > 0) {
  aboveZero({ "--conversation-rate": p.conversationRate });
  useless(closedLoop, p, "with --conversation-rate: conversations begin whether or not others have ended");
}
for (const [flag, std] of [["--turns-std", p.turnsStd], ["--prompt-tokens-std", p.promptTokensStd], ["--output-tokens-std", p.outputTokensStd]] as const) {
  if (!(std >= 0)) invalidParams(`${flag} must be at least 0, got ${std}`);
}
if (p.dataset === "" && p.history === "recorded") invalidParams("--history recorded needs --dataset: made conversations have no answers");
if (p.dataset !== "") useless(madeFlags, p, "with --dataset: recorded conversations have lengths of their own");
else useless(recordedFlags, p, "without --dataset: it is about recorded conversations");

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({
  ...askingOptions(p),
  tokenizer,
});

const meanTurns = p.turns || 5;
const maxTurns = Math.ceil(meanTurns + 3 * p.turnsStd);
const recorded = p.dataset === "" ? null : recordings();

// What is known of each turn; the last row is of all from there on. Names with _ are left out of weir's own table.
const possible = recorded === null ? maxTurns : p.turns || Infinity;
const rowCount = Math.min(possible, 20);
const perTurn = Array.from({ length: rowCount }, (_, i) => ({
  requests: new Counter(`_turn_${i + 1}_requests`),
  ttft: new Trend(`_turn_${i + 1}_ttft`, true),
  promptTokens: new Trend(`_turn_${i + 1}_prompt_tokens`, "tokens"),
  cachedTokens: new Trend(`_turn_${i + 1}_cached_tokens`, "tokens"),
}));

/**
 * What the iterations of a case need: questions with a place for maxTurns of each conversation, or the recorded conversations, which of them, and
 * how many tokens their answers are to have. The warm-up takes those at the end.
 */
interface Talks { data: Dataset<RecordedItem>; picked: { index: number; answers: number[] }[]; seed: number }

/** What is said before the next answer; tokens: how long the answer is to be. */
interface Turn { before: Message[]; tokens: number; answer: Message | null }

const tables: string[] = [];

export const options: Options = { doctor: true, setupTimeout: "24h" }; // large datasets take long to read and to make

export function* plan(): Generator<Case, void, CaseResult> {
  const seed = chooseSeed(p.seed);
  const open = p.conversationRate.length > 0;
  const loads = open ? p.conversationRate : p.users;
  const counts = loads.map((load) => p.conversations || (open ? 40 : 4 * load));
  if (recorded !== null) sayRead(recorded);
  const picked = recorded === null ? null : pick(counts, seed);
  const csv = p.multiTurnCsv === "" ? null : new Csv(p.multiTurnCsv, { columns: ["load", ...columns.map(([name]) => name)], eol: "\n" });
  try {
    for (const [i, load] of loads.entries()) {
      const own = caseSeed("multi-turn", seed, i);
      const result = yield {
        name: open ? `${load} conversations/s` : load === 1 ? "1 user" : `${load} users`,
        of: loads.length,
        tags: { ...(open ? { conversation_rate: load } : { users: load }), seed },
        ...(open
          ? { executor: "arrival-rate", rate: load, process: "poisson", iterations: counts[i], seed: own }
          : { executor: "shared-iterations", vus: load, iterations: counts[i], maxDuration: "7d" }),
        data: { data: withSystem(recorded ?? questions(counts[i] + p.warmup, own), own), picked: picked?.[i] ?? [], seed: own } satisfies Talks,
        warmup: p.warmup,
        pause: p.pause,
        expect: ["cached_prompts"], // each prompt begins with the one before it
      };
      if (i === 0 && sayRefused(result)) return;
      const turns = rows(result);
      for (const row of turns) csv?.row([load, ...columns.map(([, cell]) => cell(row))]);
      tables.push(table(result, turns));
      if (turns.length > 1 && turns.every((r) => !(hits(r) > 0))) console.warn(tellsNothing);
    }
  } finally {
    if (csv?.length) console.log(`table: ${p.multiTurnCsv}`);
    else csv?.discard();
  }
}

export function handleSummary(result: RunResult): Record<string, string> {
  return report(result, tables.join("\n\n"));
}

export default async function (it: It<Talks>): Promise<void> {
  const number = it.warmup ? -1 - it.index : it.index; // from the end
  const random = randomSeeded(caseSeed("conversation", it.data.seed, number));
  const turns = recorded === null ? madeTurns(it.data, number, random) : pickedTurns(it.data, number);
  const messages: Message[] = [];
  for (const [i, turn] of turns.entries()) {
    if (i > 0 && !it.warmup) await pause(random);
    messages.push(...turn.before);
    const reply = await service.chat(messages, { maxTokens: turn.tokens });
    if (!reply.error && !it.warmup) {
      const row = perTurn[Math.min(i, rowCount - 1)];
      row.requests.add(1);
      if (reply.ttft !== null) row.ttft.add(reply.ttft);
      if (reply.usage !== null) {
        row.promptTokens.add(reply.usage.inputTokens);
        if (reply.usage.cachedTokens !== null) row.cachedTokens.add(reply.usage.cachedTokens);
      }
    }
    if (p.history === "recorded" && turn.answer !== null) messages.push(turn.answer);
    else if (reply.error) return; // a conversation with a hole in it goes no further
    else messages.push({ role: "assistant", content: reply.text });
  }
}

// pause is the time between an answer and the next question.
async function pause(random: () => number): Promise<void> {
  const ms = p.thinkProcess === "constant" ? p.think : -Math.log(1 - random()) * p.think;
  if (ms > 0) await sleep(ms / 1000);
}

function recordings(): Dataset<RecordedItem> {
  const all = read(p.dataset, p.format === "auto" ? {} : { format: p.format });
  if (!some(all, (item) => recordedTurns(item).length >= p.minTurns)) {
    invalidParams(`${p.dataset} (${all.format}) has no conversation with ${p.minTurns} questions or more: lower --min-turns`);
  }
  return all;
}

// withSystem gives conversations the message of the system that all of a case begin with. Another seed gives another one: no case finds that of another one in the cache.
function withSystem(data: Dataset<RecordedItem>, seed: number): Dataset<RecordedItem> {
  return p.systemTokens > 0 ? data.withSystem({ tokens: p.systemTokens, tokenizer, seed }) : data;
}

// questions are those of made conversations. Another seed gives others.
function questions(conversations: number, seed: number): Dataset<RecordedItem> {
  return synthetic({
    tokenizer,
    seed,
    count: conversations * maxTurns,
    input: { mean: p.promptTokens, std: p.promptTokensStd },
    output: { mean: p.outputTokens || 128, std: p.outputTokensStd },
  }) as Dataset<RecordedItem>;
}

function madeTurns({ data }: Talks, number: number, random: () => number): Turn[] {
  const first = number * maxTurns + (number < 0 ? data.length : 0);
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const count = Math.min(Math.max(Math.round(meanTurns + p.turnsStd * normal), 1), maxTurns);
  return Array.from({ length: count }, (_, i) => {
    const item = data[first + i];
    const system = i === 0 && p.systemTokens > 0 ? [{ role: "system", content: item.system }] : [];
    return { before: [...system, { role: "user", content: item.prompt }], tokens: item.outputTokens, answer: null };
  });
}

function pickedTurns({ data, picked }: Talks, number: number): Turn[] {
  const { index, answers } = picked.at(number)!;
  return recordedTurns(data[index]).map((turn, i) => ({ ...turn, tokens: answers[i] }));
}

// answerLengths is how many tokens the answers of a recorded conversation are to have. To count them takes a while: for plan.
function answerLengths(item: RecordedItem): number[] {
  return recordedTurns(item).map(({ answer }) => p.outputTokens || (typeof answer?.content === "string" && tokenizer.count(answer.content, { addSpecialTokens: false })) || 128);
}

// recordedTurns is a recorded conversation: there is a request wherever the assistant has answered, and for a question at the end.
function recordedTurns(item: RecordedItem): Turn[] {
  const turns: Turn[] = [];
  let before: Message[] = item.system === null ? [] : [{ role: "system", content: item.system }];
  for (const message of [...messagesOf(item), null]) {
    if (message !== null && message.role !== "assistant") {
      before.push(message);
      continue;
    }
    if (before.some((m) => m.role !== "system")) {
      turns.push({ before, tokens: 0, answer: message }); // see answerLengths
    }
    before = [];
  }
  return p.turns > 0 ? turns.slice(0, p.turns) : turns;
}

// messagesOf is all that was said in a recorded conversation, after the message of the system.
function messagesOf(item: RecordedItem): readonly Message[] {
  if (item.turns !== null) return item.turns as readonly Message[];
  const answer = item.output === null ? [] : [{ role: "assistant", content: item.output }];
  return [...(item.messages?.toJSON() ?? [{ role: "user", content: item.prompt }]), ...answer];
}

// pick chooses the recorded conversations of each case, others for each while there are enough.
function pick(counts: readonly number[], seed: number): Talks["picked"][] {
  const needed = counts.reduce((sum, n) => sum + n + p.warmup, 0);
  const fit: Talks["picked"] = [];
  for (const index of shuffled(Array.from({ length: recorded!.length }, (_, k) => k), seed)) {
    if (fit.length === needed) break;
    const item = recorded![index];
    if (recordedTurns(item).length >= p.minTurns) fit.push({ index, answers: answerLengths(item) });
  }
  if (fit.length < needed) console.warn(`${p.dataset} has ${fit.length} conversations with ${p.minTurns} questions or more, and ${needed} are asked for: they come again, and are found in the cache`);
  let next = 0;
  return counts.map((count) => Array.from({ length: count + p.warmup }, () => fit[next++ % fit.length]));
}

/** requests are those that were answered. Where first tokens came together with later ones there are fewer TTFTs, and where the service counts nothing no tokens. */
interface TurnRow { turn: string; requests: number; ttft?: Distribution; promptTokens?: Distribution; cachedTokens?: Distribution }

// rows are the turns that were played.
function rows({ metrics }: CaseResult): TurnRow[] {
  const of = (i: number, what: string): Distribution | undefined => metrics[`_turn_${i + 1}_${what}`] as Distribution | undefined;
  const requests = (i: number): number => (metrics[`_turn_${i + 1}_requests`] as CounterMetric | undefined)?.sum ?? 0;
  return perTurn
    .map((_, i) => ({ turn: i + 1 < rowCount || possible === rowCount ? `${i + 1}` : `${i + 1}+`, requests: requests(i), ttft: of(i, "ttft"), promptTokens: of(i, "prompt_tokens"), cachedTokens: of(i, "cached_tokens") }))
    .filter((row) => row.requests > 0);
}

function hits({ cachedTokens: cached, promptTokens: prompt }: TurnRow): number {
  return cached && prompt && cached.n > 0 ? (cached.avg! * cached.n) / (prompt.avg! * prompt.n) : NaN;
}

/** The columns of the CSV, behind the load. */
const columns: [name: string, cell: (row: TurnRow) => Cell][] = [
  ["turn", (r) => r.turn],
  ["requests", (r) => r.requests],
  ["prompt_tokens_avg", (r) => r.promptTokens?.avg],
  ["hit_rate", hits],
  ["ttft_avg_ms", (r) => r.ttft?.avg],
  ...[50, 90, 99].map((q): [string, (row: TurnRow) => Cell] => [`ttft_p${q}_ms`, (r) => r.ttft?.p(q)]),
];

// table shows the turns of a case.
function table({ name, counts }: CaseResult, turns: readonly TurnRow[]): string {
  const head = ["turn", "requests", "prompt tokens", "hits %", "TTFT avg ms", "p50", "p90", "p99"];
  const lines = turns.map((r) => [r.turn, `${r.requests}`, number(r.promptTokens?.avg), percents(hits(r)), number(r.ttft?.avg), number(r.ttft?.p(50)), number(r.ttft?.p(90)), number(r.ttft?.p(99))]);
  return `${name}: ${counts.scheduled} conversations, ${counts.requests} requests, ${counts.requests_failed} failed\n${textTable(head, lines)}`;
}
