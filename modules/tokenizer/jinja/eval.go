package jinja

import "strings"

// eval returns the value of an expression.
func (r *renderer) eval(e expr) any {
	r.step(1)
	r.enter()
	defer r.leave()
	switch e := e.(type) {
	case *constExpr:
		return e.value
	case *nameExpr:
		if v, ok := r.scope.get(e.name); ok {
			return v
		}
		return missing(e.name)
	case *attrExpr:
		return attribute(r.eval(e.object), e.name)
	case *itemExpr:
		return r.item(r.eval(e.object), e.index)
	case *callExpr:
		f := r.eval(e.function)
		return r.call(f, r.callArguments(e.args))
	case *filterExpr:
		return r.filtered(e, r.eval(e.value))
	case *testExpr:
		return r.test(e.name, r.eval(e.value), r.callArguments(e.args))
	case *tupleExpr:
		return tuple(r.all(e.items))
	case *listExpr:
		return r.all(e.items)
	case *dictExpr:
		d := NewDict()
		for i, key := range e.keys {
			d.set(r.eval(key), r.eval(e.values[i]))
		}
		return d
	case *concatExpr:
		var b strings.Builder
		for _, part := range e.parts {
			s := r.str(r.eval(part))
			r.size(len(s))
			if b.Len()+len(s) > maxText {
				r.size(maxText + 1)
			}
			b.WriteString(s)
		}
		return b.String()
	case *binaryExpr:
		left := r.eval(e.left)
		return r.arithmetic(e.op, left, r.eval(e.right))
	case *signExpr:
		return sign(e.op, r.eval(e.value))
	}
	return r.logic(e)
}

// logic evaluates what does not always need all of its parts.
func (r *renderer) logic(e expr) any {
	switch e := e.(type) {
	case *condExpr:
		if truth(r.eval(e.test)) {
			return r.eval(e.yes)
		}
		if e.no == nil {
			return undefined{"the inline if-expression evaluated to false and no else section was defined."}
		}
		return r.eval(e.no)
	case *andExpr:
		if left := r.eval(e.left); !truth(left) {
			return left
		}
		return r.eval(e.right)
	case *orExpr:
		if left := r.eval(e.left); truth(left) {
			return left
		}
		return r.eval(e.right)
	case *notExpr:
		return !truth(r.eval(e.value))
	case *compareExpr:
		left, result := r.eval(e.first), true
		for i, op := range e.ops {
			right := r.eval(e.rest[i])
			switch op {
			case "==":
				result = r.equal(left, right)
			case "!=":
				result = !r.equal(left, right)
			case "in":
				result = r.contains(right, left)
			case "not in":
				result = !r.contains(right, left)
			default:
				result = r.compare(op, left, right)
			}
			if !result {
				return false
			}
			left = right
		}
		return result
	}
	failf("a slice is not allowed here")
	return nil
}

func (r *renderer) all(list []expr) []any {
	out := make([]any, len(list))
	for i, e := range list {
		out[i] = r.eval(e)
	}
	return out
}

// describe is how Jinja2's errors name the object that lacks something.
func describe(v any) string {
	if v == nil {
		return "None"
	}
	return quoted(typeName(v) + " object")
}

func checkAttribute(name string) {
	if strings.HasPrefix(name, "_") {
		failf("access to attribute %s is unsafe", quoted(name))
	}
}

// attribute is object.name: methods come before the keys of a dict.
func attribute(object any, name string) any {
	switch o := object.(type) {
	case undefined:
		o.fail()
	case *loop:
		return o.attr(name)
	case *namespace:
		if v, ok := o.vars.get(name); ok {
			return v
		}
	case *sequence:
		if o.kind == groupTuple && name == "grouper" {
			return o.items[0]
		}
		if o.kind == groupTuple && name == "list" {
			return o.items[1]
		}
	}
	if m := method(object, name); m != nil {
		return m
	}
	if d, ok := object.(*Dict); ok {
		if v, ok := d.get(name); ok {
			return v
		}
	}
	return lacks(object, name)
}

func lacks(object any, name string) undefined {
	if unsafeMethods[typeName(object)][name] || strings.HasPrefix(name, "_") {
		return undefined{"access to attribute " + quoted(name) + " of '" + typeName(object) + "' object is unsafe."}
	}
	return undefined{describe(object) + " has no attribute " + quoted(name)}
}

// item is object[index].
func (r *renderer) item(object any, index expr) any {
	if s, ok := index.(*sliceExpr); ok {
		return r.slice(object, s)
	}
	key := r.eval(index)
	if u, ok := object.(undefined); ok {
		u.fail()
	}
	i, at := key.(int64)
	if b, ok := key.(bool); ok {
		i, at = integer(b), true
	}
	switch o := object.(type) {
	case *Dict:
		if v, ok := o.get(key); ok {
			return v
		}
	case []any:
		if v, ok := index0(o, i, at); ok {
			return v
		}
	case tuple:
		if v, ok := index0(o, i, at); ok {
			return v
		}
	case *sequence:
		if v, ok := index0(o.items, i, at && (o.kind == "range" || o.kind == groupTuple)); ok {
			return v
		}
	case string:
		if at {
			r.step(len(o) / bytesPerStep)
			runes := []rune(o)
			if i < 0 {
				i += int64(len(runes))
			}
			if i >= 0 && i < int64(len(runes)) {
				return string(runes[i])
			}
		}
	}
	name, ok := key.(string)
	if !ok {
		return undefined{describe(object) + " has no element " + r.str(key)}
	}
	if _, isDict := object.(*Dict); isDict && method(object, name) == nil {
		return lacks(object, name)
	}
	return attribute(object, name)
}

func index0(items []any, i int64, ok bool) (any, bool) {
	if i < 0 {
		i += int64(len(items))
	}
	if !ok || i < 0 || i >= int64(len(items)) {
		return nil, false
	}
	return items[i], true
}

// slice is object[a:b:c].
func (r *renderer) slice(object any, s *sliceExpr) any {
	checkDefined(object)
	part := func(e expr) any {
		if e == nil {
			return nil
		}
		return r.eval(e)
	}
	start, stop, step := part(s.start), part(s.stop), part(s.step)
	var items []any
	switch o := object.(type) {
	case []any:
		items = o
	case tuple:
		items = o
	case string:
		runes := []rune(o)
		r.size(4 * len(runes))
		var b strings.Builder
		for i := range indices(len(runes), start, stop, step) {
			b.WriteRune(runes[i])
		}
		return b.String()
	default:
		if seq, ok := object.(*sequence); !ok || seq.kind != "range" {
			return undefined{describe(object) + " has no element slice"}
		}
		items = object.(*sequence).items
	}
	r.step(len(items))
	out := []any{}
	for i := range indices(len(items), start, stop, step) {
		out = append(out, items[i])
	}
	if _, ok := object.(tuple); ok {
		return tuple(out)
	}
	return out
}

// indices are those of a slice of n items, as Python has them.
func indices(n int, start, stop, step any) func(func(int) bool) {
	by := int64(1)
	if step != nil {
		by = asInt(step)
	}
	if by == 0 {
		failf("slice step cannot be zero")
	}
	low, high := int64(0), int64(n)
	if by < 0 {
		low, high = -1, int64(n)-1
	}
	bound := func(v any, otherwise int64) int64 {
		if v == nil {
			return otherwise
		}
		i := asInt(v)
		if i < 0 {
			i += int64(n)
		}
		return max(low, min(i, high))
	}
	from, to := low, high
	if by < 0 {
		from, to = high, low
	}
	from, to = bound(start, from), bound(stop, to)
	return func(yield func(int) bool) {
		for i := from; by > 0 && i < to || by < 0 && i > to; i += by {
			if !yield(int(i)) || by > int64(n) || by < -int64(n) {
				return
			}
		}
	}
}
