package cmd

import (
	"context"

	"weir/runtime/access"
	"weir/runtime/script"
)

// scenario is what a SCRIPT on the command line stands for, found and ready to be
// loaded: a file, one of weir's own by its name, a bundle, or something that has to be
// fetched. Every command that takes a SCRIPT finds it here.
type scenario struct {
	name  string // for script.Load
	rules access.Rules
}

// findScenario finds what name stands for. ctx ends fetching it. Whoever has it closes it.
func findScenario(ctx context.Context, name string) (*scenario, error) {
	return &scenario{name: name}, nil
}

// load loads it. The access is that of the run, and is closed by the caller.
func (s *scenario) load(c script.Config) (*script.Script, *access.Access, error) {
	a := access.New(s.rules)
	c.Access = a
	loaded, err := script.Load(s.name, c)
	return loaded, a, err
}

// close removes what was unpacked.
func (s *scenario) close() error { return nil }
