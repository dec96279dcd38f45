package jinja

import "math"

// callArgs are the values of a call's arguments. Functions take them off, and say
// with done that there should be none left.
type callArgs struct {
	positional []any
	kwargs     *Dict
}

func (r *renderer) callArguments(a arguments) *callArgs {
	args := &callArgs{positional: r.all(a.positional), kwargs: NewDict()}
	for i, name := range a.names {
		args.kwargs.Set(name, r.eval(a.named[i]))
	}
	if a.star != nil {
		args.positional = append(args.positional, iterate(r.eval(a.star))...)
	}
	if a.starStar != nil {
		more, ok := r.eval(a.starStar).(*Dict)
		if !ok {
			failf("argument after ** must be a mapping")
		}
		for i, key := range more.keys {
			args.kwargs.set(asString(key), more.values[i])
		}
	}
	return args
}

func (r *renderer) call(f any, a *callArgs) any {
	r.enter()
	defer r.leave()
	switch f := f.(type) {
	case *function:
		return f.call(r, a)
	case *loop:
		if f.recurse == nil {
			failf("the loop must have the 'recursive' marker to be called recursively.")
		}
		if len(a.positional) != 1 {
			failf("loop() takes what to loop over")
		}
		return f.recurse(a.positional[0])
	case undefined:
		f.fail()
	}
	failf("'%s' object is not callable", typeName(f))
	return nil
}

func (a *callArgs) has(name string) bool {
	_, ok := a.kwargs.get(name)
	return ok
}

// keyword takes a keyword argument off.
func (a *callArgs) keyword(name string, otherwise any) any {
	v, ok := a.kwargs.get(name)
	if !ok {
		return otherwise
	}
	rest := NewDict()
	for i, key := range a.kwargs.keys {
		if key != name {
			rest.set(key, a.kwargs.values[i])
		}
	}
	a.kwargs = rest
	return v
}

// take takes the next positional argument off, or that of the name.
func (a *callArgs) take(_ *renderer, name string, otherwise any) any {
	if len(a.positional) > 0 {
		v := a.positional[0]
		a.positional = a.positional[1:]
		return v
	}
	return a.keyword(name, otherwise)
}

// need is take for an argument that must be there.
func (a *callArgs) need(r *renderer, name string) any {
	if len(a.positional) == 0 && !a.has(name) {
		failf("missing the argument %s", quoted(name))
	}
	return a.take(r, name, nil)
}

func (a *callArgs) done(function string) {
	if n := len(a.positional); n > 0 {
		failf("%s() got %d argument(s) too many", function, n)
	}
	if len(a.kwargs.keys) > 0 {
		failf("%s() got an unexpected keyword argument %s", function, quoted(asString(a.kwargs.keys[0])))
	}
}

func asString(v any) string {
	s, ok := v.(string)
	if !ok {
		checkDefined(v)
		failf("expected str, not '%s'", typeName(v))
	}
	return s
}

func asInt(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case bool:
		return integer(v)
	}
	checkDefined(v)
	failf("'%s' object cannot be interpreted as an integer", typeName(v))
	return 0
}

// asSize is asInt for what is made as long as that.
func (r *renderer) asSize(v any) int {
	i := asInt(v)
	if i > math.MaxInt32 {
		i = math.MaxInt32
	}
	r.size(int(max(i, 0)))
	return int(i)
}
