// Prompts of a dataset for the static benchmark, by the rules of
// benchmark_parallel.py: ShareGPT's as vLLM samples them, HumanEval's that are not
// empty, and lists of prompts of fixed lengths.
import { invalidParams } from "weir";
import { read, type Dataset, type ReadOptions } from "weir/dataset";
import type { Tokenizer } from "weir/tokenizer";
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
  /** The next prompts of a case; those of its warm-up are the last ones. */
  take(point: Point): Dataset;
  /** The point with the average lengths of the prompts that were taken last. */
  average(point: Point): Point;
}

/**
 * The prompts of one case after another, in a random order: each case gets others, and those of the begin come again
 * when all were used. A file is read once for each output length.
 */
export function realPrompts(p: Flags & Load & { readonly parallelNum: readonly number[]; readonly epochs: number; readonly warmup: number; readonly samePrompt: boolean }, tokenizer: Tokenizer): RealPrompts {
  const cases = p.parallelNum.map((n) => n * p.epochs);
  const all = cases.reduce((sum, n) => sum + n, 0) * p.promptTokens.length;
  const most = (p.samePrompt ? Math.max(...cases) : all) + p.warmup;
  const stocks = new Map<string, { prompts: Dataset; used: number }>();
  let told = false;
  let average = {};
  const fill = (seed: number): void => {
    for (const [i, promptTokens] of p.promptTokens.entries()) {
      const outputTokens = p.outputTokens[i] ?? p.outputTokens[0]; // of embeddings there need not be as many
      const prompts = read(p.datasetPath, { ...rules(p, promptTokens, outputTokens), tokenizer, outputSpecialTokens: true, sample: most, atLeast: 1, seed: seed + i });
      stocks.set(`${promptTokens}/${outputTokens}`, { prompts, used: 0 });
      sayRead(prompts);
    }
  };
  return {
    take({ promptTokens, outputTokens, requests, warmup, seed }) {
      if (stocks.size === 0) fill(seed); // before the first case: what is wrong is said before any load
      const stock = stocks.get(`${promptTokens}/${outputTokens}`)!;
      const { prompts } = stock;
      const count = requests + warmup;
      if (p.samePrompt) stock.used = 0;
      if (!told && stock.used + count > prompts.length) {
        told = true;
        console.warn(`${p.datasetPath}: all of its ${prompts.length} prompts are used; they come again, and a prefix cache may answer them`);
      }
      const from = stock.used % prompts.length;
      stock.used += count;
      const data = prompts.cycle(from + count).slice(from);
      const stats = data.slice(0, requests).stats();
      average = { promptTokens: stats.promptTokens.avg, outputTokens: stats.outputTokens.avg };
      return data;
    },
    average: (point) => ({ ...point, ...average }),
  };
}

function rules(p: Flags, promptTokens: number, outputTokens: number): ReadOptions {
  const output = p.useRealDatasetOutputTokens ? {} : { output: outputTokens };
  switch (p.datasetType) {
    case "sharegpt":
      return { format: "sharegpt", firstExchange: true, minPromptTokens: 4, maxPromptTokens: 1024, maxTotalTokens: 2048, ...(p.useRealDatasetOutputTokens ? { minOutputTokens: 4 } : output) };
    case "human-eval":
      return { format: "human-eval", minPromptTokens: 1, minOutputTokens: 1, ...output };
    default:
      return { format: "custom", length: promptTokens, minPromptTokens: 1, ...output };
  }
}
