package jinja

// unsafeMethods would change a value: the sandbox forbids them.
var unsafeMethods = map[string]map[string]bool{
	"list": set("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"),
	"dict": set("clear", "pop", "popitem", "setdefault", "update"),
}

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, name := range names {
		m[name] = true
	}
	return m
}

// method returns a method of an object, nil when it has none of that name.
func method(object any, name string) any {
	bind := func(call func(r *renderer, a *callArgs) any) any {
		return &function{name, call}
	}
	switch o := object.(type) {
	case string:
		if m := stringMethods[name]; m != nil {
			return bind(func(r *renderer, a *callArgs) any {
				r.size(len(o))
				v := m(r, o, a)
				if name != "format" {
					a.done(name)
				}
				return v
			})
		}
	case *Dict:
		if m := dictMethods[name]; m != nil {
			return bind(func(r *renderer, a *callArgs) any {
				r.step(len(o.keys))
				v := m(r, o, a)
				a.done(name)
				return v
			})
		}
	case []any:
		if m := listMethods[name]; m != nil {
			return bind(func(r *renderer, a *callArgs) any { return m(r, o, a) })
		}
	case tuple:
		if m := listMethods[name]; m != nil && name != "copy" {
			return bind(func(r *renderer, a *callArgs) any { return m(r, o, a) })
		}
	case float64:
		if name == "is_integer" {
			return bind(func(*renderer, *callArgs) any { return o == float64(int64(o)) })
		}
	}
	return nil
}

var dictMethods = map[string]func(r *renderer, d *Dict, a *callArgs) any{
	"items": func(r *renderer, d *Dict, a *callArgs) any {
		return &sequence{kind: "dict_items", items: d.items(), sized: true}
	},
	"keys": func(r *renderer, d *Dict, a *callArgs) any {
		return &sequence{kind: "dict_keys", items: d.keys, sized: true}
	},
	"values": func(r *renderer, d *Dict, a *callArgs) any {
		return &sequence{kind: "dict_values", items: d.values, sized: true}
	},
	"get": func(r *renderer, d *Dict, a *callArgs) any {
		key, otherwise := a.need(r, "key"), a.take(r, "default", nil)
		if v, ok := d.get(key); ok {
			return v
		}
		return otherwise
	},
	"copy": func(r *renderer, d *Dict, a *callArgs) any { return d },
}

var listMethods = map[string]func(r *renderer, list []any, a *callArgs) any{
	"index": func(r *renderer, list []any, a *callArgs) any {
		want := a.need(r, "value")
		for i, item := range list {
			if r.equal(item, want) {
				return int64(i)
			}
		}
		failf("%s is not in list", r.str(want))
		return nil
	},
	"count": func(r *renderer, list []any, a *callArgs) any {
		want, n := a.need(r, "value"), int64(0)
		for _, item := range list {
			n += integer(r.equal(item, want))
		}
		return n
	},
	"copy": func(r *renderer, list []any, a *callArgs) any { return list },
}
