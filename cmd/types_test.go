package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"github.com/evanw/esbuild/pkg/api"

	"weir/docs/declarations"
	"weir/modules/llm"
	"weir/runtime/load"
	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/transport"
	"weir/scripts"
)

// declared reads what weir types writes.
func declared(t *testing.T) map[string]*declarations.Module {
	t.Helper()
	files, err := typeFiles()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*declarations.Module{}
	for name, text := range files {
		modules, err := declarations.Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range modules {
			all[m.Name] = m
		}
	}
	return all
}

// members are the names of an interface or class of a module, those of what it extends
// included; only those of Go count, not the index signatures.
func members(t *testing.T, all map[string]*declarations.Module, m *declarations.Module, name string, static bool) []string {
	t.Helper()
	if of, _, isGeneric := strings.Cut(name, "<"); isGeneric {
		name = of
	}
	switch name {
	case "AsyncIterableIterator":
		return []string{"@@asyncIterator", "next", "return"}
	case "Error": // the language's
		return nil
	}
	d := find(m, name)
	for _, other := range []string{"weir", "weir/llm"} { // which the others import from
		if d == nil {
			m = all[other]
			d = find(m, name)
		}
	}
	if d == nil {
		t.Fatalf("%s has no type %s", m.Name, name)
	}
	var names []string
	for _, of := range d.Members {
		if of.Private || of.Static != static || of.Name == "[]" || of.Name == "constructor" {
			continue
		}
		names = append(names, of.Name)
	}
	for _, parent := range d.Extends {
		if inner, isPick := strings.CutPrefix(parent, "Pick<"); isPick {
			for _, quoted := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(inner, -1) {
				names = append(names, quoted[1])
			}
			continue
		}
		names = append(names, members(t, all, m, parent, static)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func find(m *declarations.Module, name string) *declarations.Declaration {
	for _, d := range m.Declarations {
		if d.Name == name && d.Kind != declarations.Default {
			return d
		}
	}
	return nil
}

// same compares what is declared with what there is.
func same(t *testing.T, what string, declared, there []string) {
	t.Helper()
	slices.Sort(declared)
	slices.Sort(there)
	for _, name := range slices.Compact(declared) {
		if !slices.Contains(there, name) {
			t.Errorf("%s: %s is declared, but there is none", what, name)
		}
	}
	for _, name := range slices.Compact(there) {
		if !slices.Contains(declared, name) {
			t.Errorf("%s: %s is not declared", what, name)
		}
	}
}

// lookAround is a script that tells what it finds: the exports of each module, the
// members of those that are objects or classes, and the globals.
const lookAround = `
const own = (o) => Object.getOwnPropertyNames(o).concat(Object.getOwnPropertySymbols(o).map((s) => "@@" + s.description.replace("Symbol.", "")));
const without = (names, ...not) => names.filter((n) => !not.includes(n));
function describe(v) {
	if (typeof v === "function") return { statics: without(own(v), "length", "name", "prototype"), methods: v.prototype ? without(own(v.prototype), "constructor", "@@toStringTag") : [], fields: fields(v) };
	return { members: v !== null && typeof v === "object" && !Array.isArray(v) ? without(own(v), "@@toStringTag") : [] };
}
function fields(v) { // that its constructor makes
	if (v.prototype instanceof Error) return []; // the language's
	for (const args of [[], ["http://a"]]) try { return own(new v(...args)); } catch {}
	return [];
}
const all = {};
for (const path of PATHS) all[path] = Object.fromEntries(Object.keys(require(path)).map((name) => [name, describe(require(path)[name])]));
const globals = Object.fromEntries(own(globalThis).filter((n) => !n.startsWith("@@")).map((name) => [name, describe(globalThis[name])]));
exports.found = () => JSON.stringify({ all, globals });
`

type found struct{ Statics, Methods, Fields, Members []string }

// look runs a script in a runtime with all of weir's own modules, and gives what its
// export "found" returns after the init code, and the classes that there were then.
func look(t *testing.T, paths []string, code string) (string, map[string]script.Class) {
	t.Helper()
	clients := transport.NewClients(nil, nil)
	t.Cleanup(clients.Close)
	m := newModules(clients, nil, &runFlags{}, func() {})
	t.Cleanup(func() { m.close() })
	quoted, err := json.Marshal(paths)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "look.js")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(code, "PATHS", string(quoted))), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := script.Load(file, script.Config{Modules: m.table, Console: t.Output(), LookupEnv: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := s.NewRuntime(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	var text string
	classes := map[string]script.Class{}
	if err := rt.Wait(script.Task{Op: "look", Run: func(*goja.Runtime) (goja.Value, error) {
		call, ok := goja.AssertFunction(rt.Export("found"))
		if !ok {
			t.Fatal("the script exports no function found")
		}
		v, err := call(goja.Undefined())
		if err != nil {
			return nil, err
		}
		text = v.String()
		for _, c := range rt.Classes() {
			classes[c.Name] = c
		}
		return nil, nil
	}}, nil); err != nil {
		t.Fatal(err)
	}
	return text, classes
}

// own are the modules that are Go, by the table that scripts get.
func own(t *testing.T) []string {
	t.Helper()
	m := newModules(transport.NewClients(nil, nil), nil, &runFlags{}, func() {})
	defer m.close()
	for _, e := range script.Extensions() { // other tests have registered some
		delete(m.table, e.Path)
	}
	return slices.Sorted(maps.Keys(m.table))
}

// What is declared is what there is, and the other way round: modules, their exports,
// the members of those, the classes whose instances scripts get, and the globals.
func TestDeclarationsAreThoseOfTheModules(t *testing.T) {
	all := declared(t)
	paths := own(t)
	var declaredPaths []string
	for name := range all {
		if name != "" && !strings.HasPrefix(name, "weir/lib/") {
			declaredPaths = append(declaredPaths, name)
		}
	}
	same(t, "modules", declaredPaths, paths)

	text, classes := look(t, paths, lookAround)
	var there struct {
		All     map[string]map[string]found
		Globals map[string]found
	}
	if err := json.Unmarshal([]byte(text), &there); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		compareExports(t, all, all[path], there.All[path], classes)
	}

	// Globals that the engine has by itself are the language's.
	language := goja.New().GlobalObject().GetOwnPropertyNames()
	beside := maps.Clone(there.Globals)
	maps.DeleteFunc(beside, func(name string, _ found) bool { return slices.Contains(language, name) })
	// The language's own, which the engine lacks.
	for _, name := range []string{"SuppressedError", "DisposableStack", "AsyncDisposableStack"} {
		delete(beside, name)
	}
	compareExports(t, all, all[""], beside, nil)

	// Instances that scripts get and cannot make.
	for name, c := range classes {
		for _, m := range all {
			d := find(m, name)
			if d == nil || d.IsValue() || instancesOf[name] != m.Name {
				continue
			}
			same(t, m.Name+": "+name, members(t, all, m, name, false), slices.Collect(maps.Keys(membersOf(c))))
		}
		if _, known := instancesOf[name]; !known {
			t.Errorf("class %s of Go: the test does not know whose it is", name)
		}
	}
}

// instancesOf tells which module a class of Go belongs to.
var instancesOf = map[string]string{
	"Endpoint": "weir/llm", "Reply": "weir/llm",
	"Response": "weir/http", "EventStream": "weir/http",
	"Trend": "weir/metrics", "Counter": "weir/metrics", "Gauge": "weir/metrics", "Rate": "weir/metrics",
	"Dataset": "weir/dataset", "Sessions": "weir/dataset", "Item": "weir/dataset", "RecordedItem": "weir/dataset", "MediaItem": "weir/dataset",
	"Media": "weir/dataset", "MediaList": "weir/dataset", "Messages": "weir/dataset",
	"Tokenizer": "weir/tokenizer", "TokenDecoder": "weir/tokenizer",
	"Csv": "weir/output", "Workbook": "weir/output",
	"TextEncoder": "", "TextDecoder": "",
	"Simulator": "weir/sim", "Monitor": "weir/npu", "Profiler": "weir/profile",
}

// membersOf are the methods and getters of a class of Go.
func membersOf(c script.Class) map[string]bool {
	all := map[string]bool{}
	for name := range c.Methods {
		all[name] = true
	}
	for name := range c.Getters {
		all[name] = true
	}
	return all
}

// compareExports compares a module with what it is declared to be.
func compareExports(t *testing.T, all map[string]*declarations.Module, m *declarations.Module, there map[string]found, classes map[string]script.Class) {
	t.Helper()
	what := m.Name
	if what == "" {
		what = "globals"
	}
	var names []string
	for _, d := range m.Declarations {
		if !d.IsValue() || !d.Exported {
			continue
		}
		value := d
		name := d.Name
		if d.Kind == declarations.Default {
			name = "default"
			value = find(m, d.Name)
		}
		names = append(names, name)
		actual, exists := there[name]
		if !exists {
			continue // told by same
		}
		switch {
		case value.Kind == declarations.Class:
			instance := actual.Methods
			if c, ofGo := classes[name]; ofGo {
				instance = append(instance, slices.Collect(maps.Keys(membersOf(c)))...)
			} else {
				instance = append(instance, actual.Fields...)
			}
			same(t, what+": "+name, members(t, all, m, value.Name, false), instance)
			same(t, what+": statics of "+name, members(t, all, m, value.Name, true), actual.Statics)
		case value.Kind == declarations.Const && value.Members != nil && actual.Members != nil:
			same(t, what+": "+name, members(t, all, m, value.Name, false), actual.Members)
		}
	}
	same(t, what, names, slices.Collect(maps.Keys(there)))
}

// probes are expressions that are wrong because of an option that there is not: what
// they throw names the options that there are. By module and interface.
var probes = map[string]map[string]string{
	"weir/llm": {
		"EndpointOptions": `new llm.Endpoint({ url: "http://127.0.0.1:1", WRONG })`,
		"RequestOptions":  `service.complete("a", { WRONG })`,
		"Retry":           `new llm.Endpoint({ url: "http://127.0.0.1:1", retry: { attempts: 2, WRONG } })`,
		"CustomBackend":   `new llm.Endpoint({ url: "http://127.0.0.1:1", backend: { request() {}, event() {}, WRONG } })`,
	},
	"weir/http": {
		"Params":       `http.get("http://127.0.0.1:1", { WRONG })`,
		"StreamParams": `http.stream("http://127.0.0.1:1", { WRONG })`,
	},
	"weir/tokenizer": {
		"EncodeOptions": `tokenizer.encode("a", { WRONG })`,
		"DecodeOptions": `tokenizer.decode([], { WRONG })`,
	},
	"weir/dataset": {
		"SyntheticOptions": `dataset.synthetic({ tokenizer, count: 1, input: 1, WRONG })`,
		"ReadOptions":      `dataset.read("nothing.json", { WRONG })`,
		"LengthLimits":     `data.filter({ WRONG })`,
		"SystemOptions":    `data.withSystem({ WRONG })`,
		"SaveOptions":      `dataset.save("nothing.json", data, { WRONG })`,
		"ImageOptions":     `dataset.images({ WRONG })`,
		"AudioOptions":     `dataset.audio({ WRONG })`,
		"FileOptions":      `dataset.imageFiles(".", { WRONG })`,
		"WithMediaOptions": `dataset.withMedia(data, images, { WRONG })`,
	},
	"weir/npu": {
		"Options":        `npu.list({ WRONG })`,
		"MonitorOptions": `npu.monitor({ WRONG })`,
	},
	"weir/output": {
		"CsvOptions":      `new output.Csv("a.csv", { columns: ["a"], WRONG })`,
		"Column":          `new output.Csv("a.csv", { columns: [{ name: "a", WRONG }] })`,
		"WorkbookOptions": `new output.Workbook("a.xlsx", { WRONG })`,
		"WriteOptions":    `output.writeFile("a", "", { WRONG })`,
	},
	"weir/profile": {
		"VLLMOptions":              `profile.vllm({ url: "http://127.0.0.1:1", WRONG })`,
		"SGLangOptions":            `profile.sglang({ url: "http://127.0.0.1:1", WRONG })`,
		"HTTPOptions":              `profile.http({ start: "http://127.0.0.1:1", stop: "http://127.0.0.1:1", WRONG })`,
		"MSServiceProfilerOptions": `profile.msServiceProfiler({ config: "a", WRONG })`,
		// One list has the names of both.
		"RunningCommand StartStopCommands": `profile.command({ run: ["true"], WRONG })`,
	},
	"weir/sim": {
		"SimulatorOptions": `new sim.Simulator({ WRONG })`,
	},
	"weir": {
		"ParamSpec": `weir.params({ a: { default: 1, WRONG } })`,
	},
}

// noProbe are interfaces called …Options whose names are no list of Go's, and why.
var noProbe = map[string]string{
	"weir/profile ServiceOptions": "a part of others",
	"weir/tokenizer ChatOptions":  "takes any name",
	"weir Options":                "TestDeclaredOptionsOfCases",
}

// The options that are declared are those that the modules take.
func TestDeclaredOptions(t *testing.T) {
	all := declared(t)
	var code strings.Builder
	code.WriteString(`
const llm = require("weir/llm"), http = require("weir/http"), dataset = require("weir/dataset"), npu = require("weir/npu"), output = require("weir/output");
const profile = require("weir/profile"), sim = require("weir/sim"), weir = require("weir"), { Tokenizer } = require("weir/tokenizer");
const tokenizer = new Tokenizer("builtin"), service = new llm.Endpoint({ url: "http://127.0.0.1:1" });
const data = dataset.synthetic({ tokenizer, count: 1, input: 4, output: 1 }), images = dataset.images({ count: 1, width: 8, height: 8 });
const said = {};
const probes = {};
function probe(name, f) {
	try { const v = f(); if (v && v.catch) v.catch(() => {}); said[name] = "nothing was thrown"; } catch (e) { said[name] = String(e.message); }
	if (said[name].includes("init code")) probes[name] = f; // it is to be tried later
}
`)
	for module, interfaces := range probes {
		for name, expression := range interfaces {
			fmt.Fprintf(&code, "probe(%q, () => %s);\n", module+" "+name, strings.ReplaceAll(expression, "WRONG", "qqzzqqzzqqzz: 1"))
		}
	}
	code.WriteString("exports.found = () => { for (const name in probes) probe(name, probes[name]); return JSON.stringify(said); };\n")
	text, _ := look(t, nil, code.String())
	said := map[string]string{}
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		t.Fatal(err)
	}
	for module, interfaces := range probes {
		for name := range interfaces {
			compareOptions(t, all, module, name, said[module+" "+name])
		}
	}
	for _, m := range all {
		for _, d := range m.Declarations {
			_, probed := probes[m.Name][d.Name]
			_, known := noProbe[m.Name+" "+d.Name]
			if strings.HasSuffix(d.Name, "Options") && d.Kind == declarations.Interface && !strings.HasPrefix(m.Name, "weir/lib/") && !probed && !known {
				t.Errorf("%s: the options %s are held against nothing: add them to probes", m.Name, d.Name)
			}
		}
	}
}

var optionList = regexp.MustCompile(`(?:the options are|there are|there is only|there is|use) ((?:"?\w+"?(?:, | and )?)+)`)

// compareOptions compares an interface with what a message says that there is.
func compareOptions(t *testing.T, all map[string]*declarations.Module, module, name, message string) {
	t.Helper()
	parts := optionList.FindAllStringSubmatch(message, -1)
	if parts == nil {
		t.Errorf("%s: %s: no list of options in %q", module, name, message)
		return
	}
	list := parts[len(parts)-1][1]
	var there []string
	for _, one := range strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == ' ' }) {
		if one = strings.Trim(one, `"`); one != "and" {
			there = append(there, one)
		}
	}
	var declared []string
	for one := range strings.FieldsSeq(name) {
		declared = append(declared, members(t, all, all[module], one, false)...)
	}
	same(t, module+": "+name, declared, there)
}

// The options of cases, which runs look at.
func TestDeclaredOptionsOfCases(t *testing.T) {
	all := declared(t)
	f := func(name, code string) {
		t.Helper()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "case.js"), []byte(code), 0o644); err != nil {
			t.Fatal(err)
		}
		run := exec.Command("weir", "run", "case.js", "--progress", "none")
		run.Dir = dir
		said, err := run.CombinedOutput()
		if err == nil {
			t.Fatalf("%s: a wrong option was taken", name)
		}
		compareOptions(t, all, "weir", name, string(said))
	}
	f("Options", `export const options = { qqzzqqzzqqzz: 1 }; export default function () {}`)
	f("Case", `export function* plan() { yield { qqzzqqzzqqzz: 1 }; } export default function () {}`)
	f("Scenario", `export const options = { scenarios: { a: { qqzzqqzzqqzz: 1 } } }; export default function () {}`)
	f("ProfileRequests", `export const options = { profile: { start: "http://127.0.0.1:1", stop: "http://127.0.0.1:1", qqzzqqzzqqzz: 1 } }; export default function () {}`)
	f("ProfileRequest", `export const options = { profile: { start: { url: "http://127.0.0.1:1", qqzzqqzzqqzz: 1 }, stop: "http://127.0.0.1:1" } }; export default function () {}`)
	f("Threshold", `export const options = { thresholds: { ttft: { threshold: "p(99)<1", qqzzqqzzqqzz: 1 } } }; export default function () {}`)
}

// Where a type is one of several names, they are those of Go.
func TestDeclaredNames(t *testing.T) {
	all := declared(t)
	literal := regexp.MustCompile(`"([\w-]+)"`)
	f := func(module, name string, there []string) {
		t.Helper()
		d := find(all[module], name)
		if d == nil {
			t.Errorf("%s has no type %s", module, name)
			return
		}
		var names []string
		for _, found := range literal.FindAllStringSubmatch(d.Head, -1) {
			names = append(names, found[1])
		}
		same(t, module+": "+name, names, slices.Clone(there))
	}
	f("weir/llm", "BackendName", llm.BackendNames())
	f("weir", "ExecutorName", load.Executors())
	f("weir", "SLOName", metrics.SLONames)
	f("weir", "Verdict", []string{string(result.Valid), string(result.Suspect), string(result.Invalid)})

	text, err := os.ReadFile("../runtime/device/device.go")
	if err != nil {
		t.Fatal(err)
	}
	var quantities []string
	for _, found := range regexp.MustCompile(`Quantity += "(\w+)"`).FindAllStringSubmatch(string(text), -1) {
		quantities = append(quantities, found[1])
	}
	f("weir/npu", "Quantity", quantities)

	var distributions []string
	for _, m := range find(all["weir"], "Metrics").Members {
		if m.Type == "Distribution" {
			distributions = append(distributions, m.Name)
		}
	}
	same(t, "weir: Metrics", distributions, slices.Collect(maps.Keys(metrics.Unsampled())))
}

// weir/lib exports what its declarations say; that these are what tsc makes of the
// sources is seen by make types.
func TestDeclarationsOfLibraries(t *testing.T) {
	all := declared(t)
	sources, err := fs.Glob(scripts.Files, "lib/*.ts")
	if err != nil || len(sources) == 0 {
		t.Fatal("there are no libraries", err)
	}
	var names []string
	for _, source := range sources {
		name := strings.TrimSuffix(filepath.Base(source), ".ts")
		names = append(names, name)
		m := all["weir/lib/"+name]
		if m == nil {
			t.Errorf("weir/lib/%s has no declarations; npm run --prefix scripts types makes them", name)
			continue
		}
		built := api.Build(api.BuildOptions{
			EntryPoints: []string{filepath.Join("../scripts", source)}, Bundle: true, Format: api.FormatESModule, Metafile: true, Write: false, Outdir: t.TempDir(),
			External: []string{"weir", "weir/*"}, LogLevel: api.LogLevelSilent,
		})
		if len(built.Errors) > 0 {
			t.Errorf("%s: %s", source, built.Errors[0].Text)
			continue
		}
		var meta struct {
			Outputs map[string]struct{ Exports []string }
		}
		if err := json.Unmarshal([]byte(built.Metafile), &meta); err != nil {
			t.Fatal(err)
		}
		var exports, values []string
		for _, output := range meta.Outputs {
			exports = append(exports, output.Exports...)
		}
		for _, d := range m.Declarations {
			if d.Exported && d.IsValue() {
				values = append(values, d.Name)
			}
		}
		same(t, m.Name, values, exports)
	}
	var declaredLibraries []string
	for name := range all {
		if library, found := strings.CutPrefix(name, "weir/lib/"); found {
			declaredLibraries = append(declaredLibraries, library)
		}
	}
	same(t, "weir/lib", declaredLibraries, names)
}

// Every module and everything that it exports says what it is for, and nothing is
// importable by accident.
func TestDeclarationsAreDocumented(t *testing.T) {
	for _, m := range declared(t) {
		what := m.Name
		if what == "" {
			what = "globals"
		}
		if m.Doc == "" {
			t.Errorf("%s has no doc comment", what)
		}
		if len(m.Declarations) == 0 {
			t.Errorf("%s declares nothing", what)
		}
		for _, d := range m.Declarations {
			if !d.Exported && !m.Closed {
				t.Errorf(`%s: %s is not exported, and yet TypeScript lets scripts import it: end the module with "export {}"`, what, d.Name)
			}
			if !d.Exported || d.Kind == declarations.Default {
				continue
			}
			if d.Doc == "" {
				t.Errorf("%s: %s has no doc comment", what, d.Name)
			}
			for _, of := range d.Members {
				if d.Kind == declarations.Class && m.Name != "" && of.Method && of.Doc == "" && of.Name != "constructor" && !strings.HasPrefix(of.Name, "@@") {
					t.Errorf("%s: %s.%s has no doc comment", what, d.Name, of.Name)
				}
			}
		}
	}
}
