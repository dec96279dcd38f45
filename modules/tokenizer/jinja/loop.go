package jinja

// loop is the variable of that name within a for.
type loop struct {
	items   []any
	index0  int
	depth0  int
	recurse func(items any) string // nil when the for is not recursive
	changed any                    // the last arguments of loop.changed, nil before
}

func (r *renderer) forEach(n *forNode) {
	r.loopOver(n, r.eval(n.items), r.scope, 0)
}

func (r *renderer) loopOver(n *forNode, v any, outer *scope, depth int) {
	items := iterate(v)
	r.step(len(items))
	if n.test != nil {
		items = r.matching(n, items, outer)
	}
	l := &loop{items: items, depth0: depth}
	if n.recursive {
		l.recurse = func(v any) string {
			return r.capture(func() { r.loopOver(n, v, outer, depth+1) })
		}
	}
	if len(items) == 0 {
		r.within(outer, func() { r.body(n.otherwise) })
		return
	}
	for i, item := range items {
		l.index0 = i
		s := done
		r.within(outer, func() {
			r.scope.set("loop", l)
			r.assign(n.target, item)
			s = r.body(n.body)
		})
		if s == breaks {
			return
		}
	}
}

// matching returns the items for which the test of a for is true.
func (r *renderer) matching(n *forNode, items []any, outer *scope) []any {
	var kept []any
	for _, item := range items {
		r.within(outer, func() {
			r.assign(n.target, item)
			if truth(r.eval(n.test)) {
				kept = append(kept, item)
			}
		})
	}
	return kept
}

func (l *loop) attr(name string) any {
	n := len(l.items)
	switch name {
	case "index":
		return int64(l.index0 + 1)
	case "index0":
		return int64(l.index0)
	case "revindex":
		return int64(n - l.index0)
	case "revindex0":
		return int64(n - l.index0 - 1)
	case "first":
		return l.index0 == 0
	case "last":
		return l.index0 == n-1
	case "length":
		return int64(n)
	case "depth":
		return int64(l.depth0 + 1)
	case "depth0":
		return int64(l.depth0)
	case "previtem":
		if l.index0 == 0 {
			return undefined{"there is no previous item"}
		}
		return l.items[l.index0-1]
	case "nextitem":
		if l.index0 == n-1 {
			return undefined{"there is no next item"}
		}
		return l.items[l.index0+1]
	case "cycle":
		at := l.index0
		return &function{"cycle", func(r *renderer, a *callArgs) any {
			if len(a.positional) == 0 {
				failf("no items for cycling given")
			}
			return a.positional[at%len(a.positional)]
		}}
	case "changed":
		return &function{"changed", func(r *renderer, a *callArgs) any {
			last, now := l.changed, tuple(a.positional)
			l.changed = now
			return last == nil || !r.equal(last, now)
		}}
	}
	return undefined{"'jinja2.runtime.LoopContext object' has no attribute " + quoted(name)}
}
