//go:build !race

// The race detector has nothing to find here: the weir that plays is built without it.

package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"weir/docs/schematest"
)

const exitThresholds = 99

// entry is what makes a script playable: an export, or scenarios that name others.
var entry = regexp.MustCompile(`(?m)^export (default|(async )?function\s*\*\s*plan)\b|^  scenarios: \{$`)

// TestScenarios plays every scenario of the documentation. Thresholds may be
// crossed: how fast this machine is decides no test.
func TestScenarios(t *testing.T) {
	var all []block
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			if b.language == "ts" && !b.fragment() {
				all = append(all, b)
			}
		}
	}
	if len(all) == 0 {
		t.Fatal("the documentation has no scenario: has the way that blocks are marked changed?")
	}

	weir := filepath.Join(t.TempDir(), "weir")
	if out, err := exec.Command("go", "build", "-o", weir, "weir/cmd/weir").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, b := range all {
		t.Run(fmt.Sprintf("%s:%d", b.page, b.line), func(t *testing.T) {
			t.Parallel()
			if !entry.MatchString(b.code) {
				t.Fatal("the block is no scenario: it exports neither default nor plan; mark it as ```ts fragment")
			}
			play(t, weir, b)
		})
	}
}

// play runs a block in a folder of its own and looks at its result.
func play(t *testing.T, weir string, b block) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "scenario.ts"), []byte(b.code), 0o644); err != nil {
		t.Fatal(err)
	}
	// Datasets that scenarios read.
	if err := os.CopyFS(filepath.Join(dir, "datasets"), os.DirFS("../testdata/datasets")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), weir, append([]string{"run", "scenario.ts", "--sim", "--progress", "none", "--out", "out"}, b.words...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "XDG_CONFIG_HOME="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState.ExitCode() != exitThresholds {
		t.Fatalf("%v\n%s", err, out)
	}

	text, err := os.ReadFile(filepath.Join(dir, "out", "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := schematest.ValidateRun(filepath.Join(dir, "out")); err != nil {
		t.Error(err)
	}
	var result struct {
		Cases []struct {
			Name   string
			Counts struct {
				Completed       int
				IterationFailed int `json:"iteration_failed"`
				Interrupted     int
				RequestsFailed  int `json:"requests_failed"`
			}
			Checks []struct {
				Name  string
				Fails int
			}
		}
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&result); err != nil {
		t.Fatal(err)
	}
	if len(result.Cases) == 0 {
		t.Errorf("the scenario has no case\n%s", out)
	}
	for _, c := range result.Cases {
		n := c.Counts
		if n.Completed == 0 || n.IterationFailed != 0 || n.Interrupted != 0 || n.RequestsFailed != 0 {
			t.Errorf("case %q: %+v; want iterations that completed, and nothing that failed\n%s", c.Name, n, out)
		}
		for _, check := range c.Checks {
			if check.Fails > 0 {
				t.Errorf("case %q: check %q failed\n%s", c.Name, check.Name, out)
			}
		}
	}
}
