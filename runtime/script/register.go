package script

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Extension is a module that was compiled into this weir beside its own, by weir build
// for instance.
type Extension struct {
	Path    string        // what scripts import: "weir/x/clock"
	Package string        // the Go package that registered it: "example.com/weir-clock"
	New     func() Module // makes the module of one run
}

// Typed is a module that brings its own declarations, which weir types writes beside
// those of weir's modules: the text of a .d.ts file with one
// declare module "weir/x/…" { … }.
type Typed interface {
	Types() string
}

// extensionFolder begins the paths of extensions.
const extensionFolder = "weir/x/"

// extensionPath is what an extension may be called. Everything else is weir's own, now
// and later.
var extensionPath = regexp.MustCompile(`^weir/x(/[a-z0-9][a-z0-9._-]*)+$`)

var (
	extensionsMu sync.Mutex // protects extensions
	extensions   []Extension
)

// Register adds a module that scripts import by a path below "weir/x/", in small letters
// and digits: "weir/x/clock". It is called from the init function of the package that
// has the module, and panics for a path that is none or is taken: such a program shall
// not start.
//
// make is called once a run, before the script is loaded; runs may be made at the same
// time. A module that is also an io.Closer is closed at the end of its run, when no
// JavaScript runs any more; one that is [Typed] has declarations.
// Of other packages, metrics.Declarer is for modules with metrics of their own, and
// transport.Sender for those that send requests.
func Register(path string, make func() Module) {
	if !extensionPath.MatchString(path) {
		panic(fmt.Sprintf("script.Register(%q): the path of an extension is weir/x/NAME, in small letters, digits, \".\", \"_\" and \"-\"; all others are weir's own", path))
	}
	if make == nil {
		panic(fmt.Sprintf("script.Register(%q): there is no function that makes the module", path))
	}
	e := Extension{Path: path, Package: caller(), New: make}
	extensionsMu.Lock()
	defer extensionsMu.Unlock()
	for _, other := range extensions {
		if other.Path == path {
			panic(fmt.Sprintf("script.Register(%q): %s has registered this path already, and now %s does: build weir without one of them", path, other.Package, e.Package))
		}
	}
	extensions = append(extensions, e)
	slices.SortFunc(extensions, func(a, b Extension) int { return strings.Compare(a.Path, b.Path) })
}

// Extensions lists what was registered, by path. Any goroutine.
func Extensions() []Extension {
	extensionsMu.Lock()
	defer extensionsMu.Unlock()
	return slices.Clone(extensions)
}

// caller is the package that has called the caller of this function.
func caller() string {
	var at [1]uintptr
	if runtime.Callers(3, at[:]) == 0 {
		return ""
	}
	frame, _ := runtime.CallersFrames(at[:]).Next()
	return packageOf(frame.Function)
}

// packageOf is the package of a function by its full name: "example.com/a.b/c.init.0" is
// in example.com/a.b/c, and the last element of a path has its dots written as %2e.
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	name, _, _ := strings.Cut(function[slash:], ".")
	return function[:slash] + strings.ReplaceAll(name, "%2e", ".")
}
