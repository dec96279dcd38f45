package doctor

import (
	"strings"

	"weir/runtime/result"
)

// Facts is what is judged of a machine without measuring.
type Facts struct {
	result.Environment

	Usable []string // those of the accelerator files that this process may open
}

// NewFacts adds to what was read of this machine what this process may do with it.
func NewFacts(e result.Environment) Facts {
	f := Facts{Environment: e}
	for _, file := range f.Environment.Devices {
		if usable(file) {
			f.Usable = append(f.Usable, file)
		}
	}
	return f
}

// davinci lists the device files of Ascend's NPUs.
func (f Facts) davinci() (files []string) {
	for _, file := range f.Environment.Devices {
		if number, ok := strings.CutPrefix(file, "/dev/davinci"); ok && strings.Trim(number, "0123456789") == "" && number != "" {
			files = append(files, file)
		}
	}
	return files
}

// contained tells whether this process is in a container.
func (f Facts) contained() bool { return f.Container != nil && f.Container.Kind != "none" }

// of is what a pointer points to, and the zero value where there is nothing.
func of[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
