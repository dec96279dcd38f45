package jinja

import (
	"math/big"
	"strings"
)

// test is value is name(arguments).
func (r *renderer) test(name string, v any, a *callArgs) any {
	t := tests[name]
	if t == nil {
		failf("No test named %s.", quoted(name))
	}
	result := t(r, v, a)
	a.done(name)
	return result
}

var tests map[string]func(r *renderer, v any, a *callArgs) bool

func init() { // two of them look up tests and filters
	is := func(check func(v any) bool) func(*renderer, any, *callArgs) bool {
		return func(_ *renderer, v any, _ *callArgs) bool { return check(v) }
	}
	comparison := func(op string) func(*renderer, any, *callArgs) bool {
		return func(r *renderer, v any, a *callArgs) bool { return r.compare(op, v, a.need(r, "other")) }
	}
	equal := func(r *renderer, v any, a *callArgs) bool { return r.equal(v, a.need(r, "other")) }
	different := func(r *renderer, v any, a *callArgs) bool { return !r.equal(v, a.need(r, "other")) }
	remainder := func(r *renderer, v any, by any) any { return r.arithmetic("%", v, by) }

	tests = map[string]func(r *renderer, v any, a *callArgs) bool{
		"defined":   is(func(v any) bool { _, ok := v.(undefined); return !ok }),
		"undefined": is(func(v any) bool { _, ok := v.(undefined); return ok }),
		"none":      is(func(v any) bool { return v == nil }),
		"boolean":   is(func(v any) bool { _, ok := v.(bool); return ok }),
		"true":      is(func(v any) bool { b, ok := v.(bool); return ok && b }),
		"false":     is(func(v any) bool { b, ok := v.(bool); return ok && !b }),
		"string":    is(func(v any) bool { _, ok := v.(string); return ok }),
		"float":     is(func(v any) bool { _, ok := v.(float64); return ok }),
		"integer":   is(isInteger),
		"number": is(func(v any) bool {
			_, _, _, ok := numeric(v)
			return ok || isInteger(v)
		}),
		"mapping": is(func(v any) bool { _, ok := v.(*Dict); return ok }),
		"sequence": is(func(v any) bool {
			switch v := v.(type) {
			case string, []any, tuple, *Dict, undefined:
				return true
			case *sequence:
				return v.kind == "range"
			}
			return false
		}),
		"iterable": is(func(v any) bool {
			switch v.(type) {
			case string, []any, tuple, *Dict, *sequence, undefined, *loop:
				return true
			}
			return false
		}),
		"callable": is(func(v any) bool {
			switch v.(type) {
			case *function, *loop, undefined:
				return true
			}
			return false
		}),
		"escaped": is(func(any) bool { return false }),
		"lower":   func(r *renderer, v any, _ *callArgs) bool { return cased(r.str(v), isLowerRune, isUpperRune) },
		"upper":   func(r *renderer, v any, _ *callArgs) bool { return cased(r.str(v), isUpperRune, isLowerRune) },
		"odd":     func(r *renderer, v any, _ *callArgs) bool { return r.equal(remainder(r, v, int64(2)), int64(1)) },
		"even":    func(r *renderer, v any, _ *callArgs) bool { return r.equal(remainder(r, v, int64(2)), int64(0)) },
		"divisibleby": func(r *renderer, v any, a *callArgs) bool {
			return r.equal(remainder(r, v, a.need(r, "num")), int64(0))
		},
		"sameas": func(r *renderer, v any, a *callArgs) bool {
			other := a.need(r, "other")
			return typeName(v) == typeName(other) && r.equal(v, other)
		},
		"in":     func(r *renderer, v any, a *callArgs) bool { return r.contains(a.need(r, "seq"), v) },
		"filter": func(r *renderer, v any, _ *callArgs) bool { return filters[r.str(v)] != nil },
		"test":   func(r *renderer, v any, _ *callArgs) bool { return tests[r.str(v)] != nil },
		"eq":     equal, "==": equal, "equalto": equal,
		"ne": different, "!=": different,
		"lt": comparison("<"), "<": comparison("<"), "lessthan": comparison("<"),
		"le": comparison("<="), "<=": comparison("<="),
		"gt": comparison(">"), ">": comparison(">"), "greaterthan": comparison(">"),
		"ge": comparison(">="), ">=": comparison(">="),
	}
}

func isInteger(v any) bool {
	switch v.(type) {
	case int64, *big.Int:
		return true
	}
	return false
}

func isUpperRune(c rune) bool { return strings.ToLower(string(c)) != string(c) }
func isLowerRune(c rune) bool { return strings.ToUpper(string(c)) != string(c) }
