// The table in which find-capacity shows its cases.
import type { CaseResult } from "weir";
import { limitName, milliseconds, percent, type Judgement, type Limit } from "./slo";

/** A case that was played. */
export interface Row {
  load: number;
  attempt: number;
  result: CaseResult;
  judgement: Judgement;
  /** Its verdict, and what was made of it. */
  decision: string;
}

/** The cases in the order of their load. */
export function capacityTable(rows: readonly Row[], limits: readonly Limit[], unit: string): string {
  if (rows.length === 0) return "";
  const head = [unit, "requests", ...limits.map((l) => `${limitName(l)} ms`), "goodput", "failed", "validity", "decision"];
  const lines = [...rows]
    .sort((a, b) => a.load - b.load || a.attempt - b.attempt)
    .map(({ load, result, judgement, decision }) => [
      `${load}`,
      `${result.counts.requests}`,
      ...judgement.findings.slice(0, limits.length).map((f) => (Number.isNaN(f.value) ? "–" : milliseconds(f.value))),
      result.goodput?.share == null ? "–" : percent(result.goodput.share),
      `${result.counts.requests_failed}`,
      result.validity.verdict,
      `${decision}${result.stopped ? ", stopped early" : ""}`,
    ]);
  const widths = head.map((name, i) => Math.max(name.length, ...lines.map((line) => line[i].length)));
  const write = (cells: string[]): string => cells.map((c, i) => (i === cells.length - 1 ? c : c.padStart(widths[i]))).join("  ");
  return [write(head), ...lines.map(write)].map((line) => `${line.trimEnd()}\n`).join("");
}
