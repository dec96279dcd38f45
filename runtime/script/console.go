package script

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/dop251/goja"
)

// console writes what scripts say. All runtimes of a script share one.
type console struct {
	mu sync.Mutex // one line at a time
	w  io.Writer
}

func newConsole(w io.Writer) *console { return &console{w: w} }

// prefixes tell what is not mere information.
var prefixes = map[string]string{"warn": "warning: ", "error": "error: ", "debug": "debug: "}

func (c *console) write(level, text string) {
	if c.w == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// A console that cannot be written to must not stop the run.
	_, _ = io.WriteString(c.w, prefixes[level]+text+"\n")
}

func (r *Runtime) setConsole() {
	obj := r.vm.NewObject()
	for _, level := range []string{"log", "info", "warn", "error", "debug"} {
		_ = obj.Set(level, func(call goja.FunctionCall) goja.Value {
			r.script.console.write(level, r.format(call.Arguments))
			return goja.Undefined()
		})
	}
	r.global("console", obj)
}

// format joins the arguments of console.log. A first string may have the
// verbs %s %d %i %f %j %o %O %c %%.
func (r *Runtime) format(args []goja.Value) string {
	var b strings.Builder
	if len(args) > 1 && goja.IsString(args[0]) {
		args = r.formatVerbs(&b, args[0].String(), args[1:])
		if len(args) > 0 {
			b.WriteByte(' ')
		}
	}
	for i, arg := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(r.plain(arg))
	}
	return b.String()
}

// formatVerbs writes a format with its arguments and returns those left over.
func (r *Runtime) formatVerbs(b *strings.Builder, format string, args []goja.Value) []goja.Value {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		verb := format[i]
		if verb == '%' {
			b.WriteByte('%')
			continue
		}
		if len(args) == 0 || !strings.ContainsRune("sdifjoOc", rune(verb)) {
			b.WriteString(format[i-1 : i+1])
			continue
		}
		b.WriteString(r.formatVerb(verb, args[0]))
		args = args[1:]
	}
	return args
}

func (r *Runtime) formatVerb(verb byte, v goja.Value) string {
	switch verb {
	case 's':
		return r.plain(v)
	case 'd', 'f', 'i':
		if _, isObject := v.(*goja.Object); isObject {
			return "NaN"
		}
		if _, isSymbol := v.(*goja.Symbol); isSymbol {
			return "NaN"
		}
		f := v.ToFloat()
		if verb == 'i' {
			f = math.Trunc(f)
		}
		return r.vm.ToValue(f).String()
	case 'j':
		if data, err := r.intrinsic.stringify(goja.Undefined(), v); err == nil {
			return data.String()
		}
		return "[cannot be written as JSON]"
	case 'c':
		return "" // a style, for browsers
	}
	return inspect(r, v)
}

// plain is a string as it is, and anything else as inspect shows it.
func (r *Runtime) plain(v goja.Value) string {
	if goja.IsString(v) {
		return v.String()
	}
	return inspect(r, v)
}

// What inspect shows of large values.
const (
	inspectDepth = 4   // levels of nesting
	inspectItems = 100 // elements of one array or object
	inspectWidth = 76  // characters of one line
	inspectText  = 1000
)

// inspect shows a value as a person wants to read it: on one line when it fits.
func inspect(r *Runtime, v goja.Value) string {
	i := inspector{r: r}
	out := ""
	// Getters and proxies of the script may throw.
	if err := r.try(func() { out = i.show(v, 0) }); err != nil {
		return "[a value that throws when it is read]"
	}
	return out
}

type inspector struct {
	r     *Runtime
	above []*goja.Object
}

func (i *inspector) show(v goja.Value, depth int) string {
	switch {
	case v == nil || goja.IsUndefined(v):
		return "undefined"
	case goja.IsNull(v):
		return "null"
	case goja.IsString(v):
		return quoteJS(v.String())
	case goja.IsBigInt(v):
		return v.String() + "n"
	}
	obj, ok := v.(*goja.Object)
	if !ok {
		if f, isFloat := v.Export().(float64); isFloat && f == 0 && math.Signbit(f) {
			return "-0"
		}
		if symbol, isSymbol := v.(*goja.Symbol); isSymbol {
			return "Symbol(" + symbol.String() + ")"
		}
		return v.String()
	}
	for _, outer := range i.above {
		if outer == obj {
			return "[Circular]"
		}
	}
	i.above = append(i.above, obj)
	defer func() { i.above = i.above[:len(i.above)-1] }()
	return i.object(obj, depth)
}

func (i *inspector) object(obj *goja.Object, depth int) string {
	if _, isFunction := goja.AssertFunction(obj); isFunction {
		kind := "Function"
		if strings.HasPrefix(obj.String(), "class") {
			kind = "class"
		}
		if name := text(obj.Get("name")); name != "" {
			return "[" + kind + ": " + name + "]"
		}
		return "[" + kind + " (anonymous)]"
	}
	if i.r.isError(obj) {
		return i.errorObject(obj, depth)
	}
	if promise := promiseOf(obj); promise != nil {
		switch promise.State() {
		case goja.PromiseStateFulfilled:
			return "Promise { " + i.show(promise.Result(), depth+1) + " }"
		case goja.PromiseStateRejected:
			return "Promise { <rejected> " + i.show(promise.Result(), depth+1) + " }"
		}
		return "Promise { <pending> }"
	}
	if obj.ExportType() == timeType {
		if ms := obj.Get("valueOf"); ms != nil {
			if iso, ok := goja.AssertFunction(obj.Get("toISOString")); ok {
				if v, err := iso(obj); err == nil {
					return v.String()
				}
			}
		}
		return "Invalid Date"
	}
	name := i.className(obj)
	switch obj.ClassName() {
	case "RegExp":
		return obj.String()
	case "Array":
		if depth > inspectDepth {
			return "[Array]"
		}
		return i.array(obj, "", depth)
	case "String", "Number", "Boolean":
		return "[" + obj.ClassName() + ": " + obj.String() + "]"
	}
	if kind := collectionOf(obj); kind != "" {
		return i.collection(obj, kind, name, depth)
	}
	if depth > inspectDepth {
		if name == "" {
			name = "Object"
		}
		return "[" + name + "]"
	}
	if obj.ExportType() == bufferType {
		return fmt.Sprintf("ArrayBuffer { byteLength: %d }", obj.Get("byteLength").ToInteger())
	}
	if tag := obj.GetSymbol(goja.SymToStringTag); tag != nil && strings.HasSuffix(text(tag), "Array") && obj.Get("BYTES_PER_ELEMENT") != nil {
		return i.array(obj, fmt.Sprintf("%s(%d) ", tag, obj.Get("length").ToInteger()), depth)
	}
	var parts []string
	keys := obj.Keys()
	for n, key := range keys {
		if n == inspectItems {
			parts = append(parts, fmt.Sprintf("… %d more", len(keys)-n))
			break
		}
		parts = append(parts, keyJS(key)+": "+i.show(obj.Get(key), depth+1))
	}
	if name != "" {
		name += " "
	}
	return name + wrap("{", "}", parts, depth)
}

// className is the class of an instance, "" for plain objects.
func (i *inspector) className(obj *goja.Object) string {
	constructor, ok := obj.Get("constructor").(*goja.Object)
	if !ok {
		return ""
	}
	if name := text(constructor.Get("name")); name != "Object" {
		return name
	}
	return ""
}

func (i *inspector) array(obj *goja.Object, prefix string, depth int) string {
	length := int(obj.Get("length").ToInteger())
	var parts []string
	for n := range min(length, inspectItems) {
		parts = append(parts, i.show(obj.Get(strconv.Itoa(n)), depth+1))
	}
	if length > inspectItems {
		parts = append(parts, fmt.Sprintf("… %d more", length-inspectItems))
	}
	return prefix + wrap("[", "]", parts, depth)
}

func (i *inspector) collection(obj *goja.Object, kind, name string, depth int) string {
	var parts []string
	i.r.vm.ForOf(obj, func(item goja.Value) bool {
		if len(parts) == inspectItems {
			parts = append(parts, "…")
			return false
		}
		if pair, ok := item.(*goja.Object); ok && kind == "Map" {
			parts = append(parts, i.show(pair.Get("0"), depth+1)+" => "+i.show(pair.Get("1"), depth+1))
		} else {
			parts = append(parts, i.show(item, depth+1))
		}
		return true
	})
	return fmt.Sprintf("%s(%d) ", name, obj.Get("size").ToInteger()) + wrap("{", "}", parts, depth)
}

// errorObject shows an error with the user's own calls.
func (i *inspector) errorObject(obj *goja.Object, depth int) string {
	out := errorText(obj)
	for _, f := range parseStack(text(obj.Get("stack"))) {
		out += "\n    " + f.String()
	}
	if cause := obj.Get("cause"); cause != nil && !goja.IsUndefined(cause) && depth <= inspectDepth {
		out += "\n  caused by " + i.show(cause, depth+1)
	}
	return out
}

// wrap puts parts on one line when they fit, else on one line each.
func wrap(open, end string, parts []string, depth int) string {
	if len(parts) == 0 {
		return open + end
	}
	line := strings.Join(parts, ", ")
	if len(line)+2*depth <= inspectWidth && !strings.Contains(line, "\n") {
		if open == "[" {
			return "[ " + line + " ]"
		}
		return open + " " + line + " " + end
	}
	indent := strings.Repeat("  ", depth+1)
	return open + "\n" + indent + strings.Join(parts, ",\n"+indent) + "\n" + indent[2:] + end
}

// quoteJS writes a string as JavaScript would, cut when it is long.
func quoteJS(s string) string {
	more := ""
	if runes := []rune(s); len(runes) > inspectText {
		s, more = string(runes[:inspectText]), fmt.Sprintf("… %d more characters", len(runes)-inspectText)
	}
	quotes := "'"
	if strings.Contains(s, "'") {
		quotes = `"`
	}
	escaped := strings.NewReplacer("\\", "\\\\", "\n", "\\n", "\r", "\\r", "\t", "\\t").Replace(s)
	if quotes == `"` {
		escaped = strings.ReplaceAll(escaped, `"`, `\"`)
	}
	return quotes + escaped + quotes + more
}

func keyJS(key string) string {
	if isIdentifier(key) {
		return key
	}
	return quoteJS(key)
}

func isIdentifier(s string) bool {
	for i, c := range s {
		letter := c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
