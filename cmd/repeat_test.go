package cmd

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"weir/runtime/result"
)

// A run can be repeated from what its result.json says, and nothing else: the same
// prompts in the same order, from a simulated service that is set up likewise.
func TestRepeatFromResult(t *testing.T) {
	dir := t.TempDir()
	first := runWeirIn(t, dir, "run", "static", "--sim", "--sim-ttft", "1ms", "--sim-itl", "1ms", "--sim-early-stop", "0.3", "--sim-seed", "9", "--records", "--out", "out",
		"--parallel-num", "2", "4", "--prompt-tokens", "40", "--output-tokens", "6", "--epochs", "3", "--warmup", "1", "--api-key", "not for others")
	if first.Params["seed"] != -1.0 || first.Chosen["seed"] == nil || !slices.Equal(first.Secrets, []string{"apiKey"}) {
		t.Fatalf("seed %v, chosen %v, secrets %v", first.Params["seed"], first.Chosen, first.Secrets)
	}

	var read result.Result
	text, err := os.ReadFile(filepath.Join(dir, "out", result.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	repeat := func(more ...string) map[[2]int][3]int {
		t.Helper()
		elsewhere := t.TempDir()
		args := []string{"run", read.Script.Name, "--params", filepath.Join(dir, "out", result.FileName), "--sim", "--records", "--out", "out", "--api-key", "not for others"} // secret_params says that there was one
		for _, flag := range slices.Sorted(maps.Keys(read.Settings.Sim)) {
			if value := read.Settings.Sim[flag]; value != "" {
				args = append(args, flag+"="+value)
			}
		}
		again := runWeirIn(t, elsewhere, append(args, more...)...)
		if again.Script.SHA256 != read.Script.SHA256 || !reflect.DeepEqual(again.Weir, read.Weir) || !maps.Equal(again.Settings.Sim, read.Settings.Sim) {
			t.Errorf("script %+v, weir %+v, simulator %v", again.Script, again.Weir, again.Settings.Sim)
		}
		return sizes(t, filepath.Join(elsewhere, "out"))
	}
	want := sizes(t, filepath.Join(dir, "out"))
	if len(want) != 3*2+3*4 {
		t.Fatalf("%d requests", len(want))
	}
	if got := repeat(); !maps.Equal(got, want) {
		t.Errorf("the second run sent\n%v\nthe first\n%v", got, want)
	}
	// With another seed there are other words in the prompts.
	if got := repeat("--seed", "1"); maps.Equal(got, want) {
		t.Error("a run with another seed sent the same")
	}
}

// sizes are the bytes sent, and the tokens of prompt and answer, of each request by its
// case and iteration.
func sizes(t *testing.T, folder string) map[[2]int][3]int {
	t.Helper()
	all := map[[2]int][3]int{}
	for r, err := range result.ReadRecords(filepath.Join(folder, result.RecordsName)) {
		if err != nil {
			t.Fatal(err)
		}
		all[[2]int{r.Case, r.Iteration}] = [3]int{int(r.BytesOut), r.InputTokens.N, r.OutputTokens.N}
	}
	return all
}
