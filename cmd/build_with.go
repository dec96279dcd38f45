package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// addition is one --with.
type addition struct {
	path    string // the package that is imported
	version string // "latest" unless it is named; "" with a folder
	folder  string // absolute; "": it is fetched
	module  string // the module in the folder
}

// goPath is what a package may be called: weir build writes it into a program.
var goPath = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]*(/[A-Za-z0-9._~-]+)*$`)

// parseWith reads MODULE[@VERSION], MODULE=FOLDER, or FOLDER.
func (b *builder) parseWith(ctx context.Context, text string) (a addition, err error) {
	name, folder, hasFolder := strings.Cut(text, "=")
	if !hasFolder && isFolder(text) {
		name, folder, hasFolder = "", text, true
	}
	a.path, a.version, _ = strings.Cut(name, "@")
	if !hasFolder {
		if strings.HasSuffix(name, "@") {
			return a, errors.New("there is no version behind the @")
		}
		if a.version == "" {
			a.version = "latest"
		}
		if !goPath.MatchString(a.path) || !strings.Contains(strings.Split(a.path, "/")[0], ".") {
			hint := ""
			if _, err := os.Stat(a.path); err == nil {
				hint = ", or ./" + a.path + " if the folder is meant"
			}
			return a, fmt.Errorf("that is no path of a Go module\n  hint: write example.com/name%s", hint)
		}
		return a, nil
	}
	// A version beside a folder, as in a go.mod's replace, says nothing more.
	a.version = ""
	if folder == "" {
		return a, errors.New("there is no folder behind the =")
	}
	if a.folder, a.module, err = b.moduleIn(ctx, folder); err != nil {
		return a, err
	}
	if a.path == "" {
		a.path = a.module
	}
	if !goPath.MatchString(a.path) || a.path != a.module && !strings.HasPrefix(a.path, a.module+"/") {
		return a, fmt.Errorf("the module in %s is %s\n  hint: --with %s=%s", folder, a.module, a.module, folder)
	}
	return a, nil
}

// addedBefore is where a package comes from that was added before, or its module from
// another folder; "": neither.
func (b *builder) addedBefore(a addition) string {
	for _, other := range b.added {
		if other.path == a.path || a.module != "" && other.module == a.module && other.folder != a.folder {
			return cmp.Or(other.folder, other.path+"@"+other.version)
		}
	}
	return ""
}

// isFolder tells a folder's path from a module's, as the go command does.
func isFolder(text string) bool {
	return text == "." || text == ".." || strings.HasPrefix(text, "./") || strings.HasPrefix(text, "../") || filepath.IsAbs(text)
}

// moduleIn reads which module a folder has.
func (b *builder) moduleIn(ctx context.Context, folder string) (abs, module string, err error) {
	if abs, err = filepath.Abs(folder); err != nil {
		return "", "", err
	}
	if _, err := os.Stat(filepath.Join(abs, "go.mod")); err != nil {
		return "", "", fmt.Errorf("%s has no go.mod\n  hint: is it the folder of a Go module? go mod init makes one", folder)
	}
	text, err := b.ask(ctx, abs, "go", "mod", "edit", "-json")
	if err != nil {
		return "", "", err
	}
	var mod struct{ Module struct{ Path string } }
	if err := json.Unmarshal([]byte(text), &mod); err != nil {
		return "", "", fmt.Errorf("reading %s: %w", filepath.Join(folder, "go.mod"), err)
	}
	return abs, mod.Module.Path, nil
}

// parseReplace reads OLD=NEW, where NEW is a folder or MODULE@VERSION, as go mod edit
// -replace takes it.
func parseReplace(text string) (string, error) {
	old, with, ok := strings.Cut(text, "=")
	switch {
	case !ok || old == "" || with == "":
		return "", errors.New("that is not OLD=NEW\n  hint: --replace example.com/lib=../lib, or example.com/lib=example.com/fork@v1.2.3")
	case old == "weir":
		return "", errors.New("weir's own source is named with --source")
	case isFolder(with):
		abs, err := filepath.Abs(with)
		if err != nil {
			return "", err
		}
		if _, err := os.Stat(filepath.Join(abs, "go.mod")); err != nil {
			return "", fmt.Errorf("%s has no go.mod", with)
		}
		return old + "=" + abs, nil
	case !strings.Contains(with, "@"):
		return "", fmt.Errorf("%s has no version\n  hint: %s@v1.2.3, or ./%s if a folder is meant", with, with, with)
	}
	return text, nil
}

// registered tells whether one of the extensions is of this addition.
func (a addition) registered(all []compiledIn) bool {
	return slices.ContainsFunc(all, func(c compiledIn) bool {
		return a.path == c.Module || strings.HasPrefix(a.path, c.Module+"/")
	})
}
