package jinja

import "slices"

func (p *parser) expression() expr {
	p.enter()
	defer p.leave()
	value := p.or()
	for p.skip(name, "if") {
		test := p.or()
		var no expr
		if p.skip(name, "else") {
			no = p.expression()
		}
		value = &condExpr{test, value, no}
	}
	return value
}

func (p *parser) or() expr {
	left := p.and()
	for p.skip(name, "or") {
		left = &orExpr{left, p.and()}
	}
	return left
}

func (p *parser) and() expr {
	left := p.not()
	for p.skip(name, "and") {
		left = &andExpr{left, p.not()}
	}
	return left
}

func (p *parser) not() expr {
	if p.skip(name, "not") {
		p.enter()
		defer p.leave()
		return &notExpr{p.not()}
	}
	return p.compare()
}

func (p *parser) compare() expr {
	first := p.sum()
	var c *compareExpr
	for {
		t := p.current()
		op := ""
		switch {
		case t.kind == operator && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, t.value), t.is(name, "in"):
			op = t.value
		case t.is(name, "not") && p.look().is(name, "in"):
			p.next()
			op = "not in"
		default:
			if c == nil {
				return first
			}
			return c
		}
		p.next()
		if c == nil {
			c = &compareExpr{first: first}
		}
		c.ops = append(c.ops, op)
		c.rest = append(c.rest, p.sum())
	}
}

func (p *parser) sum() expr { return p.binary(p.concat, "+", "-") }

func (p *parser) concat() expr {
	parts := []expr{p.product()}
	for p.skip(operator, "~") {
		parts = append(parts, p.product())
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &concatExpr{parts}
}

func (p *parser) product() expr { return p.binary(p.power, "*", "/", "//", "%") }

func (p *parser) power() expr {
	return p.binary(func() expr { return p.unary(true) }, "**")
}

func (p *parser) binary(operand func() expr, ops ...string) expr {
	left := operand()
	for p.current().kind == operator && slices.Contains(ops, p.current().value) {
		op := p.next().value
		left = &binaryExpr{op, left, operand()}
	}
	return left
}

func (p *parser) unary(filters bool) expr {
	var value expr
	if t := p.current(); t.is(operator, "-") || t.is(operator, "+") {
		p.next()
		p.enter()
		value = &signExpr{t.value, p.unary(false)}
		p.leave()
	} else {
		value = p.primary()
	}
	value = p.postfix(value)
	if filters {
		value = p.filtersAndTests(value)
	}
	return value
}

func (p *parser) primary() expr {
	t := p.next()
	switch t.kind {
	case name:
		switch t.value {
		case "true", "True":
			return &constExpr{true}
		case "false", "False":
			return &constExpr{false}
		case "none", "None":
			return &constExpr{nil}
		}
		p.note(t.value)
		return &nameExpr{t.value}
	case stringLiteral:
		s := t.literal.(string)
		for p.current().kind == stringLiteral {
			s += p.next().literal.(string)
		}
		return &constExpr{s}
	case number:
		return &constExpr{t.literal}
	case operator:
		p.enter()
		defer p.leave()
		switch t.value {
		case "(":
			value := p.list(p.expression, false, true, nil)
			p.expect(operator, ")")
			return value
		case "[":
			return &listExpr{p.items("]")}
		case "{":
			return p.dict()
		}
	}
	fail(t.line, "unexpected %s", quoted(t.String()))
	return nil
}

// note marks the macros around that use a special name.
func (p *parser) note(used string) {
	if len(p.names) == 0 {
		return
	}
	m := p.names[len(p.names)-1]
	switch used {
	case "caller":
		m.caller = true
	case "varargs":
		m.varargs = true
	case "kwargs":
		m.kwargs = true
	}
}

func (p *parser) items(end string) []expr {
	var items []expr
	for !p.current().is(operator, end) {
		if len(items) > 0 {
			p.expect(operator, ",")
			if p.current().is(operator, end) {
				break
			}
		}
		items = append(items, p.expression())
	}
	p.next()
	return items
}

func (p *parser) dict() expr {
	d := &dictExpr{}
	for !p.current().is(operator, "}") {
		if len(d.keys) > 0 {
			p.expect(operator, ",")
			if p.current().is(operator, "}") {
				break
			}
		}
		d.keys = append(d.keys, p.expression())
		p.expect(operator, ":")
		d.values = append(d.values, p.expression())
	}
	p.next()
	return d
}

// postfix reads attributes, items and calls behind a value.
func (p *parser) postfix(value expr) expr {
	for {
		t := p.current()
		if t.kind != operator {
			return value
		}
		switch t.value {
		case ".":
			p.next()
			attr := p.next()
			switch {
			case attr.kind == name:
				value = &attrExpr{value, attr.value}
			case attr.kind == number:
				value = &itemExpr{value, &constExpr{attr.literal}}
			default:
				fail(attr.line, "expected name or number")
			}
		case "[":
			p.next()
			value = &itemExpr{value, p.subscript()}
		case "(":
			value = &callExpr{value, p.arguments()}
		default:
			return value
		}
	}
}

func (p *parser) subscript() expr {
	p.enter()
	defer p.leave()
	var index []expr
	for !p.current().is(operator, "]") {
		if len(index) > 0 {
			p.expect(operator, ",")
		}
		index = append(index, p.slice())
	}
	p.next()
	if len(index) == 1 {
		return index[0]
	}
	return &tupleExpr{index}
}

func (p *parser) slice() expr {
	var parts [3]expr
	if !p.current().is(operator, ":") {
		parts[0] = p.expression()
		if !p.current().is(operator, ":") {
			return parts[0]
		}
	}
	for i := 1; i < 3 && p.skip(operator, ":"); i++ {
		if t := p.current(); !t.is(operator, ":") && !t.is(operator, "]") && !t.is(operator, ",") {
			parts[i] = p.expression()
		}
	}
	return &sliceExpr{parts[0], parts[1], parts[2]}
}

func (p *parser) filtersAndTests(value expr) expr {
	for {
		t := p.current()
		switch {
		case t.is(operator, "|"):
			value = p.filter(value, false)
		case t.is(name, "is"):
			value = p.test(value)
		case t.is(operator, "("):
			value = &callExpr{value, p.arguments()}
		default:
			return value
		}
	}
}

// filter reads |a|b(c) behind value; inline, the first bar is left out.
func (p *parser) filter(value expr, inline bool) expr {
	for inline || p.current().is(operator, "|") {
		if !inline {
			p.next()
		}
		inline = false
		f := &filterExpr{value: value, name: p.dotted()}
		if p.current().is(operator, "(") {
			f.args = p.arguments()
		}
		value = f
	}
	return value
}

func (p *parser) dotted() string {
	full := p.expect(name, "").value
	for p.skip(operator, ".") {
		full += "." + p.expect(name, "").value
	}
	return full
}

func (p *parser) test(value expr) expr {
	p.next()
	negated := p.skip(name, "not")
	t := &testExpr{value: value, name: p.dotted()}
	switch c := p.current(); {
	case c.is(operator, "("):
		t.args = p.arguments()
	case c.is(name, "is"):
		fail(c.line, "You cannot chain multiple tests with is")
	case c.kind == name && !slices.Contains([]string{"else", "or", "and"}, c.value),
		c.kind == stringLiteral, c.kind == number, c.is(operator, "["), c.is(operator, "{"):
		t.args.positional = []expr{p.postfix(p.primary())}
	}
	if negated {
		return &notExpr{t}
	}
	return t
}

func (p *parser) arguments() arguments {
	p.enter()
	defer p.leave()
	open := p.expect(operator, "(")
	var a arguments
	ensure := func(ok bool) {
		if !ok {
			fail(open.line, "invalid syntax for function call expression")
		}
	}
	for first := true; !p.current().is(operator, ")"); first = false {
		if !first {
			p.expect(operator, ",")
			if p.current().is(operator, ")") {
				break
			}
		}
		switch t := p.current(); {
		case t.is(operator, "*"):
			ensure(a.star == nil && a.starStar == nil)
			p.next()
			a.star = p.expression()
		case t.is(operator, "**"):
			ensure(a.starStar == nil)
			p.next()
			a.starStar = p.expression()
		case t.kind == name && p.look().is(operator, "="):
			ensure(a.starStar == nil)
			p.next()
			p.next()
			a.names = append(a.names, t.value)
			a.named = append(a.named, p.expression())
		default:
			ensure(a.star == nil && a.starStar == nil && len(a.named) == 0)
			a.positional = append(a.positional, p.expression())
		}
	}
	p.next()
	return a
}
