package scripts_test

import (
	"context"
	"testing"

	"github.com/dop251/goja"

	"weir/modules/core"
	"weir/runtime/script"
	"weir/scripts"
)

// What the scenarios share runs in weir's own runtime, without any load: each
// export of testdata/search.ts is a test.
func TestLib(t *testing.T) {
	s, err := script.Load("testdata/search.ts", script.Config{
		Modules:   map[string]script.Module{"weir": core.New()},
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
	for _, name := range []string{"intervals", "verdicts", "searches", "noisySearches"} {
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
