// What became of a file.
import type { Dataset } from "weir/dataset";

/** Says what a file was recognised as, what of it was not taken, and why: the most frequent reasons. name is how it is called; left out: by the last part of its path. */
export function sayRead({ path, format, why, rejected, looked }: Dataset, name = path?.split("/").at(-1)): void {
  console.log(`${name}: ${format}${why === "as asked" ? "" : ` (${why})`}`);
  for (const { reason, count, first } of rejected.slice(0, 10)) {
    const at = first.length === 0 ? "" : first[0].path === path ? `, first in line ${first[0].line}` : `, first in ${first[0].path}:${first[0].line}`;
    console.warn(`${name}: left out: ${count} × ${reason}${at}`);
  }
  const others = rejected.slice(10).reduce((sum, r) => sum + r.count, 0);
  if (others > 0) console.warn(`${name}: left out: ${others} for other reasons`);
  if (looked !== null && rejected.length > 0) console.log(`${name}: prompts were drawn until there were enough: the lengths of ${looked} rows were looked at, and not those of the others`);
}
