package dataset_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"weir/modules/dataset"
)

// What does not fit into memory is in a file without a name, and is read back as
// it was, by many at once.
func TestStore(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	s := dataset.NewStore(100)
	var kept []func([]byte) ([]byte, error)
	for i := range 50 {
		read, err := s.Put(bytes.Repeat([]byte{byte(i)}, i))
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, read)
	}
	if s.InMemory() != 91 || s.InFile() != 50*49/2-91 {
		t.Errorf("%d bytes are in memory and %d in the file, want 91 and %d", s.InMemory(), s.InFile(), 50*49/2-91)
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("the file has a name: %v", left)
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i, read := range kept {
				got, err := read([]byte("before"))
				if want := append([]byte("before"), bytes.Repeat([]byte{byte(i)}, i)...); err != nil || !bytes.Equal(got, want) {
					t.Errorf("blob %d is %q, %v", i, got, err)
				}
			}
		})
	}
	readers.Wait()
}

// Several goroutines fill a store at the same time.
func TestStoreIsFilledInParallel(t *testing.T) {
	s := dataset.NewStore(1000)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 100 {
				want := fmt.Sprintf("blob %d of writer %d", i, w)
				read, err := s.Put([]byte(want))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := read(nil); err != nil || string(got) != want {
					t.Errorf("%q is %q, %v", want, got, err)
				}
			}
		})
	}
	writers.Wait()
}

func TestStoreWithoutAFolder(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	s := dataset.NewStore(3)
	if _, err := s.Put([]byte("abc")); err != nil {
		t.Errorf("what fits into memory needs no folder: %v", err)
	}
	_, err := s.Put([]byte("d"))
	if err == nil || !strings.Contains(err.Error(), "set TMPDIR to a folder that can be written to") {
		t.Errorf("error %v, want one that names TMPDIR", err)
	}
}
