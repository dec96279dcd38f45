package cmd

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"weir/runtime/result"
)

const (
	maxHashed   = 1 << 30 // bytes of a file whose hash is made
	maxInFolder = 256     // files of a folder
)

var errEnough = errors.New("enough")

// describeFiles describes a file, or those in a folder and below. What cannot be read,
// or not before ctx ends, has no hash and says so.
func describeFiles(ctx context.Context, kind, path string) (all []result.File) {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return []result.File{describeFile(ctx, kind, path)}
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link is not walked into
	}
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case len(all) == maxInFolder:
			return errEnough
		case ctx.Err() != nil && len(all) > 0:
			return ctx.Err()
		case err != nil:
			all = append(all, result.File{Kind: kind, Path: name, Note: err.Error()})
			return nil
		case entry.IsDir():
			return nil
		}
		all = append(all, describeFile(ctx, kind, name))
		return nil
	})
	if err != nil && len(all) > 0 { // the folder has more
		all[len(all)-1].Note = fmt.Sprintf("there are more files in %s than are described here", path)
	}
	return all
}

func describeFile(ctx context.Context, kind, path string) result.File {
	f := result.File{Kind: kind, Path: path}
	info, err := os.Stat(path) // of what a link leads to
	if err != nil {
		f.Note = err.Error()
		return f
	}
	f.Bytes, f.Modified = info.Size(), info.ModTime()
	switch {
	case !info.Mode().IsRegular():
		f.Note = "it is no regular file"
	case info.Size() > maxHashed:
		f.Note = "it has more than 1 GiB: no hash was made"
	default:
		if f.SHA256, err = hashFile(ctx, path); err != nil {
			f.Note = err.Error()
		}
	}
	return f
}

// hashFile is the SHA-256 of a file, in hex.
func hashFile(ctx context.Context, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	for {
		_, err := io.CopyN(hash, file, 4<<20)
		switch {
		case err == io.EOF:
			return fmt.Sprintf("%x", hash.Sum(nil)), nil
		case err != nil:
			return "", err
		case ctx.Err() != nil:
			return "", errors.New("no hash was made: there was no time left before the case")
		}
	}
}
