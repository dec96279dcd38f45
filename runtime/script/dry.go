package script

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// Twin is the same script for a second play beside this one: with an access of its own,
// which whoever plays it closes, and without a console.
func (s *Script) Twin() *Script {
	twin := &Script{Name: s.Name, Path: s.Path, Dir: s.Dir, Source: s.Source, Map: s.Map, cfg: s.cfg, program: s.program, console: newConsole(nil), values: s.values, loaded: s.loaded}
	twin.cfg.Access = s.cfg.Access.Twin()
	return twin
}

// setDry makes two plays of a dry run the same, as far as it is up to the script: chance
// gives the same numbers, and the clock stands where it stood when the script was loaded,
// but that it goes on by a millisecond with each look at it.
func (r *Runtime) setDry() {
	if !r.script.cfg.Access.Dry() {
		return
	}
	r.vm.SetRandSource(rand.New(rand.NewPCG(1, 2)).Float64)
	looks := 0
	r.vm.SetTimeSource(func() time.Time {
		looks++
		return r.script.loaded.Add(time.Duration(looks) * time.Millisecond)
	})
}

// Modules are the paths of the modules that the code has imported so far, sorted.
func (r *Runtime) Modules() []string { return slices.Sorted(maps.Keys(r.modules)) }
