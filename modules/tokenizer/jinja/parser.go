package jinja

import (
	"fmt"
	"slices"
)

// parser makes the tree of a template. Its grammar is Jinja2's.
type parser struct {
	tokens []token
	at     int
	nested int
	loops  int         // for blocks around
	names  []*macroDef // macros around, to note the special names they use
}

func (p *parser) current() token { return p.tokens[p.at] }

func (p *parser) look() token {
	return p.tokens[min(p.at+1, len(p.tokens)-1)]
}

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != eof {
		p.at++
	}
	return t
}

func (p *parser) skip(k kind, value string) bool {
	if p.current().is(k, value) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(k kind, value string) token {
	t := p.current()
	if t.kind != k || value != "" && t.value != value {
		want := token{kind: k, value: value}.String()
		if want == "" {
			want = "name"
		}
		fail(t.line, "expected token %s, got %s", quoted(want), quoted(t.String()))
	}
	return p.next()
}

// enter counts how deep the source is nested.
func (p *parser) enter() {
	if p.nested++; p.nested > maxNested {
		fail(p.current().line, "the template is nested more than %d levels deep", maxNested)
	}
}

func (p *parser) leave() { p.nested-- }

// statements reads up to a tag that begins with one of the ends, which stays
// the current token; with no ends, up to the template's end.
func (p *parser) statements(ends ...string) []node {
	p.enter()
	defer p.leave()
	var body []node
	for {
		t := p.next()
		switch t.kind {
		case text:
			body = append(body, node{t.line, &textNode{t.value}})
		case outputBegin:
			value := p.tuple(true, nil)
			p.expect(outputEnd, "")
			body = append(body, node{t.line, &outputNode{value}})
		case blockBegin:
			if p.current().kind == name && slices.Contains(ends, p.current().value) {
				return body
			}
			if stmt := p.statement(); stmt != nil {
				body = append(body, node{t.line, stmt})
			}
			p.expect(blockEnd, "")
		default: // the end
			if len(ends) > 0 {
				fail(t.line, "Unexpected end of template. Jinja was looking for one of these tags: %s", oneOf(ends))
			}
			return body
		}
	}
}

// block reads the body of a statement, which ends with the tag end.
func (p *parser) block(end string) []node {
	body := p.until(end)
	p.next()
	return body
}

func (p *parser) until(ends ...string) []node {
	p.skip(operator, ":")
	p.expect(blockEnd, "")
	return p.statements(ends...)
}

func (p *parser) statement() any {
	t := p.current()
	if t.kind != name {
		fail(t.line, "tag name expected")
	}
	p.next()
	switch t.value {
	case "if":
		return p.parseIf()
	case "for":
		return p.parseFor()
	case "set":
		return p.parseSet()
	case "macro":
		m := p.declare(p.expect(name, "").value)
		p.macroBody(m, "endmacro")
		return &macroNode{m}
	case "call":
		return p.parseCall(t.line)
	case "filter":
		f := p.filter(nil, true)
		return &filterBlockNode{f.(*filterExpr), p.block("endfilter")}
	case "with":
		return p.parseWith()
	case "generation":
		return &scopeNode{p.block("endgeneration")}
	case "block":
		p.expect(name, "")
		body := p.block("endblock")
		if p.current().kind == name {
			p.next()
		}
		return &blockNode{body}
	case "print":
		return &outputNode{p.tuple(true, nil)}
	case "break", "continue":
		if p.loops == 0 {
			fail(t.line, "%s outside of a loop", t.value)
		}
		return &controlNode{t.value == "break"}
	case "extends", "include", "import", "from":
		fail(t.line, "{%% %s %%} needs another template: a chat template is one file", t.value)
	}
	fail(t.line, "Encountered unknown tag %s.", quoted(t.value))
	return nil
}

func (p *parser) parseIf() any {
	n := &ifNode{}
	for {
		n.tests = append(n.tests, p.tuple(false, nil))
		n.bodies = append(n.bodies, p.until("elif", "else", "endif"))
		switch p.next().value {
		case "else":
			n.bodies = append(n.bodies, p.block("endif"))
			return n
		case "endif":
			return n
		}
	}
}

func (p *parser) parseFor() any {
	n := &forNode{target: p.target(false, "in")}
	p.expect(name, "in")
	n.items = p.tuple(false, []string{"recursive"})
	if p.skip(name, "if") {
		n.test = p.expression()
	}
	n.recursive = p.skip(name, "recursive")
	p.loops++
	n.body = p.until("endfor", "else")
	p.loops--
	if p.next().value == "else" {
		n.otherwise = p.block("endfor")
	}
	return n
}

func (p *parser) parseSet() any {
	target := p.target(true)
	if p.skip(operator, "=") {
		return &setNode{target, p.tuple(true, nil)}
	}
	n := &setBlockNode{target: target}
	if p.current().is(operator, "|") {
		n.filter = p.filter(nil, false).(*filterExpr)
	}
	n.body = p.block("endset")
	return n
}

func (p *parser) parseCall(line int) any {
	caller := p.declare("caller")
	if p.current().is(operator, "(") {
		p.params(caller)
	}
	call, ok := p.expression().(*callExpr)
	if !ok {
		fail(line, "expected call")
	}
	p.inMacro(caller, "endcall")
	return &callBlockNode{call, caller}
}

func (p *parser) parseWith() any {
	n := &withNode{}
	for p.current().kind != blockEnd {
		if len(n.targets) > 0 {
			p.expect(operator, ",")
		}
		n.targets = append(n.targets, p.target(false))
		p.expect(operator, "=")
		n.values = append(n.values, p.expression())
	}
	n.body = p.block("endwith")
	return n
}

func (p *parser) declare(name string) *macroDef { return &macroDef{name: name} }

func (p *parser) macroBody(m *macroDef, end string) {
	p.params(m)
	p.inMacro(m, end)
}

// inMacro reads a macro's body, in which the loops around cannot be left.
func (p *parser) inMacro(m *macroDef, end string) {
	loops := p.loops
	p.loops = 0
	p.names = append(p.names, m)
	m.body = p.block(end)
	p.names = p.names[:len(p.names)-1]
	p.loops = loops
}

func (p *parser) params(m *macroDef) {
	p.expect(operator, "(")
	for !p.current().is(operator, ")") {
		if len(m.params) > 0 {
			p.expect(operator, ",")
		}
		t := p.expect(name, "")
		if slices.Contains(m.params, t.value) {
			fail(t.line, "the parameter %s is there twice", t.value)
		}
		m.params = append(m.params, t.value)
		if p.skip(operator, "=") {
			m.defaults = append(m.defaults, p.expression())
		} else if len(m.defaults) > 0 {
			fail(t.line, "non-default argument follows default argument")
		}
	}
	p.next()
}

// target reads what is assigned to: names, or an attribute of a namespace.
func (p *parser) target(namespace bool, ends ...string) expr {
	line := p.current().line
	one := func() expr {
		t := p.current()
		if namespace && t.kind == name && p.look().is(operator, ".") {
			p.next()
			p.next()
			return &refExpr{t.value, p.expect(name, "").value}
		}
		return p.primary()
	}
	target := p.list(one, true, false, ends)
	checkTarget(target, line)
	return target
}

func checkTarget(target expr, line int) {
	switch target := target.(type) {
	case *nameExpr, *refExpr:
	case *tupleExpr:
		for _, item := range target.items {
			checkTarget(item, line)
		}
	default:
		fail(line, "can't assign to this")
	}
}

// tuple reads an expression, or several with commas between.
func (p *parser) tuple(conditional bool, ends []string) expr {
	one := p.expression
	if !conditional {
		one = p.or
	}
	return p.list(one, false, false, ends)
}

func (p *parser) list(one func() expr, targets, brackets bool, ends []string) expr {
	var items []expr
	tuple := false
	for {
		if len(items) > 0 {
			p.expect(operator, ",")
		}
		if p.tupleEnds(ends) {
			break
		}
		items = append(items, one())
		if !p.current().is(operator, ",") {
			break
		}
		tuple = true
	}
	if !tuple {
		if len(items) == 1 {
			return items[0]
		}
		if !brackets {
			t := p.current()
			fail(t.line, "Expected an expression, got %s", quoted(t.String()))
		}
	}
	return &tupleExpr{items}
}

func (p *parser) tupleEnds(ends []string) bool {
	t := p.current()
	switch t.kind {
	case outputEnd, blockEnd, eof:
		return true
	case operator:
		return t.value == ")"
	case name:
		return slices.Contains(ends, t.value)
	}
	return false
}

func oneOf(tags []string) string {
	out := ""
	for i, tag := range tags {
		if i > 0 {
			out += " or "
		}
		out += fmt.Sprintf("'%s'", tag)
	}
	return out
}
