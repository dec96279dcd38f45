package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"weir/runtime/licenses"
)

// goPackage is what go list says of a package.
type goPackage struct {
	Dir      string
	Standard bool
	Module   *goModule
}

type goModule struct {
	Path, Version, Dir string
	Main               bool
	Replace            *goModule
}

// stated are licences that a text leaves to choose from, which no look at the texts shows.
var stated = map[string]string{
	"github.com/golang/freetype": "FTL OR GPL-2.0-or-later",
}

// golang adds the modules of the packages that are linked, and Go's own library.
func golang(l *licenses.List, dir, pkg string) error {
	target, err := output(dir, "go", "env", "GOOS", "GOARCH", "GOROOT", "GOVERSION")
	if err != nil {
		return err
	}
	env := strings.Split(strings.TrimSpace(string(target)), "\n")
	if len(env) != 4 {
		return fmt.Errorf("go env: %q", target)
	}
	l.Target = env[0] + "/" + env[1]
	own, err := dependency(l, "toolchain", "Go standard library", env[3], []string{env[2]})
	if err != nil {
		return err
	}
	l.Dependencies = append(l.Dependencies, own)

	packages, err := output(dir, "go", "list", "-deps", "-json=Dir,Standard,Module", pkg)
	if err != nil {
		return err
	}
	folders := map[goModule]map[string]bool{} // where the licences of a module may be
	for d := json.NewDecoder(bytes.NewReader(packages)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		if p.Standard || p.Module == nil || p.Module.Main || p.Module.Path == "weir" {
			continue
		}
		m := *p.Module
		if r := m.Replace; r != nil {
			m.Version, m.Dir, m.Replace = r.Version, r.Dir, nil
		}
		if folders[m] == nil {
			folders[m] = map[string]bool{}
		}
		for at := p.Dir; strings.HasPrefix(at, m.Dir); at = filepath.Dir(at) {
			folders[m][at] = true
		}
	}
	for m, in := range folders {
		d, err := dependency(l, "go", m.Path, m.Version, slices.Sorted(maps.Keys(in)))
		if err != nil {
			return err
		}
		l.Dependencies = append(l.Dependencies, d)
	}
	return nil
}

// dependency is one whose licence is told by the texts in its folders.
func dependency(l *licenses.List, kind, name, version string, folders []string) (licenses.Dependency, error) {
	d := licenses.Dependency{Kind: kind, Name: name, Version: version}
	var ids []string
	for _, folder := range folders {
		texts, err := textsIn(folder)
		if err != nil {
			return d, err
		}
		for _, text := range texts {
			d.Texts = append(d.Texts, keep(l, text))
			ids = append(ids, identify(text)...)
		}
	}
	d.Texts = unique(d.Texts)
	d.License = cmp.Or(stated[name], strings.Join(unique(ids), " AND "))
	return d, nil
}

// unique sorts, and leaves each once.
func unique(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}

// output runs a program in a folder and gives what it prints.
func output(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("%s is not on PATH: the list of licences is read with it", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

// exists tells whether there is a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
