package chattemplate

// #cgo LDFLAGS: -L${SRCDIR}/../../../.build/libtokenizers/current -ltokenizers -ldl -lm -lstdc++
// #include "chattemplate.h"
import "C"

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"unsafe"
)

// maxSource is the largest template, in bytes.
const maxSource = 4 << 20

// Error says what is wrong with a template, or with rendering it.
type Error struct {
	Template string // its file or name
	Line     int    // from 1; 0: unknown
	Message  string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Template + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d: %s", e.Template, e.Line, e.Message)
}

// Template is a parsed template. It may be rendered by several goroutines at once.
type Template struct {
	name   string
	parsed unsafe.Pointer // Rust's
}

// generation is the tag with which templates of transformers mark answers. It
// prints what is in it, and has variables of its own, as a with has.
var generation = regexp.MustCompile(`(\{%[-+]?\s*)(end)?generation(\s*[-+]?%\})`)

// Parse reads a template; name is for error texts. Its errors are *Error.
func Parse(name, source string) (*Template, error) {
	if len(source) > maxSource {
		return nil, &Error{name, 0, fmt.Sprintf("the template has %d bytes, more than %d", len(source), maxSource)}
	}
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source) // as Jinja2 does
	source = generation.ReplaceAllString(source, "${1}${2}with${3}")
	var wrong C.chat_text
	t := &Template{name: name, parsed: C.chat_template_new(chars(unsafe.StringData(source)), C.size_t(len(source)), &wrong)}
	if t.parsed == nil {
		_, err := t.text(wrong)
		return nil, err
	}
	runtime.AddCleanup(t, func(parsed unsafe.Pointer) { C.chat_template_free(parsed) }, t.parsed)
	return t, nil
}

// Render returns the text of the template with variables, an object for package
// encoding/json. A json.RawMessage in it keeps the order of keys and the form of
// numbers. Its errors are *Error, or that of ctx: when ctx ends it returns at once,
// and what is going on stops by itself later (see the limits above).
func (t *Template) Render(ctx context.Context, variables any) (string, error) {
	data, err := json.Marshal(variables)
	if err != nil {
		return "", &Error{t.name, 0, "the variables: " + err.Error()}
	}
	data = wellFormed(data)
	type result struct {
		text string
		err  error
	}
	rendered := make(chan result, 1)
	go func() {
		text, err := t.text(C.chat_template_render(t.parsed, chars(unsafe.SliceData(data)), C.size_t(len(data))))
		rendered <- result{text, err}
	}()
	select {
	case r := <-rendered:
		return r.text, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// text takes a text, or an error, of Rust.
func (t *Template) text(from C.chat_text) (string, error) {
	defer runtime.KeepAlive(t)
	defer C.chat_text_free(from)
	text := string(unsafe.Slice((*byte)(unsafe.Pointer(from.data)), int(from.len)))
	if bool(from.failed) {
		return "", &Error{t.name, int(from.line), text}
	}
	return text, nil
}

func chars(b *byte) *C.char { return (*C.char)(unsafe.Pointer(b)) }

// escapes are those of a JSON string; the second alternative is half of a surrogate pair.
var escapes = regexp.MustCompile(`\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(\\u[dD][89a-fA-F]\w\w)|\\.`)

// wellFormed replaces what is no text, in JSON, with U+FFFD: Rust refuses it.
func wellFormed(data []byte) []byte {
	data = bytes.ToValidUTF8(data, []byte("\uFFFD"))
	if !bytes.Contains(data, []byte(`\ud`)) && !bytes.Contains(data, []byte(`\uD`)) {
		return data
	}
	return escapes.ReplaceAllFunc(data, func(escape []byte) []byte {
		if len(escape) == len(`\ud800`) {
			return []byte("\uFFFD")
		}
		return escape
	})
}
