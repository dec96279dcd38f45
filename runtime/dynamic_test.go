package runtime

import (
	"path/filepath"
	"slices"
	"testing"

	"weir/runtime/result"
)

// TestDynamicTable is TestStaticTable for scripts/dynamic.ts: which prompts are left, how
// long they are on average, and every column (testdata/dynamic/golden.py).
func TestDynamicTable(t *testing.T) {
	cases := recordedCases(t, "../testdata/dynamic/events.json")
	prompts, err := filepath.Abs("../testdata/dynamic/prompts.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "table.csv")
	names := runPlan(t, "dynamic", []string{"--dataset", prompts, "--dataset-type", "weir", "--tokenizer", "builtin", "--max-tokens", "100", "--max-prompt-tokens", "90",
		"--request-rate", "8", "2", "--num-prompts", "7", "7", "--same-prompts", "--warmup", "0", "--benchmark-csv", path},
		func(number int) *result.Case { return replay(t, cases[number-1].Requests) })
	if want := []string{"weir: 8 req/s, 7 prompts", "weir: 2 req/s, 7 prompts"}; !slices.Equal(names, want) {
		t.Errorf("cases %q, want %q", names, want)
	}
	sameFile(t, path, "../testdata/dynamic/golden.csv")
}
