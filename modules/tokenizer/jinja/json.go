package jinja

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"unicode/utf16"
)

// jsonWriter is Python's json.dumps with the arguments that transformers allows.
type jsonWriter struct {
	r         *renderer
	b         strings.Builder
	ascii     bool
	indent    string
	lines     bool // indent was given, if only as 0
	item, key string
	sorted    bool
}

// toJSON is the filter tojson.
func toJSON(r *renderer, v any, a *callArgs) any {
	ascii := a.take(r, "ensure_ascii", false)
	indent := a.take(r, "indent", nil)
	separators := a.take(r, "separators", nil)
	sortKeys := a.take(r, "sort_keys", false)
	a.done("tojson")

	w := &jsonWriter{r: r, ascii: truth(ascii), sorted: truth(sortKeys), item: ", ", key: ": "}
	switch indent := indent.(type) {
	case nil:
	case string:
		w.lines, w.indent = true, indent
	default:
		n := int(max(0, asInt(indent)))
		r.size(n)
		w.lines, w.indent = true, strings.Repeat(" ", n)
	}
	if w.lines {
		w.item = ","
	}
	if separators != nil {
		pair := iterate(separators)
		if len(pair) != 2 {
			failf("separators must be two texts: one between items, one behind a key")
		}
		w.item, w.key = asString(pair[0]), asString(pair[1])
	}
	w.write(v, 0)
	r.size(w.b.Len())
	return w.b.String()
}

func (w *jsonWriter) write(v any, depth int) {
	w.r.step(1)
	if w.b.Len() > maxText {
		w.r.size(w.b.Len())
	}
	switch v := v.(type) {
	case nil:
		w.b.WriteString("null")
	case bool:
		fmt.Fprintf(&w.b, "%t", v)
	case int64, *big.Int:
		fmt.Fprintf(&w.b, "%d", v)
	case float64:
		w.b.WriteString(jsonFloat(v))
	case string:
		w.text(v)
	case []any:
		w.items("[", len(v), "]", depth, func(i int) { w.write(v[i], depth+1) })
	case tuple:
		w.items("[", len(v), "]", depth, func(i int) { w.write(v[i], depth+1) })
	case *Dict:
		w.dict(v, depth)
	default:
		failf("Object of type %s is not JSON serializable", typeName(v))
	}
}

func (w *jsonWriter) dict(d *Dict, depth int) {
	order := make([]int, len(d.keys))
	for i := range order {
		order[i] = i
	}
	if w.sorted {
		slices.SortStableFunc(order, func(i, j int) int {
			c, ok := w.r.order(d.keys[i], d.keys[j])
			if !ok {
				failf("'<' not supported between instances of '%s' and '%s'", typeName(d.keys[i]), typeName(d.keys[j]))
			}
			return int(c)
		})
	}
	w.items("{", len(order), "}", depth, func(i int) {
		switch key := d.keys[order[i]].(type) {
		case string:
			w.text(key)
		case nil, bool, int64, *big.Int, float64:
			w.b.WriteByte('"')
			w.write(key, depth)
			w.b.WriteByte('"')
		default:
			failf("keys must be str, int, float, bool or None, not %s", typeName(key))
		}
		w.b.WriteString(w.key)
		w.write(d.values[order[i]], depth+1)
	})
}

func (w *jsonWriter) items(begin string, n int, end string, depth int, item func(i int)) {
	w.r.enter()
	defer w.r.leave()
	w.b.WriteString(begin)
	for i := range n {
		if i > 0 {
			w.b.WriteString(w.item)
		}
		w.line(depth + 1)
		item(i)
	}
	if n > 0 {
		w.line(depth)
	}
	w.b.WriteString(end)
}

func (w *jsonWriter) line(depth int) {
	if w.lines {
		w.r.size(depth * len(w.indent))
		w.b.WriteByte('\n')
		w.b.WriteString(strings.Repeat(w.indent, depth))
	}
}

func (w *jsonWriter) text(s string) {
	w.r.size(len(s))
	w.b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			w.b.WriteByte('\\')
			w.b.WriteRune(c)
		case c == '\n':
			w.b.WriteString(`\n`)
		case c == '\r':
			w.b.WriteString(`\r`)
		case c == '\t':
			w.b.WriteString(`\t`)
		case c == '\f':
			w.b.WriteString(`\f`)
		case c == '\b':
			w.b.WriteString(`\b`)
		case c < 0x20 || w.ascii && c >= 0x7f && c < 0x10000:
			fmt.Fprintf(&w.b, `\u%04x`, c)
		case w.ascii && c >= 0x10000:
			high, low := utf16.EncodeRune(c)
			fmt.Fprintf(&w.b, `\u%04x\u%04x`, high, low)
		default:
			w.b.WriteRune(c)
		}
	}
	w.b.WriteByte('"')
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return floatRepr(f)
}
