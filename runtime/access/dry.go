package access

import (
	"maps"
	"slices"
	"strings"
)

// Dry tells whether nothing that the script does may be seen outside.
func (a *Access) Dry() bool { return a != nil && a.rules.Dry }

// Twin is the access of a script that is played once more, beside this one: it allows the
// same, knows nothing of what was read and written, and has a scratch folder of its own. It
// is closed by itself.
func (a *Access) Twin() *Access {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return &Access{
		rules: a.rules, reads: a.reads, writes: a.writes, dir: a.dir, script: a.script, out: a.out,
		named: slices.Clone(a.named), hosts: slices.Clone(a.hosts), values: maps.Clone(a.values), flags: maps.Clone(a.flags), allowed: maps.Clone(a.allowed),
		seen: map[string]bool{}, made: map[string]bool{},
	}
}

// Withheld is what the script wanted to do and a dry run has not done, each once, such as
// "no request is sent to 127.0.0.1:8000 in a dry run".
func (a *Access) Withheld() []string {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.withheld)
}

// Plain is a text in which the paths are those that the script was to write to, not those
// of the scratch folder.
func (a *Access) Plain(text string) string {
	if a == nil {
		return text
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.scratch == "" {
		return text
	}
	return strings.ReplaceAll(text, a.scratch+"/", "/")
}

// withhold notes what is not done, and is the error for it. mu is held.
func (a *Access) withhold(message string) error {
	if !slices.Contains(a.withheld, message) {
		a.withheld = append(a.withheld, message)
	}
	return &Refused{Message: message}
}
