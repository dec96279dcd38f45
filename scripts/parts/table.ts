// The tables that the AscendCloud-LLM scripts write.
import { Csv, type Column } from "weir/output";

/** Byte order mark, CR LF, and for their owner alone, as the scripts make them. A file that exists is not overwritten. */
export function scriptTable(path: string, columns: (string | Column)[]): Csv {
  return new Csv(path, { columns, bom: true, eol: "\r\n", exclusive: true, mode: 0o600 });
}

/** Puts the rows in order and names the file, or takes a table without rows away. order undefined: by the first column, then the second, and so on; null: as they are. */
export function closeTable(table: Csv, order?: Parameters<Csv["sort"]>[0] | null): void {
  if (table.length === 0) {
    table.discard();
    return;
  }
  if (order !== null) table.sort(order);
  console.log(`table: ${table.path}`);
}
