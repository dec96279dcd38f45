// The table of benchmark_climbing.py.
import type { CaseResult, Distribution } from "weir";
import { parallelCells, parallelColumns } from "weir/lib/ascend";
import type { Cell, Column } from "weir/output";
import { serverTimes } from "./servertimes";
import type { Point } from "./parallel";

/** How a case was played, for its row. */
export interface Climbed {
  point: Point;
  backend: string;
  temperature: number;
  topK: number;
  topP: number;
  controlMethod: string;
  growthRate: number;
  rounds: number;
  provider: string;
}

const all = ["TP75", "TP90", "TP95", "TP99", "MAX", "AVG"];

/** Those of static's layout 6.5, and more. */
export const climbingColumns: (string | Column)[] = [
  "Execution_Time",
  ...parallelColumns("6.5").slice(0, -2), // the last two are written in another way
  "Top_K",
  "Top_P",
  "Control_Method",
  "Growth_Rate",
  "Rounds",
  "Num_Prompts",
  "Provider",
  ...["TP90", "TP95", "TP99", "MIN", "AVG"].map((name) => rounded(`${name}_COMPLETION_TOKENS`, 2)),
  ...["AVG_REASONING_TOKENS", "AVG_CONTENT_TOKENS", "AVG_PROMPT_TOKENS"].map((name) => rounded(name, 2)),
  ...["SERVER_TTFT(ms)", "SERVER_TPOT(ms)", "SERVER_E2E(ms)"].flatMap((of) => all.map((name) => rounded(`${name}_${of}`, 3))),
  ...["TP90", "TP95", "TP99", "MIN", "MAX", "AVG"].map((name) => rounded(`${name}_SPEC_ACCEPT_RATE`, 3)),
];

function rounded(name: string, decimals: number): Column {
  return { name, decimals, float: true };
}

export function climbingCells(c: Climbed, result: CaseResult): Cell[] {
  const { output_tokens: output, reasoning_tokens: reasoning, input_tokens: input } = result.metrics;
  const accepted = result.metrics.spec_accept_rate as Distribution | undefined;
  const percentiles = (m: Distribution | undefined): Cell[] => [90, 95, 99].map((q) => m?.p(q) ?? null);
  // What is content is known where the service tells what is reasoning of every answer.
  const content = reasoning.n > 0 && reasoning.n === output.n ? output.avg! - reasoning.avg! : null;
  return [
    localTime(new Date(result.started)),
    ...parallelCells("6.5", c.point, result, c),
    c.controlMethod,
    c.growthRate,
    c.rounds,
    c.point.requests,
    c.provider,
    ...percentiles(output),
    output.min ?? null,
    output.avg ?? null,
    reasoning.avg ?? null,
    content,
    input.avg ?? null,
    ...serverTimes.flatMap((name): Cell[] => {
      const m = result.metrics[name] as Distribution | undefined; // with --server-statistics
      return [m?.p(75) ?? null, ...percentiles(m), m?.max ?? null, m?.avg ?? null];
    }),
    ...percentiles(accepted),
    accepted?.min ?? null,
    accepted?.max ?? null,
    accepted?.avg ?? null,
  ];
}

/** 2026-01-31 23:59:59 */
export function localTime(t: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
}
