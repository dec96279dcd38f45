// What a scenario prints when its run has ended: a table of its own instead of weir's.
import type { CaseResult, RunResult } from "weir";

/** For handleSummary: the table, and below it what cannot be believed and what went wrong. Without a table weir's own is printed. */
export function report({ cases }: RunResult, table: string): Record<string, string> {
  if (table === "") return {};
  const lines = cases.flatMap((c) => [...doubts(c), ...failures(c)].map((line) => `${c.name}: ${line}\n`));
  return { stdout: `${table}\n${lines.join("")}` };
}

function doubts({ validity }: CaseResult): string[] {
  return validity.reasons.filter((r) => r.verdict !== "VALID").map((r) => `${r.verdict}: ${r.rule}: ${r.message}`);
}

function failures({ errors }: CaseResult): string[] {
  return errors.map((e) => `${e.count} × ${e.kind}${e.status ? ` ${e.status}` : ""}: ${e.message}`);
}
