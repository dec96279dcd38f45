package cmd

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"weir/docs/schematest"
	"weir/runtime/result"
)

// inspect runs weir inspect --json in an empty folder, in which it leaves nothing.
func inspect(t *testing.T, args ...string) *Inspection {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "weir", append([]string{"inspect", "--json"}, args...)...)
	cmd.Dir = t.TempDir()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("weir inspect %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	if err := schematest.Validate("inspect", stdout.Bytes()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 {
		t.Errorf("weir inspect has left %v, %v", left, err)
	}
	i := new(Inspection)
	if err := json.Unmarshal(stdout.Bytes(), i); err != nil {
		t.Fatal(err)
	}
	return i
}

// checkInspected holds what weir inspect says of a command line against the result of it:
// the same cases, with as many iterations, warm-ups and prompts of the same length. Of a
// plan that depends on results, so far as it does not.
func checkInspected(t *testing.T, r *result.Result, args []string) {
	t.Helper()
	i := inspect(t, args...)
	planned := i.Plan.Cases
	if i.Plan.Ended != "" || len(planned) > len(r.Cases) || len(planned) < len(r.Cases) && i.Plan.DependsFrom != len(planned)+1 {
		t.Fatalf("%d cases are planned, from %d on by results, ended %q; %d were played", len(planned), i.Plan.DependsFrom, i.Plan.Ended, len(r.Cases))
	}
	for n, c := range planned {
		played := r.Cases[n]
		var iterations, warmup int64
		for _, s := range c.Scenarios {
			if s.Iterations == nil { // the service says how many
				iterations = played.Counts.Scheduled
				break
			}
			iterations += *s.Iterations
			if s.Warmup != nil {
				warmup += *s.Warmup.Iterations
			}
		}
		if c.Name != played.Name || iterations != played.Counts.Scheduled {
			t.Errorf("case %q with %d iterations is planned, %q with %d was played", c.Name, iterations, played.Name, played.Counts.Scheduled)
		}
		if played.Warmup != nil && warmup != played.Warmup.Iterations {
			t.Errorf("%s: %d iterations to warm up are planned, %d were played", c.Name, warmup, played.Warmup.Iterations)
		}
		tokens := c.Scenarios[0].Tokens
		if asked := played.Metrics["output_tokens"]; asked != nil && tokens != nil && tokens.Of == "iterations" && tokens.Output != nil && played.Counts.Requests == tokens.Items &&
			*asked.Max > float64(tokens.Output.Max) {
			t.Errorf("%s: answers of at most %d tokens are planned, one had %v", c.Name, tokens.Output.Max, *asked.Max)
		}
	}
}

// Whatever there is to say of a plan fits the terminal.
func TestInspectionFits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wide.ts")
	const code = `
const data = [{ prompt: "a", promptTokens: 111, outputTokens: 22 }, { prompt: "b", promptTokens: 1842, outputTokens: 7 }];
export const options = { executor: "constant-arrival-rate", rate: 7, duration: "90s", warmup: 4, data, slo: { ttft: 100, tpot: 50 } };
export default function () {}
`
	if err := os.WriteFile(path, []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	i := inspect(t, path)
	i.Script.Path = "wide.ts"
	for columns, tables := 50, 0; columns <= 200; columns += 10 {
		var b strings.Builder
		if err := i.writeText(&b, columns); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
				t.Errorf("with %d columns a line has %d: %s", columns, n, line)
			}
		}
		for _, said := range []string{"constant-arrival-rate", "(111–1,842)", "(7–22)", "630"} {
			if !strings.Contains(b.String(), said) {
				t.Errorf("with %d columns there is no %q:\n%s", columns, said, &b)
			}
		}
		if strings.Contains(b.String(), "│") {
			tables++
		} else if tables > 0 {
			t.Errorf("with %d columns there is a list; there was a table with fewer", columns)
		}
		if columns == 200 && tables == 0 {
			t.Error("there is no table, however wide it may be")
		}
	}
}
