package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Files are described by their content, as far as there is time; a folder by its files.
func TestDescribeFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f := func(ctx context.Context, path string, n int, bytes int64, hash, note string) {
		t.Helper()
		all := describeFiles(ctx, "dataset", path)
		if len(all) != n {
			t.Errorf("%s: %d files, want %d", path, len(all), n)
			return
		}
		last := all[n-1]
		if last.Kind != "dataset" || last.Bytes != bytes || !strings.HasPrefix(last.SHA256, hash) || (last.SHA256 == "") != (hash == "") || !strings.Contains(last.Note, note) || (last.Note == "") != (note == "") {
			t.Errorf("%s: %+v", path, last)
		}
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()

	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	one := write("one", []byte("abc"))
	f(t.Context(), one, 1, 3, abc, "")
	f(late, one, 1, 3, abc, "") // what is small takes no time
	f(late, write("long", make([]byte, 9<<20)), 1, 9<<20, "", "no time left")
	f(t.Context(), filepath.Join(dir, "none"), 1, 0, "", "no such file")

	write("folder/a/1", []byte("x"))
	write("folder/b/2", []byte("abc"))
	f(t.Context(), filepath.Join(dir, "folder"), 2, 3, abc, "")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "folder"), link); err != nil {
		t.Fatal(err)
	}
	f(t.Context(), link, 2, 3, abc, "")
	for i := range maxInFolder + 1 {
		write(fmt.Sprintf("many/%04d", i), []byte("abc"))
	}
	f(t.Context(), filepath.Join(dir, "many"), maxInFolder, 3, abc, "there are more files")

	large := write("large", nil)
	if err := os.Truncate(large, maxHashed+1); err != nil {
		t.Fatal(err)
	}
	f(t.Context(), large, 1, maxHashed+1, "", "more than 1 GiB")
}
