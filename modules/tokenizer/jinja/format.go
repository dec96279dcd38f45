package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// percent is format % value.
func (r *renderer) percent(format string, value any) any {
	args, ok := value.(tuple)
	if !ok {
		args = tuple{value}
	}
	used := 0
	next := func() any {
		if used == len(args) {
			failf("not enough arguments for format string")
		}
		used++
		return args[used-1]
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		var spec formatSpec
		var v any
		named := false
		i++
		if i < len(format) && format[i] == '(' {
			end := strings.IndexByte(format[i:], ')')
			d, isDict := value.(*Dict)
			if end < 0 || !isDict {
				failf("format requires a mapping")
			}
			found, ok := d.get(format[i+1 : i+end])
			if !ok {
				failf("the format's key %s is missing", quoted(format[i+1:i+end]))
			}
			v, named = found, true
			i += end + 1
		}
		for ; i < len(format) && strings.IndexByte("-+ #0", format[i]) >= 0; i++ {
			switch format[i] {
			case '-':
				spec.align = '<'
			case '0':
				spec.zero = true
			case '+', ' ':
				spec.sign = format[i]
			}
		}
		i = spec.widthAndPrecision(format, i)
		if i >= len(format) {
			failf("incomplete format")
		}
		if spec.verb = format[i]; spec.verb == '%' {
			b.WriteByte('%')
			continue
		}
		if !named {
			v = next()
		}
		if spec.align == 0 {
			spec.align = '>'
		}
		switch spec.verb {
		case 'r':
			spec.verb, v = 's', r.reprString(v)
		case 's':
			v = r.str(v)
		case 'i', 'u':
			spec.verb = 'd'
		}
		if f, ok := v.(float64); ok && spec.verb == 'd' {
			v = int64(f)
		}
		b.WriteString(r.formatted(v, spec))
		r.size(b.Len())
	}
	if _, isDict := value.(*Dict); used < len(args) && !isDict {
		failf("not all arguments converted during string formatting")
	}
	return b.String()
}

func (r *renderer) reprString(v any) string {
	var b strings.Builder
	r.repr(&b, v)
	return b.String()
}

// format is str.format.
func (r *renderer) format(s string, a *callArgs) string {
	var b strings.Builder
	auto := 0
	for s != "" {
		at := strings.IndexAny(s, "{}")
		if at < 0 {
			break
		}
		b.WriteString(s[:at])
		brace := s[at]
		s = s[at+1:]
		if strings.HasPrefix(s, string(brace)) {
			b.WriteByte(brace)
			s = s[1:]
			continue
		}
		end := strings.IndexByte(s, '}')
		if brace == '}' || end < 0 || strings.Contains(s[:end], "{") {
			failf("format: a single %c, or fields within fields, which are not supported", brace)
		}
		field, spec, _ := strings.Cut(s[:end], ":")
		field, conversion, _ := strings.Cut(field, "!")
		s = s[end+1:]
		v := r.field(field, a, &auto)
		switch conversion {
		case "r":
			v = r.reprString(v)
		case "s":
			v = r.str(v)
		}
		if spec == "" {
			b.WriteString(r.str(v))
		} else {
			b.WriteString(r.formatted(v, parseSpec(spec)))
		}
		r.size(b.Len())
	}
	b.WriteString(s)
	return b.String()
}

// field returns what {0.name[key]} stands for.
func (r *renderer) field(path string, a *callArgs, auto *int) any {
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		end = len(path)
	}
	first, rest := path[:end], path[end:]
	if first == "" {
		first = strconv.Itoa(*auto)
		*auto++
	}
	var v any
	if i, err := strconv.Atoi(first); err == nil {
		if i < 0 || i >= len(a.positional) {
			failf("Replacement index %d out of range for positional args tuple", i)
		}
		v = a.positional[i]
	} else if found, ok := a.kwargs.get(first); ok {
		v = found
	} else {
		failf("format: there is no argument %s", quoted(first))
	}
	for rest != "" {
		if rest[0] == '[' {
			key, behind, ok := strings.Cut(rest[1:], "]")
			if !ok {
				failf("Missing ']' in format string")
			}
			var index any = key
			if i, err := strconv.ParseInt(key, 10, 64); err == nil {
				index = i
			}
			v, rest = r.item(v, &constExpr{index}), behind
			continue
		}
		end := strings.IndexAny(rest[1:], ".[")
		if end < 0 {
			end = len(rest) - 1
		}
		v, rest = attribute(v, rest[1:1+end]), rest[1+end:]
	}
	return v
}

// formatSpec is Python's format specification, as far as it goes here.
type formatSpec struct {
	fill      rune
	align     byte // < > ^ or 0
	sign      byte
	zero      bool
	width     int
	comma     bool
	precision int // -1: none
	precise   bool
	verb      byte
}

func (f *formatSpec) widthAndPrecision(s string, i int) int {
	number := func() int {
		n := 0
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			if n = n*10 + int(s[i]-'0'); n > 10000 {
				failf("a width or precision in a format is more than 10000")
			}
		}
		return n
	}
	f.width = number()
	if i < len(s) && (s[i] == ',' || s[i] == '_') {
		f.comma = s[i] == ','
		i++
	}
	if i < len(s) && s[i] == '.' {
		i++
		f.precision, f.precise = number(), true
	}
	return i
}

func parseSpec(s string) formatSpec {
	var f formatSpec
	whole, i := s, 0
	if first, n := utf8.DecodeRuneInString(s); len(s) > n && strings.IndexByte("<>^", s[n]) >= 0 {
		f.fill, f.align, i = first, s[n], n+1
	} else if strings.IndexByte("<>^", s[0]) >= 0 {
		f.align, i = s[0], 1
	}
	if i < len(s) && strings.IndexByte("+- ", s[i]) >= 0 {
		f.sign = s[i]
		i++
	}
	if i < len(s) && s[i] == '0' {
		f.zero = true
		i++
	}
	i = f.widthAndPrecision(s, i)
	if i < len(s) {
		f.verb = s[i]
		i++
	}
	if i < len(s) {
		failf("Invalid format specifier %s", quoted(whole))
	}
	return f
}

// formatted writes a value as a specification says.
func (r *renderer) formatted(v any, f formatSpec) string {
	s, number := r.unpadded(v, f)
	n := f.width - utf8.RuneCountInString(s)
	if n <= 0 {
		return s
	}
	fill := string(f.fill)
	if f.fill == 0 {
		fill = " "
		if f.zero && number && f.align != '<' {
			digits := strings.TrimLeft(s, "+- ")
			return s[:len(s)-len(digits)] + strings.Repeat("0", n) + digits
		}
	}
	left := 0
	switch {
	case f.align == '^':
		left = n / 2
	case f.align == '>', f.align == 0 && number:
		left = n
	}
	return strings.Repeat(fill, left) + s + strings.Repeat(fill, n-left)
}

func (r *renderer) unpadded(v any, f formatSpec) (s string, number bool) {
	i, x, isFloat, ok := numeric(v)
	if text, isText := v.(string); isText && (f.verb == 's' || f.verb == 0) {
		if runes := []rune(text); f.precise && len(runes) > f.precision {
			return string(runes[:f.precision]), false
		}
		return text, false
	}
	switch {
	case !ok:
		failf("Unknown format code '%c' for object of type '%s'", f.verb, typeName(v))
	case !isFloat && strings.IndexByte("dxXob\x00", f.verb) >= 0:
		verb := f.verb
		if verb == 0 {
			verb = 'd'
		}
		s = fmt.Sprintf("%"+string(verb), i)
	default:
		s = formatFloat(x, f)
	}
	if f.comma {
		s = thousands(s)
	}
	if (f.sign == '+' || f.sign == ' ') && !strings.HasPrefix(s, "-") {
		s = string(f.sign) + s
	}
	return s, true
}

func formatFloat(x float64, f formatSpec) string {
	precision := 6
	if f.precise {
		precision = f.precision
	}
	switch f.verb {
	case 'f', 'F', 'e', 'E':
		return strconv.FormatFloat(x, f.verb|0x20, precision, 64)
	case '%':
		return strconv.FormatFloat(x*100, 'f', precision, 64) + "%"
	case 'g', 'G':
		return strconv.FormatFloat(x, 'g', max(1, precision), 64)
	case 0:
		if !f.precise {
			return floatRepr(x)
		}
		return strconv.FormatFloat(x, 'g', max(1, precision), 64)
	}
	failf("Unknown format code '%c' for object of type 'float'", f.verb)
	return ""
}

func thousands(s string) string {
	whole, fraction, _ := strings.Cut(s, ".")
	digits := strings.TrimLeft(whole, "-")
	out := whole[:len(whole)-len(digits)]
	for i := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out += ","
		}
		out += digits[i : i+1]
	}
	if fraction != "" {
		out += "." + fraction
	}
	return out
}

// round is Python's round: half to even of the exact decimal value.
func round(x float64, digits int64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) || digits > 300 {
		return x
	}
	if digits < 0 {
		p := math.Pow(10, float64(-digits))
		return math.RoundToEven(x/p) * p
	}
	f, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', int(digits), 64), 64)
	return f
}
