package result

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ReplaceFile writes a file durably and at once: whatever happens, path is either
// what it was or data as a whole. It writes under another name first, has that
// put on disk, and then gives it its name. A link stays a link, and what is no
// regular file, such as /dev/stdout, is written to directly.
func ReplaceFile(path string, data []byte, mode fs.FileMode) error {
	return ReplaceFileBy(path, mode, func(to io.Writer) error {
		_, err := to.Write(data)
		return err
	})
}

// ReplaceFileBy does so with what write writes, piece by piece. When write fails, path
// stays what it was.
func ReplaceFileBy(path string, mode fs.FileMode, write func(to io.Writer) error) (err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeTo(path, write)
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return writeError(path, err)
	}
	defer func() {
		if err != nil {
			temp.Close() // it may be closed already
			os.Remove(temp.Name())
			err = writeError(path, err)
		}
	}()
	if err = write(temp); err != nil {
		return err
	}
	if err = temp.Chmod(mode); err != nil {
		return err
	}
	if err = temp.Sync(); err != nil {
		return err
	}
	if err = temp.Close(); err != nil {
		return err
	}
	if err = os.Rename(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// writeTo writes to something that exists and is no regular file.
func writeTo(path string, write func(to io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return writeError(path, err)
	}
	err = write(f)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return writeError(path, err)
	}
	return nil
}

// syncDir makes a rename durable. Some file systems cannot, and say so.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

func writeError(path string, err error) error {
	if of, ok := err.(*fs.PathError); ok && filepath.Dir(of.Path) == filepath.Dir(path) {
		err = of.Err // it names path again, or the other name
	}
	hint := ""
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		hint = ": free some space; what was written before is still there"
	}
	return fmt.Errorf("write %s: %w%s", path, err, hint)
}
