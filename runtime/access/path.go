package access

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Read gives the absolute path of a file or folder that the script wants to read, or an
// error that says why it may not and what to do, or that what the run names with a flag is
// not there. The files of a folder that are read then are told to Found.
func (a *Access) Read(path string) (string, error) {
	if a == nil {
		return filepath.Abs(path)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	abs, from := a.locate(path)
	if dry := a.dryCopy(abs); dry != "" {
		return dry, nil
	}
	if from.path == "" {
		if path != abs {
			path += " (" + abs + ")"
		}
		return "", &Refused{Message: fmt.Sprintf("the script may not read %s: %s", path, a.outside(abs)), Hint: "name it as the value of one of the script's parameters, or allow it with --allow-read " + abs}
	}
	if flag := a.flags[from.param]; flag != "" && abs == from.path {
		if _, err := os.Stat(abs); errors.Is(err, fs.ErrNotExist) {
			return "", &Missing{Flag: flag, Path: abs}
		}
	}
	a.touch(path, abs, from)
	return abs, nil
}

// As is what Read or Write has given for a path, as it may be shown: the path itself, where
// it starts at the working directory.
func As(path, abs string) string {
	if here, err := filepath.Abs(path); err == nil && here == abs {
		return path
	}
	return abs
}

// Found notes a file that a module has found by itself in what Read has given: in a
// folder, or because a file names it or needs it. All paths are absolute. What stands
// beside a file that the run names may be read with it, such as tokenizer_config.json. The
// error is that of a path, or of a link, that leads to where the script may not read.
func (a *Access) Found(in, abs string) error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dryCopy(abs) != "" {
		return nil
	}
	_, from := a.locate(abs)
	if from.path == "" {
		of, ok := holding(in, a.named, a.reads)
		beside := newRoot(of.param, filepath.Dir(of.path))
		if !ok || !beside.holds(abs, resolve(abs)) {
			return &Refused{Message: fmt.Sprintf("the script may not read %s, which %s leads to: %s", abs, in, a.outside(abs)), Hint: "allow it with --allow-read " + abs}
		}
		from = of
	}
	a.touch(abs, abs, from)
	return nil
}

// mostFiles bounds what a limited script writes.
const mostFiles = 10_000

// Write is Read for what is to be written. A relative path that the run does not name
// starts at the folder of the result, the only one that is written to without being named.
func (a *Access) Write(path string) (string, error) {
	if a == nil {
		return filepath.Abs(path)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	abs, ok := a.target(path)
	refuse := func(why, hint string) (string, error) {
		return "", &Refused{Message: fmt.Sprintf("the script may not write %s: %s", path, why), Hint: hint}
	}
	real := resolve(abs)
	switch {
	case !ok:
		return refuse("it is neither in the folder of the result nor named by the run", "give its name as the value of one of the script's parameters, or allow it with --allow-write "+abs)
	case a.script != "" && real == a.script && !a.rules.Trusted:
		return refuse("that is the script itself", "choose another name")
	case a.out.path != "" && within(real, a.out.real) && !a.made[abs] && !a.rules.Trusted && isFile(real):
		return refuse("the run has made that file itself", "choose another name")
	}
	if a.rules.Limited && len(a.made) >= mostFiles && !a.made[abs] {
		return refuse(fmt.Sprintf("it has written %d files already, as many as a scenario may that came from elsewhere", mostFiles), "")
	}
	if !a.made[abs] {
		a.written = append(a.written, path)
	}
	a.made[abs] = true
	if a.rules.Dry {
		return a.dryTarget(abs)
	}
	return abs, nil
}

// target is where a path that is to be written leads, and whether it may be. mu is held.
func (a *Access) target(path string) (abs string, ok bool) {
	if named := a.asNamed(path); named != "" {
		abs = named
	} else if a.rules.Trusted {
		abs = absolute(a.dir.path, path)
	} else {
		out := a.out.path
		if out == "" {
			out = a.dir.path // nothing is there yet, and a dry run has no result
			ok = a.rules.Dry && filepath.IsLocal(path)
		}
		abs = absolute(out, path)
	}
	if ok || a.rules.Trusted {
		return abs, true
	}
	_, ok = holding(abs, []root{a.out}, a.writes, a.named)
	return abs, ok
}

// locate is where a path leads that is to be read, and what allows it: an empty root when
// nothing does. mu is held.
func (a *Access) locate(path string) (abs string, from root) {
	abs = absolute(a.dir.path, path)
	if named := a.asNamed(path); named != "" && (exists(named) || !exists(abs)) {
		abs = named
	}
	if from, ok := holding(abs, a.named, []root{a.dir, a.out}, a.reads, a.writes); ok || !a.rules.Trusted {
		return abs, from
	}
	return abs, root{said: abs, path: abs}
}

// holding is the first root of the lists that a path is in.
func holding(abs string, lists ...[]root) (root, bool) {
	real := resolve(abs)
	for _, list := range lists {
		for _, r := range list {
			if r.holds(abs, real) {
				return r, true
			}
		}
	}
	return root{}, false
}

// asNamed is the absolute path of what the run has named, or of what is below it; "" when
// it has named nothing of the kind. mu is held.
func (a *Access) asNamed(path string) string {
	if filepath.IsAbs(path) {
		return ""
	}
	clean := filepath.Clean(path)
	for _, r := range a.named {
		if filepath.IsAbs(r.said) {
			continue
		}
		said := filepath.Clean(r.said)
		below := strings.HasPrefix(path, strings.TrimSuffix(r.said, "/")+"/") || said != "." && within(clean, said)
		if clean == said || below {
			return absolute("", path)
		}
	}
	return ""
}

// outside says why a path may not be read. mu is held.
func (a *Access) outside(abs string) string {
	if real := resolve(abs); real != abs && a.dir.path != "" && within(abs, a.dir.path) {
		return "it is a link that leads to " + real + ", out of the script's folder"
	}
	if a.dir.path == "" {
		return "the run does not name it"
	}
	return "it is neither in the script's folder " + a.dir.path + " nor named by the run"
}

// holds tells whether a path, which is real without links, is the root or below it. Links
// in a folder of Hugging Face's cache lead to the blobs beside it.
func (r root) holds(abs, real string) bool {
	if r.path == "" {
		return false
	}
	if abs == r.path {
		return true
	}
	if within(real, r.real) {
		return true
	}
	if before, _, ok := strings.Cut(r.real+"/", "/snapshots/"); ok {
		return within(abs, r.path) && within(real, before+"/blobs")
	}
	return false
}

func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/")
}

// absolute is a path that starts at a folder, "" for the working directory.
func absolute(folder, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	if folder == "" {
		folder, _ = os.Getwd() // without one, nothing is found
	}
	return filepath.Join(folder, path)
}

// maxLinks is how many links are followed that lead to nothing.
const maxLinks = 40

// resolve follows the symbolic links of an absolute path, also of one whose last parts do
// not exist, and of links to what does not exist: writing there makes it.
func resolve(path string) string {
	rest := ""
	for links := 0; ; {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(real, rest)
		}
		parent := filepath.Dir(path)
		if !errors.Is(err, fs.ErrNotExist) || parent == path {
			return filepath.Join(path, rest) // opening it fails for the same reason
		}
		if target, err := os.Readlink(path); err == nil && links < maxLinks {
			links++
			path = absolute(resolve(parent), target)
			continue
		}
		path, rest = parent, filepath.Join(filepath.Base(path), rest)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}
