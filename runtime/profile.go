package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"weir/runtime/profiling"
	"weir/runtime/result"
	"weir/runtime/script"
)

// How long the stops of profilers are waited for when somebody wants the run's end. They
// are told to stop in any case.
const (
	stopAfterInterrupt = time.Minute     // after Stop
	stopAfterCut       = 2 * time.Second // after the end of Run's context
	sayWaiting         = 5 * time.Second // then the user is told what is waited for
)

// parseProfilers reads what profiles a case: an object of weir/profile, or the requests
// that start and stop a profiler; or several of them. null and false are none.
func (r *run) parseProfilers(v any) (all []profiling.Profiler, err error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case bool:
		if !v {
			return nil, nil
		}
	case []any:
		for i, one := range v {
			more, err := r.parseProfilers(one)
			if err != nil {
				return nil, fmt.Errorf("%d: %w", i+1, err)
			}
			for _, p := range more {
				if slices.Contains(all, p) {
					return nil, fmt.Errorf("%d: %s is there twice", i+1, p)
				}
				all = append(all, p)
			}
		}
		return all, nil
	case interface{ Profilers() []profiling.Profiler }:
		return v.Profilers(), nil
	case *script.Object:
		p, err := r.Profiling.HTTP(v.Fields(), profiling.Access{})
		return []profiling.Profiler{p}, err
	}
	return nil, errors.New(`it is none of weir/profile, such as vllm({ url }), nor requests such as { start: "http://…/start_profile", stop: "http://…/stop_profile" }`)
}

// startProfile starts the profilers of a case, all at once, and says whether they run.
// When one cannot be started, none is left running.
func (r *run) startProfile(c *caseSpec) (bool, error) {
	if len(c.profilers) == 0 || r.stopped() {
		return false, nil
	}
	ctx, cancel := until(r.ctx, r.Stop, 0)
	defer cancel()
	explained := r.explain(c, "start")
	errs := make([]error, len(c.profilers))
	each(c.profilers, func(i int, p profiling.Profiler) { errs[i] = p.Start(ctx) })
	explained()
	if errors.Join(errs...) == nil {
		return true, nil
	}
	ctx, cancel = r.stopping()
	defer cancel()
	each(c.profilers, func(i int, p profiling.Profiler) {
		if errs[i] == nil {
			p.Stop(ctx)
		}
	})
	if r.stopped() {
		return false, nil
	}
	for i, err := range errs {
		if err != nil {
			return false, fmt.Errorf("case %q was not played, as its profiler %s could not be started: %w", c.name, c.profilers[i], err)
		}
	}
	return false, nil
}

// stopProfile stops the profilers of a case, all at once, and says which of them failed.
func (r *run) stopProfile(c *caseSpec) []result.Trace {
	ctx, cancel := r.stopping()
	defer cancel()
	explained := r.explain(c, "stop and write their traces, which may take minutes")
	traces := make([]result.Trace, len(c.profilers))
	each(c.profilers, func(i int, p profiling.Profiler) { traces[i] = p.Stop(ctx) })
	explained()
	for i, t := range traces {
		if t.Error != "" {
			fmt.Fprintf(r.Errors, "weir: case %q: profiler %s: %s\n", c.name, c.profilers[i], t.Error)
		}
	}
	return traces
}

// explain tells the user after a while what is waited for, unless done has been called.
func (r *run) explain(c *caseSpec, doing string) (done func()) {
	said := make(chan struct{})
	say := time.AfterFunc(sayWaiting, func() {
		defer close(said)
		fmt.Fprintf(r.Errors, "weir: case %q: its profilers %s\n", c.name, doing)
	})
	return func() {
		if !say.Stop() {
			<-said
		}
	}
}

// profilerNames are those of traces, each once.
func profilerNames(traces []result.Trace) (names []string) {
	for _, t := range traces {
		if !slices.Contains(names, t.Profiler) {
			names = append(names, t.Profiler)
		}
	}
	return names
}

// stopping is the context in which profilers are stopped.
func (r *run) stopping() (context.Context, context.CancelFunc) {
	patient, cancel := until(context.WithoutCancel(r.ctx), r.Stop, stopAfterInterrupt)
	ctx, also := until(patient, r.ctx.Done(), stopAfterCut)
	return ctx, func() {
		also()
		cancel()
	}
}

func each(all []profiling.Profiler, f func(int, profiling.Profiler)) {
	var wg sync.WaitGroup
	for i, p := range all {
		wg.Go(func() { f(i, p) })
	}
	wg.Wait()
}
