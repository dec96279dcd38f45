package script

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The types of parameters.
const (
	typeString     = "string"
	typeNumber     = "number"
	typeBoolean    = "boolean"
	typeDuration   = "duration"
	typeStringList = "string list"
	typeNumberList = "number list"
)

// typeNames are the words that scripts may write for a type.
var typeNames = map[string]string{
	"string": typeString, "number": typeNumber, "boolean": typeBoolean, "duration": typeDuration,
	"string list": typeStringList, "number list": typeNumberList,
	"string[]": typeStringList, "number[]": typeNumberList,
}

var expectations = map[string]string{
	typeString:     "a string",
	typeNumber:     "a number",
	typeBoolean:    "true or false",
	typeDuration:   `a duration ("10m", "250ms" or a number of milliseconds)`,
	typeStringList: "a list of strings",
	typeNumberList: "a list of numbers",
}

func isList(kind string) bool { return kind == typeStringList || kind == typeNumberList }

// elementType is the type of a list's elements, of a scalar itself.
func elementType(kind string) string {
	switch kind {
	case typeStringList:
		return typeString
	case typeNumberList:
		return typeNumber
	}
	return kind
}

// parseText reads one value of a flag or of the environment.
func parseText(kind, text string) (any, error) {
	switch kind {
	case typeString:
		return text, nil
	case typeNumber:
		return parseNumber(text)
	case typeBoolean:
		switch strings.ToLower(text) {
		case "true", "1", "yes", "on":
			return true, nil
		case "false", "0", "no", "off":
			return false, nil
		}
	case typeDuration:
		d, err := ParseDuration(text)
		if err == nil {
			return durationMS(d), nil
		}
	}
	return nil, fmt.Errorf("expected %s", expectations[kind])
}

// parseNumber keeps whole numbers whole. "inf" and "Infinity" are numbers.
func parseNumber(text string) (any, error) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) {
		return nil, fmt.Errorf("expected a number")
	}
	return f, nil
}

// parseTextList reads a list: every text may hold several values with commas between.
func parseTextList(kind string, texts []string) ([]any, error) {
	list := []any{}
	for _, text := range texts {
		if text == "" {
			continue // "--list=" is the empty list
		}
		for part := range strings.SplitSeq(text, ",") {
			v, err := parseText(elementType(kind), strings.TrimSpace(part))
			if err != nil {
				return nil, fmt.Errorf("expected %s", expectations[kind])
			}
			list = append(list, v)
		}
	}
	return list, nil
}

// coerce takes a value of a script or of a parameter file, as plain Go data.
func coerce(kind string, v any) (any, error) {
	wrong := fmt.Errorf("expected %s", expectations[kind])
	switch kind {
	case typeString:
		if s, ok := v.(string); ok {
			return s, nil
		}
	case typeBoolean:
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case typeNumber:
		if n, ok := number(v); ok {
			return n, nil
		}
		if s, ok := v.(string); ok && isInfinity(s) {
			return parseNumber(s)
		}
	case typeDuration:
		if n, ok := number(v); ok {
			v = fmt.Sprint(n)
		}
		if s, ok := v.(string); ok {
			d, err := ParseDuration(s)
			if err != nil {
				return nil, wrong
			}
			return durationMS(d), nil
		}
	case typeStringList, typeNumberList:
		items, ok := v.([]any)
		if !ok {
			items = []any{v} // one value is a list of one
		}
		list := make([]any, len(items))
		for i, item := range items {
			var err error
			if list[i], err = coerce(elementType(kind), item); err != nil {
				return nil, wrong
			}
		}
		return list, nil
	}
	return nil, wrong
}

func isInfinity(s string) bool {
	switch strings.ToLower(strings.TrimLeft(s, "+-")) {
	case "inf", "infinity":
		return true
	}
	return false
}

// number normalizes the numbers of JSON, YAML and JavaScript to int64 or float64.
func number(v any) (any, bool) {
	switch n := v.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case uint64:
		if n <= math.MaxInt64 {
			return int64(n), true
		}
		return float64(n), true
	case float64:
		if math.IsNaN(n) {
			return nil, false
		}
		return n, true
	}
	return nil, false
}

func durationMS(d time.Duration) any {
	if d%time.Millisecond == 0 {
		return d.Milliseconds()
	}
	return float64(d) / float64(time.Millisecond)
}

// Text is a value of the parameter as it is written behind its flag; "" for none, and for
// what nobody may see.
func (p *Param) Text(v any) string {
	switch {
	case v == nil || p.Secret:
		return ""
	case p.Type == typeDuration:
		return showDuration(v)
	}
	return show(v)
}

// showDuration writes milliseconds as "1m30s".
func showDuration(ms any) string {
	d, err := ParseDuration(show(ms))
	if err != nil {
		return show(ms)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// typeOf is the type that a default implies, "" when it implies none.
func typeOf(v any) string {
	switch v := v.(type) {
	case string:
		return typeString
	case bool:
		return typeBoolean
	case []any:
		kind := typeStringList
		for i, item := range v {
			switch typeOf(item) {
			case typeNumber:
				if i > 0 && kind != typeNumberList {
					return ""
				}
				kind = typeNumberList
			case typeString:
				if kind == typeNumberList {
					return ""
				}
			default:
				return ""
			}
		}
		return kind
	}
	if _, ok := number(v); ok {
		return typeNumber
	}
	return ""
}

// show writes a value as a user would type it.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = show(item)
		}
		return strings.Join(parts, ",")
	case float64:
		if math.IsInf(v, 1) {
			return "inf"
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case map[string]any, *Object:
		if text, err := json.Marshal(v); err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(v)
}
