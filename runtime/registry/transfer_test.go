package registry_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/registry"
)

// slow gives a byte after each pause, and then nothing until its exchange is ended.
type slow struct {
	ctx    context.Context
	pauses []time.Duration
}

func (s *slow) Read(p []byte) (int, error) {
	if len(s.pauses) == 0 {
		<-s.ctx.Done()
		return 0, s.ctx.Err()
	}
	select {
	case <-time.After(s.pauses[0]):
		s.pauses = s.pauses[1:]
		return copy(p, "x"), nil
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
}

// What moves may take as long as it wants; what does not is ended.
func TestStall(t *testing.T) {
	f := func(took time.Duration, arrived string, pauses ...time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			ctx, through, release := new(registry.Client).Watch(t.Context())
			defer release()
			got, err := io.ReadAll(through(&slow{ctx, pauses}, 1000))
			if e := refused(t, registry.Explain(ctx, err), "nothing has moved for"); !e.Unreachable {
				t.Errorf("%v is not known to be of the way", e)
			}
			if string(got) != arrived || time.Since(begin) != took {
				t.Errorf("%q after %v, want %q after %v", got, time.Since(begin), arrived, took)
			}
		})
	}
	f(5*time.Minute, "") // the server may think
	f(3*time.Minute, "xxx", 50*time.Second, 40*time.Second, 30*time.Second)
	f(time.Hour+time.Minute, strings.Repeat("x", 72), anHour()...)
}

// anHour is made of pauses.
func anHour() (all []time.Duration) {
	for range 72 {
		all = append(all, 50*time.Second)
	}
	return all
}
