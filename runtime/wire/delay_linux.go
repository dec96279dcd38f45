package wire

import (
	"bytes"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// delays tells for how long the system has kept threads waiting for a processor.
// The zero value is ready for use; it belongs to one goroutine.
type delays struct {
	threads map[int]*threadDelay // by their numbers; a few
	broken  bool                 // the system does not tell
	text    [80]byte             // of a file
}

type threadDelay struct {
	file  int
	total time.Duration
}

// since is how long the thread that calls has waited since it called last; 0 where
// the system does not tell. When a thread calls for the first time nothing is known
// of it, and ok is false.
//
// The time is the second number of /proc/PID/task/TID/schedstat
// (https://docs.kernel.org/scheduler/sched-stats.html).
func (d *delays) since() (waited time.Duration, ok bool) {
	if d.broken {
		return 0, true
	}
	number := unix.Gettid()
	t := d.threads[number]
	if t == nil {
		if len(d.threads) == mostThreads {
			d.close()
		}
		file, err := unix.Open("/proc/self/task/"+strconv.Itoa(number)+"/schedstat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		switch err {
		case nil:
		case unix.EMFILE, unix.ENFILE:
			return 0, false
		default:
			d.broken = true
			return 0, true
		}
		t = &threadDelay{file: file, total: -1}
		if d.threads == nil {
			d.threads = make(map[int]*threadDelay)
		}
		d.threads[number] = t
	}
	n, err := unix.Pread(t.file, d.text[:], 0)
	if err != nil || n <= 0 { // it was the number of a thread that has ended
		unix.Close(t.file)
		delete(d.threads, number)
		return 0, false
	}
	total, before := secondNumber(d.text[:n]), t.total
	t.total = total
	return total - before, before >= 0
}

// mostThreads bounds the files that are open.
const mostThreads = 4

func (d *delays) close() {
	for _, t := range d.threads {
		unix.Close(t.file)
	}
	clear(d.threads)
}

// secondNumber reads "cpu wait slices", in nanoseconds.
func secondNumber(text []byte) time.Duration {
	_, rest, _ := bytes.Cut(text, []byte{' '})
	n := time.Duration(0)
	for _, digit := range rest {
		if digit < '0' || digit > '9' {
			break
		}
		n = n*10 + time.Duration(digit-'0')
	}
	return n
}
