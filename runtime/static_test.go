package runtime

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/modules/core"
	"weir/modules/dataset"
	"weir/modules/llm"
	custommetrics "weir/modules/metrics"
	"weir/modules/output"
	"weir/modules/profile"
	"weir/modules/tokenizer"
	"weir/runtime/metrics"
	"weir/runtime/profiling"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/transport"
	"weir/runtime/wire"
	"weir/scripts"
)

// A request as it was recorded: times in milliseconds from the case's start.
type recorded struct {
	Start  float64   `json:"start"`
	Events []float64 `json:"events"`
	End    float64   `json:"end"`
	Tokens int       `json:"tokens"`
	Prompt int       `json:"prompt"`
	Failed bool      `json:"failed"`
}

// TestStaticTable plays recorded event times through the recorder and through
// the plan of scripts/static.ts, and holds the CSV against one that numpy made
// of the same times by the scripts' formulas (testdata/static/golden.py).
func TestStaticTable(t *testing.T) {
	cases := recordedCases(t, "../testdata/static/events.json")
	for _, layout := range []string{"6.3", "6.5"} {
		path := filepath.Join(t.TempDir(), "table.csv")
		names := runPlan(t, "static", []string{"--parallel-num", "2", "3", "--prompt-tokens", "64", "32", "--output-tokens", "8", "6", "--epochs", "2",
			"--csv-layout", layout, "--benchmark-csv", path},
			func(number int) *result.Case { return replay(t, cases[number-1].Requests) })
		if want := []string{"64 in, 8 out, 2 parallel", "32 in, 6 out, 2 parallel", "64 in, 8 out, 3 parallel", "32 in, 6 out, 3 parallel"}; !slices.Equal(names, want) {
			t.Errorf("cases %q, want %q", names, want)
		}
		sameFile(t, path, "../testdata/static/golden-"+layout+".csv")
	}
}

// recordedCase is a case of a file of recorded event times.
type recordedCase struct {
	Requests []recorded `json:"requests"`
}

func recordedCases(t *testing.T, path string) (cases []recordedCase) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func sameFile(t *testing.T, path, golden string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s\n got %q\nwant %q", golden, got, want)
	}
}

// replay puts the requests of a case into a recorder, each at its own time.
func replay(t *testing.T, requests []recorded) (found *result.Case) {
	synctest.Test(t, func(t *testing.T) {
		recorder := metrics.NewRecorder(metrics.Options{})
		it := &metrics.Iteration{Recorder: recorder}
		origin := time.Now()
		until := func(ms float64) time.Time {
			at := origin.Add(time.Duration(ms * float64(time.Millisecond)).Round(time.Microsecond))
			time.Sleep(time.Until(at))
			return at
		}
		var wg sync.WaitGroup
		for _, r := range requests {
			wg.Go(func() {
				rec := metrics.NewRecord()
				rec.Iteration = it
				until(r.Start)
				recorder.Begin(rec)
				for i, at := range r.Events {
					rec.Token(wire.Arrival{At: until(at), Kernel: true}, 0)
					if i == 0 {
						recorder.First(rec)
					}
				}
				rec.End = until(r.End)
				rec.Input = metrics.Count{N: r.Prompt, Source: metrics.CountUsage}
				rec.Output = metrics.Count{N: r.Tokens, Source: metrics.CountUsage}
				rec.Reasoning = metrics.Count{N: r.Tokens / 2, Source: metrics.CountUsage}
				if r.Failed {
					rec.Error = &metrics.Error{Kind: "truncated", Message: "recorded"}
				}
				recorder.Close(rec)
			})
		}
		wg.Wait()
		found = recorder.Finish(result.Counts{}, nil, metrics.Rules{})
	})
	return found
}

// runPlan runs a built-in script's plan, and returns the names of its cases; play stands
// in for the load.
func runPlan(t *testing.T, name string, args []string, play func(number int) *result.Case) (names []string) {
	t.Helper()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	tokenizers := tokenizer.New()
	defer tokenizers.Close()
	s, err := script.Load(name, script.Config{
		Builtin: scripts.Files,
		Args:    args,
		Modules: map[string]script.Module{
			"weir":           core.New(),
			"weir/llm":       llm.New(clients, "weir"),
			"weir/tokenizer": tokenizers,
			"weir/dataset":   dataset.New(),
			"weir/metrics":   custommetrics.New(),
			"weir/output":    new(output.Module),
			"weir/profile":   profile.New(profiling.Maker{Clients: clients}),
		},
		LookupEnv: func(string) (string, bool) { return "", false },
		Console:   t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	runtimes, err := Init(context.Background(), s, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer Close(runtimes)
	r := &run{Config: Config{Script: s, Result: &result.Result{}}, ctx: context.Background(), runtimes: runtimes}
	if err := r.readOptions(); err != nil {
		t.Fatal(err)
	}
	if err := r.eachCase(func(c *caseSpec) ([]*result.Case, error) {
		names = append(names, c.name)
		found := play(c.number)
		found.Name = c.name
		return []*result.Case{found}, nil
	}); err != nil {
		t.Fatal(err)
	}
	return names
}
