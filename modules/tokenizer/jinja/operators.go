package jinja

import (
	"math"
	"math/big"
	"strings"
)

// numeric returns v as an int or a float: ok is false for what is no number.
func numeric(v any) (i int64, f float64, isFloat, ok bool) {
	switch v := v.(type) {
	case bool:
		return integer(v), float64(integer(v)), false, true
	case int64:
		return v, float64(v), false, true
	case float64:
		return 0, v, true, true
	}
	return 0, 0, false, false
}

func checkDefined(values ...any) {
	for _, v := range values {
		if u, ok := v.(undefined); ok {
			u.fail()
		}
	}
}

// arithmetic is left op right.
func (r *renderer) arithmetic(op string, left, right any) any {
	checkDefined(left, right)
	if s, ok := left.(string); ok && op == "%" {
		return r.percent(s, right)
	}
	li, lf, lFloat, lok := numeric(left)
	ri, rf, rFloat, rok := numeric(right)
	switch {
	case lok && rok && (lFloat || rFloat || op == "/" || op == "**" && ri < 0):
		return floats(op, lf, rf)
	case lok && rok:
		return integers(op, li, ri)
	case op == "+":
		return r.add(left, right)
	case op == "*" && lok && !lFloat:
		return r.repeat(right, li, left)
	case op == "*" && rok && !rFloat:
		return r.repeat(left, ri, right)
	}
	unsupported(op, left, right)
	return nil
}

func unsupported(op string, left, right any) {
	if op == "**" {
		op = "** or pow()"
	}
	failf("unsupported operand type(s) for %s: '%s' and '%s'", op, typeName(left), typeName(right))
}

func (r *renderer) add(left, right any) any {
	switch l := left.(type) {
	case string:
		s, ok := right.(string)
		if !ok {
			failf(`can only concatenate str (not "%s") to str`, typeName(right))
		}
		r.size(len(l) + len(s))
		return l + s
	case []any:
		list, ok := right.([]any)
		if !ok {
			failf(`can only concatenate list (not "%s") to list`, typeName(right))
		}
		return r.join(l, list)
	case tuple:
		t, ok := right.(tuple)
		if !ok {
			failf(`can only concatenate tuple (not "%s") to tuple`, typeName(right))
		}
		return tuple(r.join(l, t))
	}
	unsupported("+", left, right)
	return nil
}

func (r *renderer) join(a, b []any) []any {
	r.step(len(a) + len(b))
	return append(append(make([]any, 0, len(a)+len(b)), a...), b...)
}

// repeat is v * n; count is n as the template has it.
func (r *renderer) repeat(v any, n int64, count any) any {
	n = max(n, 0)
	times := func(length int) int {
		if length > 0 && n > int64(maxText/length) {
			failf("the template makes a text or list of more than %d parts", maxText)
		}
		r.step(length * int(n) / bytesPerStep)
		return int(n)
	}
	switch v := v.(type) {
	case string:
		if v == "" {
			return v
		}
		return strings.Repeat(v, times(len(v)))
	case []any:
		return r.repeatList(v, times(len(v)*bytesPerStep))
	case tuple:
		return tuple(r.repeatList(v, times(len(v)*bytesPerStep)))
	case int64, float64, bool, *big.Int:
		failf("an integer is too large to be multiplied here")
	}
	failf("can't multiply sequence by non-int of type '%s'", typeName(v))
	return nil
}

func (r *renderer) repeatList(list []any, n int) []any {
	out := []any{}
	if len(list) == 0 {
		return out
	}
	for range n {
		out = append(out, list...)
	}
	return out
}

func floats(op string, a, b float64) any {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		if b == 0 {
			failf("division by zero")
		}
		return a / b
	case "//":
		if b == 0 {
			failf("float floor division by zero")
		}
		return math.Floor(a / b)
	case "%":
		if b == 0 {
			failf("float modulo")
		}
		m := math.Mod(a, b)
		if m != 0 && (m < 0) != (b < 0) {
			m += b
		}
		return m
	}
	if a == 0 && b < 0 {
		failf("0.0 cannot be raised to a negative power")
	}
	return math.Pow(a, b)
}

// integers is exact, or fails where Python would go beyond 64 bits.
func integers(op string, a, b int64) any {
	x, y, z := big.NewInt(a), big.NewInt(b), new(big.Int)
	switch op {
	case "+":
		z.Add(x, y)
	case "-":
		z.Sub(x, y)
	case "*":
		z.Mul(x, y)
	case "//", "%":
		if b == 0 {
			failf("integer division or modulo by zero")
		}
		m := new(big.Int)
		z.QuoRem(x, y, m)
		if m.Sign() != 0 && (m.Sign() < 0) != (b < 0) { // towards minus infinity
			z.Sub(z, big.NewInt(1))
			m.Add(m, y)
		}
		if op == "%" {
			z = m
		}
	case "**":
		if a > 1 && b > 63 || a < -1 && b > 63 {
			failf("%d ** %d is too large", a, b)
		}
		z.Exp(x, y, nil)
		if a >= -1 && a <= 1 { // any power
			z.SetInt64(int64(math.Pow(float64(a), float64(b))))
		}
	}
	if !z.IsInt64() {
		failf("the result of %d %s %d is too large", a, op, b)
	}
	return z.Int64()
}

func sign(op string, v any) any {
	checkDefined(v)
	i, f, isFloat, ok := numeric(v)
	switch {
	case !ok:
		failf("bad operand type for unary %s: '%s'", op, typeName(v))
	case isFloat && op == "-":
		return -f
	case isFloat:
		return f
	case op == "-":
		return integers("-", 0, i)
	}
	return i
}

// equal is ==. The budget bounds it: lists may be large.
func (r *renderer) equal(a, b any) bool {
	r.step(1)
	_, af, _, aok := numeric(a)
	_, bf, _, bok := numeric(b)
	if aok && bok {
		x, xok := a.(int64)
		y, yok := b.(int64)
		return xok && yok && x == y || !(xok && yok) && af == bf
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		s, ok := b.(string)
		if ok {
			r.step(len(s) / bytesPerStep)
		}
		return ok && a == s
	case undefined:
		_, ok := b.(undefined)
		return ok
	case []any:
		l, ok := b.([]any)
		return ok && r.equalItems(a, l)
	case tuple:
		t, ok := b.(tuple)
		return ok && r.equalItems(a, t)
	case *Dict:
		d, ok := b.(*Dict)
		if !ok || len(a.keys) != len(d.keys) {
			return false
		}
		for i, key := range a.keys {
			if v, found := d.get(key); !found || !r.equal(a.values[i], v) {
				return false
			}
		}
		return true
	case *big.Int:
		i, ok := b.(*big.Int)
		return ok && a.Cmp(i) == 0
	}
	return !bok && a == b // the same object
}

func (r *renderer) equalItems(a, b []any) bool {
	r.enter()
	defer r.leave()
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !r.equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// compare is a op b for < <= > >=.
func (r *renderer) compare(op string, a, b any) bool {
	checkDefined(a, b)
	c, ok := r.order(a, b)
	if !ok {
		failf("'%s' not supported between instances of '%s' and '%s'", op, typeName(a), typeName(b))
	}
	if math.IsNaN(c) {
		return false
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// order is negative, zero or positive; not ok for what has no order.
func (r *renderer) order(a, b any) (float64, bool) {
	r.step(1)
	ai, af, aFloat, aok := numeric(a)
	bi, bf, bFloat, bok := numeric(b)
	switch {
	case aok && bok && !aFloat && !bFloat:
		return float64(integer(ai > bi) - integer(ai < bi)), true
	case aok && bok && (math.IsNaN(af) || math.IsNaN(bf)):
		return math.NaN(), true
	case aok && bok:
		return float64(integer(af > bf) - integer(af < bf)), true
	}
	switch a := a.(type) {
	case string:
		if b, ok := b.(string); ok {
			return float64(strings.Compare(a, b)), true
		}
	case []any:
		if b, ok := b.([]any); ok {
			return r.orderItems(a, b)
		}
	case tuple:
		if b, ok := b.(tuple); ok {
			return r.orderItems(a, b)
		}
	}
	return 0, false
}

func (r *renderer) orderItems(a, b []any) (float64, bool) {
	r.enter()
	defer r.leave()
	for i := range min(len(a), len(b)) {
		if !r.equal(a[i], b[i]) {
			return r.order(a[i], b[i])
		}
	}
	return float64(len(a) - len(b)), true
}

// contains is item in container.
func (r *renderer) contains(container, item any) bool {
	switch c := container.(type) {
	case string:
		s, ok := item.(string)
		if !ok {
			checkDefined(item)
			failf("'in <string>' requires string as left operand, not %s", typeName(item))
		}
		r.step(len(c) / bytesPerStep)
		return strings.Contains(c, s)
	case *Dict:
		_, ok := c.get(item)
		return ok
	case []any, tuple, *sequence, undefined:
		for _, v := range iterate(c) {
			if r.equal(v, item) {
				return true
			}
		}
		return false
	}
	failf("argument of type '%s' is not iterable", typeName(container))
	return false
}
