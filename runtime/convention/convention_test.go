package convention_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"weir/runtime/convention"
	"weir/runtime/result"
)

const testdata = "../../testdata/conventions"

var zip, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))

// folder makes a run's folder of a result and records, a line each.
func folder(t testing.TB, file string, report, records []byte) *result.Run {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, result.FileName), report, 0o644); err != nil {
		t.Fatal(err)
	}
	if records != nil {
		if err := os.WriteFile(filepath.Join(dir, file), zip.EncodeAll(records, nil), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run, err := result.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testdata, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// recorded is the run of testdata/conventions; change may change its result.
func recorded(t testing.TB, change func(*result.Result)) *result.Run {
	t.Helper()
	report := read(t, "result.json")
	if change != nil {
		var r result.Result
		if err := json.Unmarshal(report, &r); err != nil {
			t.Fatal(err)
		}
		change(&r)
		var err error
		if report, err = json.Marshal(&r); err != nil {
			t.Fatal(err)
		}
	}
	return folder(t, result.RecordsName, report, read(t, "records.jsonl"))
}

func tables(t testing.TB, run *result.Run, names ...string) []convention.Table {
	t.Helper()
	conventions, err := convention.Parse(names)
	if err != nil {
		t.Fatal(err)
	}
	all, err := convention.Tables(run, conventions)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// find is the row of a table with that name.
func find(t testing.TB, table convention.Table, name string) convention.Row {
	t.Helper()
	for _, g := range table.Groups {
		for _, r := range g.Rows {
			if r.Name == name {
				return r
			}
		}
	}
	t.Fatalf("%s of case %q has no row %q", table.Convention, table.Case, name)
	return convention.Row{}
}

// TestTables holds every number against what a script that knows nothing of weir has
// worked out of the same records by the tools' own formulas (expected.py).
func TestTables(t *testing.T) {
	var expected map[string]map[string]map[string]*float64
	if err := json.Unmarshal(read(t, "expected.json"), &expected); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, table := range tables(t, recorded(t, nil), "all") {
		want := expected[table.Case][table.Convention]
		if len(want) == 0 {
			t.Errorf("nothing is expected of %s in case %q", table.Convention, table.Case)
		}
		for _, g := range table.Groups {
			if g.Why == "" {
				t.Errorf("%s does not say why its %s differs", table.Convention, g.Metric)
			}
			for _, r := range g.Rows {
				w, ok := want[r.Name]
				switch {
				case !ok:
					t.Errorf("%s, case %q: %q is not among the expected rows", table.Convention, table.Case, r.Name)
				case (w == nil) != (r.Value == nil):
					t.Errorf("%s, case %q: %s is %v, want %v", table.Convention, table.Case, r.Name, r.Value, w)
				case w != nil && math.Abs(*w-*r.Value) > 1e-9*math.Max(1, math.Abs(*w)):
					t.Errorf("%s, case %q: %s is %.17g, want %.17g", table.Convention, table.Case, r.Name, *r.Value, *w)
				}
				compared++
				delete(want, r.Name)
			}
		}
		for name := range want {
			t.Errorf("%s, case %q: there is no %q", table.Convention, table.Case, name)
		}
	}
	if compared < 900 {
		t.Errorf("only %d numbers were compared", compared)
	}
}

func TestParse(t *testing.T) {
	f := func(names, want string) {
		t.Helper()
		found, err := convention.Parse(strings.Split(names, " "))
		if err != nil {
			t.Errorf("%s: %v", names, err)
		}
		var got []string
		for _, c := range found {
			got = append(got, c.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", names, got, want)
		}
	}
	f("vllm", "vllm")
	f("sglang vllm sglang", "sglang vllm")
	f("ascend-6.5 all", "ascend-6.5 vllm sglang aiperf guidellm aisbench ascend-6.3")

	bad := func(name, want string) {
		t.Helper()
		if _, err := convention.Parse([]string{name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", name, err, want)
		}
	}
	bad("vlm", `did you mean vllm? there is no convention "vlm"`)
	bad("ascend-6.4", "did you mean ascend-6.3?")
	bad("k6", "only all, vllm, sglang, aiperf")
	bad("", `there is no convention ""`)
}

// What the records show differently under two definitions, as docs/conventions.md tells.
func TestSameNameOtherNumber(t *testing.T) {
	all := tables(t, recorded(t, nil), "all")
	of := func(name, row string) *float64 {
		for _, table := range all {
			if table.Convention == name && table.Case == "reasoning, several tokens an event" {
				return find(t, table, row).Value
			}
		}
		return nil
	}
	f := func(a, b float64, what string) {
		t.Helper()
		if !(a > b) {
			t.Errorf("%s: %v is not more than %v", what, a, b)
		}
	}
	f(*of("guidellm", "TPOT Mdn"), *of("vllm", "Median TPOT"), "GuideLLM has the time to the first token in TPOT")
	f(*of("vllm", "Mean TPOT"), *of("sglang", "Mean TPOT"), "SGLang counts an answer that was not streamed as a TPOT of 0")
	f(*of("vllm", "Mean TPOT"), *of("aisbench", "TPOT Average"), "AISBench counts answers of one token as a TPOT of 0")
	f(*of("vllm", "Mean ITL"), *of("aiperf", "Inter Token Latency avg"), "AIPerf's ITL is per token, vLLM's per event")
	f(*of("sglang", "Mean TTFT"), *of("vllm", "Mean TTFT"), "SGLang takes a whole answer's latency for its TTFT")
	f(*of("sglang", "Successful requests"), *of("vllm", "Successful requests"), "vLLM takes an answer that is not streamed for a failure")
}

// The worked example of the documentation is that of the records.
func TestDocumentation(t *testing.T) {
	doc, err := os.ReadFile("../../docs/conventions.md")
	if err != nil {
		t.Fatal(err)
	}
	all := tables(t, recorded(t, nil), "all")
	f := func(name, tool, row string) {
		t.Helper()
		for _, table := range all {
			if table.Convention != name || table.Case != "reasoning, several tokens an event" {
				continue
			}
			r := find(t, table, row)
			if line := fmt.Sprintf("| %s | %s (%s) | %.3f |", tool, row, r.Unit, *r.Value); !strings.Contains(string(doc), line) {
				t.Errorf("docs/conventions.md does not have %s", line)
			}
		}
	}
	f("vllm", "vLLM", "Mean TPOT")
	f("sglang", "SGLang", "Mean TPOT")
	f("aiperf", "AIPerf", "Inter Token Latency avg")
	f("guidellm", "GuideLLM", "TPOT Mdn")
	f("aisbench", "AISBench", "TPOT Average")
	f("ascend-6.5", "AscendCloud 6.5", "AVG_TPOT")
	f("vllm", "vLLM", "Mean ITL")
	f("sglang", "SGLang", "Mean ITL")
	f("aisbench", "AISBench", "ITL Average")
	f("ascend-6.3", "AscendCloud 6.3", "平均增量时延")
	for _, c := range convention.All {
		if !strings.Contains(string(doc), "| `"+c.Name+"` |") {
			t.Errorf("docs/conventions.md does not have %s", c.Name)
		}
	}
}

// Where a run has kept one request of several, what takes all of them is not told.
func TestThinned(t *testing.T) {
	run := recorded(t, func(r *result.Result) {
		for _, c := range r.Cases {
			c.Kept = &result.Kept{Requests: 9, Of: 18, Every: 2}
		}
	})
	for _, table := range tables(t, run, "all") {
		if !slices.ContainsFunc(table.Notes, func(n string) bool {
			return strings.Contains(n, "one request of every 2 (9 of 18): totals, rates and peaks cannot be computed")
		}) {
			t.Errorf("%s: no note of it among %q", table.Convention, table.Notes)
		}
		for _, g := range table.Groups {
			total := slices.Contains([]string{"Requests", "Duration", "Throughput", "Common metrics", "Goodput", "增量时延"}, g.Metric)
			for _, r := range g.Rows {
				if total && r.Value != nil {
					t.Errorf("%s: %s is %v", table.Convention, r.Name, *r.Value)
				}
				if strings.Contains(r.Name, "TTFT") && r.Value == nil {
					t.Errorf("%s: no %s", table.Convention, r.Name)
				}
			}
		}
	}
}

// A tool knows no steady window: weir's numbers beside its own are those of the whole case.
func TestSteadyWindow(t *testing.T) {
	var ttft float64
	run := recorded(t, func(r *result.Result) {
		c := r.Cases[0]
		ttft = *c.Metrics["ttft"].P99
		throughput := c.Throughput
		c.Windows = map[string]*result.Window{
			result.WindowAll:    {Found: true, Metrics: c.Metrics, Throughput: &throughput, Goodput: c.Goodput},
			result.WindowSteady: {Found: true},
		}
		c.Window, c.Metrics, c.Throughput.Requests = result.WindowSteady, map[string]*result.Metric{}, 1
	})
	table := tables(t, run, "vllm")[0]
	if row := find(t, table, "P99 TTFT"); row.Weir == nil || *row.Weir != ttft {
		t.Errorf("weir's p99 of ttft is %v, want %v", row.Weir, ttft)
	}
	if row := find(t, table, "Request throughput"); row.Weir == nil || *row.Weir < 10 {
		t.Errorf("weir's throughput is %v, want that of the whole case", row.Weir)
	}
	if row := find(t, table, "Total input tokens"); row.Weir == nil {
		t.Error("weir has no input tokens")
	}
	if !slices.ContainsFunc(table.Notes, func(n string) bool { return strings.Contains(n, "not of the steady window") }) {
		t.Errorf("no note of it among %q", table.Notes)
	}
}

func TestFileWithoutRequestsOfACase(t *testing.T) {
	run := recorded(t, func(r *result.Result) {
		idle := *r.Cases[0]
		idle.Name, idle.Counts = "idle", result.Counts{}
		idle.Metrics = map[string]*result.Metric{}
		lost := *r.Cases[0]
		lost.Name, lost.Counts.Requests = "lost", 12
		r.Cases = append(r.Cases, &idle, &lost)
	})
	notes := map[string]string{}
	for _, table := range tables(t, run, "vllm") {
		notes[table.Case] = strings.Join(table.Notes, " ")
		if n := len(table.Groups); (n == 0) != (table.Case == "idle" || table.Case == "lost") {
			t.Errorf("case %q has %d groups", table.Case, n)
		}
	}
	for name, want := range map[string]string{"idle": "has no generations", "lost": "None of the 12 requests of this case is in the file"} {
		if !strings.Contains(notes[name], want) {
			t.Errorf("case %q: %q, want %q in it", name, notes[name], want)
		}
	}
}

// Errors say what is wrong and what to do.
func TestErrors(t *testing.T) {
	report := read(t, "result.json")
	f := func(records, want string) {
		t.Helper()
		var data []byte
		if records != "none" {
			data = []byte(records)
		}
		_, err := convention.Tables(folder(t, result.RecordsName, report, data), convention.All)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q in it", records, err, want)
		}
	}
	f("none", "neither records.jsonl.zst nor requests.jsonl.zst in the folder\n  hint: ")
	f("", "neither records.jsonl.zst nor requests.jsonl.zst")
	f("{}\n", "a request is of case 0, and the result has 4\n  hint: ")
	f(`{"case":5}`+"\n", "a request is of case 5")
	f(`{"case":2}`+"\n"+`{"case":1}`+"\n", "a request of case 1 comes behind those of case 2")
	f(`{"case":1,"token_gaps_us":[1,-1]}`+"\n", "token_gaps_us is -1, which cannot be")
	f(`{"case":1,"token_gaps_us":[900000000000000,900000000000000]}`+"\n", "token_gaps_us is 900000000000000")
	f(`{"case":1,"end_us":-1}`+"\n", "end_us is -1")
	f(`{"case":1,"started_unix_ns":9000000000000000000}`+"\n", "started_unix_ns is 9000000000000000000")
	f(`{"case":1,"tokens":[1,99999999]}`+"\n", "tokens is 99999999")
	f(`{"case":1,"output_tokens":{"n":-5,"source":"usage"}}`+"\n", "a number of tokens is -5")
	f("{\n", "line 1")
}

func TestFormats(t *testing.T) {
	all := tables(t, recorded(t, nil), "all")
	var text, data, list bytes.Buffer
	for _, width := range []int{0, 60, 80, 120} {
		text.Reset()
		if err := convention.WriteText(&text, all, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text.String()) {
			if n := len([]rune(line)) - 1; n > max(width, 60) {
				t.Errorf("at %d columns a line has %d: %s", width, n, line)
			}
		}
	}
	if n := strings.Count(text.String(), "Why these are not weir's numbers"); n != len(convention.All) {
		t.Errorf("the reasons are there %d times, want once a tool", n)
	}
	if err := convention.WriteJSON(&data, all); err != nil {
		t.Fatal(err)
	}
	var back []convention.Table
	if err := json.Unmarshal(data.Bytes(), &back); err != nil || len(back) != len(all) {
		t.Errorf("JSON: %d tables, %v", len(back), err)
	}
	if err := convention.WriteCSV(&list, all); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&list).ReadAll()
	if err != nil || len(lines) < 900 || lines[0][2] != "convention" {
		t.Errorf("CSV: %d lines, %v", len(lines), err)
	}
}

// hostile are records that no service has made, and that are not refused.
var hostile = []string{
	`{"case":1,"kind":"llm","started_unix_ns":1,"status":200,"end_us":0,"output_tokens":{"n":0,"source":"usage"}}` + "\n",
	`{"case":1,"kind":"llm","started_unix_ns":1,"status":200,"token_gaps_us":[0,0,0],"tokens":[0,0,0],"end_us":0,"shared":[7,-1]}` + "\n",
	`{"case":1,"kind":"llm","started_unix_ns":1,"status":200,"token_gaps_us":[5,0],"tokens":[1,4000000],"end_us":0,"output_tokens":{"n":1099511627776,"source":"usage"}}` + "\n",
	`{"case":1,"kind":"llm","started_unix_ns":0,"ended_unix_ns":4000000000000000000,"error":{"kind":"connect"}}` + "\n",
	`{"case":1,"kind":"llm","started_unix_ns":4000000000000000000,"status":200,"token_gaps_us":[1000000000000000],"connect_us":1000000000000000}` + "\n" +
		`{"case":1,"kind":"llm","started_unix_ns":1,"status":200,"token_gaps_us":[0],"retried":true,"error":{"kind":"stream_error"}}` + "\n",
}

// FuzzTables throws anything at the reading of records: it may be refused, but neither
// panic nor yield a number that is none.
func FuzzTables(f *testing.F) {
	lines := slices.Collect(bytes.Lines(read(f, "records.jsonl")))
	for i := 0; i < len(lines); i += 6 {
		f.Add(lines[i])
	}
	for _, line := range hostile {
		f.Add([]byte(line))
	}
	report := []byte(`{"schema":1,"cases":[{"name":"a","counts":{"requests":1},"goodput":{"slo":{"ttft":5,"tpot":5}}},{"name":"b"}]}`)
	f.Fuzz(func(t *testing.T, records []byte) {
		run := folder(t, result.RequestsName, report, records)
		all, err := convention.Tables(run, convention.All)
		if err != nil {
			return
		}
		if err := convention.WriteJSON(new(bytes.Buffer), all); err != nil { // NaN and infinity are no JSON
			t.Error(err)
		}
		if err := convention.WriteText(new(bytes.Buffer), all, 80); err != nil {
			t.Error(err)
		}
	})
}

// The file shaped as vLLM's has the members that tools read, with the numbers of the table.
func TestVLLMFile(t *testing.T) {
	run, dir := recorded(t, nil), t.TempDir()
	if err := convention.WriteVLLM(run, dir); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "02-reasoning-several-tokens-an-event.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	table := tables(t, run, "vllm")[1]
	for member, row := range map[string]string{
		"duration": "Benchmark duration", "completed": "Successful requests", "failed": "Failed requests",
		"total_input_tokens": "Total input tokens", "total_output_tokens": "Total generated tokens",
		"request_throughput": "Request throughput", "request_goodput": "Request goodput",
		"output_throughput": "Output token throughput", "total_token_throughput": "Total token throughput",
		"max_output_tokens_per_s": "Peak output token throughput", "max_concurrent_requests": "Peak concurrent requests",
		"mean_ttft_ms": "Mean TTFT", "median_tpot_ms": "Median TPOT", "p99_itl_ms": "P99 ITL", "p99_e2el_ms": "P99 E2EL",
	} {
		if want := *find(t, table, row).Value; file[member] != want {
			t.Errorf("%s is %v, want %v", member, file[member], want)
		}
	}
	for _, member := range []string{"date", "endpoint_type", "backend", "label", "model_id", "tokenizer_id", "request_rate", "burstiness", "max_concurrency", "weir_notes"} {
		if _, ok := file[member]; !ok {
			t.Errorf("there is no %s", member)
		}
	}
	for _, member := range []string{"input_lens", "output_lens", "ttfts", "itls", "latencies", "start_times", "errors"} {
		if list, _ := file[member].([]any); len(list) != 10 || file["num_prompts"] != 10.0 {
			t.Errorf("%s has %d entries, want one a request", member, len(list))
		}
	}
	failed := 0
	for i, text := range file["errors"].([]any) {
		if text == "" {
			continue
		}
		failed++
		if file["ttfts"].([]any)[i] != 0.0 || file["output_lens"].([]any)[i] != 0.0 || !strings.Contains(text.(string), "Never received a valid chunk") {
			t.Errorf("request %d failed with %q", i, text)
		}
	}
	if failed != 1 {
		t.Errorf("%d requests failed, want the one that was not streamed", failed)
	}
}

func TestNoFiles(t *testing.T) {
	report := []byte(`{"schema":1,"cases":[{"name":"a","counts":{"requests":1}}]}`)
	run := folder(t, result.RequestsName, report, []byte(`{"case":1,"kind":"http","started_unix_ns":1,"status":200,"end_us":5}`+"\n"))
	dir := t.TempDir()
	if err := convention.WriteVLLM(run, dir); err == nil || !strings.Contains(err.Error(), "no case has generations") {
		t.Error(err)
	}
	if err := convention.WriteAISBench(run, dir); err == nil || !strings.Contains(err.Error(), "no case has a request that succeeded") {
		t.Error(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("files %v, %v", files, err)
	}
}

// The files shaped as AISBench's are, byte for byte, what its own calculator makes of the
// same requests, but for Max Concurrency, which the case does not tell.
func TestAISBenchFiles(t *testing.T) {
	dir := t.TempDir()
	if err := convention.WriteAISBench(recorded(t, nil), dir); err != nil {
		t.Fatal(err)
	}
	for _, ext := range []string{".csv", ".json"} {
		got, err := os.ReadFile(filepath.Join(dir, "performances", "model", "02-reasoning-several-tokens-an-event"+ext))
		if err != nil {
			t.Fatal(err)
		}
		if want := read(t, "aisbench"+ext); !bytes.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant:\n%s", ext, got, want)
		}
	}
	none := recorded(t, func(r *result.Result) { r.Cases = r.Cases[:1] })
	if err := convention.WriteAISBench(none, dir); err == nil || !strings.Contains(err.Error(), "a request is of case 2") {
		t.Errorf("records of other cases: %v", err)
	}
	failed := folder(t, result.RequestsName, []byte(`{"schema":1,"cases":[{"name":"a","counts":{"requests":1}}]}`), []byte(hostile[3]))
	if err := convention.WriteAISBench(failed, dir); err == nil || !strings.Contains(err.Error(), "no case has a request that succeeded") {
		t.Errorf("nothing but failures: %v", err)
	}
}

// The files of hostile records are files, or an error.
func TestHostileFiles(t *testing.T) {
	report := []byte(`{"schema":1,"cases":[{"name":"../../a\u0000/…","counts":{"requests":1},"tags":{"parallel":1e300,"date":"mine"}}]}`)
	for _, records := range hostile {
		run := folder(t, result.RequestsName, report, []byte(records))
		dir := t.TempDir()
		if err := convention.WriteVLLM(run, dir); err != nil {
			t.Errorf("%s: %v", records, err)
		}
		convention.WriteAISBench(run, dir) // an error where nothing succeeded
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
				return err
			}
			data, err := os.ReadFile(path)
			if err == nil && !json.Valid(data) {
				t.Errorf("%s is no JSON: %s", path, data)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
