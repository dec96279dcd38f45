package runtime

import (
	"fmt"
	"sync"

	"github.com/dop251/goja"

	"weir/runtime/script"
)

// binding is what the iterations of a scenario need in one runtime.
type binding struct {
	rt      *script.Runtime
	iterate goja.Callable
	setup   goja.Value   // what setup returned
	data    *goja.Object // nil: the scenario has none
	length  int          // of data; 0: it is no list

	states map[int]*goja.Object // of the VUs that have one; used on the runtime's loop only
}

// state is the object that a VU keeps from one iteration to the next.
func (b *binding) state(vu int) *goja.Object {
	o := b.states[vu]
	if o == nil {
		if b.states == nil {
			b.states = map[int]*goja.Object{}
		}
		o = b.rt.VM().NewObject()
		b.states[vu] = o
	}
	return o
}

// bind brings the data of the case's scenarios and what setup returned into
// every runtime, once. It returns the bindings by scenario and runtime.
func (r *run) bind(c *caseSpec) ([][]binding, error) {
	bound := make([][]binding, len(c.scenarios))
	for i := range bound {
		bound[i] = make([]binding, len(r.runtimes))
	}
	errs := make([]error, len(r.runtimes))
	var wg sync.WaitGroup
	for n, rt := range r.runtimes {
		wg.Go(func() {
			errs[n] = rt.Wait(script.Task{Op: "data", Context: r.ctx, Run: func(*goja.Runtime) (goja.Value, error) {
				rt.Class(iterationClass)
				var common *goja.Object // data that scenarios share is copied once
				for i, s := range c.scenarios {
					b, err := r.bindTo(rt, c, s, common)
					if err != nil {
						return nil, err
					}
					bound[i][n] = b
					if s.common {
						common = b.data
					}
				}
				return nil, nil
			}}, nil)
		})
	}
	wg.Wait()
	for _, err := range errs { // all runtimes find the same fault
		if err != nil {
			return nil, err
		}
	}
	return bound, nil
}

// bindTo binds a scenario to a runtime. common is the data that it shares with
// others, nil when it is the first.
func (r *run) bindTo(rt *script.Runtime, c *caseSpec, s *scenario, common *goja.Object) (b binding, err error) {
	b.rt = rt
	if b.iterate, err = r.iterate(rt, c, s); err != nil {
		return b, err
	}
	b.setup = rt.Attach(r.setup)
	if s.data == nil {
		return b, nil
	}
	if b.data = common; !s.common || common == nil {
		b.data, _ = rt.Attach(s.data).(*goja.Object)
	}
	if n := b.data.Get("length"); n != nil {
		b.length = int(n.ToInteger())
	}
	return b, nil
}

// iterate is the function that is an iteration of a scenario.
func (r *run) iterate(rt *script.Runtime, c *caseSpec, s *scenario) (goja.Callable, error) {
	f, err := r.function(rt, s.exec)
	if err != nil || f != nil {
		return f, err
	}
	what := "a default export"
	if s.exec != "default" {
		what = "an exported function " + s.exec
	}
	return nil, &script.Error{Op: "plan", File: r.Script.Path, Message: fmt.Sprintf("case %q needs %s, and the script has none", c.name, what),
		Hint: "an iteration is: export default async function (it) { … }"}
}
