package cmd

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weir/runtime/result"
	"weir/runtime/script"
)

// scriptIn is the script that a folder stands for, such as a git checkout: what its
// package.json names as main, else index or main, else the only one in it.
func scriptIn(dir string) (string, error) {
	fail := func(problem, hint string) (string, error) {
		return "", &exitError{exitConfig, fmt.Errorf("the folder %s: %s\n  hint: %s", dir, problem, hint)}
	}
	if _, err := os.Stat(filepath.Join(dir, result.FileName)); err == nil {
		return fail("it has the result of a run, not a scenario", "weir rerun "+dir+" repeats that run, weir report "+dir+" shows it")
	}
	main, err := packageMain(dir)
	switch {
	case err != nil:
		return fail(err.Error(), "main in it names the scenario's file")
	case main != "":
		file := filepath.Join(dir, filepath.FromSlash(main))
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			return fail(fmt.Sprintf("package.json says that main is %q, and there is no such file", main), "correct it, or name the file: weir run "+filepath.Join(dir, "NAME.ts"))
		}
		return file, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fail(err.Error(), "name a file, or a folder that may be read")
	}
	var found []string
	for _, e := range entries {
		if !e.IsDir() && script.IsScript(e.Name()) {
			found = append(found, e.Name())
		}
	}
	for _, base := range []string{"index", "main"} {
		for _, name := range found {
			if strings.TrimSuffix(name, filepath.Ext(name)) == base {
				return filepath.Join(dir, name), nil
			}
		}
	}
	switch len(found) {
	case 0:
		return fail("there is no scenario in it", "a scenario is a TypeScript or JavaScript file; main in package.json may name one that lies deeper")
	case 1:
		return filepath.Join(dir, found[0]), nil
	}
	const most = 10
	list := found[:min(len(found), most)]
	if len(found) > most {
		list = append(slices.Clip(list), "…")
	}
	return fail(fmt.Sprintf("%d scenarios are in it: %s", len(found), strings.Join(list, ", ")), "name one: weir run "+filepath.Join(dir, found[0]))
}

// packageMain is what the package.json of a folder names; "": nothing.
func packageMain(dir string) (string, error) {
	text, err := readSmall(filepath.Join(dir, "package.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var p struct {
		Main string `json:"main"`
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return "", fmt.Errorf("its package.json cannot be read: %w", err)
	}
	return p.Main, nil
}

// commitOf is the commit that is checked out where a folder is; "": none, or it cannot be
// told. Whether files have been changed since is not looked at: a result has the source
// itself.
func commitOf(dir string) string {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for {
		if git := gitFolder(dir); git != "" {
			return headOf(git)
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// gitFolder is the folder that git keeps for the checkout at dir; "": dir is no top of one.
func gitFolder(dir string) string {
	git := filepath.Join(dir, ".git")
	info, err := os.Stat(git)
	switch {
	case err != nil:
		return ""
	case info.IsDir():
		return git
	}
	text, _ := readSmall(git) // of a worktree, or a submodule
	path, ok := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
	if !ok {
		return ""
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	return path
}

// headOf is the commit that HEAD stands for (gitrepository-layout(5)).
func headOf(git string) string {
	line := func(path string) string {
		text, _ := readSmall(path) // "" is no commit
		return strings.TrimSpace(string(text))
	}
	head := line(filepath.Join(git, "HEAD"))
	ref, symbolic := strings.CutPrefix(head, "ref: ")
	if !symbolic {
		return hash(head)
	}
	if !filepath.IsLocal(ref) {
		return ""
	}
	shared := git // a worktree has its branches in the folder of the whole
	if common := line(filepath.Join(git, "commondir")); filepath.IsAbs(common) {
		shared = common
	} else if common != "" {
		shared = filepath.Join(git, common)
	}
	if commit := hash(line(filepath.Join(shared, ref))); commit != "" {
		return commit
	}
	for packed := range strings.Lines(line(filepath.Join(shared, "packed-refs"))) {
		if commit, ok := strings.CutSuffix(strings.TrimSpace(packed), " "+ref); ok {
			return hash(commit)
		}
	}
	return ""
}

// hash is text if that is the name of a commit, by SHA-1 or SHA-256, else "".
func hash(text string) string {
	if _, err := hex.DecodeString(text); err != nil || len(text) != 40 && len(text) != 64 {
		return ""
	}
	return text
}

// readSmall reads a file of at most 16 MB.
func readSmall(path string) ([]byte, error) {
	const most = 16 << 20
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return text, err
}
