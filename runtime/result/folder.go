package result

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// FileName is the result's name in its folder, and BundleName that of what was run.
const (
	FileName   = "result.json"
	BundleName = "bundle.weir"
)

// Folder is where a run is written to. Its methods are for one goroutine.
type Folder struct {
	Dir string // as given, or results/<script>-<time>
}

// CreateFolder makes the folder of a run and proves that it can be written to,
// so that nobody learns it after an hour of load. out is a folder of the user's
// choice, which may exist but hold no result; without one it is
// results/<script>-<time>.
func CreateFolder(out, script string, now time.Time) (*Folder, error) {
	dir := out
	if dir == "" {
		var err error
		if dir, err = freshDir(script, now); err != nil {
			return nil, err
		}
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, folderError(dir, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, FileName)); err == nil {
		return nil, fmt.Errorf("create the results folder %s: it already holds a %s, which is never overwritten: choose another folder with --out, or delete it; nothing was sent", dir, FileName)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, folderError(dir, err)
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return nil, folderError(dir, err)
	}
	probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return nil, folderError(dir, err)
	}
	return &Folder{Dir: dir}, nil
}

// freshDir makes results/<script>-<time>, with a number behind it when two runs
// start within a second.
func freshDir(script string, now time.Time) (string, error) {
	const parent = "results"
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", folderError(parent, err)
	}
	name := filepath.Join(parent, fileName(script)+"-"+now.Format("20060102-150405"))
	for n := 1; ; n++ {
		dir := name
		if n > 1 {
			dir = fmt.Sprintf("%s-%d", name, n)
		}
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrExist) || n == 1000 {
			return "", folderError(dir, err)
		}
	}
}

// fileName makes a script's name fit for a folder's.
func fileName(script string) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, script)
	if name = strings.Trim(name, ". "); name == "" {
		return "run"
	}
	return name
}

func folderError(dir string, err error) error {
	return fmt.Errorf("create the results folder %s: not writable: %w: choose another folder with --out; nothing was sent", dir, err)
}

// Path is the path of the result file.
func (f *Folder) Path() string { return filepath.Join(f.Dir, FileName) }

// Write replaces result.json by r, at once and durably: whatever happens, the
// file is either the old one or the new one, and both are valid.
func (f *Folder) Write(r *Result) error {
	data, err := r.Encode()
	if err != nil {
		return err
	}
	return ReplaceFile(f.Path(), data, 0o644)
}

// KeepBundle replaces the run's bundle: what was run.
func (f *Folder) KeepBundle(data []byte) error {
	return ReplaceFile(filepath.Join(f.Dir, BundleName), data, 0o644)
}

// Save writes another file of the run, such as one that handleSummary returned;
// name is a path within the folder.
func (f *Folder) Save(name string, data []byte) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("write %q to the results folder %s: the name leads out of the folder", name, f.Dir)
	}
	if clean := filepath.Clean(name); clean == FileName || clean == BundleName {
		return fmt.Errorf("write %q to the results folder %s: that is the run's own; choose another name", name, f.Dir)
	}
	path := filepath.Join(f.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return writeError(path, err)
	}
	return ReplaceFile(path, data, 0o644)
}
