package cmd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"weir/runtime/access"
	"weir/runtime/machine"
	"weir/runtime/script"
)

// limitFlags bound what a script takes; see docs/trust.md.
type limitFlags struct {
	time   optional[time.Duration]
	memory optional[int64] // MB
}

// What bounds scripts that came from elsewhere, the time where no flag does.
const (
	remoteTime  = time.Minute
	remoteBytes = 1e9 // written to files
)

func (f *limitFlags) flags(fs *pflag.FlagSet) {
	f.time = optional[time.Duration]{kind: "duration", parse: time.ParseDuration}
	f.memory = optional[int64]{kind: "MB", parse: func(text string) (int64, error) {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			err = fmt.Errorf("%q is no number of MB, such as 8000", text)
		}
		return n, err
	}}
	fs.Var(&f.time, "script-time-limit", "end the run when the script's code goes on for so `long` without coming to an await or its end, such as 30s; 0 is no limit (default 1m for a scenario that came from elsewhere, none for others)")
	fs.Var(&f.memory, "memory-limit", "end the run when weir uses more than so much memory, in `MB`; 0 is no limit (default three quarters of what the machine or its control group has, half for a scenario that came from elsewhere)")
}

// limits are those of a run by rules.
func (f *limitFlags) limits(r access.Rules) script.Limits {
	l := script.Limits{Time: f.time.value, Memory: uint64(f.memory.value) * 1e6}
	if r.Limited {
		l.Written = remoteBytes
	}
	if r.Limited && !f.time.set {
		l.Time = remoteTime
	}
	if !f.memory.set {
		l.Memory = machine.Usable(os.DirFS("/")) / 4 * 3
		if r.Limited {
			l.Memory = l.Memory / 3 * 2
		}
	}
	return l
}

// collectBefore has the garbage collected that would take the memory to a limit, unless the
// user has said how much it may take (GOMEMLIMIT).
func collectBefore(limit uint64) {
	if limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(limit / 10 * 9))
	}
}

// optional is the value of a flag whose default depends on other things. It is not negative.
type optional[T time.Duration | int64] struct {
	kind  string
	parse func(string) (T, error)
	value T
	set   bool
	text  string
}

func (o *optional[T]) String() string { return o.text }
func (o *optional[T]) Type() string   { return o.kind }

func (o *optional[T]) Set(text string) error {
	value, err := o.parse(text)
	if err == nil && value < 0 {
		err = errors.New("it must not be negative")
	}
	if err != nil {
		return err
	}
	o.value, o.set, o.text = value, true, text
	return nil
}

// stuck ends the program when the script has passed a limit and cannot be interrupted.
// Every case that had ended is on disk.
func (s *session) stuck(b *script.Breach) {
	closed := make(chan struct{})
	go func() {
		if s.progress != nil {
			s.progress.Close()
		}
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
	fmt.Fprintf(s.stderr, "weir: %v\n", b)
	if folder := s.place.Load(); folder != nil {
		fmt.Fprintf(s.stderr, "weir: the script could not be interrupted, so the program ends at once; the cases that had ended are in the result\nresult: %s\n", filepath.ToSlash(folder.Path()))
	}
	os.Exit(exitScript)
}

// contained is how the run ended: with the limit that the script has passed, if it has.
func (s *session) contained(err error) error {
	if b := s.breach.Load(); b != nil {
		return &exitError{exitScript, b}
	}
	return err
}
