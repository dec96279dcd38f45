package reader

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object, taken apart. Names and values lie in the record.
type object []member

type member struct {
	name  []byte // without quotes
	value []byte // JSON
}

// checkJSON says what is wrong with a record, nil if nothing is.
func checkJSON(raw []byte) error {
	switch {
	case !utf8.Valid(raw):
		return reject("not UTF-8")
	// Half surrogate pairs, which cut emoji leave behind, are let through: they become U+FFFD.
	case !jsontext.Value(raw).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)):
		var f frame
		if n, _, ok := f.next(raw); !ok && tooDeep(raw[n]) {
			return nestedTooDeep
		}
		return reject("broken JSON")
	}
	return nil
}

// parse takes apart raw, which must be valid JSON; false if it is no object.
func (o *object) parse(raw []byte) bool {
	*o = (*o)[:0]
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 || raw[0] != '{' {
		return false
	}
	var f frame
	for at := after(raw, 1); at < len(raw) && raw[at] == '"'; {
		f.reset()
		n, _, _ := f.next(raw[at:])
		name := raw[at+1 : at+n-1]
		if bytes.IndexByte(name, '\\') >= 0 {
			name, _ = jsontext.AppendUnquote(nil, raw[at:at+n])
		}
		at = after(raw, at+n) // the colon is among the bytes that are passed over
		f.reset()
		n, _, _ = f.next(raw[at:])
		*o = append(*o, member{name, raw[at : at+n]})
		at = after(raw, at+n)
	}
	return true
}

// after passes over white space, commas and colons.
func after(raw []byte, at int) int {
	for at < len(raw) && special[raw[at]] == between {
		at++
	}
	return at
}

// get is the value of a member; nil if there is none, or it is null. Of several
// with the same name it is the last.
func (o object) get(name string) []byte {
	for i := len(o) - 1; i >= 0; i-- {
		if string(o[i].name) == name {
			if string(o[i].value) == "null" {
				return nil
			}
			return o[i].value
		}
	}
	return nil
}

// has says whether an object has all members, and none of them is null.
func (o object) has(names ...string) bool {
	for _, name := range names {
		if o.get(name) == nil {
			return false
		}
	}
	return true
}

// elements calls do with each element of an array, and where it begins in raw,
// which must be valid JSON. It returns the first error; a rejection if raw is no
// array.
func elements(raw []byte, do func(at int, value []byte) error) error {
	if !isArray(raw) {
		return reject("not a list")
	}
	var f frame
	for at := after(raw, 1); at < len(raw) && raw[at] != ']'; {
		f.reset()
		n, _, _ := f.next(raw[at:])
		if err := do(at, raw[at:at+n]); err != nil {
			return err
		}
		at = after(raw, at+n)
	}
	return nil
}

func isArray(raw []byte) bool  { return len(raw) > 0 && raw[0] == '[' }
func isObject(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }
func isString(raw []byte) bool { return len(raw) > 0 && raw[0] == '"' }

// unquote is the text of a JSON string, which must be valid.
func unquote(raw []byte) string {
	inside := raw[1 : len(raw)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return string(inside)
	}
	// The error tells of half surrogate pairs, which have become U+FFFD.
	text, _ := jsontext.AppendUnquote(make([]byte, 0, len(inside)), raw)
	return string(text)
}
