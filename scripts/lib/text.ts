// Tables and sentences in a terminal, for what handleSummary returns as stdout.

/**
 * A table whose columns are as wide as what is in them, without lines: the first column flush left, the others flush right. null is
 * a dash. `above` is a head above the head, for what several columns have in common. Every row has as many cells as the head.
 *
 * ```ts
 * textTable(["users", "ttft ms"], result.cases.map((c) => [c.name, number(c.metrics.ttft.avg)]))
 * ```
 */
export function textTable(head: readonly string[], rows: readonly (readonly (string | null)[])[], above?: readonly string[]): string {
  const lines = [...(above ? [above] : []), head, ...rows].map((line, i) => {
    if (line.length !== head.length) throw new TypeError(`textTable: line ${i + 1} has ${line.length} cells, and the head has ${head.length}`);
    return line.map((cell) => cell ?? "–");
  });
  const widths = head.map((_, i) => Math.max(...lines.map((line) => columnsOf(line[i]))));
  const padded = (cell: string, i: number): string => {
    const blanks = " ".repeat(widths[i] - columnsOf(cell));
    return i === 0 ? cell + blanks : blanks + cell;
  };
  return lines.map((line) => line.map(padded).join("  ").trimEnd()).join("\n");
}

// Characters that take two columns in a terminal: those of Chinese, Japanese and Korean, and pictures.
const wide = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/gu;

const columnsOf = (text: string): number => [...text].length + (text.match(wide)?.length ?? 0);

/** A number with as many decimals as three digits take: 0.0123, 1.50, 12.5, 1250. null, undefined and NaN are null, a dash in a table. */
export function number(value: number | null | undefined): string | null {
  if (value === null || value === undefined || Number.isNaN(value)) return null;
  const size = Math.abs(value);
  if (size > 0 && size < 1) return value.toFixed(Math.min(2 - Math.floor(Math.log10(size)), 9));
  return value.toFixed(size < 10 ? 2 : size < 1000 ? 1 : 0);
}

/** A share (0 … 1) as percents, for a column whose head has the sign: 0.125 is "12.5". null, undefined and NaN are null. */
export function percents(share: number | null | undefined): string | null {
  return share === null || share === undefined || Number.isNaN(share) ? null : (100 * share).toFixed(1);
}

/** A share (0 … 1) as a sentence has it: 0.99 is "99 %". */
export function percent(share: number): string {
  return `${+(100 * share).toFixed(2)} %`;
}

/** Milliseconds in three digits, without the unit: 12.5, 1250. */
export function milliseconds(ms: number): string {
  return ms >= 100 ? ms.toFixed(0) : ms.toPrecision(3);
}

/** A number of three digits or more in groups: 1900 is "1,900", 12.345 is "12.3". */
export function thousands(n: number): string {
  return (n < 100 ? `${+n.toPrecision(3)}` : n.toFixed(0)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Breaks lines between words, so that none has more columns than that; those that follow are indented. A number keeps its unit. */
export function wrapped(text: string, columns = 80): string {
  return text.split("\n").map((line) => {
    const lines = [""];
    for (const word of line.replace(/([<≥≤>]) (?=\d)/g, "$1\u00a0").replace(/(\d) (%|ms|s|req\/s|tok\/s)(?![a-z])/g, "$1\u00a0$2").split(" ")) {
      const last = lines[lines.length - 1];
      if (last === "") lines[lines.length - 1] = word;
      else if (columnsOf(last) + 1 + columnsOf(word) <= columns) lines[lines.length - 1] = `${last} ${word}`;
      else lines.push(`  ${word}`);
    }
    return lines.join("\n").replaceAll("\u00a0", " ");
  }).join("\n");
}
