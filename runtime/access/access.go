// Package access says what a scenario may touch outside of itself, and notes what it
// touched.
//
// A script reads files under its own folder and those that the run names; it writes
// below the folder of the result and to paths that the run names; it talks to the hosts
// that the run names, where that is asked for; and starts no programs, except through
// modules that say so. Modules ask before they open anything, and open what they are
// given back. What was read is what a bundle has to bring along.
//
// The run names something on its command line, in a file of parameters, or in the
// environment: every value that was given for a parameter of the script, and what
// --allow-read, --allow-write and --allow-host say. What a script says itself, in the
// default of a parameter too, names nothing.
//
//	access.go  the rules of a run, and what it has named
//	path.go    what may be read and written, and where relative paths start
//	files.go   what was read and written
//	host.go    where requests may go
//
// It guards against scripts, and not against other programs that change the same folders
// while a run reads them.
package access

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Rules are what a run allows.
type Rules struct {
	// Dir is the script's own folder, an absolute path: it is read from, and relative paths
	// that the script says start there. "": that of the script's file, which Load of package
	// script tells; of one of weir's own, the working directory.
	Dir string
	// Trusted scripts, which are weir's own, may read and write whatever the user may.
	Trusted bool
	// Reads and Writes are files and folders that may be read and written besides, such as
	// those of --allow-read. Relative ones start at the working directory.
	Reads, Writes []string
	// Limited scripts came from elsewhere: they send requests to hosts that the run names and
	// to Hosts only, start no programs but Programs, and are not shown the environment.
	Limited bool
	// Hosts are host, host:port, or * for any. With OnlyHosts, they and those that the run
	// names are the only ones for any script.
	Hosts     []string
	OnlyHosts bool
	// Programs are those that a limited script may have started, by the names it says.
	Programs []string
	// Dry: nothing that the script does may be seen outside. What it writes goes to a
	// folder that Close removes; requests and programs are refused.
	Dry bool
}

// Access is what one run allows and has seen. A nil *Access allows everything and notes
// nothing. Its methods may be called by any goroutine.
type Access struct {
	rules  Rules
	reads  []root // of rules
	writes []root

	mu       sync.Mutex // protects the fields below
	dir      root       // the script's folder
	script   string     // its file, as it is found on disk; "": none
	named    []root     // the longest first
	values   map[string]bool
	flags    map[string]string // of parameters, by name
	hosts    []host
	allowed  map[string]bool // addresses that the run itself has begun to serve
	out      root            // the folder of the result
	scratch  string          // of a dry run; "": there is none yet
	seen     map[string]bool // paths in touched
	touched  []File
	made     map[string]bool // files that the script has written, by absolute path
	written  []string
	withheld []string // what a dry run has not done, see Withheld
}

// root is a file or folder with what is below it.
type root struct {
	param string
	said  string // as it was named
	path  string // absolute
	real  string // without symbolic links
}

// New makes the access of a run.
func New(r Rules) *Access {
	a := &Access{rules: r, values: map[string]bool{}, flags: map[string]string{}, allowed: map[string]bool{}, seen: map[string]bool{}, made: map[string]bool{}}
	for _, path := range r.Reads {
		a.reads = append(a.reads, newRoot("", path))
	}
	for _, path := range r.Writes {
		a.writes = append(a.writes, newRoot("", path))
	}
	for _, text := range r.Hosts {
		if h, err := parseHost(text); err == nil {
			a.hosts = append(a.hosts, h)
		}
	}
	if r.Dir != "" {
		a.dir = newRoot("", r.Dir)
	}
	return a
}

func newRoot(param, said string) root {
	path := absolute("", said)
	return root{param: param, said: said, path: path, real: resolve(path)}
}

// Builtin tells that the script is one of weir's own, which is trusted. Relative paths
// start at dir.
func (a *Access) Builtin(dir string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rules.Trusted, a.dir = true, newRoot("", dir)
}

// Script tells where the script is from: its file, "" for none, and its folder, unless the
// rules say one.
func (a *Access) Script(file, dir string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if file != "" {
		a.script = resolve(absolute("", file))
	}
	if a.rules.Dir == "" {
		a.dir = newRoot("", dir)
	}
}

// Name notes the values that the run gives for a parameter: paths, URLs and hosts, or
// neither. A value with commas in it names what stands between them, too.
func (a *Access) Name(param string, values ...string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, value := range values {
		a.name(param, value)
		if strings.Contains(value, ",") {
			for part := range strings.SplitSeq(value, ",") {
				a.name(param, strings.TrimSpace(part))
			}
		}
	}
}

// Flag tells which flag gives a parameter, for messages: "--dataset-path".
func (a *Access) Flag(param, flag string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.flags[param] = flag
}

// name is called with mu held.
func (a *Access) name(param, value string) {
	key := param + "\x00" + value
	if value == "" || a.values[key] {
		return
	}
	a.values[key] = true
	if h, err := parseHost(value); err == nil && !h.any {
		a.hosts = append(a.hosts, h)
	}
	if !mayBePath(value) {
		return
	}
	a.named = append(a.named, newRoot(param, value))
	slices.SortStableFunc(a.named, func(x, y root) int { return len(y.path) - len(x.path) })
}

// mayBePath tells whether a value can be meant as a path. The whole file system is not
// named by a slash, which may stand for anything.
func mayBePath(value string) bool {
	return len(value) < 4096 && !strings.Contains(value, "://") && !strings.ContainsRune(value, 0) && filepath.Clean(value) != "/"
}

// Out says which folder the result is in, when it is there.
func (a *Access) Out(dir string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.out = newRoot("", dir)
}

// Limited tells whether the script came from elsewhere: it is not shown the environment.
func (a *Access) Limited() bool { return a != nil && a.rules.Limited }

// Program tells whether a module may start a program that the script says.
func (a *Access) Program(name string) error {
	if a == nil || !a.rules.Limited || slices.Contains(a.rules.Programs, name) {
		return nil
	}
	return &Refused{
		Message: fmt.Sprintf("the script may not start %s: it did not come from this machine, and the run does not allow that program", name),
		Hint:    "allow it with --allow-program " + name + ", if you know what it does",
	}
}

// Tool tells whether a module may start a program that weir knows, such as npu-smi.
func (a *Access) Tool(name string) error {
	if a == nil || !a.rules.Dry {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.withhold(name + " is not started in a dry run")
}

// Close removes what a dry run has written.
func (a *Access) Close() error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.scratch == "" {
		return nil
	}
	scratch := a.scratch
	a.scratch = ""
	return os.RemoveAll(scratch)
}

// Missing is a file that the run names, and that is not there.
type Missing struct {
	Flag string // of the parameter that names it
	Path string // absolute
}

func (m *Missing) Error() string {
	return fmt.Sprintf("%s: %s: there is no such file or folder", m.Flag, m.Path)
}

func (m *Missing) Unwrap() error { return fs.ErrNotExist }

// Refused is what the script may not do, and what allows it.
type Refused struct {
	Message string
	Hint    string
}

func (r *Refused) Error() string {
	if r.Hint == "" {
		return r.Message
	}
	return r.Message + "\n  hint: " + r.Hint
}
