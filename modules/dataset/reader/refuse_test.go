package reader_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"

	"weir/modules/dataset/reader"
)

// write puts a file into a folder of the test, and returns its path.
func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t testing.TB, content []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(content, nil)
}

func utf16le(text string) []byte {
	var out []byte
	for _, c := range utf16.Encode([]rune(text)) {
		out = append(out, byte(c), byte(c>>8))
	}
	return out
}

// What is no dataset ends with a message that says what it is, and what to do.
func TestRefused(t *testing.T) {
	const text = `[{"input": "a", "output": "b"}]`
	tar := make([]byte, 1024)
	copy(tar, "data.json")
	copy(tar[257:], "ustar")
	cases := []struct {
		name    string
		content []byte
		is      string
		todo    string
	}{
		{"a.parquet", []byte("PAR1\x15\x04\x15\x10"), "a Parquet file", "duckdb -c \"COPY (FROM 'a.parquet') TO 'data.jsonl'"},
		{"a.arrow", []byte("ARROW1\x00\x00"), "an Arrow file", "to_json"},
		{"a.pkl", []byte("\x80\x04\x95\x10\x00"), "a pickled Python object", "json.dumps"},
		{"a.zip", []byte("PK\x03\x04\x14\x00"), "a ZIP archive", "unzip a.zip"},
		{"a.xz", []byte("\xfd7zXZ\x00\x00"), "an xz file", "xz -d a.xz"},
		{"a.tar", tar, "a tar archive", "tar xf a.tar"},
		{"a.tar.gz", gzipped(t, tar), "a tar archive", "tar xf a.tar.gz"},
		{"a.npy", []byte("\x93NUMPY\x01\x00"), "a NumPy array", "JSONL"},
		{"a.db", []byte("SQLite format 3\x00"), "an SQLite database", "sqlite3 -json a.db"},
		{"a.pdf", []byte("%PDF-1.7\n"), "a PDF document", "one prompt a line"},
		{"a.json", []byte("\n<html lang=en>"), "an HTML page", "raw file"},
		{"b.json", []byte("<!doctype HTML>"), "an HTML page", "raw file"},
		{"c.json", []byte("<?xml version='1.0'?><Error/>"), "an XML file", "JSONL"},
		{"d.json.gz", gzipped(t, []byte("<!DOCTYPE html><p>Sign in")), "an HTML page", "raw file"},
		{"lfs.json", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "a Git LFS pointer", "git lfs pull"},
		{"annex.json", []byte("/annex/objects/MD5E-s1--0.json\n"), "a git-annex pointer", "git annex get"},
		{"u.json", append([]byte{0xff, 0xfe}, utf16le(text)...), "UTF-16 text", "iconv -f UTF-16 -t UTF-8 u.json"},
		{"v.json", utf16le(text), "UTF-16 text without a byte order mark", "iconv"},
		{"w.bin", []byte("abc\x00\x01\x02defghi\x03"), "a binary file of an unknown type", "JSONL"},
		{"empty.json", nil, "empty", "downloaded"},
		{"empty.json.gz", gzipped(t, nil), "empty", "downloaded"},
		{"mark.json", []byte("\xef\xbb\xbf \n"), "empty", "downloaded"},
		{"gbk.csv", []byte("\xce\xca\xcc\xe2,\xb4\xf0\xb0\xb8\n1,2\n"), "not UTF-8", "iconv -f GB18030"},
		{"bad.gz", []byte{0x1f, 0x8b, 0, 0, 0}, "damaged", ""},
	}
	for _, c := range cases {
		_, err := reader.Open(t.Context(), write(t, c.name, c.content), reader.Options{})
		if err == nil {
			t.Errorf("%s was opened", c.name)
			continue
		}
		if got := err.Error(); !strings.Contains(got, c.name+":") || !strings.Contains(got, c.is) || !strings.Contains(got, c.todo) {
			t.Errorf("%s: %q: is there %q, and %q?", c.name, got, c.is, c.todo)
		}
	}
}

func TestWrongRequests(t *testing.T) {
	good := write(t, "good.json", []byte(`[{"input": "a"}]`))
	table := write(t, "good.csv", []byte("prompt,answer\na,b\n"))
	several := t.TempDir()
	for _, name := range []string{"a.json", "b.json"} {
		if err := os.WriteFile(filepath.Join(several, name), []byte(`[{"input": "a"}]`), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f := func(path string, o reader.Options, want string) {
		t.Helper()
		_, err := reader.Open(t.Context(), path, o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s %+v: %v, not %q", path, o, err, want)
		}
	}
	f("missing.json", reader.Options{}, "there is no such file or folder")
	f(good, reader.Options{Format: "sharegtp"}, "did you mean sharegpt? the formats are weir, bailian")
	f(good, reader.Options{Format: "parquet"}, "hint: the formats are weir, bailian")
	f(good, reader.Options{Fields: map[string]string{"promt": "a"}}, "can name what stands for prompt, output")
	f(good, reader.Options{Format: "alpaca", Fields: map[string]string{"prompt": "a"}}, "the format is alpaca (as asked), for which fields does nothing")
	f(good, reader.Options{Fields: map[string]string{"prompt": "question"}}, `the records have "input"`)
	f(good, reader.Options{Length: 5}, "this is a file")
	f(good, reader.Options{TimeUnit: -1}, "must not be negative")
	f(good, reader.Options{Format: "azure"}, "the head of the CSV file")
	f(table, reader.Options{Format: "azure"}, "azure needs the columns TIMESTAMP")
	f(table, reader.Options{Format: "sharegpt"}, "no JSON, as sharegpt is")
	f(table, reader.Options{Format: "csv", Fields: map[string]string{"output": "reply"}}, `the columns are "prompt", "answer"`)
	f(several, reader.Options{}, "name one of its files: a.json, b.json")
	f(several, reader.Options{Length: 5}, "named after a length")
	f(t.TempDir(), reader.Options{}, "a folder without a .json")
}

// A compressed file that was cut off gives the rows before, and then an error.
func TestCutOffCompressed(t *testing.T) {
	var b strings.Builder
	for i := range 20000 {
		b.WriteString(`{"prompt": "` + strings.Repeat(string(rune('a'+i%26)), 1+i*7%100) + `", "output_tokens": 5}` + "\n")
	}
	whole := map[string][]byte{"a.gz": gzipped(t, []byte(b.String())), "a.zst": zstandard(t, []byte(b.String()))}
	for name, content := range whole {
		f, err := reader.Open(t.Context(), write(t, name, content[:len(content)/2]), reader.Options{})
		if err != nil {
			// A zstd block may hold all there is.
			if !strings.Contains(err.Error(), "breaks off") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		rows, err := count(f)
		if rows == 0 || err == nil || !strings.Contains(err.Error(), "breaks off") || !strings.Contains(err.Error(), "fetch it again") {
			t.Errorf("%s: %d rows, then %v", name, rows, err)
		}
	}
}

// count reads to the end. The error is nil if that is the end of the file.
func count(f *reader.File) (int, error) {
	defer f.Close()
	var row reader.Row
	for n := 0; ; n++ {
		if err := f.Next(&row); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}
