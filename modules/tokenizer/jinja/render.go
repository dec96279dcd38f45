package jinja

import "strings"

// renderer is one rendering of a template.
type renderer struct {
	budget
	line  int // of the statement under way
	scope *scope
	out   *strings.Builder
}

// scope holds variables. Loops, macros and some blocks have one of their own; if
// has none.
type scope struct {
	vars   map[string]any
	parent *scope
}

func (s *scope) get(name string) (any, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

func (s *scope) set(name string, v any) {
	if s.vars == nil {
		s.vars = map[string]any{}
	}
	s.vars[name] = v
}

// within runs f in a scope of its own below parent.
func (r *renderer) within(parent *scope, f func()) {
	r.step(3) // a map takes as long
	r.enter()
	defer r.leave()
	saved := r.scope
	r.scope = &scope{parent: parent}
	f()
	r.scope = saved
}

// capture returns the text that f writes.
func (r *renderer) capture(f func()) string {
	saved := r.out
	r.out = &strings.Builder{}
	f()
	text := r.out.String()
	r.out = saved
	return text
}

func (r *renderer) write(s string) {
	r.size(len(s))
	if r.out.Len()+len(s) > maxText {
		r.size(maxText + 1)
	}
	r.out.WriteString(s)
}

// signal is what a body ended with.
type signal int

const (
	done signal = iota
	breaks
	continues
)

func (r *renderer) body(nodes []node) signal {
	r.enter()
	defer r.leave()
	for i := range nodes {
		r.line = nodes[i].line
		r.step(1)
		if s := r.statement(nodes[i].stmt); s != done {
			return s
		}
	}
	return done
}

func (r *renderer) statement(stmt any) signal {
	switch n := stmt.(type) {
	case *textNode:
		r.write(n.text)
	case *outputNode:
		r.write(r.str(r.eval(n.value)))
	case *ifNode:
		return r.branch(n)
	case *forNode:
		r.forEach(n)
	case *setNode:
		r.assign(n.target, r.eval(n.value))
	case *setBlockNode:
		var v any = r.capture(func() { r.within(r.scope, func() { r.body(n.body) }) })
		if n.filter != nil {
			v = r.filtered(n.filter, v)
		}
		r.assign(n.target, v)
	case *macroNode:
		r.scope.set(n.macro.name, r.macro(n.macro))
	case *callBlockNode:
		a := r.callArguments(n.call.args)
		a.kwargs.Set("caller", r.macro(n.caller))
		r.write(r.str(r.call(r.eval(n.call.function), a)))
	case *filterBlockNode:
		text := r.capture(func() { r.within(r.scope, func() { r.body(n.body) }) })
		r.write(r.str(r.filtered(n.filter, text)))
	case *withNode:
		values := make([]any, len(n.values))
		for i, v := range n.values {
			values[i] = r.eval(v)
		}
		var s signal
		r.within(r.scope, func() {
			for i, target := range n.targets {
				r.assign(target, values[i])
			}
			s = r.body(n.body)
		})
		return s
	case *scopeNode:
		var s signal
		r.within(r.scope, func() { s = r.body(n.body) })
		return s
	case *blockNode:
		return r.body(n.body)
	case *controlNode:
		if n.breaks {
			return breaks
		}
		return continues
	}
	return done
}

func (r *renderer) branch(n *ifNode) signal {
	for i, test := range n.tests {
		if truth(r.eval(test)) {
			return r.body(n.bodies[i])
		}
	}
	if len(n.bodies) > len(n.tests) {
		return r.body(n.bodies[len(n.tests)])
	}
	return done
}

// assign stores a value under the names of a target.
func (r *renderer) assign(target expr, v any) {
	switch t := target.(type) {
	case *nameExpr:
		r.scope.set(t.name, v)
	case *refExpr:
		found, _ := r.scope.get(t.namespace)
		ns, ok := found.(*namespace)
		if !ok {
			failf("cannot assign attribute on non-namespace object %s", t.namespace)
		}
		checkAttribute(t.attr)
		ns.vars.set(t.attr, v)
	case *tupleExpr:
		items := iterate(v)
		if len(items) < len(t.items) {
			failf("not enough values to unpack (expected %d, got %d)", len(t.items), len(items))
		}
		if len(items) > len(t.items) {
			failf("too many values to unpack (expected %d)", len(t.items))
		}
		for i, item := range t.items {
			r.assign(item, items[i])
		}
	}
}

// macro makes the function of a macro; it sees the variables of where it is declared.
func (r *renderer) macro(m *macroDef) *function {
	declared := r.scope
	return &function{m.name, func(r *renderer, a *callArgs) any {
		line := r.line
		text := r.capture(func() {
			r.within(declared, func() {
				r.bind(m, a)
				r.body(m.body)
			})
		})
		r.line = line
		return text
	}}
}

// bind gives a macro's parameters their values.
func (r *renderer) bind(m *macroDef, a *callArgs) {
	if m.caller {
		r.scope.set("caller", a.keyword("caller", undefined{"No caller defined"}))
	} else if _, given := a.kwargs.get("caller"); given {
		failf("macro %s was invoked with two values for the special caller argument, or does not call caller()", quoted(m.name))
	}
	required := len(m.params) - len(m.defaults)
	for i, param := range m.params {
		switch {
		case len(a.positional) > 0:
			r.scope.set(param, a.positional[0])
			a.positional = a.positional[1:]
		case a.has(param):
			r.scope.set(param, a.keyword(param, nil))
		case i >= required:
			r.scope.set(param, r.eval(m.defaults[i-required]))
		default:
			r.scope.set(param, undefined{"parameter " + quoted(param) + " was not provided"})
		}
	}
	if m.kwargs {
		r.scope.set("kwargs", a.kwargs)
	} else if len(a.kwargs.keys) > 0 {
		failf("macro %s takes no keyword argument %s", quoted(m.name), quoted(r.str(a.kwargs.keys[0])))
	}
	if m.varargs {
		r.scope.set("varargs", tuple(a.positional))
	} else if len(a.positional) > 0 {
		failf("macro %s takes not more than %d argument(s)", quoted(m.name), len(m.params))
	}
}
