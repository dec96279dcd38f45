package jinja

import (
	"context"
	"fmt"
)

// A template that needs more than this is broken. A long real one, with 1,000
// messages and 100 tools, takes less than a tenth of it.
const (
	maxSource = 4 << 20  // bytes of a template
	maxText   = 64 << 20 // bytes of a text, the rendered one or one on the way
	maxSteps  = 10_000_000
	maxNested = 200    // brackets, blocks and signs within each other in the source
	maxDepth  = 5000   // calls and parts of expressions within each other when it is rendered
	maxRange  = 100000 // numbers in a range, as Jinja2's sandbox has it
)

// A step is the evaluation of one part of an expression, one statement, one
// item of a list that is gone through, or 64 bytes of a text that is made.
const bytesPerStep = 64

// Error says what is wrong with a template, or with rendering it.
type Error struct {
	Template string // its file or name
	Line     int    // from 1
	Message  string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.Template, e.Line, e.Message) }

// failure goes up as a panic within the package; line 0 is the statement's that
// is being rendered.
type failure struct {
	line    int
	message string
	err     error // of the context
}

func fail(line int, format string, args ...any) {
	panic(failure{line: line, message: fmt.Sprintf(format, args...)})
}

// failf is fail at the statement that is being rendered.
func failf(format string, args ...any) { fail(0, format, args...) }

// budget counts what rendering has used.
type budget struct {
	ctx   context.Context
	steps int
	depth int
	check int // steps until the context is looked at
}

func (b *budget) step(n int) {
	b.steps += n
	if b.steps > maxSteps {
		failf("the template takes more than %d steps: does it have an endless loop?", maxSteps)
	}
	if b.check -= n; b.check < 0 {
		b.check = 10_000
		if err := b.ctx.Err(); err != nil {
			panic(failure{message: err.Error(), err: err})
		}
	}
}

// enter is called with a leave behind it by what goes into itself.
func (b *budget) enter() {
	if b.depth++; b.depth > maxDepth {
		failf("maximum recursion depth exceeded: does a macro call itself without an end?")
	}
}

func (b *budget) leave() { b.depth-- }

// size is called before a text of n bytes is made.
func (b *budget) size(n int) {
	if n < 0 || n > maxText {
		failf("the template makes a text of more than %d bytes", maxText)
	}
	b.step(n / bytesPerStep)
}
