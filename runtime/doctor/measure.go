package doctor

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/runtime/health"
	"weir/runtime/result"
	"weir/runtime/wire"
)

// Measured is what was measured on a machine. Nil is what could not be measured.
type Measured struct {
	Client *result.Client // of this process, which did next to nothing: what others do, and the hypervisor

	Sleeps []time.Duration // how late a sleep of a millisecond was each time, in order of size
	Step   time.Duration   // least step of the clock that was seen; 0: not known
	Call   time.Duration   // that reading the clock takes; 0: not known

	Stamps *Stamps
	Swaps  *int64 // pages swapped in and out meanwhile
}

// Stamps is what came of a packet that was sent to this process itself.
type Stamps struct {
	Kernel bool  // its arrival has the kernel's stamp
	Err    error // why it could not be tried
}

const (
	watchFor  = time.Second // that the CPUs are watched for
	sleeps    = 200
	clockRuns = 20000
)

// Measure measures for about a second. root is the root of the file system. It returns early, with less, when ctx ends.
func Measure(ctx context.Context, root fs.FS) Measured {
	var m Measured
	before := swapped(root)
	watch := health.Watch(nil)
	until := time.Now().Add(watchFor)
	m.Step, m.Call = clockSteps()
	m.Stamps = TryStamps()
	for range sleeps {
		if ctx.Err() != nil {
			break
		}
		start := time.Now()
		time.Sleep(time.Millisecond)
		m.Sleeps = append(m.Sleeps, time.Since(start)-time.Millisecond)
	}
	slices.Sort(m.Sleeps)
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(until)):
	}
	m.Client = watch.Stop()
	if after := swapped(root); before != nil && after != nil {
		n := *after - *before
		m.Swaps = &n
	}
	return m
}

// clockSteps reads the clock again and again.
func clockSteps() (step, call time.Duration) {
	begin := time.Now()
	last := begin
	for range clockRuns {
		now := time.Now()
		if d := now.Sub(last); d > 0 && (step == 0 || d < step) {
			step = d
		}
		last = now
	}
	return step, last.Sub(begin) / clockRuns
}

// TryStamps sends itself a few bytes and looks whether the kernel has stamped them. It
// takes less than a millisecond, a second at most.
func TryStamps() *Stamps {
	kernel, err := stamped()
	return &Stamps{Kernel: kernel, Err: err}
}

func stamped() (kernel bool, err error) {
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return false, fmt.Errorf("listening on 127.0.0.1: %w", err)
	}
	defer at.Close()
	out, err := net.DialTimeout("tcp", at.Addr().String(), time.Second)
	if err != nil {
		return false, fmt.Errorf("connecting to itself: %w", err)
	}
	defer out.Close()
	in, err := at.Accept()
	if err != nil {
		return false, fmt.Errorf("connecting to itself: %w", err)
	}
	conn, err := wire.New(in.(*net.TCPConn))
	if err != nil {
		return false, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false, err
	}
	// The kernel begins to stamp when the first socket asks for it, a moment later.
	for range 20 {
		if _, err := out.Write([]byte("weir")); err != nil {
			return false, err
		}
		if _, err := conn.Read(make([]byte, 16)); err != nil {
			return false, err
		}
		if conn.Arrival().Kernel {
			return true, nil
		}
		time.Sleep(time.Millisecond)
	}
	return false, nil
}

// swapped is how many pages were swapped in and out since the machine's start; nil: it
// does not tell. It reads /proc/vmstat: lines such as "pswpin 12".
func swapped(root fs.FS) *int64 {
	text, err := fs.ReadFile(root, "proc/vmstat")
	if err != nil {
		return nil
	}
	sum, found := int64(0), 0
	for row := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(row), " ")
		if name != "pswpin" && name != "pswpout" {
			continue
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			return nil
		}
		sum += n
		found++
	}
	if found != 2 {
		return nil
	}
	return &sum
}
