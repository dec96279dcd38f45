package dataset

import (
	"context"
	"errors"
	"sync"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// Module is "weir/dataset" for one run. It may be used by several goroutines.
type Module struct {
	mu   sync.Mutex // protects made; not held while prompts are made
	made map[Synthetic]*making
}

// making is one dataset: runtimes that ask for the same wait for it.
type making struct {
	mu      sync.Mutex // held while it is made
	dataset *Dataset
}

// New returns the module of a run.
func New() *Module { return &Module{made: map[Synthetic]*making{}} }

// Exports implements script.Module.
func (m *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	return map[string]any{
		className: class(rt),
		"synthetic": func(call goja.FunctionCall) goja.Value {
			s, err := readSynthetic(rt.VM(), call.Argument(0))
			if err != nil {
				rt.Throw(err)
			}
			make := m.synthetic
			if !rt.InInit() { // only one runtime asks, and a sweep is not to keep them all
				make = fresh
			}
			d, err := make(rt.Context(), s)
			if err != nil {
				rt.Throw(err)
			}
			return d.Object(rt)
		},
	}, nil
}

// synthetic makes a dataset, or returns the one that was made of an equal
// description: init code runs once in each runtime, and the prompts are the
// same. A failure is not remembered, since it may have been a cancellation.
func (m *Module) synthetic(ctx context.Context, s Synthetic) (*Dataset, error) {
	m.mu.Lock()
	entry := m.made[s]
	if entry == nil {
		entry = &making{}
		m.made[s] = entry
	}
	m.mu.Unlock()

	entry.mu.Lock()
	defer entry.mu.Unlock()
	if entry.dataset != nil {
		return entry.dataset, nil
	}
	d, err := fresh(ctx, s)
	entry.dataset = d
	return d, err
}

func fresh(ctx context.Context, s Synthetic) (*Dataset, error) {
	d, err := s.Make(ctx)
	if errors.Is(err, context.Canceled) {
		err = script.ErrInterrupted
	}
	return d, err
}
