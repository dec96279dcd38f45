package result_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

func TestFolderNames(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, row := range []struct{ script, want string }{
		{"static", "results/static-20260304-050607"},
		{"static", "results/static-20260304-050607-2"},
		{"static", "results/static-20260304-050607-3"},
		{"a/b:c", "results/a-b-c-20260304-050607"},
		{"..", "results/run-20260304-050607"},
	} {
		f, err := result.CreateFolder("", row.script, resulttest.Began)
		if err != nil || f.Dir != filepath.FromSlash(row.want) {
			t.Errorf("%q: %+v, %v; want %s", row.script, f, err, row.want)
		}
	}
}

func TestCreateFolderErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("used/result.json", "{}")
	file := write("file", "")
	for out, want := range map[string]string{
		filepath.Join(dir, "used"): "already holds a result.json",
		file:                       "not writable",
		filepath.Join(file, "sub"): "not writable",
	} {
		_, err := result.CreateFolder(out, "x", resulttest.Began)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), out) || !strings.Contains(err.Error(), "--out") {
			t.Errorf("%s: error %v, want one with %q, the folder, and --out", out, err, want)
		}
	}
	if data, _ := os.ReadFile(filepath.Join(dir, "used/result.json")); string(data) != "{}" {
		t.Errorf("the old result is now %q", data)
	}

	if os.Geteuid() != 0 { // root may write everywhere
		locked := filepath.Join(dir, "locked")
		if err := os.Mkdir(locked, 0o555); err != nil {
			t.Fatal(err)
		}
		if _, err := result.CreateFolder(locked, "x", resulttest.Began); err == nil || !strings.Contains(err.Error(), "not writable") {
			t.Errorf("read-only folder: error %v", err)
		}
	}
}

// An existing folder without a result is fine, and the file in it is valid at
// every moment: before the first case and after each.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := result.CreateFolder(dir, "static", resulttest.Began)
	if err != nil {
		t.Fatal(err)
	}
	r := resulttest.Run()
	r.Ended = nil
	for n := range 3 {
		if n > 0 {
			r.Add(resulttest.LLMCase("case", 10, 5))
		}
		if err := f.Write(r); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Schema int
			Ended  *time.Time
			Cases  []struct{ Name string }
		}
		data, err := os.ReadFile(f.Path())
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &got); err != nil || got.Schema != 1 || got.Cases == nil || len(got.Cases) != n || got.Ended != nil {
			t.Errorf("after %d cases: %v, %+v", n, err, got)
		}
	}
	if err := f.KeepBundle([]byte("x")); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, result.BundleName)); err != nil || string(data) != "x" {
		t.Errorf("bundle: %q, %v", data, err)
	}
	for _, own := range []string{result.FileName, "./" + result.BundleName} {
		if err := f.Save(own, nil); err == nil || !strings.Contains(err.Error(), "that is the run's own") {
			t.Errorf("%s: error %v", own, err)
		}
	}
	if err := f.Save("../../x.js", nil); err == nil || !strings.Contains(err.Error(), "out of the folder") {
		t.Errorf("a name that leads out of the folder: error %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "bundle.weir notes.txt result.json" {
		t.Errorf("the folder holds %s, want nothing temporary", got)
	}
}

// When a file cannot be written, the last good one stays. (A full disk fails in
// the same place: where the temporary file is written.)
func TestFailedWriteKeepsTheOldFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	f, err := result.CreateFolder(dir, "x", resulttest.Began)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write(resulttest.Run()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	r := resulttest.Run(resulttest.LLMCase("x", 1, 1))
	r.Cases[0].Tags = map[string]any{"c": make(chan int), "bad": json.RawMessage("{")}
	if err := f.Write(r); err == nil {
		t.Error("a result that is no JSON was written")
	}
	if after, err := os.ReadFile(f.Path()); err != nil || string(after) != string(before) {
		t.Errorf("the file is now %q, %v; want what it was", after, err)
	}
	moved := dir + "-moved"
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(resulttest.Run()); err == nil || !strings.Contains(err.Error(), f.Path()) {
		t.Errorf("folder gone: error %v, want one that names the file", err)
	}
	if after, err := os.ReadFile(filepath.Join(moved, result.FileName)); err != nil || string(after) != string(before) {
		t.Errorf("the file is now %q, %v; want what it was", after, err)
	}
}

func TestReplaceFileFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	if err := result.ReplaceFile(link, []byte("new"), 0o640); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(target)
	if info, _ := os.Stat(target); err != nil || string(data) != "new" || info.Mode().Perm() != 0o640 {
		t.Errorf("the target holds %q, %v, mode %v", data, err, info.Mode())
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().IsRegular() {
		t.Errorf("the link has become a file: %v, %v", info, err)
	}
	if err := result.ReplaceFile(os.DevNull, []byte("gone"), 0o644); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s has become a file", os.DevNull)
	}
}
