/** Files that a script writes: tables in CSV, spreadsheets, texts. */
declare module "weir/output" {
  /** A value of a table's cell. null, undefined and NaN are an empty cell. */
  export type Cell = number | string | boolean | null | undefined;

  /** A column of a table. */
  export interface Column {
    /** What stands in the table's head. */
    name: string;
    /**
     * Places behind the point that numbers are rounded to, 0 to 17: correctly, from the exact binary value,
     * exact halves to the even neighbour (as Python's `round`). Left out: numbers are not rounded.
     */
    decimals?: number;
    /**
     * Write whole numbers with a point, 512.0 (as Python writes floats). Without it they are written as 512;
     * numbers that are not whole are written the same either way.
     */
    float?: boolean;
  }

  /** How a `Csv` is written. */
  export interface CsvOptions {
    columns: (string | Column)[];
    /** Begin the file with a UTF-8 byte order mark, for spreadsheet programs. Default: false. */
    bom?: boolean;
    /** Line end. Default: "\r\n". */
    eol?: "\r\n" | "\n";
    /** Throw when the file exists, instead of writing over it. Default: true. */
    exclusive?: boolean;
    /** Permissions of the new file. Default: 0o644. */
    mode?: number;
  }

  /**
   * A table on disk, in CSV (RFC 4180, quoted only where needed).
   *
   * The file is made by the constructor, which throws in init code: every JavaScript runtime runs that. Make it in
   * `setup()`, in `plan()` before the first case, or in `handleSummary()`. A path that the run
   * names in a parameter starts at the current folder, any other in the result's, which alone may be written to then.
   *
   * A file that has no rows when the run ends is taken away again, unless `exclusive` is false.
   *
   *     const table = new Csv("latency.csv", { columns: ["rate", { name: "ttft", decimals: 4, float: true }] });
   *     table.row([4, result.metrics.ttft.avg]);
   */
  export class Csv {
    constructor(path: string, options: CsvOptions);
    /** Appends a row, one value for each column. The row is on disk when the call returns. */
    row(values: Cell[]): void;
    /**
     * Sorts the rows in the file; rows that compare equal keep their order. Without `compare`, by the first column,
     * then the second, and so on: empty cells, then booleans, numbers and strings. `compare` gets the rows as they
     * were written, with rounded numbers.
     */
    sort(compare?: (a: (number | string | boolean | null)[], b: (number | string | boolean | null)[]) => number): void;
    /** Takes the file away again when it has no rows; with rows it stays. */
    discard(): void;
    readonly path: string;
    /** Number of rows. */
    readonly length: number;
  }

  /** How a `Workbook` is written. */
  export interface WorkbookOptions {
    /** Throw when the file exists, instead of replacing it. Default: true. */
    exclusive?: boolean;
    /** Permissions of the new file. Default: 0o644. */
    mode?: number;
  }

  /**
   * A spreadsheet file (.xlsx): sheets with bold heads that stay in view, and numbers that are numbers.
   *
   * The constructor makes no file, but throws if it could not be made, and in init code as `new Csv` does. Each `sheet`
   * writes the file anew, all or nothing: it is on disk, with the sheets so far, when the call returns.
   *
   *     const book = new Workbook("output.xlsx");
   *     book.sheet("latency", table); // a Csv
   *     book.sheet("notes", { columns: ["what", { name: "s", decimals: 1 }], rows: [["warm-up", 2.5]] });
   */
  export class Workbook {
    constructor(path: string, options?: WorkbookOptions);
    /**
     * Adds a sheet behind the others, or replaces the one of that name (31 characters at most, upper and lower case are
     * the same). Numbers are rounded as their column says, and to 15 digits, as spreadsheet programs do; `float` has no meaning here.
     * Infinities are written as text.
     */
    sheet(name: string, table: Csv | { columns: (string | Column)[]; rows: Cell[][] }): void;
    readonly path: string;
  }

  /** How `writeFile` writes. */
  export interface WriteOptions {
    /** Throw when the file exists, instead of replacing it. Default: false. */
    exclusive?: boolean;
    /** Permissions of the file. Default: 0o644. */
    mode?: number;
  }

  /** Makes a folder, and those above it that are missing; one that is there already is left as it is. Throws in init code, as `new Csv` does. */
  export function makeFolder(path: string): void;

  /** Writes a text file, all or nothing. Throws in init code, as `new Csv` does. */
  export function writeFile(path: string, text: string, options?: WriteOptions): void;
}
