package script

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
)

// setEncoding gives TextEncoder, TextDecoder, atob and btoa. What needs classes
// is in the prelude; these are the functions under it.
func (r *Runtime) setEncoding() {
	r.global("atob", func(call goja.FunctionCall) goja.Value {
		clean := strings.Map(func(c rune) rune {
			if strings.ContainsRune(" \t\n\f\r", c) {
				return -1
			}
			return c
		}, call.Argument(0).String())
		if len(clean)%4 == 0 {
			clean = strings.TrimSuffix(strings.TrimSuffix(clean, "="), "=")
		}
		data, err := base64.RawStdEncoding.DecodeString(clean)
		if err != nil {
			r.Throw(errors.New("atob: the text is not base64"))
		}
		latin := make([]rune, len(data))
		for i, b := range data {
			latin[i] = rune(b)
		}
		return r.vm.ToValue(string(latin))
	})
	r.global("btoa", func(call goja.FunctionCall) goja.Value {
		var data []byte
		for _, c := range call.Argument(0).String() {
			if c > 0xff {
				r.Throw(errors.New("btoa: the text has characters outside of Latin-1; encode it with TextEncoder first"))
			}
			data = append(data, byte(c))
		}
		return r.vm.ToValue(base64.StdEncoding.EncodeToString(data))
	})
	r.global("TextEncoder", r.Class(Class{
		Name:    "TextEncoder",
		New:     func(goja.ConstructorCall) (any, error) { return struct{}{}, nil },
		Getters: map[string]func(any) any{"encoding": func(any) any { return "utf-8" }},
		Methods: map[string]func(any, goja.FunctionCall) (any, error){
			"encode": func(_ any, call goja.FunctionCall) (any, error) {
				var data []byte
				if v := call.Argument(0); !goja.IsUndefined(v) {
					data = utf8Of(v)
				}
				return r.vm.New(r.vm.Get("Uint8Array"), r.vm.ToValue(r.vm.NewArrayBuffer(data)))
			},
			"encodeInto": func(_ any, call goja.FunctionCall) (any, error) { return r.encodeInto(call) },
		},
	}))
	r.global("TextDecoder", r.Class(Class{
		Name: "TextDecoder",
		New: func(call goja.ConstructorCall) (any, error) {
			label := strings.ToLower(strings.TrimSpace(text(call.Argument(0))))
			if label != "" && label != "utf-8" && label != "utf8" {
				return nil, TypeErrorf("TextDecoder: the encoding %q is not supported, only utf-8", label)
			}
			d := &decoder{}
			if options, ok := call.Argument(1).(*goja.Object); ok {
				d.fatal, d.keepBOM = truthy(options, "fatal"), truthy(options, "ignoreBOM")
			}
			return d, nil
		},
		Getters: map[string]func(any) any{
			"encoding":  func(any) any { return "utf-8" },
			"fatal":     func(self any) any { return self.(*decoder).fatal },
			"ignoreBOM": func(self any) any { return self.(*decoder).keepBOM },
		},
		Methods: map[string]func(any, goja.FunctionCall) (any, error){
			"decode": func(self any, call goja.FunctionCall) (any, error) {
				var data []byte
				if v := call.Argument(0); !goja.IsUndefined(v) {
					if data = r.bytesOf(v); data == nil {
						return nil, TypeErrorf("TextDecoder.decode: the argument must be a typed array or an ArrayBuffer, not %s", inspect(r, v))
					}
				}
				stream := false
				if options, ok := call.Argument(1).(*goja.Object); ok {
					stream = truthy(options, "stream")
				}
				return self.(*decoder).decode(data, stream)
			},
		},
	}))
}

func truthy(obj *goja.Object, key string) bool {
	v := obj.Get(key)
	return v != nil && v.ToBoolean()
}

// utf8Of is a string's UTF-8, with U+FFFD for halves of surrogate pairs.
func utf8Of(v goja.Value) []byte {
	return []byte(strings.ToValidUTF8(v.String(), "\uFFFD"))
}

// encodeInto writes as many whole characters as fit.
func (r *Runtime) encodeInto(call goja.FunctionCall) (any, error) {
	target := r.bytesOf(call.Argument(1))
	if target == nil {
		return nil, TypeErrorf("TextEncoder.encodeInto: the second argument must be a Uint8Array, not %s", inspect(r, call.Argument(1)))
	}
	read, written := 0, 0
	for _, c := range string(utf8Of(call.Argument(0))) {
		if written+utf8.RuneLen(c) > len(target) {
			break
		}
		written += utf8.EncodeRune(target[written:], c)
		read++
		if c > 0xffff {
			read++ // two UTF-16 units
		}
	}
	return map[string]any{"read": read, "written": written}, nil
}

// decoder turns UTF-8 into strings; in a stream, a character may be cut
// anywhere between two calls.
type decoder struct {
	fatal   bool
	keepBOM bool
	began   bool // past the place of a byte order mark
	rest    []byte
}

func (d *decoder) decode(data []byte, stream bool) (any, error) {
	data = append(d.rest, data...)
	d.rest = nil
	if stream {
		cut := len(data) - incompleteTail(data)
		data, d.rest = data[:cut], append([]byte(nil), data[cut:]...)
	}
	if d.fatal && !utf8.Valid(data) {
		d.began = false
		d.rest = nil
		return nil, TypeErrorf("TextDecoder.decode: the data is not valid utf-8")
	}
	out := decodeReplacing(data)
	if !d.began && out != "" {
		if !d.keepBOM {
			out = strings.TrimPrefix(out, "\uFEFF")
		}
		d.began = true
	}
	if !stream {
		d.began = false
	}
	return out, nil
}

// incompleteTail is how many bytes at the end begin a character that is not whole yet.
func incompleteTail(data []byte) int {
	for n := 1; n <= min(3, len(data)); n++ {
		tail := data[len(data)-n:]
		if utf8.RuneStart(tail[0]) {
			if tail[0] >= utf8.RuneSelf && !utf8.FullRune(tail) {
				return n
			}
			return 0
		}
	}
	return 0
}

// decodeReplacing writes U+FFFD for each maximal broken piece, as the Encoding
// standard has it: the bytes that begin a character count as one piece.
func decodeReplacing(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	var b strings.Builder
	for len(data) > 0 {
		c, size := utf8.DecodeRune(data)
		if c == utf8.RuneError && size == 1 {
			size = brokenPrefix(data)
		}
		b.WriteRune(c)
		data = data[size:]
	}
	return b.String()
}

// brokenPrefix is how many bytes look like the begin of one character.
func brokenPrefix(data []byte) int {
	n := 1
	for n < len(data) && n < 4 && !utf8.FullRune(data[:n]) {
		if utf8.FullRune(data[:n+1]) && !utf8.Valid(data[:n+1]) {
			break
		}
		n++
	}
	return n
}
