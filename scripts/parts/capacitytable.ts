// The table in which find-capacity shows its cases, and its sentences, in lines of
// at most 80 columns.
import type { CaseResult } from "weir";
import { milliseconds, type Judgement, type Limit } from "weir/lib/slo";
import { percents, textTable } from "weir/lib/text";

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
  const metrics = limits.map((l) => l.metric.replace("_from_schedule", ""));
  const statistics = limits.map((l) => `${l.statistic === "percentile" ? `p${l.p}` : l.statistic} ms`);
  const above = ["", "", ...metrics, "good", "", "", ""];
  const head = [unit, "sent", ...statistics, "%", "failed", "validity", "decision"];
  const lines = [...rows]
    .sort((a, b) => a.load - b.load || a.attempt - b.attempt)
    .map(({ load, result, judgement, decision }) => [
      `${load}`,
      `${result.counts.requests}`,
      ...judgement.findings.slice(0, limits.length).map((f) => (Number.isNaN(f.value) ? null : milliseconds(f.value))),
      percents(result.goodput?.share),
      `${result.counts.requests_failed}`,
      result.validity.verdict,
      `${decision.replace(/^unclear, taken as (.*)/, "$1 (unclear)")}${result.stopped ? ", cut" : ""}`,
    ]);
  return `${textTable(head, lines, above)}\n`;
}

/** Breaks lines between words, so that none has more columns than that; those that follow are indented. A number keeps its unit. */
export function wrapped(text: string, columns = 80): string {
  return text.split("\n").map((line) => {
    const lines = [""];
    for (const word of line.replace(/([<≥≤>]) (?=\d)/g, "$1\u00a0").replace(/(\d) (%|ms|s|req\/s|tok\/s)(?![a-z])/g, "$1\u00a0$2").split(" ")) {
      const last = lines[lines.length - 1];
      if (last === "") lines[lines.length - 1] = word;
      else if (last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
      else lines.push(`  ${word}`);
    }
    return lines.join("\n").replaceAll("\u00a0", " ");
  }).join("\n");
}

/** 1900 as 1,900. */
export function thousands(n: number): string {
  return (n < 100 ? `${+n.toPrecision(3)}` : n.toFixed(0)).replace(/\B(?=(\d{3})+$)/g, ",");
}
