package bundle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/runtime/bundle"
)

// contents are a scenario's with a file of data, in a folder of its own.
func contents(t *testing.T, mode os.FileMode, modified time.Time) bundle.Contents {
	t.Helper()
	file := filepath.Join(t.TempDir(), "list.jsonl")
	if err := os.WriteFile(file, []byte(strings.Repeat("{\"prompt\": \"Why?\"}\n", 100)), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, modified, modified); err != nil {
		t.Fatal(err)
	}
	return bundle.Contents{
		Manifest: bundle.Manifest{
			Name: "sweep", Description: "Looks for the knee.", Weir: "1.2.3", Modules: []string{"weir", "weir/llm"},
			Libraries: map[string]string{"b": "v2", "a": "v1"},
			Params: []bundle.Param{
				{Name: "rates", Value: []any{1, 2.5}},
				{Name: "data", Value: "named/data/list.jsonl", Paths: []int{0}},
				{Name: "lists", Value: []any{"named/lists/0/a", "builtin"}, Paths: []int{0}},
			},
			Left: map[string]string{"key": "it is a secret"},
		},
		Script:  []byte(someScript),
		Map:     []byte(`{"version":3,"sources":["sweep.ts"],"names":[],"mappings":";AAAA"}`),
		Sources: map[string]string{"sweep.ts": "export {}", "../lib/x.ts": "//", "builtin:parts/y.ts": "//", "(disabled):z": ""},
		Data: []bundle.Data{
			{Name: "named/data/list.jsonl", Path: file},
			{Name: "files/list.jsonl", Path: file},
			{Name: "named/lists/0/a", Bytes: 7, SHA256: strings.Repeat("ab", 32)},
		},
	}
}

func write(t *testing.T, c bundle.Contents) ([]byte, *bundle.Written) {
	t.Helper()
	var b bytes.Buffer
	w, err := bundle.Write(t.Context(), &b, t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w
}

// The same input gives the same bytes, in other folders, at other times and with other
// modes of the files.
func TestWriteIsReproducible(t *testing.T) {
	one, first := write(t, contents(t, 0o600, time.Unix(1e9, 0)))
	time.Sleep(time.Millisecond)
	two, second := write(t, contents(t, 0o755, time.Now()))
	if !bytes.Equal(one, two) || first.Digest != second.Digest {
		t.Errorf("%s and %s", first.Digest, second.Digest)
	}
	other := contents(t, 0o600, time.Now())
	other.Manifest.Description += "!"
	if _, third := write(t, other); third.Digest == first.Digest {
		t.Error("another bundle has the same digest")
	}
}

// What was written is read again.
func TestWriteAndOpen(t *testing.T) {
	file, written := write(t, contents(t, 0o600, time.Now()))
	path := filepath.Join(t.TempDir(), "x.weir")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if digest, err := b.Digest(); err != nil || digest != written.Digest || written.Bytes != int64(len(file)) {
		t.Errorf("digest %s, %v; written %s of %d bytes, there are %d", digest, err, written.Digest, written.Bytes, len(file))
	}
	var paths []string
	for _, f := range b.Manifest.Files {
		paths = append(paths, fmt.Sprintf("%s %t", f.Path, f.Inside))
	}
	want := []string{
		"files/list.jsonl true", "named/data/list.jsonl true", "named/lists/0/a false", "script.js true", "script.js.map true",
		"source/_up/lib/x.ts true", "source/_weir/parts/y.ts true", "source/sweep.ts true",
	}
	if !slices.Equal(paths, want) {
		t.Errorf("files %q\nwant %q", paths, want)
	}
	if lacking := b.Manifest.Lacking(); len(lacking) != 1 || lacking[0].Path != "named/lists/0/a" {
		t.Errorf("lacking %v", lacking)
	}
	if text, err := b.Text(bundle.ScriptName); err != nil || string(text) != someScript {
		t.Errorf("script %q, %v", text, err)
	}
	if sources, err := b.Sources(); err != nil || sources["sweep.ts"] != "export {}" || len(sources) != 3 {
		t.Errorf("sources %v, %v", sources, err)
	}
	if _, err := b.Text("files/list.jsonl"); err == nil {
		t.Error("data is a text of the script")
	}
	dir := t.TempDir()
	var done int64
	if err := b.Unpack(t.Context(), dir, func(n int64) { done = n }); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"files/list.jsonl", "named/data/list.jsonl"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || len(data) != 1900 {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
	if done != 3800 {
		t.Errorf("%d bytes of data are unpacked", done)
	}
	values, named := b.Manifest.Values("/dir")
	if fmt.Sprint(values) != "map[data:/dir/named/data/list.jsonl lists:[/dir/named/lists/0/a builtin] rates:[1 2.5]]" ||
		fmt.Sprint(named) != "map[data:[/dir/named/data/list.jsonl] lists:[/dir/named/lists/0/a]]" {
		t.Errorf("values %v, named %v", values, named)
	}
}

// What could not be opened is not written.
func TestWriteRefuses(t *testing.T) {
	f := func(want string, change func(c *bundle.Contents)) {
		t.Helper()
		c := contents(t, 0o600, time.Now())
		change(&c)
		var b bytes.Buffer
		if _, err := bundle.Write(t.Context(), &b, t.TempDir(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	f(`"files/list.jsonl" cannot be in a bundle: some systems cannot tell its name`, func(c *bundle.Contents) {
		c.Data = append(c.Data, bundle.Data{Name: "files/LIST.jsonl", Path: c.Data[0].Path})
	})
	f(`"files/list.jsonl" cannot be in a bundle: it is there twice`, func(c *bundle.Contents) { c.Data = append(c.Data, c.Data[1]) })
	f(`backslash`, func(c *bundle.Contents) { c.Data[1].Name = `files/a\b` })
	f(`no such file`, func(c *bundle.Contents) { c.Data[1].Path += ".gone" })
	f(`no regular file`, func(c *bundle.Contents) { c.Data[1].Path = filepath.Dir(c.Data[1].Path) })
	f(`"rates": its value is none`, func(c *bundle.Contents) { c.Manifest.Params[0].Value = map[string]any{} })
	f(`name "a/b" is no name`, func(c *bundle.Contents) { c.Manifest.Name = "a/b" })

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	spool := t.TempDir()
	if _, err := bundle.Write(ctx, new(bytes.Buffer), spool, contents(t, 0o600, time.Now())); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupt: %v", err)
	}
	if left, _ := os.ReadDir(spool); len(left) > 0 {
		t.Errorf("%s is left", left[0].Name())
	}
}

// A place is a folder of its own, is removed with all that is in it, and those of processes
// that were killed are removed by the next one.
func TestPlaces(t *testing.T) {
	cache := t.TempDir()
	one, err := bundle.NewPlace(cache)
	if err != nil {
		t.Fatal(err)
	}
	two, err := bundle.NewPlace(cache)
	if err != nil {
		t.Fatal(err)
	}
	if one.Dir == two.Dir {
		t.Errorf("both are %s", one.Dir)
	}
	killed := filepath.Join(cache, "unpacked", "weir-killed")
	for _, err := range []error{os.MkdirAll(filepath.Join(killed, "files"), 0o755), os.WriteFile(killed+".lock", nil, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	three, err := bundle.NewPlace(cache)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(killed); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a killed process has left is there: %v", err)
	}
	for _, p := range []*bundle.Place{one, two, three} {
		if _, err := os.Stat(p.Dir); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(filepath.Join(p.Dir, "x"), nil, 0o600); err != nil {
			t.Error(err)
		}
		if err := p.Remove(); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(cache, "unpacked")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}

	// Where the cache cannot be written to, there is the folder for temporary files.
	file := filepath.Join(cache, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	p, err := bundle.NewPlace(file)
	if err != nil || filepath.Dir(p.Dir) != os.Getenv("TMPDIR") {
		t.Fatalf("%v, %v", p, err)
	}
	if err := p.Remove(); err != nil {
		t.Error(err)
	}
	t.Setenv("TMPDIR", file)
	if _, err := bundle.NewPlace(""); err == nil || !strings.Contains(err.Error(), "hint: WEIR_CACHE") {
		t.Error(err)
	}
}
