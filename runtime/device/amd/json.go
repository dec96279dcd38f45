package amd

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

const (
	mostUnread = 20 // lines that are kept of an output
	mostStarts = 50 // lines that may be the beginning of the JSON
)

// Of current versions: hy-smi leaves commas out between some of its pairs, and what is
// printed by Python has numbers that JSON has not.
var (
	noComma  = regexp.MustCompile(`"\s*"(\w)`)
	noNumber = regexp.MustCompile(`([:\[,]\s*)(?:NaN|-?Infinity)\b`)
)

// find decodes the JSON value in what a tool printed, which may have warnings before
// and after it. unread are those lines.
func find(out string) (value any, unread []string, ok bool) {
	lines := strings.SplitAfter(out, "\n")
	at, starts := 0, 0
	for _, line := range lines {
		if first := strings.TrimSpace(line); starts < mostStarts && (strings.HasPrefix(first, "{") || strings.HasPrefix(first, "[")) {
			starts++
			if value, rest, ok := decode(out[at:]); ok {
				for line := range strings.Lines(rest) {
					unread = leave(unread, line)
				}
				return value, unread, true
			}
		}
		unread = leave(unread, line)
		at += len(line)
	}
	return nil, unread, false
}

func leave(unread []string, line string) []string {
	if line = strings.TrimSpace(line); line != "" && len(unread) < mostUnread {
		unread = append(unread, line)
	}
	return unread
}

// decode reads the value at the beginning of a text: an object, or a list of objects.
func decode(text string) (value any, rest string, ok bool) {
	try := func(text string) bool {
		d := json.NewDecoder(strings.NewReader(text))
		if d.Decode(&value) != nil {
			return false
		}
		if list, is := value.([]any); is && len(list) > 0 {
			if _, is := list[0].(map[string]any); !is {
				return false // "[0]" of a line that is no JSON
			}
		}
		rest = text[d.InputOffset():]
		return true
	}
	if try(text) || try(noNumber.ReplaceAllString(noComma.ReplaceAllString(text, `","$1`), "${1}null")) {
		return value, rest, true
	}
	return nil, "", false
}

// get is the value at a path of keys; nil: there is none.
func get(v any, path ...string) any {
	for _, key := range path {
		object, _ := v.(map[string]any)
		v = object[key]
	}
	return v
}

// text is a value's text; "" when there is none: "N/A" and the like.
func text(v any) string {
	s, _ := v.(string)
	if s = strings.TrimSpace(s); strings.EqualFold(s, "N/A") || strings.EqualFold(s, "none") || strings.EqualFold(s, "unknown") {
		return ""
	}
	return s
}

// number is a value's number and its unit: of 95, "95.0", "95.0 W", "(173Mhz)" or
// {"value": 95, "unit": "W"}.
func number(v any) (x float64, unit string, ok bool) {
	switch v := v.(type) {
	case float64:
		return v, "", true
	case string:
		s := strings.Trim(v, "() ")
		n := len(s) - len(strings.TrimLeft(s, "+-.0123456789eE"))
		// The letters of a unit are no exponent.
		for ; n > 0; n-- {
			if x, err := strconv.ParseFloat(s[:n], 64); err == nil {
				return x, strings.TrimSpace(s[n:]), true
			}
		}
	case map[string]any:
		x, unit, ok = number(v["value"])
		if told := text(v["unit"]); told != "" {
			unit = told
		}
		return x, unit, ok
	}
	return 0, "", false
}

// mib is a size in MiB, of a number with a unit, or without one of MiB.
func mib(v any) (float64, bool) {
	x, unit, ok := number(v)
	switch strings.ToUpper(unit) {
	case "B", "BYTES":
		x /= 1 << 20
	case "KB", "KIB":
		x /= 1 << 10
	case "GB", "GIB":
		x *= 1 << 10
	}
	return x, ok
}
