package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"weir/runtime/bundle"
)

// weirIn runs weir in a folder, with a cache of its own there, and returns what it prints
// and its exit code.
func weirIn(t *testing.T, dir string, env []string, args ...string) (output string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "weir", args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "WEIR_CACHE="+filepath.Join(dir, "cache")), env...)
	text, err := cmd.CombinedOutput()
	if _, isExit := err.(*exec.ExitError); err != nil && !isExit {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// A bundle has nothing of the machine, the user and the environment that it was made with,
// neither that of weir bundle nor that of a run.
func TestBundlesTellNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder-of-ada", "work")
	for name, text := range map[string]string{
		"sweep.ts": `import { params } from "weir";
			import { Endpoint } from "weir/llm";
			import { one } from "../lib/one";
			const p = params({ url: "http://127.0.0.1:1", note: "", from: "", data: "own.txt", token: { default: "", secret: true }, link: "" });
			open("own.txt"); open(p.data); one();
			const service = new Endpoint({ url: p.url });
			export const options = { vus: 1, iterations: 1 };
			export default async function () { await service.complete("Why?", { maxTokens: 2 }); }`,
		"../lib/one.ts": "export const one = () => 1;",
		"own.txt":       "own",
		"other.txt":     "other",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=" + filepath.Dir(dir), "USER=user-ada", "WEIR_FROM=value-of-the-environment", "SOME_VARIABLE=value-of-another"}
	flags := []string{"--data", filepath.Join(dir, "other.txt"), "--token", "the-token", "--link", "http://me:the-password@there/?api_key=the-key", "--note", "on " + host}
	output, code := weirIn(t, dir, env, append([]string{"bundle", "sweep.ts", "-o", "made.weir"}, flags...)...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, output)
	}
	output, code = weirIn(t, dir, env, append([]string{"run", "sweep.ts", "--sim", "--sim-ttft", "1ms", "--out", "out", "--no-summary"}, flags...)...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, output)
	}
	for _, file := range []string{"made.weir", "out/bundle.weir"} {
		all := contentsOf(t, filepath.Join(dir, file))
		for _, what := range []string{dir, "folder-of-ada", "user-ada", "value-of", "the-token", "the-password", "the-key", os.TempDir() + "/"} {
			if strings.Contains(all, what) {
				t.Errorf("%s has %q in it: %s", file, what, all)
			}
		}
		if !strings.Contains(all, `"named/data/other.txt"`) || !strings.Contains(all, `"token": "it is a secret"`) || !strings.Contains(all, `"note": "it has the name of the machine`) || !strings.Contains(all, "_up/lib/one.ts") {
			t.Errorf("%s: %s", file, all)
		}
	}
}

// contentsOf is all that a bundle has: names and contents.
func contentsOf(t *testing.T, path string) string {
	t.Helper()
	b, err := bundle.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	dir := t.TempDir()
	if err := b.Unpack(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{string(raw)}
	for _, f := range b.Manifest.Files {
		if text, err := b.Text(f.Path); err == nil {
			all = append(all, string(text))
		} else if data, err := os.ReadFile(filepath.Join(dir, f.Path)); err == nil {
			all = append(all, string(data))
		}
	}
	all = append(all, fmt.Sprintf("%+v", b.Manifest), quotedLeft(b.Manifest))
	return strings.Join(all, "\n")
}

// quotedLeft is what the manifest says of values that are not in it, as JSON has it.
func quotedLeft(m bundle.Manifest) (text string) {
	for name, why := range m.Left {
		text += fmt.Sprintf("%q: %q\n", name, why)
	}
	for _, p := range m.Params {
		text += fmt.Sprintf("%q: %q\n", p.Name, p.Value)
	}
	return text
}

// What a bundle brings besides files can be wrong, too: it ends with a message that names
// it and a code, and leaves nothing unpacked.
func TestWrongBundles(t *testing.T) {
	const program = "(function (module, exports, require) {\nconst { params } = require(\"weir\");\nconst p = params({ rate: 1 });\nexports.default = function () { throw new Error(\"thrown\"); };\nexports.options = { vus: 1, iterations: 1 };\n})\n"
	const plainMap = `{"version":3,"sources":["a.ts"],"names":[],"mappings":";;;AAAA"}`
	f := func(want string, code int, change func(c *bundle.Contents), flags ...string) {
		t.Helper()
		c := bundle.Contents{Manifest: bundle.Manifest{Name: "x", Weir: version, Modules: []string{"weir"}}, Script: []byte(program), Map: []byte(plainMap)}
		change(&c)
		dir := t.TempDir()
		var file bytes.Buffer
		if _, err := bundle.Write(t.Context(), &file, dir, c); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "x.weir"), file.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		output, got := weirIn(t, dir, nil, append([]string{"run", "x.weir", "--sim", "--out", "out", "--no-summary"}, flags...)...)
		if got != code || !strings.Contains(output, want) {
			t.Errorf("exit code %d, want %d: %s\nwant %s", got, code, output, want)
		}
		if left, err := os.ReadDir(filepath.Join(dir, "cache", "unpacked")); err != nil || len(left) > 0 {
			t.Errorf("%v is left unpacked, %v", left, err)
		}
	}
	f("a.ts:1:", exitFault, func(*bundle.Contents) {}) // every iteration throws, from there
	f("SyntaxError", exitScript, func(c *bundle.Contents) { c.Script = []byte("(function (module, exports, require) {\n}}}") })
	f("the bundle is not a function", exitConfig, func(c *bundle.Contents) { c.Script = []byte("1\n") })
	f("rate in x.weir: expected a number, got \"many\"", exitConfig, func(c *bundle.Contents) { c.Manifest.Params = []bundle.Param{{Name: "rate", Value: "many"}} })
	f(`unknown parameter "speed" in x.weir`, exitConfig, func(c *bundle.Contents) { c.Manifest.Params = []bundle.Param{{Name: "speed", Value: 1}} })
	f("made by weir 0.0.9; this is weir "+version, exitFault, func(c *bundle.Contents) { c.Manifest.Weir = "0.0.9" })
	f("x.weir imports weir/x/clock, which this weir does not have\n  hint: use the weir that it was made with", exitConfig, func(c *bundle.Contents) { c.Manifest.Modules = []string{"weir", "weir/x/clock"} })
	f(`unknown import "weir/none"`, exitScript, func(c *bundle.Contents) {
		c.Script = []byte("(function (module, exports, require) { require(\"weir/none\") })")
	})
	f("--rate: its value is not in x.weir: it is a secret", exitConfig, func(c *bundle.Contents) { c.Manifest.Left = map[string]string{"rate": "it is a secret"} })

	// The script reads what the bundle brings, and nothing else.
	f("may not read", exitScript, func(c *bundle.Contents) { c.Script = readsAtOnce("/etc/hostname") })
	f("may not read", exitScript, func(c *bundle.Contents) { c.Script = readsAtOnce("../../x.weir") })

	// Source maps that would harm their reader.
	for _, text := range []string{
		`{`, `[]`, `{"version":2}`, `{"version":3,"sources":["a.ts"],"mappings":"AAAA,!!!!"}`, `{"version":3,"sources":["a.ts"],"mappings":"ADAA"}`,
		`{"version":3,"sources":["a.ts"],"mappings":"ACAA"}`, `{"version":3,"sources":["a.ts"],"mappings":"AADA"}`, `{"version":3,"sources":["a.ts"],"mappings":"gggggggggggA"}`,
		`{"version":3,"sources":["a.ts"],"mappings":"AA"}`, `{"version":3,"sources":["a\u001b[2J.ts"],"mappings":"AAAA"}`, `{"version":3,"sources":"a.ts","mappings":"AAAA"}`,
	} {
		f("reading the source map", exitScript, func(c *bundle.Contents) { c.Map = []byte(text) })
	}
	// One that names a file of this machine does not have it read.
	f("thrown", exitFault, func(c *bundle.Contents) {
		c.Script, c.Map = append(c.Script, "//# sourceMappingURL=/etc/hostname"...), []byte(`{"version":3,"sources":["/etc/passwd"],"mappings":";;;AAAA","sections":[{"offset":{"line":-1,"column":-1}}]}`)
	})
}

func readsAtOnce(path string) []byte {
	return fmt.Appendf(nil, "(function (module, exports, require) { open(%q) })", path)
}

// Whoever interrupts while a bundle is unpacked finds nothing of it.
func TestUnpackingInterrupted(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := os.WriteFile(data, bytes.Repeat([]byte("data"), 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	c := bundle.Contents{
		Manifest: bundle.Manifest{Name: "x", Weir: version}, Script: []byte("(function () {})"), Map: []byte(`{"version":3,"sources":[],"names":[],"mappings":""}`),
		Data: []bundle.Data{{Name: "files/data", Path: data}},
	}
	if _, err := bundle.Write(t.Context(), &file, dir, c); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "x.weir")
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("WEIR_CACHE", filepath.Join(dir, "cache"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := findScenario(ctx, path, finding{})
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitInterrupted || !strings.Contains(err.Error(), "interrupted while") {
		t.Error(err)
	}
	_ = filepath.WalkDir(filepath.Join(dir, "cache"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			t.Errorf("%s is left, %v", path, err)
		}
		return nil
	})
}
