package docs_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"weir/docs/declarations"
	"weir/modules"
	"weir/scripts"
)

// TestModulePages holds that the pages of modules/ are what the declarations say:
// go test ./docs -run TestModulePages -update writes them anew.
func TestModulePages(t *testing.T) {
	update := flag.Lookup("update").Value.String() == "true"
	pages := declarations.Pages{}
	read := func(name, text string) {
		all, err := declarations.Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			pages[m.Name] = m
		}
	}
	paths, err := fs.Glob(modules.Types, "*/*.d.ts")
	if err != nil || len(paths) == 0 {
		t.Fatal("there are no declarations", err)
	}
	for _, path := range paths {
		text, err := fs.ReadFile(modules.Types, path)
		if err != nil {
			t.Fatal(err)
		}
		read(path, string(text))
	}
	libraries, err := scripts.LibraryTypes()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range libraries {
		read("lib/"+name, text)
	}

	want := map[string]string{"README.md": pages.Index()}
	for name := range pages {
		want[declarations.File(name)] = pages.Page(name)
	}
	there, err := filepath.Glob("modules/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if _, needed := want[filepath.Base(path)]; needed {
			continue
		}
		if update {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		t.Errorf("%s: there is no such module; %s removes it", path, again)
	}
	for name, text := range want {
		path := filepath.Join("modules", name)
		if update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if at, err := os.ReadFile(path); err != nil || string(at) != text {
			t.Errorf("%s is not what the declarations say (%v); %s writes it", path, err, again)
		}
	}
}

const again = "go test ./docs -run TestModulePages -update"
