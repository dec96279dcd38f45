//go:build !race

// What is built here has no race detector in it, so once is enough.

package cmd

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/runtime/licenses"
	"weir/runtime/result"
)

// build runs weir build in a folder, with a folder for temporary files of its own, and
// gives what it said and its exit code. Nothing is downloaded.
func build(t *testing.T, dir string, args ...string) (said string, code int) {
	t.Helper()
	cmd := buildCommandIn(t, dir, args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func buildCommandIn(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	source, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("weir", append([]string{"build"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=vendor -modfile=none.mod", "TMPDIR="+t.TempDir(), sourceVariable+"="+source)
	return cmd
}

// left are the temporary files that a build has not removed.
func left(t *testing.T, cmd *exec.Cmd) []string {
	t.Helper()
	for _, v := range cmd.Env {
		if dir, ok := strings.CutPrefix(v, "TMPDIR="); ok {
			found, _ := filepath.Glob(filepath.Join(dir, "*"))
			return found
		}
	}
	t.Fatal("no TMPDIR")
	return nil
}

// module writes an extension that registers a path.
func module(t *testing.T, name, code string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.Base(name))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"go.mod": "module " + name + "\n\ngo 1.26\n", "module.go": code} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// registers is an extension without exports.
const registers = `package module

import "weir/runtime/script"

type module struct{}

func (module) Exports(*script.Runtime) (map[string]any, error) { return map[string]any{"one": 1}, nil }

func init() { script.Register(%q, func() script.Module { return module{} }) }
`

// documented writes the extension of docs/extensions.md, and the script beside it.
func documented(t *testing.T) (dir, script string) {
	t.Helper()
	page, err := os.ReadFile("../docs/extensions.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(page, -1)
	code := regexp.MustCompile("(?s)```ts fragment\n(.*?)```").FindSubmatch(page)
	if len(blocks) != 2 || code == nil {
		t.Fatalf("docs/extensions.md has %d files of Go", len(blocks))
	}
	dir = module(t, "example.com/weir-ping", string(blocks[0][1]))
	script = filepath.Join(dir, "ping.ts")
	for file, text := range map[string][]byte{filepath.Join(dir, "send.go"): blocks[1][1], script: code[1]} {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, script
}

// serveModule makes a module proxy of a folder that has one version of a module: one that no
// other content has, since Go keeps what it has fetched.
func serveModule(t *testing.T, name, dir string) (proxy, version string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	files := map[string][]byte{}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = text
		fmt.Fprintf(sum, "%s\n%s\n", filepath.Base(path), text)
	}
	version = fmt.Sprintf("v0.0.0-20260101000000-%.12x", sum.Sum(nil))
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for _, base := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name + "@" + version + "/" + base)
		if err == nil {
			_, err = w.Write(files[base])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	proxy = t.TempDir()
	at := filepath.Join(proxy, name, "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	info := fmt.Appendf(nil, `{"Version": %q, "Time": "2026-01-01T00:00:00Z"}`, version)
	for ending, text := range map[string][]byte{".info": info, ".mod": files["go.mod"], ".zip": packed.Bytes()} {
		if err := os.WriteFile(filepath.Join(at, version+ending), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return proxy, version
}

// The example is built, beside that of the documentation, which is fetched, and they do
// what they say.
func TestBuild(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	example, err := filepath.Abs("../examples/extension")
	if err != nil {
		t.Fatal(err)
	}
	ping, pings := documented(t)
	proxy, pinged := serveModule(t, "example.com/weir-ping", ping)
	cmd := buildCommandIn(t, dir, "--with", example, "--with", "example.com/weir-ping@"+pinged, "--trimpath=false")
	cmd.Env = append(cmd.Env, "GOPROXY=file://"+proxy+",off", "GONOSUMDB=example.com")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "with weir/x/prefix of example.com/weir-prefix in "+example) {
		t.Fatalf("%v\n%s", err, out)
	}
	if folders := left(t, cmd); len(folders) > 0 {
		t.Errorf("left behind: %v", folders)
	}

	weir := filepath.Join(dir, "weir")
	text, err := exec.Command(weir, "version", "--json", "--licenses=full").Output()
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Version    string
		Extensions []compiledIn
		Complete   bool `json:"licenses_complete"`
		Licenses   []licenses.Dependency
		Texts      map[string]string
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if v.Version == "" || len(v.Extensions) != 2 || v.Extensions[0].String() != "weir/x/ping of example.com/weir-ping@"+pinged || v.Extensions[1].Folder != example {
		t.Errorf("version %q, extensions %+v", v.Version, v.Extensions)
	}
	listed := map[string]licenses.Dependency{}
	for _, d := range v.Licenses {
		listed[d.Name] = d
	}
	cobra, crate := listed["github.com/spf13/cobra"], listed["tokenizers"]
	if !v.Complete || cobra.License != "Apache-2.0" || cobra.Version == "" || crate.Kind != "rust" || crate.License != "Apache-2.0" {
		t.Errorf("complete: %v, cobra: %+v, tokenizers: %+v", v.Complete, cobra, crate)
	}
	if len(cobra.Texts) != 1 || !strings.Contains(v.Texts[cobra.Texts[0]], "Apache License") {
		t.Errorf("texts of cobra: %v", cobra.Texts)
	}
	if _, there := listed["example.com/weir-ping"]; !there {
		t.Error("the extension is not listed")
	}

	run := exec.Command(weir, "run", filepath.Join(example, "scenario.ts"), "--sim", "--sim-ttft", "1ms", "--sim-itl", "200us", "--out", "out", "--trace", "trace.jsonl")
	run.Dir = dir
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if trace, err := os.ReadFile(filepath.Join(dir, "trace.jsonl")); err != nil || bytes.Count(trace, []byte("\n")) != 4 {
		t.Errorf("trace: %v\n%s", err, trace)
	}
	var r result.Result
	if text, err = os.ReadFile(filepath.Join(dir, "out", result.FileName)); err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil || len(r.Weir.Extensions) != 2 || r.Weir.Extensions[1] != "weir/x/prefix of example.com/weir-prefix in "+example {
		t.Errorf("result: %v, extensions %q", err, r.Weir.Extensions)
	}
	run = exec.Command(weir, "run", pings, "--sim", "--out", "pings")
	run.Dir = dir
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "http_req_duration") {
		t.Errorf("%v\n%s", err, out)
	}
	types := exec.Command(weir, "types", "types")
	types.Dir = dir
	if out, err := types.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := false
	files, _ := filepath.Glob(filepath.Join(dir, "types", "*.d.ts"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		found = found || err == nil && bytes.Contains(text, []byte(`declare module "weir/x/prefix"`))
	}
	if !found {
		t.Errorf("weir types does not write the declarations of the extension: %v", files)
	}
}

// The example's own tests, as its author runs them.
func TestExampleExtension(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../examples/extension/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile("../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	// go writes what it finds out into these copies.
	mod = bytes.ReplaceAll(mod, []byte("weir => ../.."), []byte("weir => "+source))
	for name, text := range map[string][]byte{"go.mod": mod, "go.sum": sums} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", "-mod=mod", "-modfile="+filepath.Join(dir, "go.mod"), "./...")
	cmd.Dir = filepath.Join(source, "examples", "extension")
	cmd.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestBuildFaults(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	good := module(t, "example.com/good", fmt.Sprintf(registers, "weir/x/good"))
	f := func(code int, want string, args ...string) {
		t.Helper()
		said, got := build(t, dir, args...)
		if got != code || !strings.Contains(said, want) {
			t.Errorf("weir build %s: exit code %d, want %d with %q:\n%s", strings.Join(args, " "), got, code, want, said)
		}
	}
	f(104, "nothing is to be added\n  hint: weir build --with MODULE")
	f(104, "weir build takes no argument \"example.com/a\"\n  hint: --with example.com/a", "example.com/a")
	f(104, "--with redis: that is no path of a Go module\n  hint: write example.com/name", "--with", "redis")
	f(104, "or ./bin if the folder is meant", "--with", "bin")
	f(104, "--with example.com/a@: there is no version", "--with", "example.com/a@")
	f(104, "that is no path of a Go module", "--with", "example.com/a\"\nimport _ \"os")
	f(104, "./bin has no go.mod", "--with", "./bin")
	f(104, "the module in "+good+" is example.com/good", "--with", "example.com/bad="+good)
	f(104, "example.com/a is added already, from example.com/a@v1\n  hint: one weir has one version of it", "--with", "example.com/a@v1", "--with", "example.com/a@v2")
	f(104, "example.com/good is added already, from "+good, "--with", good, "--with", "example.com/good="+good)
	f(104, "--replace x: that is not OLD=NEW", "--with", good, "--replace", "x")
	f(104, "bin has no version", "--with", good, "--replace", "example.com/a=bin")
	f(104, "--output bin: it is there, and no file\n  hint: name the file in it: bin/weir", "--with", good, "-o", "bin")
	f(104, "--source: bin is not weir's source", "--with", good, "--source", "bin")
	f(1, "fetching example.com/none@v1.0.0:", "--with", "example.com/none@v1.0.0")
	f(1, "compiling: # example.com/wrong\n", "--with", module(t, "example.com/wrong", "package wrong\n\nfunc init() { undefined() }\n"))

	// Without source, Go, or a compiler.
	t.Run("missing", func(t *testing.T) {
		g := func(want string, env ...string) {
			t.Helper()
			cmd := buildCommandIn(t, dir, "--with", good)
			cmd.Env = append(cmd.Env, env...)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), want) {
				t.Errorf("%v: %v, want %q:\n%s", env, err, want, out)
			}
		}
		g("weir's source is needed, and this folder is in none\n  hint: check weir out", sourceVariable+"=")
		g("go is not on PATH", "PATH="+filepath.Join(dir, "bin"))
		g("no-such-cc, a C compiler, which links weir, is missing\n  hint: install gcc", "CC=no-such-cc")
		g("CGO_ENABLED is 0", "CGO_ENABLED=0")
		g("those of linux/riscv64, and what weir links is built for", "GOOS=linux", "GOARCH=riscv64")
	})
}

// Ctrl-C ends a build, and nothing is left of it.
func TestBuildInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := buildCommandIn(t, dir, "--with", module(t, "example.com/slow", fmt.Sprintf(registers, "weir/x/slow")))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	for len(left(t, cmd)) == 0 && late.Stop() {
		late.Reset(patience)
		time.Sleep(2 * time.Millisecond)
	}
	cmd.Process.Signal(syscall.SIGINT)
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != exitInterrupted || !strings.Contains(said.String(), "interrupted; nothing was built") {
		t.Errorf("exit code %d, want %d:\n%s", got, exitInterrupted, said.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "weir")); err == nil || len(left(t, cmd)) > 0 {
		t.Errorf("left behind: %v", left(t, cmd))
	}
}
