// Package docs_test runs the scenarios that the documentation shows, and follows
// its links.
//
// Every block of README.md, docs/*.md and docs/modules/*.md that starts with ```ts is a complete
// scenario, and is played against the simulator by the weir command itself.
// What follows ts on that line are its flags; testdata/datasets is in the folder datasets beside it:
//
//	```ts --model qwen3
//
// A block that is a part of a scenario is marked with the word fragment, and is
// not played:
//
//	```ts fragment
package docs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"weir/docs/schematest"
)

const exitThresholds = 99

// block is a scenario in a page.
type block struct {
	page  string
	line  int // of its first line of code
	flags []string
	code  string
}

// entry is what makes a script playable: an export, or scenarios that name others.
var entry = regexp.MustCompile(`(?m)^export (default|(async )?function\s*\*\s*plan)\b|^  scenarios: \{$`)

// pages are the files of the documentation.
func pages(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	modules, err := filepath.Glob("modules/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(all, modules, []string{"../README.md"})
}

// blocks extracts the TypeScript of a page, but for fragments.
func blocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []block
	var open *block // that the line belongs to
	inside := false // in any block
	for i, line := range strings.Split(string(text), "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && inside:
			if open != nil {
				found = append(found, *open)
			}
			inside, open = false, nil
		case fence:
			inside = true
			words := strings.Fields(info)
			if len(words) > 0 && words[0] == "ts" && !slices.Contains(words, "fragment") {
				open = &block{page: filepath.Base(page), line: i + 2, flags: words[1:]}
			}
		case open != nil:
			open.code += line + "\n"
		}
	}
	if inside {
		t.Errorf("%s: the last block is not closed", page)
	}
	return found
}

// TestScenarios plays every scenario of the documentation. Thresholds may be
// crossed: how fast this machine is decides no test.
func TestScenarios(t *testing.T) {
	var all []block
	for _, page := range pages(t) {
		all = append(all, blocks(t, page)...)
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
	cmd := exec.CommandContext(t.Context(), weir, append([]string{"run", "scenario.ts", "--sim", "--progress", "none", "--out", "out"}, b.flags...)...)
	cmd.Dir = dir
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

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile("(?m)^#+ (.+)$")
)

// TestLinks holds that every relative link leads to a file, and to a heading of it.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(found[1], "#")
			file := page
			if path != "" {
				file = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: link %s: %v", page, found[1], err)
			} else if anchor != "" && !slices.Contains(anchors(t, file), anchor) {
				t.Errorf("%s: link %s: %s has no such heading", page, found[1], file)
			}
		}
	}
}

// anchors are what the headings of a page are called in links.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, found := range heading.FindAllStringSubmatch(string(text), -1) {
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, found[1])
		all = append(all, anchor)
	}
	return all
}
