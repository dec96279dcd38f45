package scripts_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/dop251/goja"

	"weir/modules/core"
	"weir/modules/output"
	"weir/runtime/script"
	"weir/scripts"
)

// The libraries run in weir's own runtime, without any load: each export of these
// files of testdata is a test.
func TestLibraries(t *testing.T) {
	for file, names := range map[string][]string{
		"slo":       {"intervals", "verdicts", "searches", "noisySearches"},
		"libraries": {"statistics", "confidence", "ramps", "texts", "ascend", "capacities"},
	} {
		t.Run(file, func(t *testing.T) { callAll(t, filepath.Join("testdata", file+".ts"), names) })
	}
}

func callAll(t *testing.T, path string, names []string) {
	s, err := script.Load(path, script.Config{
		Modules:   map[string]script.Module{"weir": core.New(), output.Path: new(output.Module)},
		Builtin:   scripts.Files,
		LookupEnv: func(string) (string, bool) { return "", false },
		Console:   t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := s.NewRuntime(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			err := rt.Wait(script.Task{Op: name, Run: func(*goja.Runtime) (goja.Value, error) {
				f, ok := goja.AssertFunction(rt.Export(name))
				if !ok {
					t.Fatal("there is no such export")
				}
				return f(goja.Undefined())
			}}, nil)
			if err != nil {
				t.Error(err)
			}
		})
	}
}
