package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// str is Python's str() of a value, which is also how it is printed.
func (r *renderer) str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case undefined:
		return ""
	}
	var b strings.Builder
	r.repr(&b, v)
	return b.String()
}

// repr writes Python's repr() of a value.
func (r *renderer) repr(b *strings.Builder, v any) {
	r.step(1)
	if b.Len() > maxText {
		r.size(b.Len())
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		b.WriteString(v.String())
	case float64:
		b.WriteString(floatRepr(v))
	case string:
		b.WriteString(quoted(v))
	case undefined:
		b.WriteString("Undefined")
	case []any:
		r.reprItems(b, "[", v, "]")
	case tuple:
		if len(v) == 1 {
			r.reprItems(b, "(", v, ",)")
		} else {
			r.reprItems(b, "(", v, ")")
		}
	case *Dict:
		r.reprDict(b, v)
	case *sequence:
		switch {
		case v.text != "":
			b.WriteString(v.text)
		case v.sized:
			r.reprItems(b, v.kind+"([", v.items, "])")
		default:
			fmt.Fprintf(b, "<%s>", v.kind)
		}
	case *namespace:
		b.WriteString("<Namespace ")
		r.reprDict(b, v.vars)
		b.WriteString(">")
	case *loop:
		fmt.Fprintf(b, "<LoopContext %d/%d>", v.index0+1, len(v.items))
	case *function:
		fmt.Fprintf(b, "<function %s>", v.name)
	}
}

func (r *renderer) reprItems(b *strings.Builder, begin string, items []any, end string) {
	r.enter()
	defer r.leave()
	b.WriteString(begin)
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		r.repr(b, item)
	}
	b.WriteString(end)
}

func (r *renderer) reprDict(b *strings.Builder, d *Dict) {
	r.enter()
	defer r.leave()
	b.WriteString("{")
	for i, key := range d.keys {
		if i > 0 {
			b.WriteString(", ")
		}
		r.repr(b, key)
		b.WriteString(": ")
		r.repr(b, d.values[i])
	}
	b.WriteString("}")
}

func floatRepr(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// quoted is Python's repr() of a string.
func quoted(s string) string {
	quote := '\''
	if strings.ContainsRune(s, '\'') && !strings.ContainsRune(s, '"') {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for _, c := range s {
		switch {
		case c == quote || c == '\\':
			b.WriteRune('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		case c < 0x100:
			fmt.Fprintf(&b, `\x%02x`, c)
		case c < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			fmt.Fprintf(&b, `\U%08x`, c)
		}
	}
	b.WriteRune(quote)
	return b.String()
}
