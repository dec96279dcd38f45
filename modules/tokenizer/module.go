package tokenizer

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"weir/runtime/access"
	"weir/runtime/script"
)

// Module is "weir/tokenizer" for one run. It may be used by several goroutines.
type Module struct {
	mu     sync.Mutex // protects the fields below; not held while a file is loaded
	loaded map[string]*loading
	closed bool
	files  []string // that tokenizers were made of
}

// loading is one path: whoever comes second waits for the first.
type loading struct {
	once      sync.Once
	tokenizer *Tokenizer
	err       error
}

// New returns the module of a run. Close it when the run has ended.
func New() *Module { return &Module{loaded: map[string]*loading{}} }

// Load returns the tokenizer of a path (see the function Load), loading it at
// the first call. It belongs to the module.
func (m *Module) Load(path string) (*Tokenizer, error) { return m.load(path, nil) }

// load is Load for a script, of which a says what it may read.
func (m *Module) load(path string, a *access.Access) (*Tokenizer, error) {
	key := path
	if path != Builtin && path != "" {
		if abs, err := filepath.Abs(path); err == nil {
			key = abs
		}
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil, fmt.Errorf("load tokenizer %s: %w", path, ErrClosed)
	}
	l := m.loaded[key]
	if l == nil {
		l = &loading{}
		m.loaded[key] = l
	}
	m.mu.Unlock()

	l.once.Do(func() {
		if l.tokenizer, l.err = load(path, func(file string) error { return a.Found(path, file) }); l.err == nil {
			l.tokenizer.module = m
			m.note(l.tokenizer)
		}
	})
	return l.tokenizer, l.err
}

// Close frees all tokenizers of the run.
func (m *Module) Close() error {
	m.mu.Lock()
	m.closed = true
	loaded := m.loaded
	m.loaded = map[string]*loading{}
	m.mu.Unlock()

	var errs []error
	for _, l := range loaded {
		l.once.Do(func() { l.err = ErrClosed }) // waits for a load under way
		if l.tokenizer != nil {
			errs = append(errs, l.tokenizer.Close())
		}
	}
	return errors.Join(errs...)
}

// Exports implements script.Module.
func (m *Module) Exports(rt *script.Runtime) (map[string]any, error) {
	return map[string]any{className: m.class(rt)}, nil
}
