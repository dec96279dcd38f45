package runtime

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"

	"github.com/dop251/goja"

	"weir/runtime/load"
	"weir/runtime/metrics"
	"weir/runtime/script"
)

// iteration is one call of the script's function. The embedded part follows it
// through its awaits, so that modules know for what they send a request.
type iteration struct {
	metrics.Iteration
	begun    atomic.Bool // it has sent a request
	asleep   metrics.Sleep
	inVU     int
	warmup   bool
	caseName string
	scenario *scenario
	binding  *binding
}

// run plays the iteration and waits for its end, for which ended has room. When
// ctx ends, so does the iteration.
func (it *iteration) run(ctx context.Context, ended chan error) error {
	b := it.binding
	b.rt.Start(script.Task{
		Op:      "iteration",
		Context: ctx,
		Value:   &it.Iteration,
		Run: func(*goja.Runtime) (goja.Value, error) {
			return b.iterate(goja.Undefined(), b.rt.Instance(iterationClass.Name, it), b.setup)
		},
		Done: func(_ goja.Value, err error) { ended <- err },
	})
	err := <-ended
	switch {
	case err == nil:
		return nil
	case errors.Is(err, script.ErrInterrupted) || ctx.Err() != nil:
		return load.ErrInterrupted
	}
	it.Recorder.IterationFailed("exception", exception(err))
	return err
}

// exception is the message for the list of failed iterations, which says itself
// that it is about iterations.
func exception(err error) string {
	var fault *script.Error
	if !errors.As(err, &fault) {
		return err.Error()
	}
	plain := *fault
	plain.Op = ""
	return plain.Error()
}

// iterationClass is the object that the script's function is called with.
var iterationClass = script.Class{
	Name: "Iteration",
	Getters: map[string]func(any) any{
		"index":         func(self any) any { return self.(*iteration).Index },
		"vu":            func(self any) any { return self.(*iteration).VU },
		"iterationInVU": func(self any) any { return self.(*iteration).inVU },
		"scenario":      func(self any) any { return self.(*iteration).scenario.name },
		"caseName":      func(self any) any { return self.(*iteration).caseName },
		"tags":          func(self any) any { return self.(*iteration).scenario.tags },
		"warmup":        func(self any) any { return self.(*iteration).warmup },
		// state lives as long as the case: a VU always runs on the same runtime.
		"state": func(self any) any {
			it := self.(*iteration)
			return it.binding.state(it.VU)
		},
		"data": func(self any) any {
			if d := self.(*iteration).binding.data; d != nil {
				return d
			}
			return goja.Undefined()
		},
		// item is the element of data with the iteration's number; a list that is
		// too short is begun again. A warm-up begins at the list's end, so that it
		// does not put the case's prompts into the service's cache, if there are more.
		"item": func(self any) any {
			it := self.(*iteration)
			if it.binding.length == 0 {
				return goja.Undefined()
			}
			i := it.Index % it.binding.length
			if it.warmup {
				i = it.binding.length - 1 - i
			}
			return it.binding.data.Get(strconv.Itoa(i))
		},
	},
}
