package script

import (
	"errors"
	"fmt"
	"strings"
)

// ErrInterrupted ends tasks that were cut off: their context or the run has
// ended, or the runtime was closed.
var ErrInterrupted = errors.New("interrupted")

// Error is a fault in a script: syntax, an exception, an unknown import.
type Error struct {
	Op      string // what was being done: "bundle", "init", "setup", "iteration"
	File    string // the user's own file; "" when not known
	Line    int    // from 1
	Column  int    // from 1
	Message string // "ReferenceError: x is not defined"
	Stack   string // with the user's own files, one call a line; may be ""
	Hint    string // what to try; may be ""

	excerpt string   // the source line with a caret under the fault; may be ""
	others  []*Error // further faults of the same bundle
	cause   error    // the Go error that a native function threw; may be nil

	// Of a package that needs Node.js: its name, how it came in, and what it needs.
	needing, way string
	needs        []string
}

// Error is the text for a terminal: place, message, the source line or the
// stack, and what to try. It has several lines.
func (e *Error) Error() string {
	var b strings.Builder
	e.write(&b)
	for _, other := range e.others {
		b.WriteString("\n")
		other.write(&b)
	}
	return b.String()
}

func (e *Error) write(b *strings.Builder) {
	if place := e.Place(); place != "" {
		b.WriteString(place + ": ")
	}
	if e.Op != "" && e.Op != "bundle" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(e.Message)
	if e.excerpt != "" {
		b.WriteString("\n" + e.excerpt)
	}
	// A stack of one call says no more than the place does.
	if strings.Contains(e.Stack, "\n") {
		for line := range strings.Lines(e.Stack) {
			b.WriteString("\n    " + strings.TrimSuffix(line, "\n"))
		}
	}
	if e.Hint != "" {
		b.WriteString("\n  hint: " + e.Hint)
	}
}

// Place is "file:line:column" as far as it is known.
func (e *Error) Place() string {
	switch {
	case e.File == "":
		return ""
	case e.Line == 0:
		return e.File
	}
	return fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
}

// Unwrap returns the Go error that a native function threw, and the further
// faults of the same bundle, so that errors.Is and errors.As see them.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.cause != nil {
		errs = append(errs, e.cause)
	}
	for _, other := range e.others {
		errs = append(errs, other)
	}
	return errs
}

// ParamError is a wrong flag, parameter file or WEIR_ variable.
type ParamError struct {
	Message string // one line a fault
	Hint    string
}

func (e *ParamError) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "\n  hint: " + e.Hint
}

// UnmetError is what a script ends the run with when what was measured is not
// what it should be.
type UnmetError struct {
	Message string
}

func (e *UnmetError) Error() string { return e.Message }

// UndecidedError is what a script ends the run with when it could not find out
// what it was to find out.
type UndecidedError struct {
	Message string
}

func (e *UndecidedError) Error() string { return e.Message }

// TypeError is a wrong argument: scripts see a JavaScript TypeError.
type TypeError struct {
	Message string
}

func (e *TypeError) Error() string { return e.Message }

// TypeErrorf makes a *TypeError; a convenience for modules.
func TypeErrorf(format string, args ...any) error {
	return &TypeError{Message: fmt.Sprintf(format, args...)}
}
