package reader_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"weir/modules/dataset/reader"
)

// countdown is a context that ends after it was asked so many times.
type countdown struct {
	context.Context
	left atomic.Int64
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

func after(t *testing.T, times int64) *countdown {
	c := &countdown{Context: t.Context()}
	c.left.Store(times)
	return c
}

// Reading ends with the context: in a long stretch of rejected rows, and in a long record.
func TestInterrupted(t *testing.T) {
	rejected := write(t, "a.jsonl", []byte(`{"prompt": "good"}`+"\n"+strings.Repeat(`{"prompt": ""}`+"\n", 10_000)+`{"prompt": "never read"}`))
	f, err := reader.Open(after(t, 1000), rejected, reader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := count(f)
	if rows != 1 || err != context.Canceled {
		t.Errorf("%d rows, then %v", rows, err)
	}
	if left := f.Rejected()[0].Count; left < 500 || left > 1000 {
		t.Errorf("%d rows were read on", left)
	}

	for name, text := range map[string]string{
		"a.jsonl": `{"prompt": "` + strings.Repeat("x", 20<<20),
		"a.json":  `[{"prompt": "` + strings.Repeat("x", 20<<20),
	} {
		if _, err := reader.Open(after(t, 20), write(t, name, []byte(text)), reader.Options{}); err != context.Canceled {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := write(t, "a.csv", []byte("prompt,output\ngood,row\n\""+strings.Repeat("x", 20<<20)))
	if f, err = reader.Open(after(t, 20), long, reader.Options{}); err != nil {
		t.Fatal(err)
	}
	if rows, err := count(f); rows != 1 || err != context.Canceled {
		t.Errorf("a.csv: %d rows, then %v", rows, err)
	}

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader.Open(ended, rejected, reader.Options{}); err != context.Canceled {
		t.Errorf("an ended context: %v", err)
	}
}

// What nothing may ever come from is refused instead of waited for.
func TestNoFiles(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.jsonl")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "this is a pipe", dir: "pipe.jsonl: this is a pipe", os.DevNull: "this is a device"} {
		_, err := reader.Open(t.Context(), path, reader.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "to a file first") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
