// Package prefix is weir/x/prefix, an extension of weir: it tells how much of its prompts
// a service with a prefix cache need not compute again, and writes them as a trace that
// "weir run replay" plays.
//
//	weir build --with ./examples/extension --output weir-prefix
//	./weir-prefix run examples/extension/scenario.ts --sim
package prefix

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/script"
)

// Importing the package is all that it takes; weir build does.
func init() {
	script.Register("weir/x/prefix", func() script.Module { return New() })
}

//go:embed prefix.d.ts
var types string

// hitShare is the metric that fills itself: of each prompt, the share of its tokens that
// was in the cache.
const hitShare = "prefix_expected"

// Module is weir/x/prefix for one run.
type Module struct {
	began time.Time

	mu     sync.Mutex // protects the following fields and what is in them
	caches map[options]*shared
}

// What weir finds in a module by asking for it. The compiler tells when one is misspelt.
var (
	_ script.Typed     = (*Module)(nil)
	_ metrics.Declarer = (*Module)(nil)
)

// New makes the module of one run.
func New() *Module { return &Module{began: time.Now(), caches: map[options]*shared{}} }

// options are what a script says about a cache. Equal ones are one cache, since every
// JavaScript runtime evaluates the init code in which it is made.
type options struct {
	BlockTokens int    `json:"blockTokens"`
	Blocks      int    `json:"blocks"`
	Trace       string `json:"trace"`
}

// shared is a cache of the run, for all runtimes.
type shared struct {
	options
	cache *cache
	path  string   // of the trace; "": none is written
	file  *os.File // made with the first prompt: init code runs for --help, too
}

// Exports gives a runtime the class PrefixCache. It is called on the runtime's loop, for
// several runtimes at once.
func (m *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	class := rt.Class(script.Class{
		Name: "PrefixCache",
		New: func(call goja.ConstructorCall) (any, error) {
			s, err := m.open(rt, call.Argument(0))
			if err != nil {
				return nil, fmt.Errorf("new PrefixCache: %w", err)
			}
			return s, nil
		},
		Methods: map[string]func(any, goja.FunctionCall) (any, error){
			"add": func(self any, call goja.FunctionCall) (any, error) {
				return m.add(rt, self.(*shared), call.Argument(0))
			},
		},
		Getters: map[string]func(any) any{
			"blockTokens": func(self any) any { return self.(*shared).BlockTokens },
		},
	})
	return map[string]any{"PrefixCache": class}, nil
}

// open reads the options, and makes the cache or finds the one that another runtime has made.
func (m *Module) open(rt *script.Runtime, v goja.Value) (*shared, error) {
	if !rt.InInit() {
		return nil, errors.New("a cache is made in init code, outside of all functions")
	}
	o := options{BlockTokens: 16}
	if given, ok := v.(*goja.Object); ok {
		text, err := json.Marshal(given)
		if err == nil {
			err = json.Unmarshal(text, &o)
		}
		if err != nil {
			return nil, fmt.Errorf("the options: %w", err)
		}
	} else if !goja.IsUndefined(v) {
		return nil, script.TypeErrorf("the options are %s, not an object such as {blockTokens: 16}", v)
	}
	if o.BlockTokens < 1 || o.Blocks < 0 {
		return nil, fmt.Errorf("blockTokens is %d and blocks is %d: a block has one token at least, and 0 blocks are no limit", o.BlockTokens, o.Blocks)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.caches[o]; s != nil {
		return s, nil
	}
	s := &shared{options: o, cache: newCache(o.BlockTokens, o.Blocks)}
	if o.Trace != "" {
		// Where a script may write is the run's to say, not the extension's.
		path, err := rt.Script().Access().Write(o.Trace)
		if err != nil {
			return nil, fmt.Errorf("trace: %w", err)
		}
		s.path = path
	}
	m.caches[o] = s
	return s, nil
}

// add starts to look up a prompt and returns the promise of what was found. All that
// touches JavaScript happens here and in the function that settle is given, on the
// runtime's loop; the work itself is a goroutine's.
func (m *Module) add(rt *script.Runtime, s *shared, v goja.Value) (any, error) {
	var tokens []uint32
	if err := rt.VM().ExportTo(v, &tokens); err != nil || len(tokens) == 0 {
		return nil, script.TypeErrorf("PrefixCache.add: the prompt is %s, not a list of token ids: tokenizer.encode(text) makes one", v)
	}
	it, _ := rt.Current().(*metrics.Iteration) // nil: no iteration runs
	promise, settle := rt.Promise()
	go func() {
		cached, err := m.look(s, tokens)
		if it != nil && err == nil {
			err = it.Observe(hitShare, metrics.Trend, "", float64(cached)/float64(len(tokens)), nil)
		}
		settle(func() (any, error) {
			return map[string]any{"tokens": len(tokens), "cached": cached}, err
		})
	}()
	return promise, nil
}

// look looks a prompt up, and writes its line of the trace. It is called by any goroutine.
func (m *Module) look(s *shared, tokens []uint32) (cached int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	cached, ids := s.cache.add(tokens)
	if s.path == "" {
		return cached, nil
	}
	if s.file == nil {
		// As all of weir, it overwrites nothing.
		if s.file, err = os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); err != nil {
			return cached, fmt.Errorf("writing the trace: %w", err)
		}
	}
	// A line of weir's own trace format. How long answers will be is not known.
	line, err := json.Marshal(map[string]any{
		"timestamp_ms": time.Since(m.began).Milliseconds(), "prompt_tokens": len(tokens), "hash_ids": ids, "block_size": s.BlockTokens,
	})
	if err == nil {
		_, err = s.file.Write(append(line, '\n'))
	}
	if err != nil {
		err = fmt.Errorf("writing the trace: %w", err)
	}
	return cached, err
}

// Metrics lists what add fills, so that thresholds can be on it.
func (m *Module) Metrics() map[string]metrics.CustomKind {
	return map[string]metrics.CustomKind{hitShare: metrics.Trend}
}

// Types are the declarations, for editors.
func (m *Module) Types() string { return types }

// Close ends the traces; the run is over.
func (m *Module) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var faults []error
	for _, s := range m.caches {
		if s.file != nil {
			faults = append(faults, s.file.Close())
		}
	}
	return errors.Join(faults...)
}
