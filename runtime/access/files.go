package access

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// File is a file that the script has read.
type File struct {
	Said string // as the script said it
	Path string // absolute
	// Root is the folder that Path is below and that allowed it, absolute: the script's own,
	// or what the run names, or the folder of the file that it names.
	Root string
	// Param is the parameter through which the run named it, Value that value, and Named
	// its absolute path: Root or a file in it. "": Root is the script's own folder, or it is
	// "" as well, of what nobody names but may be read (see Rules).
	Param, Value, Named string
}

// touch notes what is read, but not what the script itself has written. mu is held.
func (a *Access) touch(said, abs string, from root) {
	_, known := a.seen[abs]
	if known || a.made[abs] || a.out.path != "" && from.param == "" && from.path == a.out.path {
		return
	}
	f := File{Said: said, Path: abs}
	switch {
	case from.param != "":
		f.Root, f.Param, f.Value, f.Named = from.path, from.param, from.said, from.path
		if isFile(from.path) {
			f.Root = filepath.Dir(from.path)
		}
	case from.path == a.dir.path:
		f.Root = from.path
	}
	a.seen[abs] = true
	a.touched = append(a.touched, f)
}

// Files are the files that were read so far, in order, each once; folders are none, but
// those of their files that were read.
func (a *Access) Files() []File {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	files := slices.Clone(a.touched)
	a.mu.Unlock()
	return slices.DeleteFunc(files, func(f File) bool {
		info, err := os.Stat(f.Path)
		return err != nil || info.IsDir()
	})
}

// Size is how many bytes the files have that the script has written to.
func (a *Access) Size() (bytes int64) {
	if a == nil {
		return 0
	}
	a.mu.Lock()
	paths, scratch := slices.Collect(maps.Keys(a.made)), a.scratch
	a.mu.Unlock()
	for _, path := range paths {
		if scratch != "" { // a dry run
			path = filepath.Join(scratch, path)
		}
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			bytes += info.Size()
		}
	}
	return bytes
}

// Written are the paths that were written to so far, as the script said them, each once.
func (a *Access) Written() []string {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.written)
}

// dryTarget is where a dry run writes instead: the same path below a folder of its own.
// mu is held.
func (a *Access) dryTarget(abs string) (string, error) {
	if a.scratch == "" {
		scratch, err := os.MkdirTemp("", "weir-dry-")
		if err != nil {
			return "", err
		}
		a.scratch = scratch
	}
	path := filepath.Join(a.scratch, abs)
	return path, os.MkdirAll(filepath.Dir(path), 0o700)
}

// dryCopy is what a dry run has written in place of a file; "" when it has not. mu is held.
func (a *Access) dryCopy(abs string) string {
	if a.scratch == "" {
		return ""
	}
	if within(abs, a.scratch) {
		return abs // as Write has given it back
	}
	if path := filepath.Join(a.scratch, abs); exists(path) {
		return path
	}
	return ""
}
