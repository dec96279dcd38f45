package reader_test

import (
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"weir/modules/dataset/reader"
	"weir/runtime/race"
)

// all reads a file of the test to its end.
func all(t *testing.T, name, text string, o reader.Options) (rows []reader.Row, rejected []reader.Rejection) {
	t.Helper()
	f, err := reader.Open(t.Context(), write(t, name, []byte(text)), o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		var row reader.Row
		if err := f.Next(&row); err == io.EOF {
			return rows, f.Rejected()
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

// Hashes of 64 bits keep their bits, in a list as large as it must be.
func TestHashIDs(t *testing.T) {
	for text, want := range map[string][]int64{
		"1, 2":                              {1, 2},
		"18446744073709551615, -2":          {-1, -2},
		"9223372036854775808, 1":            {math.MinInt64, 1},
		"9223372036854775807, 1.0":          {math.MaxInt64, 1},
		`"18446744073709551614", " 12 "`:    {-2, 12},
		"-9223372036854775808 , 1e3":        {math.MinInt64, 1000},
		strings.Repeat("7,", 999) + "1":     append(slices.Repeat([]int64{7}, 999), 1),
		strings.Repeat("123456, ", 9) + "1": append(slices.Repeat([]int64{123456}, 9), 1),
	} {
		n := len(want)
		rows, rejected := all(t, "a.jsonl", `{"input_length": `+strconv.Itoa(512*n)+`, "output_length": 1, "hash_ids": [`+text+"]}", reader.Options{})
		if len(rows) != 1 || !slices.Equal(rows[0].HashIDs, want) || cap(rows[0].HashIDs) != n {
			t.Errorf("%.40s: %v, %v", text, rows, rejected)
		}
	}
	for _, text := range []string{"18446744073709551616", "-9223372036854775809", "1.5", `"a"`, "1, null", "[1]", "1e19"} {
		if rows, rejected := all(t, "a.jsonl", `{"input_length": 1, "output_length": 1, "hash_ids": [`+text+"]}", reader.Options{}); len(rows) > 0 || len(rejected) != 1 {
			t.Errorf("%s: %v", text, rows)
		}
	}
}

// Names that rows have in common are kept once.
func TestNamesAreShared(t *testing.T) {
	for name, text := range map[string]string{
		"a.csv":   "Timestamp,Session ID,Model,Request tokens,Response tokens,Log Type\n" + strings.Repeat("1,a,ChatGPT,5,5,API log\n2,b,GPT-4,5,5,API log\n", 3),
		"a.jsonl": strings.Repeat(`{"prompt_tokens": 5, "session": "a", "model": "ChatGPT", "kind": "API log"}`+"\n"+`{"prompt_tokens": 5, "session": "b", "model": "GPT-4", "kind": "API log"}`+"\n", 3),
	} {
		rows, _ := all(t, name, text, reader.Options{})
		if len(rows) != 6 {
			t.Fatalf("%s: %d rows", name, len(rows))
		}
		for i, row := range rows {
			first := rows[i%2]
			for _, same := range [][2]string{{row.Model, first.Model}, {row.Kind, rows[0].Kind}, {row.Session, first.Session}} {
				if same[0] != same[1] || same[0] == "" || unsafe.StringData(same[0]) != unsafe.StringData(same[1]) {
					t.Errorf("%s: row %d: %q is not the %q of the first row", name, i, same[0], same[1])
				}
			}
			if row.Turn != i/2 {
				t.Errorf("%s: row %d is turn %d", name, i, row.Turn)
			}
		}
	}
}

// Depth is said to be what is wrong, not the brackets.
func TestDepth(t *testing.T) {
	deep := func(n int) string {
		return `{"prompt": "p", "x": ` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}"
	}
	rows, rejected := all(t, "a.jsonl", deep(9_999)+"\n"+deep(10_000)+"\n"+deep(1)+"\n", reader.Options{})
	if len(rows) != 2 || len(rejected) != 1 || rejected[0].Reason != "nested more than 10,000 deep" {
		t.Errorf("%d rows, rejected: %v", len(rows), rejected)
	}
	f, err := reader.Open(t.Context(), write(t, "a.json", []byte("["+deep(9_999)+",\n"+deep(10_000)+"]")), reader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := count(f); rows != 1 || err == nil || !strings.Contains(err.Error(), "a.json:2:10021: the record that begins at line 2 is nested more than 10,000 deep") {
		t.Errorf("%d rows, then %v", rows, err)
	}
}

// A quote that opens nothing does not cost the lines after it, in whatever pieces a large file
// is read.
func TestQuotesInLargeTables(t *testing.T) {
	line := strings.Repeat("x", 70)
	var text strings.Builder
	text.WriteString("prompt\toutput\n")
	for range 2000 {
		text.WriteString("\"open\tb\n" + line + "\tb\n\n" + line + "\t\"b\"\n")
	}
	rows, rejected := all(t, "a.tsv", text.String(), reader.Options{})
	if len(rows) != 6000 || len(rejected) > 0 {
		t.Fatalf("%d rows, rejected: %v", len(rows), rejected)
	}
	for i, row := range rows {
		prompt, lineOf := line, 2+i/3*4+[]int{0, 1, 3}[i%3]
		if i%3 == 0 {
			prompt = `"open`
		}
		if row.Prompt != prompt || row.Output != "b" || row.Line != lineOf {
			t.Fatalf("row %d: %+v, want line %d", i, row, lineOf)
		}
	}
	comma := "prompt,output\n" + strings.Repeat("a,b\n\"multi\nline\"x,b\n"+line+",c\n", 2000)
	rows, rejected = all(t, "a.csv", comma, reader.Options{})
	if len(rows) != 4000 || len(rejected) != 1 || rejected[0].Count != 2000 || rejected[0].First[2].Text != `"multi line"x,b` || rejected[0].First[2].Line != 11 {
		t.Errorf("%d rows, rejected: %v", len(rows), rejected)
	}
}

// A list that is wrapped in an object is known even where it is too large to be a record.
func TestLargeWrappedList(t *testing.T) {
	if race.Enabled {
		t.Skip("with the race detector, the heap holds more than the program's own")
	}
	text := `{"version": 1, "data": [` + strings.Repeat(`{"text": "`+strings.Repeat("x", 1<<20)+`"},`, 65) + `{}]}`
	_, err := reader.Open(t.Context(), write(t, "a.json", []byte(text)), reader.Options{})
	if err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") || !strings.Contains(err.Error(), "jq -c '.data[]' a.json > a.jsonl") {
		t.Errorf("%v", err)
	}
}
