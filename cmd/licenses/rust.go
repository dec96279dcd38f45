package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weir/runtime/licenses"
)

// cargoMetadata is what cargo metadata says, as far as it is used here.
type cargoMetadata struct {
	Packages []crate
	Resolve  struct {
		Root  string
		Nodes []struct {
			ID   string
			Deps []struct {
				Pkg      string
				DepKinds []struct{ Kind *string } `json:"dep_kinds"`
			}
		}
	}
}

type crate struct {
	ID, Name, Version, License string
	ManifestPath               string `json:"manifest_path"`
	Targets                    []struct{ Kind []string }
}

// rust adds the crates that are linked into libtokenizers, and Rust's own library.
func rust(l *licenses.List, dir string) error {
	if !exists(filepath.Join(dir, "Cargo.toml")) {
		return fmt.Errorf("there is no Cargo.toml in %s\n  hint: make libtokenizers", dir)
	}
	about, err := output(dir, "rustc", "-vV")
	if err != nil {
		return err
	}
	version, target := field(about, "release: "), os.Getenv("CARGO_BUILD_TARGET")
	if target == "" {
		target = field(about, "host: ")
	}
	sysroot, err := output(dir, "rustc", "--print", "sysroot")
	if err != nil {
		return err
	}
	own, err := dependency(l, "toolchain", "Rust standard library", version, nil)
	if err != nil {
		return err
	}
	own.License = "MIT OR Apache-2.0"
	for _, name := range []string{"MIT.txt", "Apache-2.0.txt"} {
		// Rust of a distribution keeps these elsewhere.
		if text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(sysroot)), "share/doc/rust/licenses", name)); err == nil {
			own.Texts = append(own.Texts, keep(l, string(text)))
		}
	}
	l.Dependencies = append(l.Dependencies, own)

	text, err := output(dir, "cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target)
	if err != nil {
		return err
	}
	var m cargoMetadata
	if err := json.Unmarshal(text, &m); err != nil {
		return fmt.Errorf("cargo metadata: %w", err)
	}
	for _, c := range m.linked() {
		d := licenses.Dependency{Kind: "rust", Name: c.Name, Version: c.Version, License: strings.ReplaceAll(c.License, "/", " OR ")}
		// A crate brings the licences of the C that it compiles in folders of its own.
		err := filepath.WalkDir(filepath.Dir(c.ManifestPath), func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.IsDir() {
				return err
			}
			texts, err := textsIn(path)
			for _, text := range texts {
				d.Texts = append(d.Texts, keep(l, text))
			}
			return err
		})
		if err != nil {
			return err
		}
		d.Texts = unique(d.Texts)
		l.Dependencies = append(l.Dependencies, d)
	}
	return nil
}

// linked are the crates that the root needs when it runs: no macros, nothing that is for
// building or testing alone.
func (m *cargoMetadata) linked() (all []crate) {
	seen := map[string]bool{m.Resolve.Root: true}
	for queue := []string{m.Resolve.Root}; len(queue) > 0; queue = queue[1:] {
		for _, node := range m.Resolve.Nodes {
			if node.ID != queue[0] {
				continue
			}
			for _, dep := range node.Deps {
				normal := slices.ContainsFunc(dep.DepKinds, func(k struct{ Kind *string }) bool { return k.Kind == nil })
				if normal && !seen[dep.Pkg] && !m.isMacro(dep.Pkg) {
					seen[dep.Pkg] = true
					queue = append(queue, dep.Pkg)
				}
			}
		}
	}
	for _, c := range m.Packages {
		if seen[c.ID] && c.ID != m.Resolve.Root {
			all = append(all, c)
		}
	}
	return all
}

func (m *cargoMetadata) isMacro(id string) bool {
	return slices.ContainsFunc(m.Packages, func(c crate) bool {
		return c.ID == id && slices.ContainsFunc(c.Targets, func(t struct{ Kind []string }) bool { return slices.Contains(t.Kind, "proc-macro") })
	})
}

// field is the rest of a line that starts with name.
func field(text []byte, name string) string {
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
