package output_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"weir/modules/output"
	"weir/runtime/script"
)

// setup runs a script's init code and then its setup, in an empty folder.
func setup(t *testing.T, source string) error {
	t.Helper()
	return setupWith(t, new(output.Module), source)
}

func setupWith(t *testing.T, module *output.Module, source string) error {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("scenario.ts", []byte(`import { Csv, Workbook, makeFolder, writeFile } from "weir/output";`+"\n"+source), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := script.Load("scenario.ts", script.Config{
		Modules:   map[string]script.Module{output.Path: module},
		LookupEnv: func(string) (string, bool) { return "", false },
		Console:   io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := s.NewRuntime(context.Background(), 0)
	if err != nil {
		return err
	}
	defer rt.Close()
	return rt.Wait(script.Task{
		Op:      "setup",
		Context: t.Context(),
		Run: func(*goja.Runtime) (goja.Value, error) {
			run, ok := goja.AssertFunction(rt.Export("setup"))
			if !ok {
				return goja.Undefined(), nil
			}
			return run(goja.Undefined())
		},
	}, nil)
}

func TestScriptWritesTable(t *testing.T) {
	err := setup(t, `
export function setup() {
	const t = new Csv("t.csv", {
		columns: ["name", { name: "length", float: true }, { name: "ttft", decimals: 4, float: true }, { name: "n", decimals: 0 }],
		bom: true, eol: "\r\n", exclusive: true, mode: 0o600,
	});
	t.row(["b", 512, 1078.04745, 2]);
	t.row(["a", 2 ** 40, 100 / 1, 1.5]);
	t.row(["a", null, undefined, NaN]);
	t.row([true, -0, 0.00001, 1e21]);
	t.sort();
	if (t.length !== 4 || t.path !== "t.csv") throw new Error("length " + t.length + ", path " + t.path);
	const u = new Csv("u.csv", { columns: ["x"], eol: "\n" });
	for (const x of [1, 3, 2]) u.row([x]);
	u.sort((a, b) => b[0] - a[0]);
	writeFile("v.txt", "grüße\n");
	writeFile("v.txt", "again\n");
	makeFolder("made/below");
	makeFolder("made/below");
	writeFile("made/below/u.txt", "u");
}`)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"t.csv": "\ufeffname,length,ttft,n\r\ntrue,-0.0,0.0,1e+21\r\na,,,\r\na,1099511627776.0,100.0,2.0\r\nb,512.0,1078.0475,2\r\n",
		"u.csv": "x\n3\n2\n1\n",
		"v.txt": "again\n",
	} {
		if got := content(t, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if info, err := os.Stat("t.csv"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}

func TestScriptErrors(t *testing.T) {
	inSetup := func(code string) string { return "export function setup() { " + code + " }" }
	for source, want := range map[string]string{
		`new Csv("x.csv", { columns: ["a"] });`: "new Csv: not in init code, which every JavaScript runtime runs: do it in setup(), plan() or handleSummary()",
		`writeFile("x.txt", "a");`:              "writeFile: not in init code",
		`makeFolder("x");`:                      "makeFolder: not in init code",

		`new Workbook("x.xlsx");`:                                                                                                          "new Workbook: not in init code",
		inSetup(`new Workbook("scenario.ts");`):                                                                                            "create scenario.ts: the file exists and is not overwritten",
		inSetup(`new (Workbook as any)();`):                                                                                                "new Workbook: the first argument has to be the path",
		inSetup(`new (Workbook as any)("x.xlsx", { bom: true });`):                                                                         `there is no option "bom": use exclusive, mode`,
		inSetup(`(new Workbook("x.xlsx") as any).sheet();`):                                                                                "the first argument has to be its name",
		inSetup(`(new Workbook("x.xlsx") as any).sheet("s");`):                                                                             "has to be a Csv, or { columns, rows }",
		inSetup(`(new Workbook("x.xlsx") as any).sheet("s", { columns: ["a"] });`):                                                         "rows: an array is missing",
		inSetup(`(new Workbook("x.xlsx") as any).sheet("s", { columns: ["a"], rows: [1] });`):                                              "rows[0]: 1 is not an array",
		inSetup(`new Workbook("x.xlsx").sheet("s", { columns: ["a"], rows: [[1, 2]] });`):                                                  `write sheet "s" of x.xlsx: row 1 has 2 values`,
		inSetup(`new Csv("scenario.ts", { columns: ["a"] });`):                                                                             "create scenario.ts: the file exists and is not overwritten",
		inSetup(`new (Csv as any)();`):                                                                                                     "the first argument has to be the path",
		inSetup(`new (Csv as any)("x.csv");`):                                                                                              "columns: an array is missing",
		inSetup(`new (Csv as any)("x.csv", "a");`):                                                                                         "the options are a instead of an object",
		inSetup(`new (Csv as any)("x.csv", { colums: ["a"] });`):                                                                           `there is no option "colums": use columns, bom`,
		inSetup(`new (Csv as any)("x.csv", { columns: "a" });`):                                                                            "columns: a is not an array",
		inSetup(`new (Csv as any)("x.csv", { columns: [] });`):                                                                             "it has no columns",
		inSetup(`new (Csv as any)("x.csv", { columns: [{ decimals: 1 }] });`):                                                              "columns[0]: it has no name",
		inSetup(`new (Csv as any)("x.csv", { columns: ["a", 5] });`):                                                                       "columns[1]: the options are 5 instead of an object",
		inSetup(`new (Csv as any)("x.csv", { columns: [{ name: "a", decimals: 1.5 }] });`):                                                 "decimals is 1.5 instead of a whole number",
		inSetup(`new (Csv as any)("x.csv", { columns: [{ name: "a", decimals: 99 }] });`):                                                  "decimals is 99: use 0 to 17",
		inSetup(`new (Csv as any)("x.csv", { columns: ["a"], bom: "yes" });`):                                                              "bom is yes instead of true or false",
		inSetup(`new (Csv as any)("x.csv", { columns: ["a"], eol: "x" });`):                                                                `eol is "x"`,
		inSetup(`new (Csv as any)("x.csv", { columns: ["a"], mode: 4096 });`):                                                              "mode is 4096",
		inSetup(`new Csv("x.csv", { columns: ["a"] }).row([1, 2]);`):                                                                       "it has 2 values and the table 1 columns",
		inSetup(`(new Csv("x.csv", { columns: ["a"] }) as any).row(1);`):                                                                   "1 is not an array",
		inSetup(`(new Csv("x.csv", { columns: ["a"] }) as any).row();`):                                                                    "an array is missing",
		inSetup(`(new Csv("x.csv", { columns: ["a"] }) as any).row([{}]);`):                                                                "give a number, a string",
		inSetup(`(new Csv("x.csv", { columns: ["a"] }) as any).sort(1);`):                                                                  "1 is not a function",
		inSetup(`const t = new Csv("x.csv", { columns: ["a"] }); t.row([1]); t.row([2]); t.sort(() => { throw new Error("no order"); });`): "no order",
		inSetup(`makeFolder("scenario.ts");`):                                                                                              "make the folder scenario.ts: not a directory",
		inSetup(`makeFolder("");`):                                                                                                         "makeFolder: the first argument has to be the path",
		inSetup(`writeFile("scenario.ts", "a", { exclusive: true });`):                                                                     "create scenario.ts: the file exists",
		inSetup(`(writeFile as any)("x.txt", { a: 1 });`):                                                                                  "use JSON.stringify",
		inSetup(`(writeFile as any)("x.txt", "a", { exclusiv: true });`):                                                                   `there is no option "exclusiv"`,
		inSetup(`writeFile("no/such/folder/x.txt", "a");`):                                                                                 filepath.FromSlash("no/such/folder/x.txt"),
	} {
		err := setup(t, source)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nerror %v, want one with %q", source, err, want)
		}
	}
}

// Tables without rows are gone when the module is closed; what else there is stays.
func TestTablesWithoutRows(t *testing.T) {
	module := new(output.Module)
	err := setupWith(t, module, `
export function setup() {
	const columns = ["x"];
	new Csv("empty.csv", { columns });
	new Csv("bom.csv", { columns, bom: true, eol: "\n" });
	new Csv("rows.csv", { columns }).row([1]);
	new Csv("mine.csv", { columns, exclusive: false });
	new Csv("written.csv", { columns });
	writeFile("written.csv", "something else");
	const again = new Csv("again.csv", { columns });
	again.discard();
	writeFile("again.csv", "x\r\n");
	again.discard();
	throw new Error("before the first row");
}`)
	if err == nil || !strings.Contains(err.Error(), "before the first row") {
		t.Fatal(err)
	}
	module.Close()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if got := strings.Join(left, " "); got != "again.csv mine.csv rows.csv scenario.ts written.csv" {
		t.Errorf("left: %s", got)
	}
}
