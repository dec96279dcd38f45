package export_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"weir/runtime/export"
	"weir/runtime/race"
	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

// table is the rows of a Parquet file, by the columns' names.
type table struct{ rows []map[string]any }

func openFile(t *testing.T, path string) *parquet.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func readTable(t *testing.T, path string) table {
	t.Helper()
	file := openFile(t, path)
	var all table
	rows := parquet.NewReader(file)
	defer rows.Close()
	for range file.NumRows() {
		row := map[string]any{}
		if err := rows.Read(&row); err != nil {
			t.Fatal(err)
		}
		all.rows = append(all.rows, row)
	}
	return all
}

// run makes a folder with records.
func run(t *testing.T, cases []*result.Case, requests ...*result.Request) *result.Run {
	t.Helper()
	folder, err := result.CreateFolder(filepath.Join(t.TempDir(), "run"), "x", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := resulttest.Run(cases...)
	if err := folder.Write(r); err != nil {
		t.Fatal(err)
	}
	if requests != nil {
		records, err := folder.CreateRecords()
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range requests {
			records.Add(q)
		}
		if err := records.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return &result.Run{Dir: folder.Dir, Result: r}
}

// whole is a request in which nothing is absent but an error.
func whole() *result.Request {
	at := resulttest.Began.UnixNano()
	return &result.Request{
		Case: 2, CaseName: "rate 8", Scenario: "chat", Iteration: 5, VU: 3, Kind: "llm", Tags: map[string]string{"rate": "8", "model": "m"},
		ScheduledAt: at - 42_000, Started: at, EndedAt: at + 108_204_000,
		Scheduled: new(int64(-42)), Sent: new(int64(31)), Head: new(int64(312)), Output: new(int64(61790)), End: new(int64(108204)),
		Later: true, DNS: 11, Connect: 12, TLS: 13, PrefillWait: 14, Reused: true, Retried: true, Resent: true, Retransmits: 2, BytesOut: 1204, BytesIn: 1733,
		Model: "m", Host: "10.0.0.1:8000", Status: 200, FinishReason: "length",
		InputTokens: &result.TokenCount{N: 128, Source: "usage"}, OutputTokens: &result.TokenCount{N: 5, Source: "tokenizer"},
		Reasoning: &result.TokenCount{N: 1, Source: "usage"}, Cached: &result.TokenCount{N: 64, Source: "usage"},
		Stamp: "kernel", TokenGaps: []int64{46310, 15480, 15502, 15377, 15496}, Tokens: []int{1, 1, 2, 1, 1},
		ReadLags: []int64{38, 41, 35, 40, 37}, Shared: []int{2}, ReadLate: []int{2}, Unseen: []int{3},
	}
}

// Every field of a request is a column, under its name in the file of records where the
// type is the same, with its value; latencies are those of the definitions.
func TestParquet(t *testing.T) {
	second := whole()
	second.Error = &result.RequestError{Kind: "truncated", Message: "the body ended after 1380 bytes"}
	empty := &result.Request{Case: 1, CaseName: "a", Scenario: "default", Kind: "http", Stamp: "user"}
	cases := []*result.Case{resulttest.LLMCase("a", 3, 50), resulttest.LLMCase("rate 8", 3, 50)}
	cases[1].Kept = &result.Kept{Requests: 1, Of: 4, Every: 4}
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := export.Parquet(run(t, cases, whole(), second, empty), path); err != nil {
		t.Fatal(err)
	}
	got := readTable(t, path)
	if len(got.rows) != 3 {
		t.Fatalf("%d rows", len(got.rows))
	}

	columns := map[string]string{
		"started_unix_ns": "started_at", "scheduled_unix_ns": "scheduled_at", "ended_unix_ns": "ended_at", "error": "error_kind",
	}
	for f := range reflect.TypeFor[result.Request]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		column := name
		if other, ok := columns[name]; ok {
			column = other
		}
		if _, ok := got.rows[1][column]; !ok {
			t.Errorf("%s is no column", column)
		} else if got.rows[1][column] == nil {
			t.Errorf("%s is null", column)
		}
	}

	f := func(row int, want string) {
		t.Helper()
		var all map[string]any
		if err := json.Unmarshal([]byte(want), &all); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(got.rows[row])
		if err != nil {
			t.Fatal(err)
		}
		var have map[string]any
		if err := json.Unmarshal(text, &have); err != nil {
			t.Fatal(err)
		}
		for name, v := range all {
			if !reflect.DeepEqual(have[name], v) {
				t.Errorf("row %d: %s is %v, want %v", row, name, have[name], v)
			}
		}
	}
	f(0, `{"case": 2, "case_name": "rate 8", "scenario": "chat", "iteration": 5, "vu": 3, "kind": "llm", "kept_every": 4,
		"scheduled_us": -42, "sent_us": 31, "head_us": 312, "first_output_us": 61790, "end_us": 108204,
		"dns_us": 11, "connect_us": 12, "tls_us": 13, "prefill_wait_us": 14, "reused": true, "retried": true, "resent": true, "retransmits": 2,
		"bytes_out": 1204, "bytes_in": 1733, "model": "m", "host": "10.0.0.1:8000", "status": 200, "finish_reason": "length",
		"input_tokens": 128, "input_tokens_source": "usage", "output_tokens": 5, "output_tokens_source": "tokenizer",
		"reasoning_tokens": 1, "reasoning_tokens_source": "usage", "cached_tokens": 64, "cached_tokens_source": "usage",
		"stamp": "kernel", "error_kind": null, "error_message": null,
		"ttft_ms": 46.31, "tpot_ms": 15.46375, "e2el_ms": 108.165}`)
	// What failed has no latency in a case's metrics, and none here.
	f(1, `{"error_kind": "truncated", "error_message": "the body ended after 1380 bytes", "ttft_ms": null, "tpot_ms": null, "e2el_ms": null, "kept_every": 4}`)
	// What is not known is null.
	f(2, `{"case": 1, "kind": "http", "kept_every": 1, "tags": null, "started_at": null, "scheduled_at": null, "ended_at": null, "sent_us": null, "dns_us": null, "tls_us": null,
		"status": null, "model": null, "input_tokens": null, "input_tokens_source": null, "token_gaps_us": null, "tokens": null, "shared": null, "ttft_ms": null, "e2el_ms": null, "reused": false}`)

	type typed struct {
		Tags      map[string]string `parquet:"tags,optional"`
		StartedAt time.Time         `parquet:"started_at,timestamp(nanosecond:utc),optional"`
		Gaps      []int64           `parquet:"token_gaps_us,list"`
		Tokens    []int             `parquet:"tokens,list"`
		ReadLags  []int64           `parquet:"read_lags_us,list"`
		Shared    []int             `parquet:"shared,list"`
		ReadLate  []int             `parquet:"read_late,list"`
		Unseen    []int             `parquet:"unseen,list"`
	}
	rows, err := parquet.ReadFile[typed](path)
	if err != nil {
		t.Fatal(err)
	}
	q := whole()
	if r := rows[0]; !maps.Equal(r.Tags, q.Tags) || !r.StartedAt.Equal(resulttest.Began) || !slices.Equal(r.Gaps, q.TokenGaps) || !slices.Equal(r.Tokens, q.Tokens) ||
		!slices.Equal(r.ReadLags, q.ReadLags) || !slices.Equal(r.Shared, q.Shared) || !slices.Equal(r.ReadLate, q.ReadLate) || !slices.Equal(r.Unseen, q.Unseen) {
		t.Errorf("%+v", rows[0])
	}
}

// Columns are coded so that they are small, and types say what they are.
func TestParquetTypes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := export.Parquet(run(t, nil, whole()), path); err != nil {
		t.Fatal(err)
	}
	file := openFile(t, path)
	types := file.Schema().String()
	f := func(column, kind, coded string) {
		t.Helper()
		if kind != "" && !strings.Contains(types, kind) {
			t.Errorf("%s: the schema has no %q:\n%s", column, kind, types)
		}
		for _, c := range file.Metadata().RowGroups[0].Columns {
			if strings.Join(c.MetaData.PathInSchema, ".") != column {
				continue
			}
			if c.MetaData.Codec.String() != "ZSTD" {
				t.Errorf("%s is compressed with %s", column, c.MetaData.Codec)
			}
			var all []string
			for _, e := range c.MetaData.Encoding {
				all = append(all, e.String())
			}
			if !slices.Contains(all, coded) {
				t.Errorf("%s is coded as %v, not %s", column, all, coded)
			}
			return
		}
		t.Errorf("there is no column %s", column)
	}
	f("started_at", "optional int64 started_at (TIMESTAMP(isAdjustedToUTC=true,unit=NANOS))", "DELTA_BINARY_PACKED")
	f("case_name", "required binary case_name (STRING)", "RLE_DICTIONARY")
	f("tags.key_value.key", "optional group tags (MAP)", "RLE_DICTIONARY")
	f("token_gaps_us.list.element", "optional group token_gaps_us (LIST)", "DELTA_BINARY_PACKED")
	f("tokens.list.element", "optional group tokens (LIST)", "DELTA_BINARY_PACKED")
	f("end_us", "optional int64 end_us", "DELTA_BINARY_PACKED")
	f("ttft_ms", "optional double ttft_ms", "PLAIN")
}

// However long a run is, no more than a row group is in memory.
func TestParquetRowGroups(t *testing.T) {
	if race.Enabled {
		t.Skip("it does nothing at once, and takes long with the race detector")
	}
	long := make([]*result.Request, 40)
	for i := range long {
		long[i] = &result.Request{Case: 1, Iteration: i, Kind: "llm", TokenGaps: make([]int64, 100_000)}
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := export.Parquet(run(t, nil, long...), path); err != nil {
		t.Fatal(err)
	}
	file := openFile(t, path)
	if n := len(file.RowGroups()); n < 2 || file.NumRows() != int64(len(long)) {
		t.Errorf("%d row groups, %d rows", n, file.NumRows())
	}
}

// What can be read of a file that was cut off is written, and the error tells.
func TestParquetOfCutOffRecords(t *testing.T) {
	r := run(t, []*result.Case{resulttest.LLMCase("a", 2, 50)}, whole(), whole())
	records := filepath.Join(r.Dir, result.RecordsName)
	data, err := os.ReadFile(records)
	if err != nil {
		t.Fatal(err)
	}
	torn := append(slices.Clone(data), data[:len(data)-8]...) // a second frame whose end is missing
	if err := os.WriteFile(records, torn, 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.parquet")
	err = export.Parquet(r, path)
	if err == nil || !strings.Contains(err.Error(), records) || !strings.Contains(err.Error(), path+" has the ") {
		t.Errorf("the error is %v", err)
	}
	if n := len(readTable(t, path).rows); n < 2 || n >= 4 {
		t.Errorf("%d rows", n)
	}
}

// A file that is there is replaced as a whole, or not at all.
func TestParquetOfNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(path, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	err := export.Parquet(run(t, []*result.Case{resulttest.LLMCase("a", 40, 50)}), path)
	if err == nil || !strings.Contains(err.Error(), "the run had 40 requests") || !strings.Contains(err.Error(), "hint: ") {
		t.Errorf("the error is %v", err)
	}
	if kept, _ := os.ReadFile(path); string(kept) != "before" {
		t.Errorf("the file is now %q", kept)
	}
	// A run that sent nothing has no rows.
	if err := export.Parquet(run(t, []*result.Case{resulttest.IdleCase("a")}), path); err != nil {
		t.Fatal(err)
	}
	if n := len(readTable(t, path).rows); n != 0 {
		t.Errorf("%d rows", n)
	}
}
