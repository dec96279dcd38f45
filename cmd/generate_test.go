package cmd

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"weir/modules/tokenizer"
)

// clippedNormal is the law of lengths that generate_dataset.py draws: normal, cut to whole
// numbers, and then clipped. It returns the probabilities of low … high.
func clippedNormal(mean, std float64, low, high int) []float64 {
	below := func(x float64) float64 { return math.Erfc((mean-x)/(std*math.Sqrt2)) / 2 }
	p := make([]float64, high-low+1)
	for i := range p {
		from, to := below(float64(low+i)), below(float64(low+i+1))
		if i == 0 {
			from = 0
		}
		if low+i == high {
			to = 1
		}
		p[i] = to - from
	}
	return p
}

// TestGenerateDatasetLengths holds the lengths of what is made against the closed form:
// its average and variance, and how many are clipped. All within four standard errors; the
// seed makes it the same each time.
func TestGenerateDatasetLengths(t *testing.T) {
	const count = 3000
	dir := t.TempDir()
	runWeirIn(t, dir, "run", "generate-dataset", "--out", "out", "--dataset", "made.json", "--tokenizer", "builtin", "--num-requests", "3000",
		"--avg-input", "60", "--std-input", "25", "--min-input", "40", "--max-input", "90", "--avg-output", "12", "--std-output", "6", "--min-output", "5", "--max-output", "40")
	text, err := os.ReadFile(filepath.Join(dir, "made.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != count {
		t.Fatalf("%d rows, want %d", len(rows), count)
	}
	m := tokenizer.New()
	defer m.Close()
	words, err := m.Load(tokenizer.Builtin)
	if err != nil {
		t.Fatal(err)
	}
	different := map[string]bool{}
	for _, row := range rows {
		if len(row) != 3 || row["instruction"] != "NA" {
			t.Fatalf("a row is %q, want input, output, and NA as the instruction", row)
		}
		different[row["input"]] = true
	}
	if len(different) != count {
		t.Errorf("%d different prompts, want %d", len(different), count)
	}
	check := func(field string, mean, std float64, low, high int) {
		t.Helper()
		law := clippedNormal(mean, std, low, high)
		var m1, m2, m4 float64
		for i, p := range law {
			m1 += p * float64(low+i)
		}
		for i, p := range law {
			d := float64(low+i) - m1
			m2 += p * d * d
			m4 += p * d * d * d * d
		}
		var sum, squares, clippedLow, clippedHigh float64
		for _, row := range rows {
			n := countTokens(words, row[field])
			if n < low || n > high {
				t.Fatalf("%s of %d tokens, want %d to %d", field, n, low, high)
			}
			sum += float64(n)
			squares += (float64(n) - m1) * (float64(n) - m1)
			if n == low {
				clippedLow++
			}
			if n == high {
				clippedHigh++
			}
		}
		near := func(what string, got, want, variance float64) {
			t.Helper()
			if slack := 4 * math.Sqrt(variance/count); math.Abs(got-want) > slack {
				t.Errorf("%s: %s is %.4f, want %.4f ± %.4f", field, what, got, want, slack)
			}
		}
		near("average", sum/count, m1, m2)
		near("variance", squares/count, m2, m4-m2*m2)
		lowest, highest := law[0], law[len(law)-1]
		near("share of the shortest", clippedLow/count, lowest, lowest*(1-lowest))
		near("share of the longest", clippedHigh/count, highest, highest*(1-highest))
	}
	check("input", 60, 25, 40, 90)
	check("output", 12, 6, 5, 40)
}
