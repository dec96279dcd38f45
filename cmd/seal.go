package cmd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const sealBytes = 32

// sealKey is the key of this user's seals, which tell the results that this user's weir has
// written from those of others. It is made when there is none.
func sealKey() ([]byte, error) {
	base, err := os.UserConfigDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(base, "weir", "seal.key")
	key, err := readSealKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".seal-*") // with mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp.Name())
	key = make([]byte, sealBytes)
	rand.Read(key) // it does not fail
	_, err = temp.Write(key)
	if err := errors.Join(err, temp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readSealKey(path) // of several that made one at the same time, the first did
}

func readSealKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err == nil && len(key) != sealBytes {
		err = fmt.Errorf("%s has %d bytes, expected %d", path, len(key), sealBytes)
	}
	if err != nil {
		return nil, err
	}
	return key, nil
}
