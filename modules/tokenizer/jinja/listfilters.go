package jinja

import (
	"slices"
	"strconv"
	"strings"
)

// listFilters are the filters of lists and dicts.
var listFilters = map[string]func(r *renderer, v any, a *callArgs) any{
	"list": func(r *renderer, v any, _ *callArgs) any {
		items := iterate(v)
		r.step(len(items))
		return slices.Clone(items)
	},
	"first": func(r *renderer, v any, _ *callArgs) any {
		if items := iterate(v); len(items) > 0 {
			return items[0]
		}
		return undefined{"No first item, sequence was empty."}
	},
	"last": func(r *renderer, v any, _ *callArgs) any {
		if items := iterate(v); len(items) > 0 {
			return items[len(items)-1]
		}
		return undefined{"No last item, sequence was empty."}
	},
	"join": func(r *renderer, v any, a *callArgs) any {
		separator := r.str(a.take(r, "d", ""))
		get := r.getter(a.take(r, "attribute", nil), nil)
		texts := make([]any, 0, len(iterate(v)))
		for _, item := range iterate(v) {
			texts = append(texts, r.str(get(item)))
		}
		return r.joinTexts(separator, texts)
	},
	"reverse": func(r *renderer, v any, _ *callArgs) any {
		if s, ok := v.(string); ok {
			runes := []rune(s)
			r.size(len(s))
			slices.Reverse(runes)
			return string(runes)
		}
		items := slices.Clone(iterate(v))
		r.step(len(items))
		slices.Reverse(items)
		return &sequence{kind: "list_reverseiterator", items: items}
	},
	"items": func(r *renderer, v any, _ *callArgs) any {
		switch v := v.(type) {
		case *Dict:
			return generator(v.items())
		case undefined:
			return generator(nil)
		}
		failf("Can only get item pairs from a mapping.")
		return nil
	},
	"dictsort": func(r *renderer, v any, a *callArgs) any {
		caseful, by, reverse := truth(a.take(r, "case_sensitive", false)), asString(a.take(r, "by", "key")), truth(a.take(r, "reverse", false))
		d, ok := v.(*Dict)
		if !ok {
			failf("dictsort needs a dict, not '%s'", typeName(v))
		}
		at := 0
		if by == "value" {
			at = 1
		}
		return r.sorted(d.items(), reverse, caseful, func(item any) any { return item.(tuple)[at] })
	},
	"sort": func(r *renderer, v any, a *callArgs) any {
		reverse, caseful := truth(a.take(r, "reverse", false)), truth(a.take(r, "case_sensitive", false))
		return r.sorted(iterate(v), reverse, caseful, r.getter(a.take(r, "attribute", nil), nil))
	},
	"unique": func(r *renderer, v any, a *callArgs) any {
		caseful, get := truth(a.take(r, "case_sensitive", false)), r.getter(a.take(r, "attribute", nil), nil)
		seen, out := NewDict(), []any{}
		for _, item := range iterate(v) {
			r.step(1)
			key := fold(get(item), caseful)
			if _, found := seen.get(key); !found {
				seen.set(key, nil)
				out = append(out, item)
			}
		}
		return generator(out)
	},
	"min": func(r *renderer, v any, a *callArgs) any { return r.extreme(v, a, "<") },
	"max": func(r *renderer, v any, a *callArgs) any { return r.extreme(v, a, ">") },
	"sum": func(r *renderer, v any, a *callArgs) any {
		get := r.getter(a.take(r, "attribute", nil), nil)
		total := a.take(r, "start", int64(0))
		for _, item := range iterate(v) {
			r.step(1)
			total = r.arithmetic("+", total, get(item))
		}
		return total
	},
	"map":        mapFilter,
	"select":     func(r *renderer, v any, a *callArgs) any { return r.selected(v, a, false, true) },
	"reject":     func(r *renderer, v any, a *callArgs) any { return r.selected(v, a, false, false) },
	"selectattr": func(r *renderer, v any, a *callArgs) any { return r.selected(v, a, true, true) },
	"rejectattr": func(r *renderer, v any, a *callArgs) any { return r.selected(v, a, true, false) },
	"batch": func(r *renderer, v any, a *callArgs) any {
		n, fill := asInt(a.need(r, "linecount")), a.take(r, "fill_with", nil)
		if n < 1 {
			failf("batch: the number of items must be at least 1")
		}
		out := []any{}
		items := iterate(v)
		r.step(len(items))
		for len(items) > 0 {
			k := int(min(n, int64(len(items))))
			row := slices.Clone(items[:k])
			if fill != nil && int64(k) < n {
				row = append(row, r.repeatList([]any{fill}, r.asSize(n-int64(k)))...)
			}
			out, items = append(out, row), items[k:]
		}
		return generator(out)
	},
	"slice": func(r *renderer, v any, a *callArgs) any {
		n, fill := r.asSize(a.need(r, "slices")), a.take(r, "fill_with", nil)
		if n < 1 {
			failf("slice: the number of slices must be at least 1")
		}
		items, out := iterate(v), []any{}
		each, more := len(items)/n, len(items)%n
		r.step(len(items) + n)
		for i := range n {
			k := each + int(integer(i < more))
			row := slices.Clone(items[:k])
			if fill != nil && i >= more && more > 0 {
				row = append(row, fill)
			}
			out, items = append(out, row), items[k:]
		}
		return generator(out)
	},
	"groupby": func(r *renderer, v any, a *callArgs) any {
		get := r.getter(a.need(r, "attribute"), a.take(r, "default", nil))
		caseful := truth(a.take(r, "case_sensitive", false))
		out := []any{}
		var last any
		for _, item := range r.sorted(iterate(v), false, caseful, get) {
			key := fold(get(item), caseful)
			if len(out) > 0 && r.equal(key, last) {
				g := out[len(out)-1].(*sequence)
				g.items[1] = append(g.items[1].([]any), item)
				continue
			}
			out = append(out, &sequence{kind: groupTuple, items: []any{get(item), []any{item}}, sized: true})
			last = key
		}
		return out
	},
}

// groupTuple is the type of what groupby makes: a pair whose parts have names.
const groupTuple = "_GroupTuple"

// getter returns what gets an attribute such as "a.b.0" of an item; nil: the item.
func (r *renderer) getter(attribute, otherwise any) func(item any) any {
	if attribute == nil {
		return func(item any) any { return item }
	}
	var path []any
	if name, ok := attribute.(string); ok {
		for _, part := range strings.Split(name, ".") {
			if i, err := strconv.ParseInt(part, 10, 64); err == nil && i >= 0 {
				path = append(path, i)
			} else {
				path = append(path, part)
			}
		}
	} else {
		path = []any{asInt(attribute)}
	}
	return func(item any) any {
		for _, part := range path {
			item = r.item(item, &constExpr{part})
			if _, missing := item.(undefined); missing && otherwise != nil {
				item = otherwise
			}
		}
		return item
	}
}

func fold(v any, caseful bool) any {
	if s, ok := v.(string); ok && !caseful {
		return strings.ToLower(s)
	}
	return v
}

// sorted is stable; texts go by their lower case unless caseful.
func (r *renderer) sorted(items []any, reverse, caseful bool, key func(any) any) []any {
	type keyed struct{ item, key any }
	list := make([]keyed, len(items))
	for i, item := range items {
		list[i] = keyed{item, fold(key(item), caseful)}
	}
	slices.SortStableFunc(list, func(a, b keyed) int {
		less := func(x, y any) bool { return r.compare("<", x, y) }
		if reverse {
			a, b = b, a
		}
		return int(integer(less(b.key, a.key)) - integer(less(a.key, b.key)))
	})
	out := make([]any, len(list))
	for i, k := range list {
		out[i] = k.item
	}
	return out
}

func (r *renderer) extreme(v any, a *callArgs, op string) any {
	caseful, get := truth(a.take(r, "case_sensitive", false)), r.getter(a.take(r, "attribute", nil), nil)
	items := iterate(v)
	if len(items) == 0 {
		return undefined{"No aggregated item, sequence was empty."}
	}
	best := items[0]
	for _, item := range items[1:] {
		if r.compare(op, fold(get(item), caseful), fold(get(best), caseful)) {
			best = item
		}
	}
	return best
}

func mapFilter(r *renderer, v any, a *callArgs) any {
	var one func(item any) any
	if len(a.positional) == 0 && a.has("attribute") {
		one = r.getter(a.keyword("attribute", nil), a.keyword("default", nil))
	} else {
		name, rest := asString(a.need(r, "name")), *a
		a.positional, a.kwargs = nil, NewDict()
		one = func(item any) any { return r.filter(name, item, rest.again()) }
	}
	var out []any
	for _, item := range iterate(v) {
		r.step(1)
		out = append(out, one(item))
	}
	return generator(out)
}

// again returns a copy, since functions take arguments off.
func (a *callArgs) again() *callArgs { return &callArgs{slices.Clone(a.positional), a.kwargs} }

func (r *renderer) selected(v any, a *callArgs, attr, keep bool) any {
	get := func(item any) any { return item }
	if attr {
		get = r.getter(a.need(r, "attribute"), nil)
	}
	check := truth
	if len(a.positional) > 0 {
		name, rest := asString(a.take(r, "name", nil)), *a
		a.positional, a.kwargs = nil, NewDict()
		check = func(v any) bool { return truth(r.test(name, v, rest.again())) }
	}
	var out []any
	for _, item := range iterate(v) {
		r.step(1)
		if check(get(item)) == keep {
			out = append(out, item)
		}
	}
	return generator(out)
}
