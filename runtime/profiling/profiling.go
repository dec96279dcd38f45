// Package profiling switches profilers on and off around the load of a case: those of
// a service, by requests (http.go, services.go) or by its configuration file
// (switch.go), and programs of this machine (command.go).
//
// A script describes a profiler by plain options, of which a [Maker] makes it. The run
// starts all profilers of a case at once, just before the load, and stops them just
// after it; none of their time is the case's. What a profiler leaves is a
// [result.Trace]: where the trace is, but not the trace itself, which is the service's
// or the program's to write and the user's to read.
package profiling

import (
	"context"
	"time"

	"weir/runtime/result"
	"weir/runtime/transport"
)

// Profiler is told when the load of a case begins and ends. One that has been stopped
// may be started again. It is used by one goroutine at a time.
type Profiler interface {
	// Start returns when the profiler runs. With an error it does not, and nothing is
	// left of it; the error says what to do. It ends early with ctx.
	Start(ctx context.Context) error
	// Stop returns when the trace is written, as far as one can know. What went wrong is
	// in the trace's Error. It is called once after each Start that succeeded; the
	// profiler is told to stop whatever ctx says, which only ends the wait.
	Stop(ctx context.Context) result.Trace
	// String names the profiler and what it profiles, without secrets.
	String() string
}

// Maker makes profilers of the options that scripts give. Several goroutines may use it.
type Maker struct {
	Clients   *transport.Clients
	UserAgent string
	Duration  func(any) (time.Duration, error) // reads a duration as scripts write it
}

// Limits of the defaults, and of what is read and shown.
const (
	startLimit   = 5 * time.Minute  // of a start, where the timeout is not less
	stopLimit    = 30 * time.Minute // of a stop: the trace of a large service takes minutes to be written
	cleanUpLimit = 5 * time.Second  // of the stop after a start of which nobody knows what became of it
	answerLimit  = 64 << 10         // bytes of an answer or an output that are kept
	excerptLimit = 600              // bytes of them in a message
)

// lastMoment is ctx, or, where that has ended, a context in which there is just time to
// tell a profiler to stop.
func lastMoment(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(context.WithoutCancel(ctx), cleanUpLimit)
}

// stopped is the trace of a profiler that was asked to stop at a time, and has.
func stopped(t result.Trace, asked time.Time) result.Trace {
	t.Stopped = asked
	t.StopTook = time.Since(asked).Seconds()
	return t
}
