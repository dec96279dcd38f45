package reader_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"weir/modules/dataset/reader"
	"weir/runtime/race"
)

// generated writes a compressed file of n bytes, records one after another with
// between, and returns its path. Equal records make it small on the disk.
func generated(t testing.TB, name string, begin, record, between, end string, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := zstd.NewWriter(file, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	put := func(text string) {
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	put(begin)
	many := strings.Repeat(record+between, 1+(1<<20)/len(record))
	for n > len(many) {
		put(many)
		n -= len(many)
	}
	put(record + end)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is alive while a large file is read does not grow with it.
func TestMemoryIsBounded(t *testing.T) {
	if race.Enabled {
		t.Skip("with the race detector, the heap holds more than the program's own")
	}
	const size, most = 50 << 20, 8 << 20
	turn := `{"from": "%s", "value": "` + strings.Repeat(`The quick brown fox.\n`, 20) + `"}`
	conversation := `{"id": "x", "conversations": [` + fmt.Sprintf(turn, "human") + "," + fmt.Sprintf(turn, "gpt") + "]}"
	arrival := `{"timestamp": 1, "input_length": 5000, "output_length": 5, "hash_ids": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}`
	for _, path := range []string{
		generated(t, "list.json.zst", "[\n", conversation, ",\n", "]\n", size),
		generated(t, "lines.jsonl.zst", "", conversation, "\n", "\n", size/2),
		generated(t, "trace.jsonl.zst", "", arrival, "\n", "\n", size/4),
		generated(t, "azure.csv.zst", "TIMESTAMP,ContextTokens,GeneratedTokens\n", "2023-11-16 18:17:03.9799600,4808,10", "\n", "\n", size/8),
		generated(t, "prompts.txt.zst", "", strings.Repeat("word ", 500), "\n", "\n", size/2),
		// A folder's worth of requests in one file.
		generated(t, "weka.jsonl.zst", "", `{"id": "a", "requests": [`+strings.Repeat(`{"t": 1, "in": 64, "out": 5, "hash_ids": [1]},`, 99)+`{"t": 1, "in": 64, "out": 5}]}`, "\n", "\n", size/8),
	} {
		alive := func() int {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int(m.HeapAlloc)
		}
		before := alive()
		f, err := reader.Open(t.Context(), path, reader.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var row reader.Row
		var peak, rows int
		for ; ; rows++ {
			if err = f.Next(&row); err != nil {
				break
			}
			if rows%20000 == 0 {
				peak = max(peak, alive()-before)
			}
		}
		if err != io.EOF || len(f.Rejected()) > 0 {
			t.Errorf("%s: %v, %+v", path, err, f.Rejected())
		}
		if rows < 10000 || peak > most {
			t.Errorf("%s: %d rows, %d bytes were alive", path, rows, peak)
		}
		if read, all := f.Progress(); read != all || all == 0 {
			t.Errorf("%s: %d of %d bytes at the end", path, read, all)
		}
		f.Close()
	}
}

// A record that is larger than 64 MiB is rejected, and those after it are read.
func TestLargeRecords(t *testing.T) {
	if race.Enabled {
		t.Skip("with the race detector, the heap holds more than the program's own")
	}
	huge := strings.Repeat("x", 65<<20)
	for name, text := range map[string]string{
		"list.json":   `[{"prompt": "before"},` + "\n" + `{"prompt": "` + huge + `"},` + "\n" + `{"prompt": "after"}]`,
		"lines.jsonl": `{"prompt": "before"}` + "\n" + `{"prompt": "` + huge + `"}` + "\n" + `{"prompt": "after"}`,
		"prompts.txt": "before\n" + huge + "\nafter\n",
	} {
		f, err := reader.Open(t.Context(), write(t, name, []byte(text)), reader.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var prompts []string
		var lines []int
		var row reader.Row
		for f.Next(&row) == nil {
			prompts, lines = append(prompts, row.Prompt), append(lines, row.Line)
		}
		if !slices.Equal(prompts, []string{"before", "after"}) || !slices.Equal(lines, []int{1, 3}) {
			t.Errorf("%s: %.40q in lines %d", name, prompts, lines)
		}
		if r := f.Rejected(); len(r) != 1 || r[0].Reason != "larger than 64 MiB" || r[0].Count != 1 || r[0].First[0].Line != 2 {
			t.Errorf("%s: rejected: %+v", name, r)
		}
		f.Close()
	}
	f, err := reader.Open(t.Context(), write(t, "a.csv", []byte("prompt,answer\nbefore,x\n\""+huge+"\",y\n")), reader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := count(f); rows != 1 || err == nil || !strings.Contains(err.Error(), "64 MiB") {
		t.Errorf("a.csv: %d rows, then %v", rows, err)
	}
}

// A prompt of some megabytes is one like any other, wherever reads happen to end.
func TestLongPrompts(t *testing.T) {
	for _, n := range []int{1, 255<<10 - 15, 256<<10 - 14, 2<<20 + 1} {
		long := strings.Repeat(`a\\\"`, n/5) + "é"
		want := strings.Repeat(`a\"`, n/5) + "é"
		text := fmt.Sprintf(`{"prompt": "%s", "output_tokens": 1}`, long)
		for name, content := range map[string]string{
			"a.jsonl": text + "\n" + text + "\n", "a.json": "[\n" + text + ",\n" + text + "]", "pretty.json": strings.ReplaceAll(text, ", ", ",\n ") + "\n" + text,
		} {
			f, err := reader.Open(t.Context(), write(t, name, []byte(content)), reader.Options{})
			if err != nil {
				t.Fatalf("%d bytes in %s: %v", n, name, err)
			}
			var row reader.Row
			for range 2 {
				if err := f.Next(&row); err != nil || row.Prompt != want || row.OutputTokens != 1 {
					t.Errorf("%d bytes in %s: %v, %d bytes came", n, name, err, len(row.Prompt))
				}
			}
			if err := f.Next(&row); err != io.EOF {
				t.Errorf("%d bytes in %s: %v", n, name, err)
			}
			f.Close()
		}
	}
}

// Every format has samples in which it is found, and is described.
func TestFormats(t *testing.T) {
	found := map[string]bool{}
	all, err := filepath.Glob(samples + "/*/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range reader.Formats() {
			if strings.Contains(string(text), `"Format": "`+f.Name+`"`) && !strings.Contains(string(text), `"Why": "as asked"`) {
				found[f.Name] = true
			}
		}
	}
	page, err := os.ReadFile("../../../docs/datasets.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range reader.Formats() {
		if !found[f.Name] {
			t.Errorf("no sample is recognised as %s", f.Name)
		}
		if !strings.Contains(string(page), "`"+f.Name+"`") {
			t.Errorf("docs/datasets.md does not describe %s", f.Name)
		}
	}
}

func TestClosedFile(t *testing.T) {
	f, err := reader.Open(t.Context(), write(t, "a.json", []byte(`[{"input": "a"}, {"input": "b"}]`)), reader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var row reader.Row
	if err := f.Next(&row); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := f.Next(&row); err != io.EOF || row.Prompt != "" {
		t.Errorf("a closed file gave %v, %+v", err, row)
	}
}

func BenchmarkShareGPT(b *testing.B) {
	turn := `{"from": "%s", "value": "` + strings.Repeat(`The quick brown fox \"jumps\" over it.\n`, 20) + `"}`
	conversation := `{"id": "x", "conversations": [` + strings.Repeat(fmt.Sprintf(turn, "human")+","+fmt.Sprintf(turn, "gpt")+",", 3) +
		fmt.Sprintf(turn, "human") + "," + fmt.Sprintf(turn, "gpt") + "]}"
	path := write(b, "a.json", []byte("["+strings.Repeat(conversation+",\n", 3000)+conversation+"]"))
	for b.Loop() {
		f, err := reader.Open(b.Context(), path, reader.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if rows, err := count(f); rows != 3001 || err != nil {
			b.Fatal(rows, err)
		}
		_, size := f.Progress()
		b.SetBytes(size)
	}
}
