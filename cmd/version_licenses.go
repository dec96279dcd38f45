package cmd

import (
	"cmp"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"

	"weir/runtime/licenses"
)

// What --licenses takes.
const (
	licensesList = "list"
	licensesFull = "full"
)

// linked is what is in this program besides weir.
type linked struct {
	Complete     bool                  `json:"licenses_complete"` // false: built without the list; Go modules alone
	Dependencies []licenses.Dependency `json:"licenses"`
	Texts        map[string]string     `json:"texts,omitempty"` // by the dependencies' texts
}

// readLinked reads the list that was built in, or what Go knows by itself.
func readLinked(texts bool) (*linked, error) {
	list, err := licenses.Embedded()
	if err != nil {
		return nil, err
	}
	l := &linked{Complete: list != nil}
	if list == nil {
		info, ok := debug.ReadBuildInfo()
		if !ok {
			return l, nil
		}
		for _, m := range info.Deps {
			l.Dependencies = append(l.Dependencies, licenses.Dependency{Kind: "go", Name: m.Path, Version: m.Version})
		}
		return l, nil
	}
	l.Dependencies = list.Dependencies
	if texts {
		l.Texts = list.Texts
		return l, nil
	}
	for i := range l.Dependencies {
		l.Dependencies[i].Texts = nil
	}
	return l, nil
}

// print lists the dependencies, and then each text under the names of those that it is of.
func (l *linked) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, d := range l.Dependencies {
		fmt.Fprintf(w, "%s\t%s\t%s\n", d.Name, cmp.Or(d.Version, "-"), cmp.Or(d.License, "unknown"))
	}
	if err := w.Flush(); err != nil || l.Texts == nil {
		return err
	}
	of := map[string][]string{}
	var keys []string // in the order of the list
	for _, d := range l.Dependencies {
		for _, key := range d.Texts {
			if of[key] == nil {
				keys = append(keys, key)
			}
			of[key] = append(of[key], strings.TrimSpace(d.Name+" "+d.Version))
		}
	}
	for _, key := range keys {
		if _, err := fmt.Fprintf(out, "\n%s\n%s\n\n%s\n", strings.Repeat("-", 80), strings.Join(slices.Compact(of[key]), "\n"), strings.TrimSpace(l.Texts[key])); err != nil {
			return err
		}
	}
	return nil
}
