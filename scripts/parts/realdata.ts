// Prompts of a dataset for the static benchmark, by the rules of
// benchmark_parallel.py: ShareGPT's as vLLM samples them, HumanEval's that are not
// empty, and lists of prompts of fixed lengths.
import { invalidParams } from "weir";
import { read, type Dataset, type ReadOptions } from "weir/dataset";
import type { Tokenizer } from "weir/tokenizer";
import { limits } from "./checks";
import type { Point } from "./parallel";
import { sayRead } from "./sayread";
import type { Values } from "./service";

export const realFlags = {
  datasetType: {
    default: "random",
    choices: ["random", "sharegpt", "human-eval", "fixed"],
    help: "where prompts come from; fixed has a file for each of --prompt-tokens, sharegpt and human-eval do not look at --prompt-tokens",
  },
  datasetPath: { default: "", help: "file with the prompts; for fixed, folder with files such as 512.json" },
  useRealDatasetOutputTokens: { default: false, help: "output lengths of the dataset (sharegpt, human-eval) instead of --output-tokens" },
} as const;

type Flags = Values<typeof realFlags>;
type Load = { readonly promptTokens: readonly number[]; readonly outputTokens: readonly number[] };

/** Ends the run when flags make no sense, or not together. */
export function checkReal(p: Flags & Load, embeds: boolean): void {
  if (p.datasetType === "random") {
    if (p.datasetPath !== "" || p.useRealDatasetOutputTokens) {
      invalidParams("--dataset-path and --use-real-dataset-output-tokens need a --dataset-type: sharegpt, human-eval or fixed");
    }
    return;
  }
  if (p.datasetPath === "") {
    invalidParams(`--dataset-path is missing: it names the ${p.datasetType === "fixed" ? "folder with files such as 512.json" : "file"} that --dataset-type ${p.datasetType} reads`);
  }
  if (p.datasetType === "fixed" && p.useRealDatasetOutputTokens) {
    invalidParams("--use-real-dataset-output-tokens: the prompts of --dataset-type fixed have no outputs; give --output-tokens");
  }
  if (p.datasetType === "sharegpt" && !p.useRealDatasetOutputTokens && !embeds && p.outputTokens.some((n) => n < 4)) {
    invalidParams(`--output-tokens must be at least 4 with --dataset-type sharegpt, got ${p.outputTokens.join(" ")}`);
  }
}

/** Whether prompts have lengths of their own, so that --prompt-tokens says nothing. */
export function ownLengths(p: Flags): boolean {
  return p.datasetType === "sharegpt" || p.datasetType === "human-eval";
}

/** The load with the pairs of lengths that are played: where the dataset has the lengths, more than one case would be the same again. */
export function realPairs<P extends Flags & Load>(p: P): P {
  if (!ownLengths(p)) return p;
  const outputTokens = p.useRealDatasetOutputTokens ? [1] : [...new Set(p.outputTokens)];
  return { ...p, outputTokens, promptTokens: outputTokens };
}

export interface RealPrompts {
  /** The prompts of a case; those of its warm-up are the last ones. */
  take(point: Point): Dataset;
  /** The point with the average lengths of the prompts that were taken last, for its row. */
  average(point: Point): Point;
}

/** How many prompts cases take of each of the files that a dataset is made of. */
interface Source {
  path: string;
  /** Of a folder with a file for each prompt length. */
  length?: number;
  rules: ReadOptions;
  needed: number;
}

/** The prompts of one case after another of static. */
export function realPrompts(p: Flags & Load & { readonly parallelNum: readonly number[]; readonly epochs: number; readonly warmup: number; readonly samePrompt: boolean; readonly seed: number }, tokenizer: Tokenizer): RealPrompts {
  const cases = p.parallelNum.map((n) => n * p.epochs);
  const all = cases.reduce((sum, n) => sum + n, 0);
  const needed = (pairs: number): number => (p.samePrompt ? Math.max(...cases) : all * pairs) + p.warmup;
  const lengths = p.datasetType === "fixed" ? [...new Set(p.promptTokens)] : [undefined];
  const sources = lengths.map((length) => {
    const pairs = length === undefined ? p.promptTokens.length : p.promptTokens.filter((n) => n === length).length;
    return { path: p.datasetPath, length, rules: rules(p), needed: needed(pairs) };
  });
  return stocks(sources, tokenizer, { seed: p.seed, own: p.useRealDatasetOutputTokens, again: p.samePrompt });
}

/** The prompts of one case after another of climbing: of a folder with a file for each prompt length, for these cases. */
export function folderPrompts(folder: string, points: readonly Point[], tokenizer: Tokenizer, seed: number): RealPrompts {
  const needed = new Map<number, number>();
  for (const { promptTokens, requests } of points) needed.set(promptTokens, (needed.get(promptTokens) ?? 0) + requests);
  const sources = [...needed].map(([length, needed]) => ({ path: folder, length, rules: listRules, needed }));
  return stocks(sources, tokenizer, { seed, own: false, again: false });
}

/**
 * Reads each file once, in a random order. Each case gets other prompts, whatever its output length; those of the begin
 * come again when all were used, which is said. own: outputs have the lengths of the dataset; again: each case gets the
 * first prompts.
 */
function stocks(sources: readonly Source[], tokenizer: Tokenizer, o: { seed: number; own: boolean; again: boolean }): RealPrompts {
  const all = new Map(
    sources.map(({ path, length, rules, needed }) => {
      const prompts = read(path, { ...rules, ...(length === undefined ? {} : { length }), tokenizer, outputSpecialTokens: true, sample: Math.min(needed, limits.prompts), atLeast: 1, seed: o.seed });
      const name = length === undefined ? path : `${path}, ${length}.json`;
      sayRead(prompts, length === undefined ? undefined : name);
      return [length, { name, prompts, used: 0, told: false }];
    }),
  );
  let average = {};
  return {
    take({ promptTokens, outputTokens, requests, warmup }) {
      const stock = all.get(promptTokens) ?? all.get(undefined)!;
      const count = requests + warmup;
      if (o.again) stock.used = 0;
      const { length } = stock.prompts;
      if (!stock.told && stock.used + count > length) {
        stock.told = true;
        console.warn(`${stock.name}: all of its ${length} prompts are used; they come again, and a prefix cache may answer them`);
      }
      const from = stock.used % length;
      stock.used += count;
      const taken = stock.prompts.cycle(from + count).slice(from);
      const data = o.own ? taken : taken.withOutput(outputTokens);
      const stats = data.slice(0, requests).stats();
      average = { promptTokens: stats.promptTokens.avg, outputTokens: stats.outputTokens.avg };
      return data;
    },
    average: (point) => ({ ...point, ...average }),
  };
}

const listRules: ReadOptions = { format: "custom", minPromptTokens: 1 };

// rules are those of the dataset's type. Which prompts of ShareGPT are short enough depends on the output: it must hold for all outputs that are asked for.
function rules(p: Flags & Load): ReadOptions {
  switch (p.datasetType) {
    case "sharegpt":
      return {
        format: "sharegpt", firstExchange: true, minPromptTokens: 4, maxPromptTokens: 1024, maxTotalTokens: 2048,
        ...(p.useRealDatasetOutputTokens ? { minOutputTokens: 4 } : { output: Math.max(...p.outputTokens) }),
      };
    case "human-eval":
      return { format: "human-eval", minPromptTokens: 1, minOutputTokens: 1 };
    default:
      return listRules;
  }
}
