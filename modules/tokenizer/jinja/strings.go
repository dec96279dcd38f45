package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// stringMethods are those of Python's str.
var stringMethods map[string]func(r *renderer, s string, a *callArgs) any

func init() { // they use filters, which use them
	stringMethods = map[string]func(r *renderer, s string, a *callArgs) any{
		"strip":      func(r *renderer, s string, a *callArgs) any { return trim(s, a.take(r, "chars", nil), true, true) },
		"lstrip":     func(r *renderer, s string, a *callArgs) any { return trim(s, a.take(r, "chars", nil), true, false) },
		"rstrip":     func(r *renderer, s string, a *callArgs) any { return trim(s, a.take(r, "chars", nil), false, true) },
		"upper":      func(r *renderer, s string, a *callArgs) any { return strings.ToUpper(s) },
		"lower":      func(r *renderer, s string, a *callArgs) any { return strings.ToLower(s) },
		"casefold":   func(r *renderer, s string, a *callArgs) any { return strings.ToLower(s) },
		"capitalize": func(r *renderer, s string, a *callArgs) any { return capitalize(s) },
		"title":      func(r *renderer, s string, a *callArgs) any { return title(s) },
		"swapcase":   func(r *renderer, s string, a *callArgs) any { return strings.Map(swapCase, s) },
		"startswith": func(r *renderer, s string, a *callArgs) any { return affix(r, s, a, strings.HasPrefix) },
		"endswith":   func(r *renderer, s string, a *callArgs) any { return affix(r, s, a, strings.HasSuffix) },
		"removeprefix": func(r *renderer, s string, a *callArgs) any {
			return strings.TrimPrefix(s, asString(a.need(r, "prefix")))
		},
		"removesuffix": func(r *renderer, s string, a *callArgs) any {
			return strings.TrimSuffix(s, asString(a.need(r, "suffix")))
		},
		"replace": func(r *renderer, s string, a *callArgs) any {
			return r.replace(s, asString(a.need(r, "old")), asString(a.need(r, "new")), asInt(a.take(r, "count", int64(-1))))
		},
		"split":  func(r *renderer, s string, a *callArgs) any { return splitMethod(r, s, a, false) },
		"rsplit": func(r *renderer, s string, a *callArgs) any { return splitMethod(r, s, a, true) },
		"splitlines": func(r *renderer, s string, a *callArgs) any {
			return r.list(splitLines(s, truth(a.take(r, "keepends", false))))
		},
		"partition":  func(r *renderer, s string, a *callArgs) any { return partition(s, asString(a.need(r, "sep")), false) },
		"rpartition": func(r *renderer, s string, a *callArgs) any { return partition(s, asString(a.need(r, "sep")), true) },
		"join":       func(r *renderer, s string, a *callArgs) any { return r.joinTexts(s, iterate(a.need(r, "iterable"))) },
		"find":       func(r *renderer, s string, a *callArgs) any { return find(r, s, a, strings.Index) },
		"rfind":      func(r *renderer, s string, a *callArgs) any { return find(r, s, a, strings.LastIndex) },
		"index": func(r *renderer, s string, a *callArgs) any {
			i := find(r, s, a, strings.Index)
			if i < 0 {
				failf("substring not found")
			}
			return i
		},
		"count": func(r *renderer, s string, a *callArgs) any {
			part, _ := span(r, s, a.need(r, "sub"), a)
			return int64(strings.Count(part.text, part.sub))
		},
		"center": func(r *renderer, s string, a *callArgs) any {
			width, fill := padding(r, a)
			n := max(0, width-utf8.RuneCountInString(s))
			left := n/2 + n&width&1
			return strings.Repeat(fill, left) + s + strings.Repeat(fill, n-left)
		},
		"ljust": func(r *renderer, s string, a *callArgs) any {
			width, fill := padding(r, a)
			return s + strings.Repeat(fill, max(0, width-utf8.RuneCountInString(s)))
		},
		"rjust": func(r *renderer, s string, a *callArgs) any {
			width, fill := padding(r, a)
			return strings.Repeat(fill, max(0, width-utf8.RuneCountInString(s))) + s
		},
		"zfill": func(r *renderer, s string, a *callArgs) any {
			n := max(0, r.asSize(a.need(r, "width"))-utf8.RuneCountInString(s))
			sign := ""
			if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
				sign, s = s[:1], s[1:]
			}
			return sign + strings.Repeat("0", n) + s
		},
		"format":    func(r *renderer, s string, a *callArgs) any { return r.format(s, a) },
		"isdigit":   func(r *renderer, s string, a *callArgs) any { return every(s, unicode.IsDigit) },
		"isdecimal": func(r *renderer, s string, a *callArgs) any { return every(s, unicode.IsDigit) },
		"isnumeric": func(r *renderer, s string, a *callArgs) any { return every(s, unicode.IsNumber) },
		"isalpha":   func(r *renderer, s string, a *callArgs) any { return every(s, unicode.IsLetter) },
		"isalnum": func(r *renderer, s string, a *callArgs) any {
			return every(s, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) })
		},
		"isspace": func(r *renderer, s string, a *callArgs) any { return every(s, isSpace) },
		"isascii": func(r *renderer, s string, a *callArgs) any {
			return s == "" || every(s, func(c rune) bool { return c < 0x80 })
		},
		"isupper": func(r *renderer, s string, a *callArgs) any { return cased(s, unicode.IsUpper, unicode.IsLower) },
		"islower": func(r *renderer, s string, a *callArgs) any { return cased(s, unicode.IsLower, unicode.IsUpper) },
	}
}

func trim(s string, chars any, left, right bool) string {
	in := isSpace
	if chars != nil {
		set := asString(chars)
		in = func(c rune) bool { return strings.ContainsRune(set, c) }
	}
	if left {
		s = strings.TrimLeftFunc(s, in)
	}
	if right {
		s = strings.TrimRightFunc(s, in)
	}
	return s
}

func capitalize(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToTitle(first)) + strings.ToLower(s[n:])
}

// title is str.title: a letter behind what is no letter is a capital.
func title(s string) string {
	letter := false
	return strings.Map(func(c rune) rune {
		after := letter
		letter = unicode.IsLetter(c)
		if after {
			return unicode.ToLower(c)
		}
		return unicode.ToTitle(c)
	}, s)
}

func swapCase(c rune) rune {
	if unicode.IsUpper(c) {
		return unicode.ToLower(c)
	}
	return unicode.ToUpper(c)
}

// affix tests a prefix or suffix, or several in a tuple.
func affix(r *renderer, s string, a *callArgs, has func(s, part string) bool) any {
	v := a.need(r, "prefix")
	part, _ := span(r, s, "", a)
	if several, ok := v.(tuple); ok {
		for _, one := range several {
			if has(part.text, asString(one)) {
				return true
			}
		}
		return false
	}
	return has(part.text, asString(v))
}

// part is what a search is about: a section of a text.
type part struct{ text, sub string }

// span takes the start and end that many methods have; offset is in characters.
func span(r *renderer, s string, sub any, a *callArgs) (p part, offset int) {
	p = part{s, asString(sub)}
	start, end := a.take(r, "start", nil), a.take(r, "end", nil)
	if start == nil && end == nil {
		return p, 0
	}
	runes := []rune(s)
	bound := func(v any, otherwise int64) int {
		i := otherwise
		if v != nil {
			i = asInt(v)
		}
		if i < 0 {
			i += int64(len(runes))
		}
		return int(max(0, min(i, int64(len(runes)))))
	}
	from, to := bound(start, 0), bound(end, int64(len(runes)))
	p.text = string(runes[from:max(from, to)])
	return p, from
}

func find(r *renderer, s string, a *callArgs, index func(s, sub string) int) int64 {
	p, offset := span(r, s, a.need(r, "sub"), a)
	i := index(p.text, p.sub)
	if i < 0 {
		return -1
	}
	return int64(offset + utf8.RuneCountInString(p.text[:i]))
}

func (r *renderer) replace(s, old, with string, n int64) string {
	found := strings.Count(s, old)
	if n >= 0 {
		found = int(min(n, int64(found)))
	}
	r.size(len(s) + found*max(0, len(with)-len(old)))
	return strings.Replace(s, old, with, found)
}

// list makes a list of texts.
func (r *renderer) list(texts []string) []any {
	r.step(len(texts))
	out := make([]any, len(texts))
	for i, s := range texts {
		out[i] = s
	}
	return out
}

func splitMethod(r *renderer, s string, a *callArgs, right bool) any {
	separator := a.take(r, "sep", nil)
	n := int(max(-1, min(asInt(a.take(r, "maxsplit", int64(-1))), int64(len(s)))))
	if separator == nil {
		return r.list(splitSpace(s, n, right))
	}
	sep := asString(separator)
	if sep == "" {
		failf("empty separator")
	}
	parts := strings.Split(s, sep)
	if n >= 0 && len(parts) > n+1 {
		if right {
			cut := len(parts) - n
			parts = append([]string{strings.Join(parts[:cut], sep)}, parts[cut:]...)
		} else {
			parts = strings.SplitN(s, sep, n+1)
		}
	}
	return r.list(parts)
}

// splitSpace splits at white space, n times at most when n is not negative.
func splitSpace(s string, n int, right bool) []string {
	words := strings.FieldsFunc(s, isSpace)
	if n < 0 || len(words) <= n {
		return words
	}
	if right { // from the end: the first part keeps its inner white space
		rest := strings.TrimRightFunc(s, isSpace)
		tail := words[len(words)-n:]
		for i := range tail {
			rest = strings.TrimRightFunc(strings.TrimSuffix(rest, tail[len(tail)-1-i]), isSpace)
		}
		return append([]string{rest}, tail...)
	}
	var out []string
	rest := strings.TrimLeftFunc(s, isSpace)
	for range n {
		at := strings.IndexFunc(rest, isSpace)
		if at < 0 {
			break
		}
		out = append(out, rest[:at])
		rest = strings.TrimLeftFunc(rest[at:], isSpace)
	}
	if rest != "" {
		out = append(out, rest)
	}
	return out
}

// splitLines is str.splitlines.
func splitLines(s string, keep bool) []string {
	var lines []string
	for s != "" {
		at := strings.IndexAny(s, "\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029")
		if at < 0 {
			return append(lines, s)
		}
		_, width := utf8.DecodeRuneInString(s[at:])
		if strings.HasPrefix(s[at:], "\r\n") {
			width = 2
		}
		if keep {
			lines = append(lines, s[:at+width])
		} else {
			lines = append(lines, s[:at])
		}
		s = s[at+width:]
	}
	return lines
}

func partition(s, sep string, right bool) tuple {
	if sep == "" {
		failf("empty separator")
	}
	at := strings.Index(s, sep)
	if right {
		at = strings.LastIndex(s, sep)
	}
	switch {
	case at >= 0:
		return tuple{s[:at], sep, s[at+len(sep):]}
	case right:
		return tuple{"", "", s}
	}
	return tuple{s, "", ""}
}

// joinTexts is str.join, which takes nothing but texts.
func (r *renderer) joinTexts(separator string, items []any) string {
	texts, n := make([]string, len(items)), 0
	for i, item := range items {
		s, ok := item.(string)
		if !ok {
			failf("sequence item %d: expected str instance, %s found", i, typeName(item))
		}
		texts[i] = s
		if n += len(s) + len(separator); n > maxText+len(separator) {
			r.size(n)
		}
	}
	r.step(len(items))
	r.size(max(0, n-len(separator)))
	return strings.Join(texts, separator)
}

func padding(r *renderer, a *callArgs) (width int, fill string) {
	width = r.asSize(a.need(r, "width"))
	fill = asString(a.take(r, "fillchar", " "))
	if utf8.RuneCountInString(fill) != 1 {
		failf("The fill character must be exactly one character long")
	}
	return width, fill
}

func every(s string, is func(rune) bool) bool {
	return s != "" && strings.IndexFunc(s, func(c rune) bool { return !is(c) }) < 0
}

// cased is true when all letters with a case have this one, and there are some.
func cased(s string, is, other func(rune) bool) bool {
	return strings.IndexFunc(s, is) >= 0 && strings.IndexFunc(s, other) < 0
}
