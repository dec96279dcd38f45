//go:build !race

// The race detector of Go 1.26 now and then crashes with synctest.

package result

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// faultyDisk is a file on a disk with little room, or one that stands still.
type faultyDisk struct {
	*os.File
	room  int           // bytes that can still be written; negative: as many as you like
	slow  time.Duration // of each write
	stuck chan struct{} // writes wait until it is closed; nil: they do not
}

func (d *faultyDisk) Write(data []byte) (int, error) {
	time.Sleep(d.slow)
	if d.stuck != nil {
		<-d.stuck
	}
	if d.room >= 0 && len(data) > d.room {
		n, err := d.File.Write(data[:d.room])
		d.room = 0
		return n, errors.Join(err, syscall.ENOSPC)
	}
	d.room -= min(len(data), max(d.room, 0))
	return d.File.Write(data)
}

func onDisk(t *testing.T, d *faultyDisk) *Records {
	t.Helper()
	path := filepath.Join(t.TempDir(), RecordsName)
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	d.File = file
	r, err := newRecords(path, d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// readable is how many records can be read from the file, to its end.
func readable(t *testing.T, r *Records) (n int) {
	t.Helper()
	for _, err := range ReadRecords(r.Path()) {
		if err != nil {
			t.Errorf("after %d records: %v", n, err)
			break
		}
		n++
	}
	return n
}

// large is a record that does not get much smaller by compression.
func large() *Request {
	name := make([]byte, 8000)
	for i := range name {
		name[i] = byte('0' + rand.IntN(64))
	}
	return &Request{CaseName: string(name)}
}

// A full disk leaves what was complete before, readable to its end, and gives
// the rest back.
func TestFullDisk(t *testing.T) {
	d := &faultyDisk{room: 300_000}
	r := onDisk(t, d)
	for range 5 {
		r.Add(large())
	}
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(r.Path())
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		r.Add(large())
	}
	if err := r.Flush(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("flushed: %v", err)
	}
	for range 20 {
		r.Add(large())
	}
	if err := r.Close(); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "220 of 225 records are missing") {
		t.Errorf("closed: %v", err)
	}
	after, err := os.Stat(r.Path())
	if err != nil || after.Size() != before.Size() {
		t.Errorf("%d bytes, want the %d of before; %v", after.Size(), before.Size(), err)
	}
	if n := readable(t, r); n != 5 {
		t.Errorf("%d records can be read, want 5", n)
	}
}

// Frames end by themselves when they are large, and are read as one file.
func TestManyFrames(t *testing.T) {
	const records = 5000 // 40 MB
	d := &faultyDisk{room: -1}
	r := onDisk(t, d)
	one := large()
	for range records {
		r.Add(one)
	}
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	if kept := r.kept.Load(); kept != records {
		t.Errorf("%d records are complete", kept)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if n := readable(t, r); n != records {
		t.Errorf("%d records can be read, want %d", n, records)
	}
}

// A slow disk makes Add wait, which it tells; one that stands still is given up.
func TestSlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := onDisk(t, &faultyDisk{room: -1, slow: 10 * time.Millisecond})
		var waited time.Duration
		began := time.Now()
		for range 1200 {
			waited += r.Add(large())
		}
		if took := time.Since(began); waited == 0 || waited != took {
			t.Errorf("waited %v of %v", waited, took)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, end := range map[string]func(*Records) error{"Flush": (*Records).Flush, "Close": (*Records).Close} {
		synctest.Test(t, func(t *testing.T) {
			d := &faultyDisk{room: -1, stuck: make(chan struct{})}
			r := onDisk(t, d)
			for range 100 {
				r.Add(large())
			}
			began := time.Now()
			if err := end(r); err == nil || !strings.Contains(err.Error(), "took longer than 10s") {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(began); took != stuckAfter {
				t.Errorf("%s took %v", name, took)
			}
			if waited := r.Add(large()); waited != 0 {
				t.Errorf("%s: waited %v for a disk that was given up", name, waited)
			}
			close(d.stuck)
			_ = r.Close()
		})
	}
	synctest.Test(t, func(t *testing.T) {
		d := &faultyDisk{room: -1, stuck: make(chan struct{})}
		r := onDisk(t, d)
		var waited time.Duration
		for range 3 * queuedLines {
			waited += r.Add(large())
		}
		if waited != stuckAfter {
			t.Errorf("waited %v in all, want %v", waited, stuckAfter)
		}
		close(d.stuck)
		if err := r.Close(); err == nil || !strings.Contains(err.Error(), "records are missing") {
			t.Errorf("closed: %v", err)
		}
	})
}
