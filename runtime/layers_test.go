package runtime

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers are the packages inside runtime, from top to bottom: each may import
// those below it.
var layers = []string{"script", "load", "publish", "registry", "bundle", "report", "compare", "convention", "export", "chart", "terminal", "telemetry", "doctor", "profiling", "device", "serving", "prom", "reach", "sign", "transport", "machine", "health", "metrics", "result", "sim", "pacer", "wire", "access", "licenses", "suggest", "race"}

// Dependencies point one way: cmd → modules → runtime. runtime never imports
// modules, modules do not import each other, and inside runtime the arrows
// follow the layers.
func TestDependenciesPointOneWay(t *testing.T) {
	checked := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../")
		for _, i := range file.Imports {
			to, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if to, ours := strings.CutPrefix(to, "weir/"); ours {
				checked++
				if why := forbidden(from, to); why != "" {
					t.Errorf("%s imports %s: %s", path, to, why)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 50 {
		t.Errorf("only %d imports were looked at", checked)
	}
}

// forbidden says why a package may not import another; "" when it may.
func forbidden(from, to string) string {
	part := func(path string, n int) string {
		if parts := strings.Split(path, "/"); len(parts) > n {
			return parts[n]
		}
		return ""
	}
	switch part(from, 0) {
	case "runtime":
		if part(to, 0) != "runtime" {
			return "runtime only imports runtime"
		}
		if part(to, 0) == "modules" || part(to, 0) == "cmd" {
			return "runtime is below modules and cmd"
		}
		if from == "runtime" {
			return ""
		}
		above, below := slices.Index(layers, part(from, 1)), slices.Index(layers, part(to, 1))
		if above < 0 || below < 0 {
			return "a package that is in no layer"
		}
		if below < above {
			return "the arrows go down from " + strings.Join(layers, " to ")
		}
	case "modules":
		if part(to, 0) == "cmd" {
			return "modules are below cmd"
		}
		if part(to, 0) == "modules" && part(to, 1) != part(from, 1) {
			return "modules do not import each other"
		}
	case "scripts":
		return "scripts are plain files"
	}
	return ""
}

func TestForbidden(t *testing.T) {
	f := func(from, to string, allowed bool) {
		t.Helper()
		if why := forbidden(from, to); (why == "") != allowed {
			t.Errorf("%s → %s: %q", from, to, why)
		}
	}
	f("cmd", "modules/llm", true)
	f("modules/llm", "runtime/transport", true)
	f("runtime/transport", "runtime/metrics", true)
	f("runtime", "runtime/script", true)
	f("modules/llm", "modules/http", false)
	f("modules/llm", "cmd", false)
	f("runtime/metrics", "runtime/transport", false)
	f("runtime/script", "modules/core", false)
	f("runtime", "modules/core", false)
	f("runtime/new", "runtime/sim", false)
}
