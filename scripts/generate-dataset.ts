// Makes a dataset of random words with prompts and outputs of exact lengths, and
// sends nothing. It takes the flags of the AscendCloud-LLM script
// generate_dataset.py and writes its file; what differs on purpose is in
// docs/ascend.md.
import { invalidParams, params, type Plan, type Options } from "weir";
import { Tokenizer } from "weir/tokenizer";
import { save, synthetic, type Dataset, type Length, type LengthStats } from "weir/dataset";
import { limits, named, wholeNumbers } from "./parts/checks";
import { textTable } from "weir/lib/text";

const p = params({
  dataset: { type: "string", required: true, help: "file to write; it must not exist yet" },
  tokenizer: { type: "string", required: true, help: "folder with tokenizer.json, or that file, of the model that is to be measured; builtin is a small one of weir's own" },
  numRequests: { default: 1000, help: "prompts to make" },
  minInput: { default: 100, help: "prompt length in tokens, at least" },
  maxInput: { default: 3600, help: "at most" },
  avgInput: { default: 1800, help: "on average" },
  stdInput: { default: 500, help: "its standard deviation" },
  minOutput: { default: 40, help: "output length in tokens, at least" },
  maxOutput: { default: 256, help: "at most" },
  avgOutput: { default: 160, help: "on average" },
  stdOutput: { default: 30, help: "its standard deviation" },
  distribution: { default: "normal", choices: ["normal", "lognormal", "uniform"] as const, help: "of the lengths, before they are clipped to minimum and maximum; uniform takes those alone" },
  template: { default: false, help: "prompt lengths are those in the tokenizer's chat template, as a chat service counts them" },
  outputFormat: {
    default: "custom",
    choices: ["custom", "weir", "vllm-custom", "openai"] as const,
    help: "custom: the JSON list of generate_dataset.py; weir: JSONL with the lengths; vllm-custom: for vllm bench serve; openai: JSONL of chat requests",
  },
  seed: { default: 0, help: "equal seeds give equal files" },
});

check();
const tokenizer = new Tokenizer(p.tokenizer);
checkLeast();

export const options: Options = { setupTimeout: "24h" }; // large datasets take long to read and to make

export function* plan(): Plan {
  const begin = Date.now();
  const data = save(p.dataset, make, { format: p.outputFormat, mode: 0o600 });
  summary = report(data, (Date.now() - begin) / 1000);
}

let summary = ""; // plan and handleSummary run in the same JavaScript runtime

export function handleSummary(): Record<string, string> {
  return { stdout: summary };
}

// make makes prompts, and as the recorded answers other texts of another seed.
function make(): Dataset {
  const count = p.numRequests;
  const prompts = synthetic({ tokenizer, count, input: length("input"), output: 1, template: p.template, seed: p.seed });
  return prompts.withAnswers(synthetic({ tokenizer, count, input: length("output"), output: 1, seed: p.seed + 2 ** 32 }));
}

// length is how long prompts or outputs are to be.
function length(of: "input" | "output"): Length {
  const { min, max, mean, std } = asked(of);
  return p.distribution === "uniform" ? { distribution: "uniform", min, max } : { distribution: p.distribution, mean, std, min, max };
}

function asked(of: "input" | "output"): { min: number; max: number; mean: number; std: number } {
  return of === "input"
    ? { min: p.minInput, max: p.maxInput, mean: p.avgInput, std: p.stdInput }
    : { min: p.minOutput, max: p.maxOutput, mean: p.avgOutput, std: p.stdOutput };
}

function check(): void {
  named({ "--dataset": p.dataset });
  const packed = /\.(gz|zst|bz2)$/i.exec(p.dataset);
  if (packed) invalidParams(`--dataset ${p.dataset}: the file is written as it is, not compressed: leave ${packed[0]} out`);
  wholeNumbers(1, { "--num-requests": p.numRequests }, limits.prompts);
  wholeNumbers(1, { "--min-input": p.minInput, "--max-input": p.maxInput, "--min-output": p.minOutput, "--max-output": p.maxOutput }, limits.tokens);
  for (const of of ["input", "output"] as const) {
    const { min, max, mean, std } = asked(of);
    if (min > max) invalidParams(`--min-${of} ${min} is more than --max-${of} ${max}`);
    if (!(mean >= 1 && mean <= limits.tokens)) invalidParams(`--avg-${of} must be from 1 to ${limits.tokens}, got ${mean}`);
    if (!(std >= 0 && std <= limits.tokens)) invalidParams(`--std-${of} must be from 0 to ${limits.tokens}, got ${std}`);
  }
  if (!Number.isInteger(p.seed) || p.seed < 0 || p.seed > limits.seed) {
    invalidParams(`--seed must be a whole number from 0 to ${limits.seed}, got ${p.seed}`);
  }
}

// checkLeast refuses lengths that no text has, as the tokenizer puts special tokens around each. In a template, synthetic knows.
function checkLeast(): void {
  const special = tokenizer.count("");
  for (const of of p.template ? (["output"] as const) : (["input", "output"] as const)) {
    const { min } = asked(of);
    if (min <= special) invalidParams(`--min-${of} must be at least ${special + 1} with this tokenizer, which puts ${special} special tokens around a text; got ${min}`);
  }
}

// report says what was asked for beside what was made.
function report(data: Dataset, seconds: number): string {
  const { promptTokens, outputTokens } = data.stats();
  if (data.inexact > 0) {
    console.warn(`${data.inexact} of ${data.length} prompts or outputs do not have the length that was drawn: no text of it was found with this tokenizer`);
  }
  return (
    `${p.dataset}: ${data.length} prompts, format ${p.outputFormat}, in ${seconds.toFixed(1)} s\n\n` +
    textTable(["tokens", "avg", "std", "min", "max"], [...rows("prompts", "input", promptTokens), ...rows("outputs", "output", outputTokens)]) +
    `\n\n${p.distribution === "uniform" ? "" : "Clipping to minimum and maximum moves average and deviation. "}No requests were sent.\n`
  );
}

function rows(what: string, of: "input" | "output", made: LengthStats): (string | null)[][] {
  const { min, max, mean, std } = asked(of);
  const drawn = p.distribution === "uniform" ? [null, null] : [String(mean), String(std)];
  return [
    [`${what} asked`, ...drawn, String(min), String(max)],
    [`${what} made`, made.avg.toFixed(1), made.std.toFixed(1), String(made.min), String(made.max)],
  ];
}
