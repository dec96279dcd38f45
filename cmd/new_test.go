package cmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/scripts"
)

// A scenario made of each template runs against the simulator, and nothing in it fails.
func TestTemplates(t *testing.T) {
	smaller := map[string]string{
		"static":          "--users 1 2 --waves 1 --prompt-tokens 8 --output-tokens 2",
		"dynamic":         "--rates 20 40 --duration 100ms --prompt-tokens 20 --output-tokens 4 --good-share 0",
		"chat":            "--users 2 --requests 4 --max-tokens 4",
		"multi-turn":      "--users 2 --conversations 1 --turns 2 --think 1ms --max-tokens 4",
		"rag":             "--documents 1 2 --document-tokens 32 --question-tokens 8 --output-tokens 4 --users 2 --requests 4",
		"embeddings":      "--users 1 2 --requests 2 --batch 3 --tokens 8",
		"replay":          "--speeds 50 100",
		"custom-protocol": "--users 2 --requests 4 --output-tokens 4",
	}
	for _, template := range scripts.Templates() {
		t.Run(template.Name, func(t *testing.T) {
			t.Parallel()
			flags, known := smaller[template.Name]
			if !known {
				t.Fatal("the test knows no small load for it")
			}
			if template.About == "" || strings.Contains(template.About, "{{") {
				t.Errorf("it is described as %q", template.About)
			}
			dir := t.TempDir()
			if err := writeScenario(filepath.Join(dir, "made"), "made", template); err != nil {
				t.Fatal(err)
			}
			checkAllWell(t, runWeirIn(t, dir, append(strings.Fields("run made/made.ts --sim --sim-ttft 1ms --sim-itl 200us --out out"), strings.Fields(flags)...)...))
		})
	}
}

// The TypeScript of new scenarios is the one that weir's own are checked with.
func TestTemplatesHaveOneTypeScript(t *testing.T) {
	version := func(text string) string {
		var p struct{ DevDependencies map[string]string }
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		return p.DevDependencies["typescript"]
	}
	own, err := os.ReadFile(filepath.Join("..", "scripts", "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := version(scripts.Templates()[0].Fill("a", "weir run a.ts")["package.json"]), version(string(own)); got != want || got == "" {
		t.Errorf("package.json of new scenarios has TypeScript %q, that of weir's own %q", got, want)
	}
}
