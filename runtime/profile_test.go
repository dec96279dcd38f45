//go:build !race

package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dop251/goja"

	"weir/runtime"
	"weir/runtime/profiling"
	"weir/runtime/result"
	"weir/runtime/script"
)

// calls are those of all fake profilers, with the seconds since the first of them.
var calls struct {
	sync.Mutex
	first time.Time
	list  []string
}

func called(what string) {
	calls.Lock()
	defer calls.Unlock()
	if calls.first.IsZero() {
		calls.first = time.Now()
	}
	calls.list = append(calls.list, fmt.Sprintf("%v %s", time.Since(calls.first).Seconds(), what))
}

// takeCalls returns the calls so far, in their order and then by name, and forgets them.
func takeCalls() []string {
	calls.Lock()
	defer calls.Unlock()
	list := calls.list
	calls.list, calls.first = nil, time.Time{}
	return list
}

// fake is a profiler that takes so many seconds to start and to stop. Its start fails
// when its name is "broken".
type fake struct {
	name        string
	start, stop time.Duration
}

func (f *fake) Profilers() []profiling.Profiler { return []profiling.Profiler{f} }
func (f *fake) String() string                  { return f.name }

func (f *fake) Start(ctx context.Context) error {
	called("start " + f.name)
	select {
	case <-time.After(f.start):
	case <-ctx.Done():
		called("cut " + f.name)
		return ctx.Err()
	}
	if f.name == "broken" {
		return errors.New("no such profiler")
	}
	return nil
}

func (f *fake) Stop(ctx context.Context) result.Trace {
	called("stop " + f.name)
	t := result.Trace{Profiler: f.name}
	select {
	case <-time.After(f.stop):
	case <-ctx.Done():
		t.Error = "not waited for"
	}
	called("stopped " + f.name)
	return t
}

func (f *fake) Object(rt *script.Runtime) *goja.Object {
	rt.Class(script.Class{Name: "Fake"})
	return rt.Instance("Fake", f)
}

// profilerOf gives scripts profiler(name, secondsToStart, secondsToStop).
func profilerOf(rt *script.Runtime) any {
	return func(call goja.FunctionCall) goja.Value {
		seconds := func(i int) time.Duration { return time.Duration(call.Argument(i).ToFloat() * float64(time.Second)) }
		return (&fake{call.Argument(0).String(), seconds(1), seconds(2)}).Object(rt)
	}
}

const profiled = `
export const options = { iterations: 2, warmup: 1, profile: [profiler("a", 10, 20), profiler("b", 1, 2)], gracefulStop: 1000 };
export default () => request(3000);`

// Profilers start after the warm-up and stop after the load, all at once, and none of
// their time is the case's.
func TestProfile(t *testing.T) {
	takeCalls()
	p := bubble(t, profiled, nil)
	if p.Err != nil {
		t.Fatal(p.Err)
	}
	got := takeCalls()
	slices.Sort(got[:2]) // who comes first is chance
	slices.Sort(got[2:4])
	if want := "0 start a, 0 start b, 16 stop a, 16 stop b, 18 stopped b, 36 stopped a"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	c := p.Cases[0]
	if c.Duration != 6 || len(c.Profile) != 2 || c.Profile[0].Profiler != "a" || c.Profile[1].Profiler != "b" {
		t.Errorf("it took %v s, profile %+v", c.Duration, c.Profile)
	}
	if !slices.ContainsFunc(c.Validity.Reasons, func(r result.Reason) bool { return r.Rule == "profiled_case" && strings.Contains(r.Message, "(a, b)") }) {
		t.Errorf("%+v", c.Validity)
	}
	if !strings.Contains(p.console, `case "case 1": its profilers stop and write their traces`) {
		t.Errorf("the wait is not explained: %s", p.console)
	}
}

// One that cannot be started ends the run, and those that run are stopped.
func TestProfileThatFails(t *testing.T) {
	takeCalls()
	p := bubble(t, `
		export function* plan() {
			yield { name: "one", iterations: 1 };
			yield { name: "two", iterations: 1, profile: [profiler("a", 1, 1), profiler("broken", 2, 1)] };
		}
		export default () => request(1000);`, nil)
	if p.Err == nil || p.Err.Error() != `case "two" was not played, as its profiler broken could not be started: no such profiler` || len(p.Cases) != 1 || p.Result.Error != p.Err.Error() {
		t.Errorf("%v, %d cases, %q", p.Err, len(p.Cases), p.Result.Error)
	}
	got := takeCalls()
	slices.Sort(got[:2])
	if want := "0 start a, 0 start broken, 2 stop a, 3 stopped a"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

// Somebody who wants the end gets it soon, and every profiler is told to stop.
func TestInterruptedProfile(t *testing.T) {
	f := func(what string, stopAfter, cutAfter time.Duration, cases int, want string) {
		t.Helper()
		t.Run(what, func(t *testing.T) {
			takeCalls()
			play := loadedIn(t, `
				export const options = { iterations: 1, warmup: 1, profile: profiler("a", 10, 3600), gracefulStop: 60000 };
				export default () => request(10000);`)
			synctest.Test(t, func(t *testing.T) {
				ctx, cut := context.WithCancel(t.Context())
				defer cut()
				stop := make(chan struct{})
				// The warm-up is over after 10 s, the start after 20, the load after 30.
				time.AfterFunc(stopAfter, func() { close(stop) })
				if cutAfter > 0 {
					time.AfterFunc(cutAfter, cut)
				}
				p := play(t, ctx, func(c *runtime.Config) { c.Stop = stop })
				if !p.Outcome.Interrupted || len(p.Cases) != cases {
					t.Errorf("interrupted %v, %d cases, want %d", p.Outcome.Interrupted, len(p.Cases), cases)
				}
				for _, c := range p.Cases {
					if len(c.Profile) != 1 || c.Profile[0].Error == "" {
						t.Errorf("%+v", c.Profile)
					}
				}
				if got := strings.Join(takeCalls(), ", "); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		})
	}
	f("in the warm-up", 5*time.Second, 0, 0, "")
	f("while it starts", 15*time.Second, 0, 0, "0 start a, 5 cut a")
	f("in the load", 25*time.Second, 0, 1, "0 start a, 20 stop a, 80 stopped a") // the iteration ends; then a minute
	f("in the load, twice", 25*time.Second, 27*time.Second, 1, "0 start a, 17 stop a, 19 stopped a")
	f("while it stops", 40*time.Second, 0, 1, "0 start a, 20 stop a, 90 stopped a")
	f("while it stops, twice", 40*time.Second, 50*time.Second, 1, "0 start a, 20 stop a, 42 stopped a")
}
