// Package script runs TypeScript and JavaScript scenarios.
//
// [Load] bundles a scenario with esbuild (TypeScript, ES modules, JSON and npm
// imports, what goja does not speak itself) and compiles it once. Each
// [Script.NewRuntime] then evaluates the compiled program on an engine of its
// own, with an event loop on one goroutine: tasks (a setup, an iteration) are
// queued from any goroutine with [Runtime.Start], run one after another on the
// loop, and overlap while they await. What scripts import are [Module] values
// given in [Config]; their native functions return promises made with
// [Runtime.Promise] and settle them from their own goroutines.
//
// The package knows nothing of load, requests or metrics; it only calls into
// JavaScript when it is told to, and reports what became of the call.
package script

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/access"
)

// Module is what a script imports: one value a run, and a set of exports for each
// [Runtime], of which there are several.
//
// What may be called when:
//
//  1. Exports is called once for each Runtime, on its loop, while the init code runs; for
//     several runtimes at the same time. What the module shares between them needs a lock.
//  2. The functions that it exports, and a [Class]'s constructor, methods and getters, are
//     called on the loop of their Runtime: one at a time there, at the same time elsewhere.
//     While they run nothing else does on that runtime, so they wait for nothing: what
//     takes time goes into a goroutine, and JavaScript gets a promise ([Runtime.Promise]).
//  3. A goroutine touches no goja value, and of the Runtime only what says so. It gives up
//     when the context ends that [Runtime.Context] gave before it was started, and calls
//     settle all the same: the function that it gives to settle is called on the loop.
//  4. Values of JavaScript belong to their Runtime. [Runtime.Detach] makes a copy for
//     others, [Runtime.Attach] one of it there; what an instance of a Class holds goes by
//     reference when it is [Shared].
//  5. An error is returned, or thrown by [Runtime.Throw] where there is nothing to return.
//     A panic of any other kind ends the program.
//
// Modules ask [Script.Access] before they open a file, connect, or start a program.
// Modules of others are added with [Register].
type Module interface {
	Exports(*Runtime) (map[string]any, error)
}

// Config is what a script finds around it.
type Config struct {
	Modules    map[string]Module // by import path: "weir", "weir/llm"
	Builtin    fs.FS             // weir's own scripts, by file name: "static.ts"
	Args       []string          // the script's own flags, unparsed
	Program    *Program          // the script, when it was bundled before; nil: it is found by its name
	ParamsFile string            // JSON or YAML with values; "" for none
	LookupEnv  func(string) (string, bool)
	Console    io.Writer // where console.* writes; one Write a line, never two at once
	// Access says what the script may read, write and call; its modules ask it. nil: everything.
	Access *access.Access
	// Limits bound what its code takes, where Guard holds it to them.
	Limits Limits
}

// Script is a bundled and compiled scenario. It may be used by several
// goroutines.
type Script struct {
	Name   string // "static", or the file's name without its ending
	Path   string // as given; "builtin:static" for one of weir's own
	Dir    string // folder that relative paths of open() are resolved against
	Source []byte // the bundle: one CommonJS program, which depends on the sources only
	Map    []byte // its source map, with the sources, named relative to Dir

	cfg     Config
	program *goja.Program
	console *console
	files   fileCache // what open() has read in this run
	values  func() (*paramsFile, error)
	loaded  time.Time // when Load began

	mu     sync.Mutex       // protects the fields below
	live   map[int]*Runtime // by their numbers
	params []Param
	chosen map[string]any // values that the script has given to parameters, by their names
}

// Access says what the script may touch. nil: everything.
func (s *Script) Access() *access.Access { return s.cfg.Access }

// ReadPath is where a file or folder is that the script wants to read, or why it may not;
// a [ParamError] when the run names it and it is not there. Without an Access, relative
// paths start at Dir.
func (s *Script) ReadPath(path string) (string, error) {
	if s.cfg.Access == nil && !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, path)
	}
	abs, err := s.cfg.Access.Read(path)
	if missing, ok := errors.AsType[*access.Missing](err); ok {
		return "", &ParamError{Message: missing.Error()}
	}
	return abs, err
}

// WritePath is ReadPath for what the script wants to write. A path that starts at the
// working directory stays as it is; so do all without an Access.
func (s *Script) WritePath(path string) (string, error) {
	if s.cfg.Access == nil {
		return path, nil
	}
	abs, err := s.cfg.Access.Write(path)
	return access.As(path, abs), err
}

// Choose notes the value that the script itself has given to a parameter which leaves
// it open, as a seed of -1 does: with that value the run can be repeated. False: there
// is no such parameter.
func (s *Script) Choose(name string, value any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.params, func(p Param) bool { return p.Name == name }) {
		return false
	}
	if s.chosen == nil {
		s.chosen = make(map[string]any)
	}
	s.chosen[name] = value
	return true
}

// Chosen are the values that Choose was given so far, by parameter.
func (s *Script) Chosen() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.chosen)
}

// Params returns the parameters that the script declared, with their values,
// in order of declaration; it is complete when one NewRuntime has returned.
func (s *Script) Params() []Param {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Param(nil), s.params...)
}
