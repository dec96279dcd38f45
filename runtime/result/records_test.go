package result_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"weir/runtime/result"
)

func folder(t *testing.T) *result.Folder {
	t.Helper()
	f, err := result.CreateFolder(filepath.Join(t.TempDir(), "out"), "test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// read returns all records of a file, and the error that its reading ended with.
func read(path string) (all []*result.Request, failed error) {
	for r, err := range result.ReadRecords(path) {
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

func at(us int64) *int64 { return &us }

// What is added comes back.
func TestRecords(t *testing.T) {
	added := []*result.Request{
		{Case: 1, CaseName: "nothing happened", Kind: "http", ScheduledAt: 1790000000123456000, EndedAt: 1790000000123457000, Error: &result.RequestError{Kind: "connect", Message: "refused, \"it\" says\n<why>"}},
		{Case: 1, CaseName: "started at the same microsecond", Started: 1, Sent: at(0), Head: at(0), End: at(-1)},
		{
			Case: 2, CaseName: "a stream", Scenario: "chat", Iteration: 7, VU: 3, Kind: "llm", Tags: map[string]string{"model": "m", "users": "<4>"},
			ScheduledAt: 1790000000123414789, EndedAt: 1790000000231660789,
			Started: 1790000000123456789, Scheduled: at(-42), Sent: at(31), Head: at(312), Output: at(46310), End: at(108204),
			DNS: 1, Connect: 2, TLS: 3, PrefillWait: 7, Reused: true, Resent: true, Retransmits: 4, BytesOut: 1204, BytesIn: 1733,
			Status: 200, FinishReason: "length",
			InputTokens: &result.TokenCount{N: 128, Source: "usage"}, OutputTokens: &result.TokenCount{N: 5, Source: "tokenizer"},
			Reasoning: &result.TokenCount{N: 1, Source: "usage"}, Cached: &result.TokenCount{Source: "usage"},
			Stamp: "kernel", TokenGaps: []int64{46310, 0, 15480}, Tokens: []int{1, 2, 2}, ReadLags: []int64{0, 12, 9000000}, Shared: []int{0},
		},
	}
	f := folder(t)
	records, err := f.CreateRecords()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range added {
		records.Add(r)
	}
	if err := records.Flush(); err != nil {
		t.Fatal(err)
	}
	// Flushed records can be read while the file still grows.
	if found, _ := read(records.Path()); !reflect.DeepEqual(found, added) {
		t.Errorf("after Flush: %d records, want %d equal ones", len(found), len(added))
	}
	if err := records.Close(); err != nil {
		t.Fatal(err)
	}
	found, err := read(records.Path())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range added {
		if i >= len(found) || !reflect.DeepEqual(found[i], want) {
			t.Errorf("record %d came back as %+v, want %+v", i, slices.Concat(found, make([]*result.Request, len(added)))[i], want)
		}
	}
	if len(found) != len(added) {
		t.Errorf("%d records, want %d", len(found), len(added))
	}
}

// Many goroutines add at once, more than may wait.
func TestRecordsOfManyGoroutines(t *testing.T) {
	const goroutines, each = 50, 100
	records, err := folder(t).CreateRecords()
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for n := range each {
				records.Add(&result.Request{VU: g, Iteration: n, CaseName: strings.Repeat("x", n)})
			}
		})
	}
	all.Wait()
	if err := records.Close(); err != nil {
		t.Fatal(err)
	}
	found, err := read(records.Path())
	if err != nil {
		t.Fatal(err)
	}
	next := map[int]int{} // iteration that comes next, by VU
	for _, r := range found {
		if next[r.VU] != r.Iteration || len(r.CaseName) != r.Iteration {
			t.Fatalf("VU %d: record %+v where that of iteration %d should be", r.VU, r, next[r.VU])
		}
		next[r.VU]++
	}
	if len(found) != goroutines*each {
		t.Errorf("%d records, want %d", len(found), goroutines*each)
	}
}

func TestRecordsFileExists(t *testing.T) {
	f := folder(t)
	path := filepath.Join(f.Dir, result.RecordsName)
	if err := os.WriteFile(path, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.CreateRecords(); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--out") {
		t.Errorf("error %v, want one with the path and a way out", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "kept" {
		t.Errorf("the file now holds %q", text)
	}
}

// Whatever comes after Close is discarded, and ends nothing.
func TestRecordsAfterClose(t *testing.T) {
	records, err := folder(t).CreateRecords()
	if err != nil {
		t.Fatal(err)
	}
	records.Add(&result.Request{Iteration: 1})
	if err := records.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3000 {
		if waited := records.Add(&result.Request{Iteration: 2}); waited != 0 {
			t.Fatalf("waited %v", waited)
		}
	}
	if err := records.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	if err := records.Flush(); err == nil {
		t.Error("flushed after Close")
	}
	if found, err := read(records.Path()); len(found) != 1 || err != nil {
		t.Errorf("%d records, %v", len(found), err)
	}
}

// What cannot be read ends with an error after what can.
func TestReadRecordsFaults(t *testing.T) {
	records, err := folder(t).CreateRecords()
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		records.Add(&result.Request{Iteration: n})
	}
	if err := records.Flush(); err != nil {
		t.Fatal(err)
	}
	flushed, err := os.Stat(records.Path())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 1000 {
		records.Add(&result.Request{Iteration: n, CaseName: fmt.Sprint(n * n * n)})
	}
	if err := records.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(records.Path())
	if err != nil {
		t.Fatal(err)
	}

	f := func(name string, content []byte, atLeast int, wantError bool) {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := read(path)
		if len(found) < atLeast || (err != nil) != wantError {
			t.Errorf("%s: %d records, at least %d; error %v, wanted: %v", name, len(found), atLeast, err, wantError)
		}
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error does not name the file: %v", name, err)
		}
	}
	f("whole", whole, 1003, false)
	f("empty", nil, 0, false)
	f("cut off behind what was flushed", whole[:flushed.Size()+5], 3, true)
	f("cut off in the head", whole[:3], 0, true)
	f("another format", []byte(`{"case": 1}`+"\n"), 0, true)
	zip, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	f("a line that never ends", zip.EncodeAll(make([]byte, 65<<20), nil), 0, true)
	if _, err := read(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error of a file that is not there")
	}
}
