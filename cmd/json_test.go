package cmd

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"weir/docs/schematest"
	"weir/runtime/result"
)

// jsonCommand is
//
//	json FILE PATH OPERATOR VALUE
//
// PATH is names and list indices with dots in between, such as
// cases.0.counts.requests; a list index counts from the end when it is
// negative; length is that of a list. OPERATOR is ==, !=, <, <=, >,
// >= or ~ (a regular expression). VALUE is JSON; what is no JSON is a string.
// "absent" in place of operator and value: there is no such field. FILE may be
// a pattern that one file matches, for folders that have a time in their name. Every
// result.json is held against the published schema.
func jsonCommand(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 3, "json FILE PATH OPERATOR VALUE, or json FILE PATH absent")
	file, err := theFile(ts.MkAbs(args[0]))
	ts.Check(err)
	var document any
	text := []byte(ts.ReadFile(file))
	ts.Check(json.Unmarshal(text, &document))
	if filepath.Base(file) == result.FileName {
		ts.Check(schematest.Validate("result", text))
	}
	got, found := follow(document, strings.Split(args[1], "."))
	if args[2] == "absent" {
		if found {
			ts.Fatalf("%s is %s", args[1], compact(got))
		}
		return
	}
	need(ts, neg, args, 4, "json FILE PATH OPERATOR VALUE")
	if !found {
		ts.Fatalf("there is no %s in %s", args[1], compact(document))
	}
	want := strings.Join(args[3:], " ")
	ok, err := holds(got, args[2], want)
	ts.Check(err)
	if !ok {
		ts.Fatalf("%s is %s, want %s %s", args[1], compact(got), args[2], want)
	}
}

// follow takes one step of a path after another.
func follow(v any, path []string) (any, bool) {
	for _, step := range path {
		switch at := v.(type) {
		case map[string]any:
			field, ok := at[step]
			if !ok {
				return nil, false
			}
			v = field
		case []any:
			if step == "length" {
				v = float64(len(at))
				continue
			}
			i, err := strconv.Atoi(step)
			if i < 0 {
				i += len(at)
			}
			if err != nil || i < 0 || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}

func holds(got any, operator, text string) (bool, error) {
	if operator == "~" {
		pattern, err := regexp.Compile(text)
		if err != nil {
			return false, err
		}
		s, isString := got.(string)
		if !isString {
			s = compact(got)
		}
		return pattern.MatchString(s), nil
	}
	var want any
	if json.Unmarshal([]byte(text), &want) != nil {
		want = text
	}
	switch operator {
	case "==":
		return reflect.DeepEqual(got, want), nil
	case "!=":
		return !reflect.DeepEqual(got, want), nil
	}
	a, isNumber := got.(float64)
	b, isNumberToo := want.(float64)
	if !isNumber || !isNumberToo {
		return false, fmt.Errorf("%s %s %s: only numbers have an order", compact(got), operator, text)
	}
	switch order := cmp.Compare(a, b); operator {
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	case ">=":
		return order >= 0, nil
	}
	return false, fmt.Errorf("no operator is called %q", operator)
}

// compact is JSON, cut for messages.
func compact(v any) string {
	text, _ := json.Marshal(v)
	if len(text) > 500 {
		text = append(text[:500], "…"...)
	}
	return string(text)
}

// theFile is the one file that a pattern matches.
func theFile(pattern string) (string, error) {
	matches, err := filepath.Glob(pattern)
	if err != nil {
		return "", err
	}
	if len(matches) != 1 {
		return "", fmt.Errorf("%d files match %s: %s", len(matches), pattern, matches)
	}
	return matches[0], nil
}
