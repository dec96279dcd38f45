package result_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/runtime/result"
)

// What is not a result of this weir is refused, and says why.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	f := func(text, want string) {
		t.Helper()
		path := filepath.Join(dir, result.FileName)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, given := range []string{dir, path} {
			run, err := result.Open(given)
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path)) {
				t.Errorf("%s: %v, want %q", text, err, want)
			}
			if err == nil && run.Dir != dir {
				t.Errorf("its folder is %s", run.Dir)
			}
		}
	}
	f(`{"schema": 1, "cases": []}`, "")
	f(`{"schema": 2}`, "its schema is 2, and this weir reads 1")
	f(`{}`, "its schema is 0")
	f(`{"schema": 1, "cases": [{}, null]}`, "case 2 is null")
	f(`{"schema": 1, "cases": {}}`, "it is no result of weir run")
	f(`{"schema": 1`, "it is no result of weir run: unexpected end of JSON input\n  hint: give the folder")

	if _, err := result.Open(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "no such file or directory\n  hint: give the folder") {
		t.Errorf("%v", err)
	}
	if _, err := result.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "there is no result.json in it") {
		t.Errorf("%v", err)
	}

	path := filepath.Join(dir, result.FileName)
	if err := os.WriteFile(path, []byte(`{"schema":1,"cases":[{"metrics":{"ttft":null,"itl":{}},"windows":{"all":null},"scenarios":{"a":null,"b":{"metrics":{"e2el":null}}}}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	run, err := result.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if c := run.Result.Cases[0]; len(c.Metrics) != 1 || len(c.Windows) != 0 || len(c.Scenarios) != 1 || len(c.Scenarios["b"].Metrics) != 0 {
		t.Errorf("%+v", c)
	}
}
