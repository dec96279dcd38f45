package jinja

import (
	"math"
	"math/big"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// filtered is value|name(arguments).
func (r *renderer) filtered(f *filterExpr, v any) any {
	if inner, ok := f.value.(*filterExpr); ok && root(inner) { // of a block: |a|b
		v = r.filtered(inner, v)
	}
	return r.filter(f.name, v, r.callArguments(f.args))
}

// root is true for filters that begin with the body of a block.
func root(f *filterExpr) bool {
	for {
		if f.value == nil {
			return true
		}
		inner, ok := f.value.(*filterExpr)
		if !ok {
			return false
		}
		f = inner
	}
}

func (r *renderer) filter(name string, v any, a *callArgs) any {
	f := filters[name]
	if f == nil {
		failf("No filter named %s.", quoted(name))
	}
	result := f(r, v, a)
	a.done(name)
	return result
}

var filters map[string]func(r *renderer, v any, a *callArgs) any

func init() { // some look up filters
	text := func(f func(s string) any) func(*renderer, any, *callArgs) any {
		return func(r *renderer, v any, _ *callArgs) any {
			s := r.str(v)
			r.size(len(s))
			return f(s)
		}
	}
	size := func(r *renderer, v any, _ *callArgs) any { return int64(length(v)) }
	same := func(r *renderer, v any, _ *callArgs) any { return r.str(v) }
	escape := text(func(s string) any {
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;").Replace(s)
	})

	filters = map[string]func(r *renderer, v any, a *callArgs) any{
		"tojson": toJSON,
		"string": same, "safe": same,
		"escape": escape, "e": escape, "forceescape": escape,
		"upper":      text(func(s string) any { return strings.ToUpper(s) }),
		"lower":      text(func(s string) any { return strings.ToLower(s) }),
		"capitalize": text(func(s string) any { return capitalize(s) }),
		"title":      text(func(s string) any { return titleFilter(s) }),
		"trim":       func(r *renderer, v any, a *callArgs) any { return trim(r.str(v), a.take(r, "chars", nil), true, true) },
		"wordcount": text(func(s string) any {
			return int64(len(strings.FieldsFunc(s, func(c rune) bool { return c != '_' && !unicode.IsLetter(c) && !unicode.IsNumber(c) })))
		}),
		"urlencode": text(func(s string) any {
			return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), "%2F", "/")
		}),
		"replace": func(r *renderer, v any, a *callArgs) any {
			return r.replace(r.str(v), r.str(a.need(r, "old")), r.str(a.need(r, "new")), countOf(a.take(r, "count", nil)))
		},
		"indent":   indent,
		"truncate": truncate,
		"center": func(r *renderer, v any, a *callArgs) any {
			width := a.take(r, "width", int64(80))
			return r.call(method(r.str(v), "center"), &callArgs{[]any{width}, NewDict()})
		},
		"format": func(r *renderer, v any, a *callArgs) any {
			args := any(tuple(a.positional))
			if len(a.kwargs.keys) > 0 {
				args = a.kwargs
			}
			a.positional, a.kwargs = nil, NewDict()
			return r.percent(r.str(v), args)
		},
		"length": size, "count": size,
		"default": fallback, "d": fallback,
		"int":   toInt,
		"float": toFloat,
		"abs": func(r *renderer, v any, _ *callArgs) any {
			if truth(r.compare("<", v, int64(0))) {
				return sign("-", v)
			}
			return sign("+", v)
		},
		"round": roundFilter,
		"attr": func(r *renderer, v any, a *callArgs) any {
			name := asString(a.need(r, "name"))
			if _, isDict := v.(*Dict); isDict && method(v, name) == nil {
				return lacks(v, name)
			}
			return attribute(v, name)
		},
	}
	for name, f := range listFilters {
		filters[name] = f
	}
}

func countOf(v any) int64 {
	if v == nil {
		return -1
	}
	return asInt(v)
}

// titleFilter makes a capital behind white space, hyphens and opening brackets.
func titleFilter(s string) string {
	begin := true
	return strings.Map(func(c rune) rune {
		first := begin
		begin = c == '-' || isSpace(c) || strings.ContainsRune("([{<", c)
		if first {
			return unicode.ToUpper(c)
		}
		return unicode.ToLower(c)
	}, s)
}

func indent(r *renderer, v any, a *callArgs) any {
	width := a.take(r, "width", int64(4))
	first, blank := truth(a.take(r, "first", false)), truth(a.take(r, "blank", false))
	by, ok := width.(string)
	if !ok {
		by = strings.Repeat(" ", max(0, r.asSize(width)))
	}
	lines := splitLines(asString(v)+"\n", false)
	r.size(len(lines) * len(by))
	for i, line := range lines {
		if i == 0 && first || i > 0 && (line != "" || blank) {
			lines[i] = by + line
		}
	}
	return strings.Join(lines, "\n")
}

func truncate(r *renderer, v any, a *callArgs) any {
	n := asInt(a.take(r, "length", int64(255)))
	kill := truth(a.take(r, "killwords", false))
	end := asString(a.take(r, "end", "..."))
	leeway := a.take(r, "leeway", nil)
	if leeway == nil {
		leeway = int64(5)
	}
	runes, ends := []rune(asString(v)), int64(len([]rune(end)))
	if n < ends || asInt(leeway) < 0 {
		failf("truncate: the length must be at least that of the end, the leeway not negative")
	}
	if int64(len(runes)) <= n || int64(len(runes))-n <= asInt(leeway) {
		return v
	}
	cut := string(runes[:n-ends])
	if !kill {
		if at := strings.LastIndexByte(cut, ' '); at >= 0 {
			cut = cut[:at]
		}
	}
	return cut + end
}

func fallback(r *renderer, v any, a *callArgs) any {
	otherwise := a.take(r, "default_value", "")
	if _, ok := v.(undefined); ok || truth(a.take(r, "boolean", false)) && !truth(v) {
		a.take(r, "boolean", nil)
		return otherwise
	}
	return v
}

func toInt(r *renderer, v any, a *callArgs) any {
	otherwise, base := a.take(r, "default", int64(0)), asInt(a.take(r, "base", int64(10)))
	switch v := v.(type) {
	case string:
		s := strings.ReplaceAll(strings.TrimFunc(v, isSpace), "_", "")
		if base >= 2 && base <= 36 {
			if prefix := map[int64]string{2: "0b", 8: "0o", 16: "0x"}[base]; prefix != "" && strings.HasPrefix(strings.ToLower(s), prefix) {
				s = s[2:]
			}
			if i, ok := new(big.Int).SetString(s, int(base)); ok && len(s) < 5000 {
				if i.IsInt64() {
					return i.Int64()
				}
				return i
			}
		}
		if f, ok := parseFloat(s); ok {
			return toInt(r, f, &callArgs{[]any{otherwise}, NewDict()})
		}
	case int64, bool, *big.Int:
		i, _, _, ok := numeric(v)
		if !ok {
			return v
		}
		return i
	case float64:
		if math.Abs(v) < 1<<63 {
			return int64(v)
		}
	case undefined:
		v.fail()
	}
	return otherwise
}

func toFloat(r *renderer, v any, a *callArgs) any {
	otherwise := a.take(r, "default", 0.0)
	if s, ok := v.(string); ok {
		if f, ok := parseFloat(strings.TrimFunc(s, isSpace)); ok {
			return f
		}
		return otherwise
	}
	checkDefined(v)
	if _, f, _, ok := numeric(v); ok {
		return f
	}
	return otherwise
}

// parseFloat reads what Python's float() takes.
func parseFloat(s string) (float64, bool) {
	if strings.ContainsAny(s, "xXpP") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return f, err == nil || math.IsInf(f, 0)
}

func roundFilter(r *renderer, v any, a *callArgs) any {
	digits, how := asInt(a.take(r, "precision", int64(0))), asString(a.take(r, "method", "common"))
	i, x, isFloat, ok := numeric(v)
	if !ok {
		checkDefined(v)
		failf("type %s doesn't define __round__ method", typeName(v))
	}
	switch p := math.Pow(10, float64(digits)); how {
	case "common":
		if !isFloat && digits >= 0 {
			return i
		}
		return round(x, digits)
	case "ceil":
		return math.Ceil(x*p) / p
	case "floor":
		return math.Floor(x*p) / p
	}
	failf("method must be common, ceil or floor")
	return nil
}
