package jinja

import (
	"context"
	"strings"
)

// Template is a parsed template. It may be rendered by several goroutines at once.
type Template struct {
	name string
	body []node
}

// Parse reads a template; name is for error texts. Its errors are *Error.
func Parse(name, source string) (t *Template, err error) {
	defer recoverTo(&err, name, nil)
	if len(source) > maxSource {
		fail(1, "the template has %d bytes, more than %d", len(source), maxSource)
	}
	p := &parser{tokens: lex(strings.ToValidUTF8(source, "\uFFFD"))}
	return &Template{name, p.statements()}, nil
}

// Render returns the text of the template with variables, which are made by From,
// FromJSON, NewDict and List and are not changed. Its errors are *Error, or that
// of ctx.
func (t *Template) Render(ctx context.Context, variables map[string]any) (text string, err error) {
	r := &renderer{budget: budget{ctx: ctx}, out: &strings.Builder{}}
	defer recoverTo(&err, t.name, &r.line)
	r.scope = &scope{vars: variables, parent: globals}
	r.scope = &scope{parent: r.scope}
	r.body(t.body)
	return r.out.String(), nil
}

// recoverTo makes an error of a failure.
func recoverTo(err *error, name string, line *int) {
	thrown := recover()
	if thrown == nil {
		return
	}
	f, ok := thrown.(failure)
	if !ok {
		panic(thrown)
	}
	if f.line == 0 && line != nil {
		f.line = *line
	}
	if *err = f.err; f.err == nil {
		*err = &Error{Template: name, Line: f.line, Message: f.message}
	}
}
