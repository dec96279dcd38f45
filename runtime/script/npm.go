package script

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

// Packages come from node_modules as a bundler for browsers finds them: their build for
// browsers where they have one, as those do without Node.js.
var (
	packageFields     = []string{"browser", "module", "main"} // of package.json, where it has no exports
	packageConditions = []string{"module"}                    // of exports, besides browser, import or require, and default
	packageDefines    = map[string]string{
		"process.env.NODE_ENV": `"production"`,
		"global":               "globalThis",
	}
)

// nodeModules are the modules that Node.js has built in, each with what does the same here; "": nothing does.
var nodeModules = map[string]string{
	"assert": "", "assert/strict": "", "async_hooks": "", "buffer": `Uint8Array holds bytes; TextEncoder, TextDecoder, atob and btoa are globals`,
	"child_process": "scripts start no programs", "cluster": "", "console": "console is a global", "constants": "",
	"crypto": "crypto.randomUUID() and crypto.getRandomValues() are globals", "dgram": "", "diagnostics_channel": "", "dns": "", "domain": "",
	"events": "", "fs": fileHint, "fs/promises": fileHint,
	"http": httpHint, "http2": httpHint, "https": httpHint, "inspector": "", "module": "", "net": httpHint,
	"os": "", "path": "", "path/posix": "", "perf_hooks": "performance.now() is a global", "process": processHint, "punycode": "", "querystring": "URLSearchParams is a global",
	"readline": "", "repl": "", "stream": "", "stream/promises": "", "stream/web": "", "string_decoder": "TextDecoder is a global", "sys": "",
	"timers": "setTimeout and the others are globals", "timers/promises": `sleep() of "weir" waits`, "tls": httpHint, "trace_events": "", "tty": "",
	"url": "URL and URLSearchParams are globals", "util": "", "util/types": "", "v8": "", "vm": "", "wasi": "", "worker_threads": "", "zlib": "",
	"sqlite": "", "test": "",
}

const (
	fileHint    = `open() reads a file in init code, and "weir/output" writes`
	httpHint    = `"weir/http" sends requests`
	processHint = `flags are declared with params() of "weir", the environment is __ENV`
	browserHint = "there is no browser here; some packages have a build that does without"
)

// missingGlobals are names that code from elsewhere takes for granted, with what to use instead.
var missingGlobals = map[string]string{
	"process": "there is no Node.js here; " + processHint,
	"Buffer":  "there is no Node.js here; " + nodeModules["buffer"],
	"fetch":   httpHint, "XMLHttpRequest": httpHint, "WebSocket": httpHint, "EventSource": httpHint + ", and its stream() reads events",
	"Headers": httpHint, "Request": httpHint, "Response": httpHint, "FormData": httpHint, "Blob": "Uint8Array holds bytes",
	"AbortController": "requests have a timeout", "AbortSignal": "requests have a timeout",
	"window": browserHint, "document": browserHint, "navigator": browserHint, "self": browserHint + "; globalThis is the global object", "localStorage": browserHint,
	"Intl": "numbers and dates have toFixed() and toISOString()", "WebAssembly": "a package may have a build in plain JavaScript",
	"SharedArrayBuffer": "values that several runtimes share are metrics and datasets", "Atomics": "a runtime runs one thing at a time", "WeakRef": "",
	"__dirname": "open() and imports are relative to the script's own folder", "__filename": "open() and imports are relative to the script's own folder",
	"ReadableStream": `stream() of "weir/http" reads events`, "MessageChannel": "setTimeout and queueMicrotask are globals",
}

var notDefined = regexp.MustCompile(`^ReferenceError: (\w+) is not defined`)

// globalHint says what to use instead of a global that scripts do not have.
func globalHint(message string) string {
	m := notDefined.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	instead, known := missingGlobals[m[1]]
	switch {
	case !known:
		return ""
	case instead == "":
		return m[1] + " does not exist here"
	}
	return m[1] + " does not exist here: " + instead
}

// packages notes which package brings which other one along.
type packages struct {
	mu       sync.Mutex
	bringsIn map[string]string // by package: the first that imports it; "" is the script
}

func newPackages() *packages { return &packages{bringsIn: map[string]string{}} }

// imported is called for every bare import.
func (p *packages) imported(name, importer string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := packageOfFile(importer)
	if wanted := packageName(name); of != wanted {
		if _, found := p.bringsIn[wanted]; !found || of == "" {
			p.bringsIn[wanted] = of
		}
	}
}

// way is how a package came in: ` (imported by "a", and that by "b")`, "" when the script imports it.
func (p *packages) way(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for name = p.bringsIn[name]; name != "" && !slices.Contains(all, quote(name)); name = p.bringsIn[name] {
		all = append(all, quote(name))
	}
	if len(all) == 0 {
		return ""
	}
	return " (imported by " + strings.Join(all, ", and that by ") + ")"
}

// packageName is the package of an import: "@scope/name" of "@scope/name/file".
func packageName(imported string) string {
	parts := strings.SplitN(imported, "/", 3)
	if strings.HasPrefix(imported, "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// packageOfFile is the package that a file is in, "" for a file of the user's.
func packageOfFile(file string) string {
	file = strings.ReplaceAll(file, `\`, "/")
	const folder = "node_modules/"
	i := strings.LastIndex(file, folder)
	if i < 0 || i > 0 && file[i-1] != '/' {
		return ""
	}
	return packageName(file[i+len(folder):])
}

var unresolved = regexp.MustCompile(`^Could not resolve "([^"]+)"`)

// unresolvedImport is the fault of an import that nothing answers, nil when the message is another one.
func unresolvedImport(m api.Message, found *packages, known []string) *Error {
	match := unresolved.FindStringSubmatch(m.Text)
	if match == nil {
		return nil
	}
	name, importer := match[1], ""
	if m.Location != nil {
		importer = packageOfFile(m.Location.File)
	}
	bare, isNode := strings.CutPrefix(name, "node:")
	instead, builtIn := nodeModules[bare]
	e := &Error{Op: "bundle"}
	switch {
	case (builtIn || isNode) && importer != "":
		e.needs, e.needing = []string{bare}, importer
		e.way = found.way(importer)
		e.Hint = "take another package, in plain JavaScript; docs/libraries.md tells which work"
	case builtIn || isNode:
		e.Message = fmt.Sprintf("the module %q is Node.js's, which is not there", name)
		if e.Hint = instead; instead == "" {
			e.Hint = "a package in plain JavaScript may do the same"
		}
	case strings.HasPrefix(name, ".") || strings.HasPrefix(name, "/"):
		e.Message, e.Hint = m.Text, "look at the path: it is relative to the file that imports it"
	default:
		e.Message = fmt.Sprintf("unknown import %q", name)
		if e.Hint = packageHint(m.Notes); e.Hint == "" {
			e.Hint = importHint(name, known)
		}
		if importer != "" {
			e.Message += fmt.Sprintf(" in the package %q%s", importer, found.way(importer))
		}
	}
	return e
}

var noExport = regexp.MustCompile(`^No matching export in "([^"]+)" for import "([^"]+)"`)

// missingExport is the fault of a name that a file does not export, nil when the message is another one.
func missingExport(m api.Message) *Error {
	match := noExport.FindStringSubmatch(m.Text)
	if match == nil {
		return nil
	}
	file := match[1]
	if library := libraryName(file); library != "" {
		file = strings.TrimSuffix(library, ".ts")
	}
	e := &Error{Op: "bundle", Message: fmt.Sprintf("%q has no export %q", file, match[2])}
	for _, note := range m.Notes {
		if meant := didYouMeanImport.FindStringSubmatch(note.Text); meant != nil {
			e.Hint = fmt.Sprintf("did you mean %q?", meant[1])
		}
	}
	return e
}

var didYouMeanImport = regexp.MustCompile(`^Did you mean to import "([^"]+)"`)

// packageHint is what a package that is there says against the import.
func packageHint(notes []api.Note) string {
	for _, note := range notes {
		for _, why := range []string{"is not exported by package", "is disabled by package", "None of the conditions", "field here was ignored", "was not found", "does not exist"} {
			if strings.Contains(note.Text, why) {
				return strings.TrimRight(strings.ReplaceAll(note.Text, "\n", " "), ":. ")
			}
		}
	}
	return ""
}

// joinNeeds makes one fault of all that a package needs of Node.js.
func joinNeeds(all []*Error) []*Error {
	first := map[string]*Error{}
	var kept []*Error
	for _, e := range all {
		if e.needing == "" {
			kept = append(kept, e)
			continue
		}
		if known := first[e.needing]; known != nil {
			known.needs = append(known.needs, e.needs...)
			continue
		}
		first[e.needing] = e
		kept = append(kept, e)
	}
	for _, name := range slices.Sorted(maps.Keys(first)) {
		e := first[name]
		slices.Sort(e.needs)
		needs := slices.Compact(e.needs)
		modules := "module "
		if len(needs) > 1 {
			modules = "modules "
		}
		e.Message = fmt.Sprintf("the package %q%s needs Node.js's %s%s, which %s not there", name, e.way, modules, strings.Join(needs, ", "), map[bool]string{true: "are", false: "is"}[len(needs) > 1])
	}
	return kept
}

// loaderFault is the fault of a file that nobody can import, nil when the message is another one.
func loaderFault(m api.Message) *Error {
	if !strings.HasPrefix(m.Text, "No loader is configured for") {
		return nil
	}
	e := &Error{Op: "bundle", Message: "files of this kind cannot be imported", Hint: `.ts, .js, .json and .txt can; open(path, "b") reads the bytes of any file`}
	if m.Location != nil {
		if name := strings.Trim(m.Location.LineText[min(m.Location.Column, len(m.Location.LineText)):min(m.Location.Column+m.Location.Length, len(m.Location.LineText))], `"'`); name != "" {
			e.Message = fmt.Sprintf("%q cannot be imported: files ending in %s are not known", name, path.Ext(name))
		}
	}
	return e
}
