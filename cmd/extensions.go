package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime/debug"
	"strings"

	"weir/runtime/metrics"
	"weir/runtime/script"
	"weir/runtime/transport"
)

// extension is a module that was compiled in, made for one run.
type extension struct {
	path   string
	module script.Module
}

// addExtensions makes the modules that were compiled in, and adds them to the table.
func (m *modules) addExtensions(clients *transport.Clients) {
	for _, e := range script.Extensions() {
		made := extension{e.Path, e.New()}
		if made.module == nil {
			panic(fmt.Sprintf("%s registered %s, and made no module of it", e.Package, e.Path))
		}
		if sender, ok := made.module.(transport.Sender); ok {
			sender.UseClients(clients)
		}
		m.table[e.Path] = made.module
		m.extensions = append(m.extensions, made)
	}
}

// extensionMetrics adds the metrics that extensions fill to those of the script, which
// has a name when both do.
func (m *modules) extensionMetrics(kinds map[string]metrics.CustomKind) {
	for _, e := range m.extensions {
		if d, ok := e.module.(metrics.Declarer); ok {
			for name, kind := range d.Metrics() {
				if _, there := kinds[name]; !there {
					kinds[name] = kind
				}
			}
		}
	}
}

// closeExtensions closes those that want to be, the last one first.
func (m *modules) closeExtensions() error {
	var faults []error
	for i := len(m.extensions) - 1; i >= 0; i-- {
		if c, ok := m.extensions[i].module.(io.Closer); ok {
			if err := c.Close(); err != nil {
				faults = append(faults, fmt.Errorf("closing %s: %w", m.extensions[i].path, err))
			}
		}
	}
	return errors.Join(faults...)
}

// compiledIn is an extension as weir version lists it.
type compiledIn struct {
	Path    string `json:"path"`              // what scripts import
	Module  string `json:"module"`            // the Go module that it is of
	Version string `json:"version,omitempty"` // "": a folder's state, which has none
	Fork    string `json:"fork,omitempty"`    // the module that was taken in its place
	Folder  string `json:"folder,omitempty"`  // the folder that it was built from
}

func (c compiledIn) String() string {
	from := cmp.Or(c.Fork, c.Module)
	if c.Version != "" {
		from += "@" + c.Version
	}
	if c.Folder != "" {
		from += " in " + c.Folder
	}
	return c.Path + " of " + from
}

// compiledInExtensions lists the extensions of this program.
func compiledInExtensions() []compiledIn {
	all := []compiledIn{} // a list in JSON, also when there are none
	info, _ := debug.ReadBuildInfo()
	for _, e := range script.Extensions() {
		c := compiledIn{Path: e.Path, Module: e.Package}
		if module := moduleOf(info, e.Package); module != nil {
			c.Module, c.Version = module.Path, module.Version
			if r := module.Replace; r != nil {
				c.Version = r.Version
				if filepath.IsAbs(r.Path) || strings.HasPrefix(r.Path, ".") {
					c.Folder = r.Path
				} else if r.Path != module.Path {
					c.Fork = r.Path
				}
			}
			if c.Version == "(devel)" { // of a folder, or of the module that is compiled itself
				c.Version = ""
			}
		}
		all = append(all, c)
	}
	return all
}

// moduleOf is the module that a package is of; nil: the program does not know.
func moduleOf(info *debug.BuildInfo, pkg string) (best *debug.Module) {
	if info == nil {
		return nil
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if (pkg == m.Path || strings.HasPrefix(pkg, m.Path+"/")) && (best == nil || len(m.Path) > len(best.Path)) {
			best = m
		}
	}
	return best
}
