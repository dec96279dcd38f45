// The load of benchmark_serving.py: prompts and output lengths of a dataset, which
// arrive at random at one rate after another, and its table.
import { invalidParams, type Case, type CaseResult, type Profile } from "weir";
import { formats, read, type Dataset, type RecordedItem } from "weir/dataset";
import type { Csv } from "weir/output";
import type { Tokenizer } from "weir/tokenizer";
import { servingCells } from "weir/lib/ascend";
import { checkRate, checkSeed, limits, paired, wholeNumbers } from "./checks";
import { sayFailed, sayRefused } from "./outcome";
import { sayRead } from "./sayread";
import { caseSeed } from "./seed";

/** What datasets may be: the formats that weir reads. */
export const datasetTypes = ["auto", ...formats.map((f) => f.name)];

/** Which prompts of a dataset are taken. */
export const limitFlags = {
  maxTokens: { default: 1024, help: "tokens of prompt and output together: outputs are shortened to it" },
  maxPromptTokens: { default: 900, help: "tokens of a prompt: longer ones are left out" },
} as const;

export const servingFlags = {
  requestRate: { default: [1, 4, 8], help: "requests per second, one case each, with exponential gaps; inf: all at once" },
  numPrompts: { default: [1000, 1000, 1000], help: "requests of each case, paired with --request-rate" },
  ...limitFlags,
  samePrompts: { default: false, help: "the same prompts at every rate, as benchmark_serving.py has it, which a prefix cache then answers" },
  pause: { default: "0s", type: "duration", help: "wait between rates; benchmark_serving.py waits 60s" },
  warmup: { default: 16, help: "requests before the first rate that are not counted, at 100 a second; benchmark_serving.py sends 256" },
} as const;

export interface Serving {
  dataset: string;
  datasetType: string;
  requestRate: readonly number[];
  numPrompts: readonly number[];
  maxTokens: number;
  maxPromptTokens: number;
  samePrompts: boolean;
  pause: number;
  warmup: number;
  seed: number;
}

/** Ends the run when flags make no sense, or not together. names are those of flags that have another one than usual. */
export function checkServing(p: Omit<Serving, "dataset" | "datasetType">, names: ServingFlagNames = {}): void {
  const { numPrompts = "--num-prompts", warmup = "--warmup" } = names;
  paired({ [numPrompts]: p.numPrompts, "--request-rate": p.requestRate });
  checkRate(p.requestRate);
  wholeNumbers(1, { [numPrompts]: p.numPrompts }, limits.prompts);
  wholeNumbers(1, { "--max-prompt-tokens": p.maxPromptTokens }, limits.tokens);
  wholeNumbers(2, { "--max-tokens": p.maxTokens }, limits.tokens);
  wholeNumbers(0, { [warmup]: p.warmup }, limits.prompts);
  const all = p.numPrompts.reduce((sum, n) => sum + n, p.warmup);
  if (!p.samePrompts && all > limits.prompts) invalidParams(`${numPrompts} are ${all} prompts together; weir reads ${limits.prompts} at most`);
  checkSeed(p.seed);
}

export interface ServingFlagNames {
  numPrompts?: string;
  warmup?: string;
}

/**
 * One case for each rate, and a row of the tables for each, after which `written` is called. prompts are those of
 * servingPrompts; cases is how many the run has in all; profile is what profiles each. Returns false when the service answers nothing.
 */
export function* serve(p: Serving & { prompts: Dataset; cases: number; tables: readonly Csv[]; written?: () => void; profile?: Profile | null }): Generator<Case, boolean, CaseResult> {
  const { prompts } = p;
  const dataset = p.datasetType === "auto" ? prompts.format! : p.datasetType;
  let used = 0;
  for (const [i, rate] of p.requestRate.entries()) {
    const count = p.numPrompts[i];
    const warmup = i === 0 ? p.warmup : 0;
    const shown = Number.isFinite(rate) ? rate : "inf";
    const data = p.samePrompts ? prompts : prompts.slice(used, used + count + warmup);
    used += count + warmup;
    const asked = data.slice(0, count).stats();
    const result = yield {
      name: `${dataset}: ${shown} req/s, ${count} prompts`,
      of: p.cases,
      tags: { dataset, request_rate: shown, num_prompts: count, seed: p.seed },
      executor: "arrival-rate",
      process: "poisson",
      rate,
      iterations: count,
      seed: caseSeed(`serving ${dataset}`, p.seed, i),
      data, // the warm-up takes those at the end
      warmup: { executor: "arrival-rate", rate: 100, process: "poisson", iterations: warmup },
      pause: p.pause,
      expect: p.samePrompts ? ["cached_prompts"] : [],
      profile: p.profile ?? null,
    };
    if (i === 0 && sayRefused(result)) return false;
    const row = servingCells({ dataset, promptTokens: asked.promptTokens.avg, outputTokens: asked.outputTokens.avg, rate }, result);
    for (const table of p.tables) table.row(row);
    p.written?.();
    sayFailed(result);
  }
  return true;
}

/** The prompts of all rates, each with its own where the dataset has enough. numPromptsFlag names --num-prompts. */
export function servingPrompts(p: Serving & { tokenizer: Tokenizer }, numPromptsFlag = "--num-prompts"): Dataset<RecordedItem> {
  const most = Math.max(...p.numPrompts);
  const needed = (p.samePrompts ? most : p.numPrompts.reduce((sum, n) => sum + n, 0)) + p.warmup;
  const data = read(p.dataset, {
    ...(p.datasetType === "auto" ? {} : { format: p.datasetType }),
    inputOnly: p.datasetType === "alpaca",
    firstExchange: p.datasetType === "sharegpt",
    tokenizer: p.tokenizer,
    outputSpecialTokens: true,
    minPromptTokens: 4,
    minOutputTokens: 4,
    maxPromptTokens: p.maxPromptTokens,
    maxTotalTokens: p.maxTokens,
    clamp: true,
    sample: needed,
    atLeast: 1,
    seed: p.seed,
  });
  sayRead(data);
  if (data.length < most) {
    invalidParams(
      `${p.dataset}: only ${data.length} of the ${most} prompts that ${numPromptsFlag} asks for are left, for the reasons above: ` +
        `lower ${numPromptsFlag}, or raise --max-prompt-tokens (${p.maxPromptTokens})`,
    );
  }
  if (data.length === needed) return data;
  console.warn(
    `${p.dataset}: ${data.length} prompts are left, and ${needed} would be needed for ${p.samePrompts ? "the warm-up to have its own" : "each rate to have its own"}: ` +
      "they come again, and a prefix cache may answer them",
  );
  return data.cycle(needed);
}
