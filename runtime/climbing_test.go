package runtime

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"weir/runtime/result"
)

// TestClimbingTable is TestStaticTable for the summary of scripts/climbing.ts. Its first
// column tells when each case was played, which the golden file leaves out.
func TestClimbingTable(t *testing.T) {
	cases := recordedCases(t, "../testdata/static/events.json")
	dir := t.TempDir()
	names := runPlan(t, "climbing", []string{"--concurrencies", "2", "3", "--prompt-tokens", "64", "32", "--output-tokens", "8", "6", "--growth-rate", "3", "--benchmark-dir", dir},
		func(number int) *result.Case { return replay(t, cases[number-1].Requests) })
	if want := []string{"64 in, 8 out, 2 at once", "32 in, 6 out, 2 at once", "64 in, 8 out, 3 at once", "32 in, 6 out, 3 at once"}; !slices.Equal(names, want) {
		t.Errorf("cases %q, want %q", names, want)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "summary_service_model_queue_3growth_????????_??????.csv"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("tables %q, %v", paths, err)
	}
	table, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	first := regexp.MustCompile(`(?m)^(\x{feff}?)(?:Execution_Time|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),`)
	table = first.ReplaceAll(table, []byte("$1"))
	if err := os.WriteFile(paths[0], table, 0o600); err != nil {
		t.Fatal(err)
	}
	sameFile(t, paths[0], "../testdata/static/golden-climbing.csv")
}
