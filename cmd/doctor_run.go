package cmd

import (
	"context"
	"fmt"
	"os"
	"sync"

	"weir/modules/llm"
	"weir/modules/llm/checkup"
	"weir/runtime"
	"weir/runtime/machine"
	"weir/runtime/result"
)

// glanced is how many services are looked at before a run; a script may name hundreds.
const glanced = 8

// doctor is what looks at the machine and the services before a run, for scripts with
// options.doctor; nil: --no-doctor.
func (s *session) doctor(services *llm.Module) *runtime.Doctor {
	if s.flags.noDoctor {
		return nil
	}
	return &runtime.Doctor{
		Glance: func(ctx context.Context) (all []result.Finding) {
			named := services.Services()
			named = named[:min(len(named), glanced)]
			found := make([][]result.Finding, len(named))
			var looks sync.WaitGroup
			for i, service := range named {
				looks.Go(func() { found[i] = checkup.Glance(ctx, service) })
			}
			looks.Wait()
			for _, f := range found {
				all = append(all, f...)
			}
			return all
		},
		Now: func(ctx context.Context) result.Environment { return machine.Read(ctx, os.DirFS("/")) },
		Tell: func(f result.Finding) {
			fmt.Fprintf(s.progress, "weir: %s: %s (weir doctor tells more)\n", f.Check, f.What)
		},
	}
}
