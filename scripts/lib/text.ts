// Tables of a scenario's own in the terminal.

/** The rows below the head, and above it what several columns have in common; without lines, columns flush right but the first. null is a dash. */
export function textTable(head: readonly string[], rows: readonly (readonly (string | null)[])[], above?: readonly string[]): string {
  const lines = [...(above ? [above] : []), head, ...rows].map((line) => line.map((cell) => cell ?? "–"));
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  return lines.map((line) => line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ").trimEnd()).join("\n");
}

/** With as many decimals as three digits take; null and NaN are null. */
export function number(value: number | null | undefined): string | null {
  if (value === null || value === undefined || Number.isNaN(value)) return null;
  const size = Math.abs(value);
  if (size > 0 && size < 1) return value.toFixed(Math.min(2 - Math.floor(Math.log10(size)), 9));
  return value.toFixed(size < 10 ? 2 : size < 1000 ? 1 : 0);
}

/** A share as percents, without a sign. */
export function percents(share: number | null | undefined): string | null {
  return share === null || share === undefined || Number.isNaN(share) ? null : (100 * share).toFixed(1);
}
