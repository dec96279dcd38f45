package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"weir/runtime/licenses"
)

// file is one that is shipped. A folder has a mode that says so, and no data.
type file struct {
	name string // with slashes
	mode fs.FileMode
	data []byte
}

// sumsName is the file of checksums, as sha256sum -c reads it.
const sumsName = "SHA256SUMS"

// common are the files that are the same for every processor.
func (r *release) common(ctx context.Context) ([]file, error) {
	var files []file
	for _, name := range []string{"LICENSE", "README.md", "README.zh-CN.md"} {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name, 0o644, data})
	}
	for shell, name := range map[string]string{"bash": "weir.bash", "zsh": "_weir", "fish": "weir.fish"} {
		text, err := output(ctx, nil, r.weir, "completion", shell)
		if err != nil {
			return nil, err
		}
		files = append(files, file{"completions/" + name, 0o644, []byte(text + "\n")})
	}
	for command, name := range map[string]string{"man": "man/man1", "types": "types"} {
		dir := filepath.Join(r.work, command)
		if err := os.RemoveAll(dir); err != nil {
			return nil, err
		}
		if _, err := output(ctx, []string{fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.time.Unix())}, r.weir, command, dir); err != nil {
			return nil, err
		}
		err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := os.ReadFile(p)
			rel, _ := filepath.Rel(dir, p)
			files = append(files, file{path.Join(name, filepath.ToSlash(rel)), 0o644, data})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// notices are the licences of everything that is linked.
func notices(list *licenses.List) file {
	var b bytes.Buffer
	b.WriteString("weir is under the Apache License 2.0, see LICENSE. These are linked into it:\n\n")
	of := map[string][]string{}
	for _, d := range list.Dependencies {
		fmt.Fprintf(&b, "%s: %s\n", strings.TrimSpace(d.Name+" "+d.Version), d.License)
		for _, key := range d.Texts {
			of[key] = append(of[key], strings.TrimSpace(d.Name+" "+d.Version))
		}
	}
	for _, d := range list.Dependencies {
		for _, key := range d.Texts {
			if of[key] == nil { // printed with the first that has it
				continue
			}
			fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("-", 80), strings.Join(slices.Compact(of[key]), "\n"), strings.TrimSpace(list.Texts[key]))
			of[key] = nil
		}
	}
	return file{"THIRD_PARTY_NOTICES.txt", 0o644, b.Bytes()}
}

// under are the files in a folder.
func under(dir string, files []file) []file {
	all := []file{{name: dir, mode: fs.ModeDir | 0o755}}
	seen := map[string]bool{".": true}
	for _, f := range files {
		for parent := path.Dir(f.name); !seen[parent]; parent = path.Dir(parent) {
			seen[parent] = true
			all = append(all, file{name: path.Join(dir, parent), mode: fs.ModeDir | 0o755})
		}
		f.name = path.Join(dir, f.name)
		all = append(all, f)
	}
	return all
}

// archive writes a .tar.gz into what is shipped.
func (r *release) archive(name string, files []file) error {
	data, err := tarball(files, r.time)
	if err != nil {
		return err
	}
	return r.write(name, data)
}

// write writes a file of the release.
func (r *release) write(name string, data []byte) error {
	say("%s, %.1f MB", name, float64(len(data))/1e6)
	return os.WriteFile(filepath.Join(r.out, name), data, 0o644)
}

// tarball packs files, sorted and without anything of this machine.
func tarball(files []file, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(z)
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: int64(f.mode.Perm()), Size: int64(len(f.data)), ModTime: at, Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
		if f.mode&fs.ModeSticky != 0 {
			h.Mode |= 0o1000
		}
		if f.mode.IsDir() {
			h.Name, h.Typeflag = f.name+"/", tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// sums writes the checksums of all that is there.
func (r *release) sums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(r.out, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(data), e.Name())
	}
	return r.write(sumsName, b.Bytes())
}
