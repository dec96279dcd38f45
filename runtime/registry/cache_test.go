package registry_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/runtime/registry"
)

func TestEntries(t *testing.T) {
	s, c := serve(t), newClient(t, nil)
	if all, err := c.Cache.Entries(); err != nil || all != nil {
		t.Fatalf("a new one has %v, %v", all, err)
	}
	one := push(t, c, artifact(t, "one"), s.ref(t, "team/chat:v1"), "latest")
	pull(t, c, s.ref(t, "team/chat:v1"))
	pull(t, c, s.ref(t, "team/chat:latest"))
	two := push(t, c, artifact(t, "two"), s.ref(t, "team/chat:latest"))
	pull(t, c, s.ref(t, "team/chat:latest"))

	all, err := c.Cache.Entries()
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	tags := map[string][]string{}
	for _, e := range all {
		tags[e.Reference] = e.Tags
		if e.Title != "chat" || e.Description != "Chats." || e.Size != 3 || time.Since(e.Fetched) > time.Hour || time.Since(e.Used) > time.Hour {
			t.Errorf("%+v", e)
		}
	}
	if !slices.Equal(tags[one.Pinned.String()], []string{"v1"}) || !slices.Equal(tags[two.Pinned.String()], []string{"latest"}) {
		t.Errorf("tags %v", tags)
	}
	// What cannot be read is left out.
	for _, name := range []string{"entries/torn.json", "tags/torn.json"} {
		if err := os.WriteFile(filepath.Join(c.Cache.Dir(), name), []byte("{"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := c.Cache.Entries(); err != nil || len(all) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
}

func blobs(t *testing.T, c *registry.Cache) (sizes []int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.Dir(), "blobs/sha256/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, info.Size())
	}
	return sizes
}

func TestRemove(t *testing.T) {
	s, c := serve(t), newClient(t, nil)
	pinned := map[string]string{}
	fill := func() {
		for _, name := range []string{"a", "b", "c"} {
			// a and b have the same bundle.
			pinned[name] = push(t, c, artifact(t, strings.ReplaceAll(name, "b", "a")), s.ref(t, "team/"+name+":v1")).Pinned.String()
			pull(t, c, s.ref(t, "team/"+name+":v1"))
		}
	}
	fill()
	host := "oci://" + s.host()
	f := func(name string, entries, left int) {
		t.Helper()
		freed, err := c.Cache.Remove(name)
		if err != nil || len(freed.Entries) != entries || freed.Bytes == 0 {
			t.Errorf("%s: %+v, %v", name, freed, err)
		}
		if all, err := c.Cache.Entries(); err != nil || len(all) != left {
			t.Errorf("%s: left are %+v, %v", name, all, err)
		}
	}
	f(host+"/team/c:v1", 1, 2)
	if n := len(blobs(t, c.Cache)); n != 2 { // one manifest, since equal bundles have equal ones, and one bundle
		t.Errorf("%d blobs are left", n)
	}
	fill()
	if freed, err := c.Cache.Remove(pinned["a"]); err != nil || len(freed.Entries) != 1 || freed.Bytes != 0 {
		t.Errorf("what another entry needs: %+v, %v", freed, err)
	}
	pull(t, c, reference(t, pinned["b"]))
	f(digestOf("c")[:20], 1, 1)
	f(digestOf("a"), 1, 0)
	if left := blobs(t, c.Cache); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
	fill()
	_, err := c.Cache.Remove(host+"/team/a:v1", host+"/team/a:v2")
	refused(t, err, "/team/a:v2 from the cache: it is not in there", "did you mean "+host+"/team/a:v1?")
	_, err = c.Cache.Remove("nothing")
	refused(t, err, "weir list")
	if all, _ := c.Cache.Entries(); len(all) != 3 {
		t.Errorf("a wrong name removed something: %+v", all)
	}
}

func TestPrune(t *testing.T) {
	s, c := serve(t), newClient(t, nil)
	old := push(t, c, artifact(t, "old"), s.ref(t, "a:old")).Pinned
	used := push(t, c, artifact(t, "used"), s.ref(t, "a:used")).Pinned
	pull(t, c, old)
	pull(t, c, used)
	aged := time.Now().Add(-48 * time.Hour)
	for _, folder := range []string{"entries", "blobs/sha256"} {
		files, err := filepath.Glob(filepath.Join(c.Cache.Dir(), folder, "*"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, name := range files {
			if err := os.Chtimes(name, aged, aged); err != nil {
				t.Fatal(err)
			}
		}
	}
	left := filepath.Join(c.Cache.Dir(), "blobs", "sha256", ".of a process that was killed")
	if err := os.WriteFile(left, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	pull(t, c, used)
	freed, err := c.Cache.Prune(time.Now().Add(-24 * time.Hour))
	if err != nil || len(freed.Entries) != 1 || freed.Entries[0].Reference != old.String() || freed.Bytes == 0 {
		t.Errorf("%+v, %v", freed, err)
	}
	if _, err := os.Stat(left); err != nil {
		t.Errorf("what may still be written was removed: %v", err)
	}
	if err := os.Chtimes(left, aged, aged); err != nil {
		t.Fatal(err)
	}
	if freed, err := c.Cache.Prune(time.Now().Add(-24 * time.Hour)); err != nil || len(freed.Entries) != 0 || freed.Bytes != 4 {
		t.Errorf("%+v, %v", freed, err)
	}
	s.Close()
	if got := pull(t, c, used); read(t, got.File) != "used" {
		t.Errorf("%+v", got)
	}
}

func TestDamagedCache(t *testing.T) {
	var said []string
	s, c := serve(t), newClient(t, &said)
	pinned := push(t, c, artifact(t, "the bundle"), s.ref(t, "a:v1")).Pinned
	f := func(damage func(path string) error, lines int) {
		t.Helper()
		for _, size := range []int{0, 1} { // the bundle, and the manifest
			said = nil
			got := pull(t, c, pinned)
			path := got.File
			if size == 1 {
				path = filepath.Join(filepath.Dir(path), strings.TrimPrefix(pinned.Digest, "sha256:"))
			}
			if err := os.Chmod(path, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			got = pull(t, c, pinned)
			if got.Cached && size == 0 || read(t, got.File) != "the bundle" || len(said) != lines {
				t.Errorf("%+v, said %q", got, said)
			}
		}
	}
	f(func(path string) error { return os.WriteFile(path, []byte("the bandle"), 0o644) }, 1)
	f(func(path string) error { return os.Truncate(path, 3) }, 1)
	f(os.Remove, 0)
}

// A cache that cannot be written to is none, for once.
func TestUnwritableCache(t *testing.T) {
	s := serve(t)
	t.Setenv("TMPDIR", t.TempDir())
	pinned := push(t, newClient(t, nil), artifact(t, "the bundle"), s.ref(t, "a:v1")).Pinned
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	var said []string
	c := newClient(t, nil)
	c.Cache = registry.OpenCache(filepath.Join(file, "cache"), func(line string) { said = append(said, line) })
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			got, err := c.Pull(t.Context(), pinned)
			if err != nil {
				t.Error(err)
			} else if text, err := os.ReadFile(got.File); err != nil || string(text) != "the bundle" {
				t.Errorf("%+v: %q, %v", got, text, err)
			}
		})
	}
	all.Wait()
	if len(said) != 1 || !strings.Contains(said[0], "is not kept") || !strings.Contains(said[0], "WEIR_CACHE") {
		t.Errorf("said %q", said)
	}
	if err := c.Cache.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestCacheDir(t *testing.T) {
	f := func(cache, user, want string) {
		t.Helper()
		t.Setenv("WEIR_CACHE", cache)
		t.Setenv("XDG_CACHE_HOME", user)
		t.Setenv("HOME", "")
		dir, err := registry.CacheDir()
		if got := fmt.Sprint(dir, err); got != want {
			t.Errorf("%s", got)
		}
	}
	f("/a/b", "/c", "/a/b<nil>")
	f("", "/c", "/c/weir<nil>")
	t.Setenv("WEIR_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", "")
	_, err := registry.CacheDir()
	refused(t, err, "WEIR_CACHE")
}
