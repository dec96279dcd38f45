package script

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/dop251/goja"
)

// frame is one call of a stack, in the user's own file.
type frame struct {
	function     string
	file         string
	line, column int
}

func (f frame) String() string {
	at := fmt.Sprintf("%s:%d:%d", f.file, f.line, f.column)
	if f.function == "" {
		return "at " + at
	}
	return "at " + f.function + " (" + at + ")"
}

// ownFile turns goja's name of a source into the file's, "" for code that is
// not the user's.
func ownFile(name string) string {
	switch {
	case name == "" || name == "<eval>" || name == "<native>" || strings.HasPrefix(name, bundleName) || strings.HasPrefix(name, preludeName):
		return ""
	case strings.HasPrefix(name, "file://"):
		if u, err := url.Parse(name); err == nil {
			return u.Path
		}
	}
	if plain, err := url.PathUnescape(name); err == nil {
		return plain
	}
	return name
}

// ownFunction undoes esbuild's name for an anonymous default export.
func ownFunction(name, file string) string {
	base := filepath.Base(file)
	if stem, found := strings.CutSuffix(name, "_default"); found && strings.HasPrefix(notIdentifier.ReplaceAllString(base, "_"), stem) {
		return "default"
	}
	return name
}

var notIdentifier = regexp.MustCompile(`[^A-Za-z0-9]+`)

// userFrames keeps the calls of a stack that are in the user's files.
func userFrames(stack []goja.StackFrame) []frame {
	var frames []frame
	for i := range stack {
		p := stack[i].Position()
		file := ownFile(p.Filename)
		if file == "" {
			continue
		}
		function := stack[i].FuncName()
		if function == "<anonymous>" {
			function = ""
		}
		frames = append(frames, frame{ownFunction(function, file), file, p.Line, p.Column})
	}
	return frames
}

// stackLine is one call as goja writes it: "at f (file:1:2(3))" or "at file:1:2(3)".
var stackLine = regexp.MustCompile(`^\s*at (?:(.*) \()?(.+?):(\d+):(\d+)(?:\(\d+\))?\)?$`)

// parseStack reads the calls in the user's files out of an error's stack property.
func parseStack(stack string) []frame {
	var frames []frame
	for line := range strings.Lines(stack) {
		m := stackLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil {
			continue
		}
		file := ownFile(m[2])
		if file == "" {
			continue
		}
		l, _ := strconv.Atoi(m[3]) // digits by the expression
		c, _ := strconv.Atoi(m[4])
		frames = append(frames, frame{ownFunction(m[1], file), file, l, c})
	}
	return frames
}

// maxFrames is how many calls an error shows.
const maxFrames = 20

// formatFrames writes one call a line; the same call many times over, as an
// endless recursion has it, is one line.
func formatFrames(frames []frame) string {
	var lines []string
	for i := 0; i < len(frames); {
		if len(lines) == maxFrames {
			lines = append(lines, fmt.Sprintf("… %d more", len(frames)-i))
			break
		}
		same := 1
		for i+same < len(frames) && frames[i+same] == frames[i] {
			same++
		}
		line := frames[i].String()
		if same > 1 {
			line += fmt.Sprintf(" × %d", same)
		}
		lines = append(lines, line)
		i += same
	}
	return strings.Join(lines, "\n")
}

// at takes a frame for the error's place when it is in a file of the user's.
func (e *Error) at(f frame) {
	if f.file = ownFile(f.file); f.file != "" {
		e.File, e.Line, e.Column = f.file, f.line, f.column
	}
}

// fault makes the *Error of what a call into JavaScript returned, or
// ErrInterrupted. Errors of Go code that did not pass through JavaScript stay as they are.
func (r *Runtime) fault(op string, err error) error {
	var interrupted *goja.InterruptedError
	var overflow *goja.StackOverflowError
	var exception *goja.Exception
	switch {
	case errors.As(err, &interrupted):
		r.damaged, r.interrupted = true, true
		r.stoppedAt(interrupted)
		return ErrInterrupted
	case errors.As(err, &overflow):
		r.damaged = true
		return newError(op, "RangeError: maximum call stack size exceeded", userFrames(overflow.Stack()))
	case errors.As(err, &exception):
		return r.thrown(op, exception.Value(), userFrames(exception.Stack()))
	}
	return err
}

func newError(op, message string, frames []frame) *Error {
	e := &Error{Op: op, Message: message, Stack: formatFrames(frames)}
	if len(frames) > 0 {
		e.at(frames[0])
	}
	return e
}

// thrown makes the *Error of a thrown value. fallback are the calls to name
// when the value does not bring its own.
func (r *Runtime) thrown(op string, v goja.Value, fallback []frame) *Error {
	var e *Error
	// Reading a thrown object may run the script's own getters, which may throw.
	if err := r.try(func() { e = r.describeThrown(op, v, fallback) }); err != nil || e == nil {
		e = newError(op, "an exception that cannot be read", fallback)
	}
	return e
}

func (r *Runtime) describeThrown(op string, v goja.Value, fallback []frame) *Error {
	if v == nil {
		v = goja.Undefined()
	}
	obj, ok := v.(*goja.Object)
	if !ok || !r.isError(obj) {
		return newError(op, "uncaught "+inspect(r, v), fallback)
	}
	frames := fallback
	if own := parseStack(text(obj.Get("stack"))); len(own) > 0 {
		frames = own
	}
	e := newError(op, errorText(obj), frames)
	e.Hint = globalHint(e.Message)
	if box := obj.GetSymbol(symGoError); box != nil {
		if held, ok := Export(box).(*goError); ok {
			e.cause = held.err
			var inner *Error
			if errors.As(held.err, &inner) {
				e.Hint = inner.Hint
			}
		}
	}
	for cause, depth := obj.Get("cause"), 0; cause != nil && !goja.IsUndefined(cause) && depth < 5; depth++ {
		inner, ok := cause.(*goja.Object)
		if !ok || !r.isError(inner) {
			e.Message += "\n  caused by " + inspect(r, cause)
			break
		}
		e.Message += "\n  caused by " + errorText(inner)
		cause = inner.Get("cause")
	}
	return e
}

// errorText is "TypeError: what went wrong" of an Error object.
func errorText(obj *goja.Object) string {
	name, message := text(obj.Get("name")), text(obj.Get("message"))
	if name == "" {
		name = "Error"
	}
	out := name
	if message != "" {
		out += ": " + message
	}
	if list, ok := obj.Get("errors").(*goja.Object); ok && list.ClassName() == "Array" {
		for i := range min(int(list.Get("length").ToInteger()), 5) {
			if inner, ok := list.Get(strconv.Itoa(i)).(*goja.Object); ok {
				out += "\n  - " + text(inner.Get("message"))
			}
		}
	}
	return out
}

func text(v goja.Value) string {
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return ""
	}
	return v.String()
}

func (r *Runtime) isError(obj *goja.Object) bool {
	return obj.ClassName() == "Error" || r.vm.InstanceOf(obj, r.intrinsic.errorClass)
}

// goError carries the Go error of a native function through JavaScript.
type goError struct{ err error }

var symGoError = goja.NewSymbol("weir.error")

// errorValue makes the JavaScript error for err: the thrown value itself when
// err comes from JavaScript, a TypeError for a *TypeError, else an Error.
func (r *Runtime) errorValue(err error) goja.Value {
	var exception *goja.Exception
	if errors.As(err, &exception) {
		return exception.Value()
	}
	class, message := r.intrinsic.errorClass, err.Error()
	var typeError *TypeError
	if errors.As(err, &typeError) {
		class = r.intrinsic.typeErrorClass
	}
	obj, newErr := r.vm.New(class, r.vm.ToValue(message))
	if newErr != nil {
		return r.vm.ToValue(message)
	}
	// Not enumerable: scripts that print or copy the error do not see it.
	_ = obj.DefineDataPropertySymbol(symGoError, r.vm.ToValue(&goError{err}), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	return obj
}

// Throw panics with a JavaScript exception made of err; for native functions.
// A *TypeError becomes a TypeError. The exception names the place of the call,
// and errors.As finds err in the *Error that the task ends with.
func (r *Runtime) Throw(err error) {
	// What cut the code off must not be catchable on its way up.
	var interrupted *goja.InterruptedError
	var overflow *goja.StackOverflowError
	switch {
	case errors.As(err, &interrupted):
		panic(interrupted)
	case errors.As(err, &overflow):
		panic(overflow)
	}
	panic(r.errorValue(err))
}
