package cmd

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"weir/runtime/result"
)

// find-capacity against a simulator whose service time grows with its load. What
// it finds depends on the machine; that it follows from what was decided, and
// that this is in the result and in the table, does not.
func TestFindCapacity(t *testing.T) {
	for name, c := range map[string]struct{ by, args string }{
		// A decode step takes 1 ms and 2 ms for each sequence that runs: 20 ms are those of 9.
		"concurrency": {"concurrency", "--search concurrency --slo tpot:avg<20 --start 2 --requests 24 --max-requests 48 --sim-itl 1ms --sim-itl-slope 2ms --sim-ttft 1ms"},
		// A request takes 5 + 7·2 = 19 ms, so a batch of two serves 105 a second.
		"rate": {"rate", "--slo ttft:p90<60 --goodput-share 0.9 --min 10 --requests 48 --max-requests 96 --sim-ttft 5ms --sim-itl 2ms --sim-itl-slope 0s --sim-max-batch 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append(strings.Fields("run find-capacity --sim --sim-prefill-rate 0 --prompt-tokens 16 --output-tokens 8 --max-cases 9 --ignore-validity --out out --capacity-csv table.csv"), strings.Fields(c.args)...)
			cmd := exec.CommandContext(t.Context(), "weir", args...)
			cmd.Dir = t.TempDir()
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitThresholds) {
				t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
			}
			content, err := os.ReadFile(filepath.Join(cmd.Dir, "out", result.FileName))
			if err != nil {
				t.Fatal(err)
			}
			var r result.Result
			if err := json.Unmarshal(content, &r); err != nil {
				t.Fatal(err)
			}
			decided := checkCases(t, c.by, r.Cases)
			checkAnswer(t, stdout.String(), exit == nil, decided)
			checkTable(t, filepath.Join(cmd.Dir, "table.csv"), c.by, r.Cases)
			if t.Failed() {
				t.Logf("%s%s", &stdout, &stderr)
			}
		})
	}
}

// checkCases looks at each case by itself, and returns whether each load was met
// the last time that it was decided.
func checkCases(t *testing.T, by string, cases []*result.Case) map[float64]bool {
	decided := map[float64]bool{}
	if len(cases) > 0 && cases[0].Tags["burst"] == true {
		cases = cases[1:]
	}
	for i, c := range cases {
		load, attempt := c.Tags[by].(float64), c.Tags["attempt"].(float64)
		decision, _ := c.Tags["decision"].(string)
		met := decision == "met" || decision == "unclear, taken as met"
		missed := decision == "missed" || decision == "unclear, taken as missed"
		switch {
		case met || missed:
			decided[load] = met
		case decision != "unclear":
			t.Errorf("%s: decision %q", c.Name, decision)
		case i+1 == len(cases) || cases[i+1].Tags[by] != c.Tags[by] || cases[i+1].Tags["attempt"] != attempt+1:
			t.Errorf("%s is unclear, and was not repeated", c.Name)
		case c.Stopped == nil && cases[i+1].Stopped == nil && cases[i+1].Counts.Scheduled != 2*c.Counts.Scheduled:
			t.Errorf("%s: repeated with %d iterations instead of twice %d", c.Name, cases[i+1].Counts.Scheduled, c.Counts.Scheduled)
		}
		if c.Stopped != nil && !missed {
			t.Errorf("%s was stopped (%+v), and is %q", c.Name, c.Stopped, decision)
		}
		if c.Interrupted || c.Counts.IterationFailed+c.Counts.RequestsFailed > 0 || c.Counts.Requests == 0 {
			t.Errorf("%s: %+v", c.Name, c.Counts)
		}
	}
	if len(cases) < 2 || len(cases) > 9 {
		t.Errorf("%d cases", len(cases))
	}
	return decided
}

var keeps = regexp.MustCompile(`keeps ([0-9.]+) (?:req/s|at once)[^;]*: [0-9.,]+ req/s, [0-9.,]+ tok/s[^;]*(?:; ([0-9.]+) misses: \S+)?`)

// checkAnswer holds the sentence at the end against the decisions: no load
// between what is kept and what is missed was decided, and nothing below was missed.
func checkAnswer(t *testing.T, stdout string, found bool, decided map[float64]bool) {
	if !found {
		for load, met := range decided {
			if met || !strings.Contains(stdout, "does not keep the SLOs at ") {
				t.Errorf("there is no answer, and %v was decided as %v", load, met)
			}
		}
		return
	}
	stdout = strings.Join(strings.Fields(stdout), " ")
	m := keeps.FindStringSubmatch(stdout)
	if m == nil {
		t.Fatalf("no answer:\n%s", stdout)
	}
	kept, _ := strconv.ParseFloat(m[1], 64)
	missed := math.Inf(1) // by none that was played, or by what was met at another time
	if m[2] != "" {
		missed, _ = strconv.ParseFloat(m[2], 64)
		if met, ok := decided[missed]; !ok || met {
			t.Errorf("%v is said to be missed", missed)
		}
	} else if !strings.Contains(stdout, "before the bracket was narrow enough: ") {
		t.Errorf("nothing is said to be missed:\n%s", stdout)
	}
	if met, ok := decided[kept]; !ok || !met || kept >= missed {
		t.Errorf("%v is kept, %v missed", kept, missed)
	}
	for load, met := range decided {
		if load > kept && met || load < missed && !met {
			if !strings.Contains(stdout, "not monotonic: ") {
				t.Errorf("%v is kept, and %v was decided as %v", kept, load, met)
			}
		}
	}
}

// checkTable holds the table against the cases.
func checkTable(t *testing.T, path, by string, cases []*result.Case) {
	played := slices.DeleteFunc(slices.Clone(cases), func(c *result.Case) bool { return c.Tags["burst"] == true })
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) != len(played)+1 || !slices.Equal(rows[0][:5], []string{by, "attempt", "requests", "failed", "decision"}) {
		t.Fatalf("%d rows for %d cases, %v: %v", len(rows), len(played), err, rows)
	}
	var want []string
	for _, c := range played {
		want = append(want, fmt.Sprint(c.Tags[by], c.Tags["attempt"], c.Counts.Requests, c.Counts.RequestsFailed, c.Tags["decision"]))
	}
	var loads []float64
	for _, row := range rows[1:] {
		load, err := strconv.ParseFloat(row[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		loads = append(loads, load)
		attempt, _ := strconv.ParseFloat(row[1], 64)
		requests, _ := strconv.ParseInt(row[2], 10, 64)
		failed, _ := strconv.ParseInt(row[3], 10, 64)
		if got := fmt.Sprint(load, attempt, requests, failed, row[4]); !slices.Contains(want, got) {
			t.Errorf("row %v is of no case: %v", got, want)
		}
	}
	if !slices.IsSorted(loads) {
		t.Errorf("rows in the order %v", loads)
	}
}
