// Conversations: each iteration is one, whose turns follow one another with
// pauses, and whose prompts grow with every answer. Shows the time to the first
// token by turn, with the length of the prompt and what the prefix cache had of
// it. docs/scenarios.md tells how to read the result.
import { invalidParams, params, randomSeeded, sleep, type Case, type CaseResult, type Distribution, type It } from "weir";
import { Endpoint, type Message } from "weir/llm";
import { Tokenizer } from "weir/tokenizer";
import { formats, read, synthetic, type Dataset, type RecordedItem } from "weir/dataset";
import { Trend } from "weir/metrics";
import { Csv, type Cell } from "weir/output";
import { tellsNothing } from "./lib/cache";
import { aboveZero, checkSeed, wholeNumbers } from "./lib/checks";
import { shuffled, some } from "./lib/lists";
import { sayRead } from "./lib/sayread";
import { chooseSeed, seedFlag } from "./lib/seed";
import { checkService, serviceFlags, serviceOptions } from "./lib/service";
import { number, percents, textTable } from "./lib/texttable";

const p = params({
  users: { default: [4], help: "conversations at the same time, one case each: a user begins the next one when the last has ended" },
  conversationRate: { default: [], type: "number list", help: "conversations that begin per second, with exponential gaps, instead of --users; one case each" },
  conversations: { default: 0, help: "conversations of each case; 0: four for each user, 40 with --conversation-rate" },
  turns: { default: 0, help: "questions of a conversation; 0: 5, or as many as the recorded ones have" },
  turnsStd: { default: 0, help: "standard deviation of the number of questions" },
  promptTokens: { default: 256, help: "mean length of a question, tokens" },
  promptTokensStd: { default: 0, help: "its standard deviation" },
  outputTokens: { default: 0, help: "mean length of an answer, tokens; 0: 128, or as long as the recorded ones" },
  outputTokensStd: { default: 0, help: "its standard deviation" },
  systemTokens: { default: 0, help: "length of a message of the system that all conversations of a case begin with, tokens" },
  dataset: { default: "", help: "file with recorded conversations instead of made ones: ShareGPT, OpenAI messages, MOSS and others" },
  format: { default: "auto", choices: ["auto", ...formats.filter((f) => !f.trace).map((f) => f.name)], help: "its format; auto finds out" },
  minTurns: { default: 2, help: "leave out recorded conversations with fewer questions" },
  history: { default: "reply", choices: ["reply", "recorded"] as const, help: "what the next question follows: the answer that came, or the recorded one" },
  think: { default: "0s", type: "duration", help: "mean pause before each question but the first" },
  thinkProcess: { default: "exponential", choices: ["exponential", "constant"] as const, help: "how pauses are distributed" },
  ignoreEos: { default: true, help: "answers of just that length; --no-ignore-eos: at most" },
  backend: { default: "openai-chat", choices: ["openai-chat", "openai-responses", "anthropic"] as const, help: "protocol of the service" },
  ...serviceFlags,
  scheme: { default: "http", choices: ["http", "https"] as const, help: "of the URL that is made of --host and --port" },
  temperature: { default: 0, help: "sampling temperature" },
  ...seedFlag,
  warmup: { default: 2, help: "conversations before the first case that are not counted" },
  pause: { default: "0s", type: "duration", help: "wait between cases" },
  timeout: { default: "10m", type: "duration", help: "limit of one request" },
  keepAlive: { default: true, help: "reuse connections; --no-keep-alive opens one for each request" },
  multiTurnCsv: { default: "", help: "file for the table of turns; it must not exist yet" },
});

checkService(p);
checkSeed(p.seed);
wholeNumbers(1, { "--users": p.users, "--prompt-tokens": p.promptTokens, "--min-turns": p.minTurns });
wholeNumbers(0, { "--conversations": p.conversations, "--turns": p.turns, "--output-tokens": p.outputTokens, "--system-tokens": p.systemTokens, "--warmup": p.warmup });
if (p.conversationRate.length > 0) aboveZero({ "--conversation-rate": p.conversationRate });
for (const [flag, std] of [["--turns-std", p.turnsStd], ["--prompt-tokens-std", p.promptTokensStd], ["--output-tokens-std", p.outputTokensStd]] as const) {
  if (!(std >= 0)) invalidParams(`${flag} must be at least 0, got ${std}`);
}
if (p.dataset === "" && p.history === "recorded") invalidParams("--history recorded needs --dataset: made conversations have no answers");
if (p.dataset !== "" && (p.turnsStd > 0 || p.promptTokensStd > 0 || p.outputTokensStd > 0)) invalidParams("--turns-std, --prompt-tokens-std and --output-tokens-std are of made conversations: leave --dataset out");

const tokenizer = new Tokenizer(p.tokenizer);
const service = new Endpoint({
  ...serviceOptions(p, p.scheme),
  backend: p.backend,
  tokenizer,
  temperature: p.temperature,
  ignoreEos: p.ignoreEos,
  keepAlive: p.keepAlive,
  timeout: p.timeout,
});

const meanTurns = p.turns || 5;
const maxTurns = Math.ceil(meanTurns + 3 * p.turnsStd);
const recorded = p.dataset === "" ? null : recordings();

// What is known of each turn; the last row is of all from there on. Names with _ are left out of weir's own table.
const possible = recorded === null ? maxTurns : p.turns || Infinity;
const rowCount = Math.min(possible, 20);
const perTurn = Array.from({ length: rowCount }, (_, i) => ({
  ttft: new Trend(`_turn_${i + 1}_ttft`, true),
  promptTokens: new Trend(`_turn_${i + 1}_prompt_tokens`, "tokens"),
  cachedTokens: new Trend(`_turn_${i + 1}_cached_tokens`, "tokens"),
}));

/** What the iterations of a case need: questions with a place for maxTurns of each conversation, or which of the recorded ones. */
interface Talks { questions: Dataset<RecordedItem> | null; picked: number[]; seed: number }

/** What is said before the next answer; tokens: how long the answer is to be. */
interface Turn { before: Message[]; tokens: number; answer: Message | null }

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
      const warmup = i === 0 ? p.warmup : 0;
      const result = yield {
        name: open ? `${load} conversations/s` : load === 1 ? "1 user" : `${load} users`,
        of: loads.length,
        tags: { ...(open ? { conversation_rate: load } : { users: load }), seed: seed + i },
        ...(open
          ? { executor: "arrival-rate", rate: load, process: "poisson", iterations: counts[i], seed: seed + i }
          : { executor: "shared-iterations", vus: load, iterations: counts[i], maxDuration: "7d" }),
        data: { questions: picked === null ? questions(counts[i] + warmup, seed + i) : null, picked: picked?.[i] ?? [], seed: seed + i } satisfies Talks,
        warmup,
        pause: p.pause,
        expect: ["cached_prompts"], // each prompt begins with the one before it
      };
      for (const row of rows(result)) csv?.row([load, ...columns.map(([, cell]) => cell(row))]);
      report(result);
    }
  } finally {
    if (csv?.length) console.log(`table: ${p.multiTurnCsv}`);
    else csv?.discard();
  }
}

export default async function (it: It<Talks>): Promise<void> {
  const random = randomSeeded(it.data.seed + 2 ** 20 * (it.index + (it.warmup ? 2 ** 20 : 0)));
  const turns = it.data.questions === null ? recordedTurns(recorded![it.data.picked.at(it.warmup ? -1 - it.index : it.index)!]) : madeTurns(it, random);
  const messages: Message[] = [];
  for (const [i, turn] of turns.entries()) {
    if (i > 0) await pause(random);
    messages.push(...turn.before);
    const reply = await service.chat(messages, { maxTokens: turn.tokens });
    if (!reply.error && !it.warmup) {
      const row = perTurn[Math.min(i, rowCount - 1)];
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
  return p.systemTokens > 0 ? all.withSystem({ tokens: p.systemTokens, tokenizer }) : all;
}

// questions are those of made conversations. Another seed gives others, and another message of the system: no case finds those of another one in the cache.
function questions(conversations: number, seed: number): Dataset<RecordedItem> {
  const all = synthetic({
    tokenizer,
    seed,
    count: conversations * maxTurns,
    input: { mean: p.promptTokens, std: p.promptTokensStd },
    output: { mean: p.outputTokens || 128, std: p.outputTokensStd },
  });
  return p.systemTokens > 0 ? all.withSystem({ tokens: p.systemTokens, tokenizer, seed }) : (all as Dataset<RecordedItem>);
}

function madeTurns(it: It<Talks>, random: () => number): Turn[] {
  const all = it.data.questions!;
  // The warm-up takes those at the end.
  const first = it.warmup ? all.length - (it.index + 1) * maxTurns : it.index * maxTurns;
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const count = Math.min(Math.max(Math.round(meanTurns + p.turnsStd * normal), 1), maxTurns);
  return Array.from({ length: count }, (_, i) => {
    const item = all[first + i];
    const system = i === 0 && p.systemTokens > 0 ? [{ role: "system", content: item.system }] : [];
    return { before: [...system, { role: "user", content: item.prompt }], tokens: item.outputTokens, answer: null };
  });
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
      const length = typeof message?.content === "string" ? tokenizer.count(message.content, { addSpecialTokens: false }) : 0;
      turns.push({ before, tokens: p.outputTokens || length || 128, answer: message });
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
function pick(counts: readonly number[], seed: number): number[][] {
  const needed = counts.reduce((a, b) => a + b, 0) + p.warmup;
  const fit: number[] = [];
  for (const i of shuffled(Array.from({ length: recorded!.length }, (_, k) => k), seed)) {
    if (fit.length === needed) break;
    if (recordedTurns(recorded![i]).length >= p.minTurns) fit.push(i);
  }
  if (fit.length < needed) console.warn(`${p.dataset} has ${fit.length} conversations with ${p.minTurns} questions or more, and ${needed} are asked for: they come again, and are found in the cache`);
  let next = 0;
  return counts.map((count, i) => Array.from({ length: count + (i === 0 ? p.warmup : 0) }, () => fit[next++ % fit.length]));
}

interface TurnRow { turn: string; ttft: Distribution; promptTokens: Distribution; cachedTokens: Distribution }

// rows are the turns that were played.
function rows({ metrics }: CaseResult): TurnRow[] {
  const of = (i: number, what: string): Distribution => metrics[`_turn_${i + 1}_${what}`] as Distribution;
  return perTurn
    .map((_, i) => ({ turn: i + 1 < rowCount || possible === rowCount ? `${i + 1}` : `${i + 1}+`, ttft: of(i, "ttft"), promptTokens: of(i, "prompt_tokens"), cachedTokens: of(i, "cached_tokens") }))
    .filter((row) => row.ttft?.n > 0);
}

// requestsOf counts them. Where first tokens came together with later ones, there are fewer TTFTs.
function requestsOf({ ttft, promptTokens }: TurnRow): number {
  return Math.max(ttft.n, promptTokens?.n ?? 0);
}

function hits({ cachedTokens: cached, promptTokens: prompt }: TurnRow): number {
  return cached?.n > 0 ? cached.avg! / prompt.avg! : NaN;
}

/** The columns of the CSV, behind the load. */
const columns: [name: string, cell: (row: TurnRow) => Cell][] = [
  ["turn", (r) => r.turn],
  ["requests", requestsOf],
  ["prompt_tokens_avg", (r) => r.promptTokens?.avg],
  ["hit_rate", hits],
  ["ttft_avg_ms", (r) => r.ttft.avg],
  ...[50, 90, 99].map((q): [string, (row: TurnRow) => Cell] => [`ttft_p${q}_ms`, (r) => r.ttft.p(q)]),
];

// report shows the turns of a case.
function report(result: CaseResult): void {
  const turns = rows(result);
  if (turns.length === 0) return;
  const head = ["turn", "requests", "prompt tokens", "hits %", "TTFT avg ms", "p50", "p90", "p99"];
  const lines = turns.map((r) => [r.turn, `${requestsOf(r)}`, number(r.promptTokens?.avg), percents(hits(r)), number(r.ttft.avg), number(r.ttft.p(50)), number(r.ttft.p(90)), number(r.ttft.p(99))]);
  console.log(`${result.name}\n${textTable(head, lines)}`);
  if (turns.length > 1 && turns.every((r) => !(hits(r) > 0))) console.warn(tellsNothing);
}
