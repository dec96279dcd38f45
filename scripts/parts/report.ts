// What a scenario prints when its run has ended: a table of its own instead of weir's.
import type { CaseResult, RunResult } from "weir";
import { wrapped } from "weir/lib/text";

/** For handleSummary: the table, and below it what cannot be believed and what went wrong. Without a table weir's own is printed. */
export function report({ cases }: RunResult, table: string): Record<string, string> {
  if (table === "") return {};
  const below = lines(cases, doubts) + lines(cases, failures);
  return { stdout: `${table}\n${below && `\n${below}`}` };
}

/** What is said of a case, and what cases have in common that are told of once. */
interface Remark { title: string; text: string }

// lines are the remarks, each with the case that it was first made of.
function lines(cases: readonly CaseResult[], of: (result: CaseResult) => Remark[]): string {
  const all = new Map<string, { text: string; names: string[] }>();
  for (const result of cases) {
    for (const { title, text } of of(result)) {
      const known = all.get(title);
      if (known) known.names.push(result.name);
      else all.set(title, { text, names: [result.name] });
    }
  }
  return [...all].map(([title, { text, names }]) => `${wrapped(`${title}: ${text} (${names[0]}${names.length > 1 ? ` and ${names.length - 1} more` : ""})`)}\n`).join("");
}

function doubts({ validity }: CaseResult): Remark[] {
  return validity.reasons.filter((r) => r.verdict !== "VALID").map((r) => ({ title: `${r.verdict}: ${r.rule}`, text: r.message }));
}

function failures({ errors }: CaseResult): Remark[] {
  return errors.map((e) => ({ title: `error: ${e.kind}${e.status ? ` ${e.status}` : ""}`, text: `${e.count} × ${e.message}` }));
}
