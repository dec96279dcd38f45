package script_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dop251/goja"
	"github.com/rogpeppe/go-internal/txtar"

	"weir/runtime/script"
)

var update = flag.Bool("update", false, "write what the scripts of testdata really print and fail with")

// TestScripts runs every archive of testdata: its files are written to a
// folder, main.ts (or the file that "script" names) is loaded, evaluated, and
// its default function called once. "console" is what that prints, "error"
// what it fails with; "args" and "env" are the flags and the environment, one
// a line, "params" a parameter file; files below builtin/ are weir's own scripts.
func TestScripts(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, archive := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".txtar"), func(t *testing.T) {
			path, err := filepath.Abs(archive)
			if err != nil {
				t.Fatal(err)
			}
			runArchive(t, path)
		})
	}
}

func runArchive(t *testing.T, path string) {
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	var console bytes.Buffer
	builtin := fstest.MapFS{}
	cfg := script.Config{Modules: map[string]script.Module{"weir": testModule{}, "weir/llm": testModule{}}, Builtin: builtin, Console: &console}
	name, want := "main.ts", map[string]string{}
	for _, file := range a.Files {
		text := string(file.Data)
		switch file.Name {
		case "console", "error", "help":
			want[file.Name] = text
		case "script":
			name = strings.TrimSpace(text)
		case "args":
			cfg.Args = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		case "env":
			vars := map[string]string{}
			for line := range strings.Lines(text) {
				k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				vars[k] = v
			}
			cfg.LookupEnv = func(k string) (string, bool) { v, ok := vars[k]; return v, ok }
		default:
			if own, found := strings.CutPrefix(file.Name, "builtin/"); found {
				builtin[own] = &fstest.MapFile{Data: file.Data, Mode: 0o444}
				continue
			}
			if strings.HasPrefix(file.Name, "params.") {
				cfg.ParamsFile = file.Name
			}
			if err := os.MkdirAll(filepath.Dir(file.Name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file.Name, file.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, wantHelp := want["help"]
	err = runScript(t, name, cfg, wantHelp, &console)
	got := map[string]string{"console": console.String()}
	if wantHelp {
		got = map[string]string{"help": console.String()}
	}
	if err != nil {
		got["error"] = strings.ReplaceAll(err.Error(), dir, "$DIR") + "\n"
	}
	for _, section := range []string{"console", "help", "error"} {
		if got[section] != want[section] && !*update {
			t.Errorf("%s:\ngot:\n%s\nwant:\n%s", section, got[section], want[section])
		}
	}
	if *update {
		updateArchive(t, path, a, got)
	}
}

func runScript(t *testing.T, name string, cfg script.Config, help bool, console *bytes.Buffer) error {
	s, err := script.Load(name, cfg)
	if err != nil {
		return err
	}
	if help {
		return s.Help(context.Background(), console, 60)
	}
	r, err := s.NewRuntime(t.Context(), 0)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.Wait(callExport(r, "default"), nil)
}

// callExport is a task that calls an exported function, if there is one.
func callExport(r *script.Runtime, name string) script.Task {
	return script.Task{Op: "iteration", Value: "the iteration", Run: func(*goja.Runtime) (goja.Value, error) {
		call, ok := goja.AssertFunction(r.Export(name))
		if !ok {
			return nil, nil
		}
		return call(goja.Undefined())
	}}
}

func updateArchive(t *testing.T, path string, a *txtar.Archive, got map[string]string) {
	var files []txtar.File
	for _, file := range a.Files {
		if file.Name != "console" && file.Name != "error" && file.Name != "help" {
			files = append(files, file)
		}
	}
	for _, section := range []string{"console", "help", "error"} {
		if got[section] != "" {
			files = append(files, txtar.File{Name: section, Data: []byte(got[section])})
		}
	}
	a.Files = files
	if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}
