// Package sim is the module weir/sim: a simulated inference service that a script
// starts for itself, with the knobs of `weir sim`.
//
// A Simulator is made in init code, which every JavaScript runtime evaluates:
// equal options are one service a run. It ends with the run.
package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"unicode"

	"github.com/dop251/goja"
	"github.com/spf13/pflag"

	"weir/runtime/script"
	"weir/runtime/sim"
	"weir/runtime/suggest"
)

// Module is "weir/sim" for one run. It may be used by several goroutines.
type Module struct {
	count  func(string) int
	encode func(string) []int

	mu      sync.Mutex // protects started
	started map[string]*sim.Server
}

// New makes the module. count counts the tokens of texts, and encode returns them; nil
// ones estimate them.
func New(count func(string) int, encode func(string) []int) *Module {
	return &Module{count: count, encode: encode, started: map[string]*sim.Server{}}
}

// Close ends the simulators of the run.
func (m *Module) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var first error
	for _, s := range m.started {
		if err := s.Close(); first == nil {
			first = err
		}
	}
	m.started = map[string]*sim.Server{}
	return first
}

// Exports gives a runtime the class Simulator.
func (m *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	return map[string]any{"Simulator": rt.Class(script.Class{
		Name: "Simulator",
		New: func(c goja.ConstructorCall) (any, error) {
			s, err := m.start(rt.Script(), c.Argument(0))
			if err != nil {
				return nil, fmt.Errorf("new Simulator: %w", err)
			}
			if u, err := url.Parse(s.URL()); err == nil {
				rt.Script().Access().Serve(u.Host)
			}
			return s, nil
		},
		Getters: map[string]func(any) any{
			"url": func(self any) any { return self.(*sim.Server).URL() },
		},
	})}, nil
}

// start starts a simulator, or returns the one with equal options.
func (m *Module) start(of *script.Script, options goja.Value) (*sim.Server, error) {
	config := sim.Default()
	config.CountTokens, config.Encode = m.count, m.encode
	key := "{}"
	if o, ok := options.(*goja.Object); ok {
		text, err := json.Marshal(o)
		if err != nil {
			return nil, err
		}
		key = string(text)
		if err := configure(&config, o); err != nil {
			return nil, err
		}
	} else if !goja.IsUndefined(options) && !goja.IsNull(options) {
		return nil, fmt.Errorf("the options must be an object, not %s", options)
	}
	if err := config.Validate(); err != nil {
		return nil, err
	}
	for _, path := range []*string{&config.LogFile, &config.ProfileDir} {
		if *path == "" {
			continue
		}
		var err error
		if *path, err = of.WritePath(*path); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.started[key]; s != nil {
		return s, nil
	}
	s, err := sim.Start(context.Background(), config)
	if err != nil {
		return nil, err
	}
	m.started[key] = s
	return s, nil
}

// configure sets the knobs, which are the flags of `weir sim` in camel case.
func configure(config *sim.Config, o *goja.Object) error {
	flags := pflag.NewFlagSet("sim", pflag.ContinueOnError)
	config.Flags(flags, "")
	for _, name := range o.Keys() {
		v := o.Get(name)
		if goja.IsUndefined(v) {
			continue
		}
		flag := flags.Lookup(kebab(name))
		if flag == nil {
			var known []string
			flags.VisitAll(func(f *pflag.Flag) { known = append(known, camel(f.Name)) })
			if near := suggest.Nearest(name, known); near != "" {
				return fmt.Errorf("unknown option %q; did you mean %q?", name, near)
			}
			return fmt.Errorf("unknown option %q; the options are %s", name, strings.Join(known, ", "))
		}
		text := v.String()
		if flag.Value.Type() == "duration" {
			d, err := script.Duration(v)
			if err != nil {
				return fmt.Errorf("option %s: %w", name, err)
			}
			text = d.String()
		}
		if err := flag.Value.Set(text); err != nil {
			return fmt.Errorf("option %s: %s is no %s: %w", name, v, flag.Value.Type(), err)
		}
	}
	return nil
}

// kebab is a flag's name for an option's: prefillRate → prefill-rate.
func kebab(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// camel is an option's name for a flag's.
func camel(flag string) string {
	words := strings.Split(flag, "-")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}
