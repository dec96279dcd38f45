// Package declarations reads the TypeScript declarations of weir's modules
// (modules/*/*.d.ts): what a module exports, with its members and doc comments. The
// pages of docs/modules are made from them, and the tests hold them against what the
// modules export in Go.
//
// It is no parser of TypeScript: it reads declarations as they are written here, one
// after another, each with its end (";" or the closing brace of its body), and says
// where it cannot. Types are kept as text.
package declarations

import (
	"regexp"
	"slices"
	"strings"
)

// Module is what one `declare module` holds, or the globals of a file without any.
type Module struct {
	Name         string // import path; "": globals
	Doc          string
	Declarations []*Declaration
	Imported     map[string]string // from which module a name is imported
	// Closed: only what says export is exported, because there is an `export default` or
	// `export {}`. In an open one TypeScript lets scripts import everything.
	Closed bool
}

// Kind is the keyword of a declaration.
type Kind string

// The kinds of declarations. Default is `export default NAME`.
const (
	Function  Kind = "function"
	Const     Kind = "const"
	Class     Kind = "class"
	Interface Kind = "interface"
	Type      Kind = "type"
	Default   Kind = "default"
)

// Declaration is one of a module's.
type Declaration struct {
	Kind     Kind
	Name     string
	Doc      string
	Exported bool
	Head     string   // before the body or the end, in one line or as it is written: `class Trend extends CustomMetric<number>`
	Extends  []string // of classes and interfaces, as they are written
	Members  []Member // of classes, interfaces, and constants and types that are an object
}

// IsValue tells what exists at run time from types.
func (d *Declaration) IsValue() bool { return d.Kind != Interface && d.Kind != Type }

// Member is one of a class, an interface or an object. Index signatures have the name
// "[]", call signatures "()".
type Member struct {
	Name     string // "@@iterator" stands for [Symbol.iterator]
	Doc      string
	Text     string // as it is written, without modifiers
	Type     string // of what is no method
	Static   bool
	Private  bool
	Optional bool
	Method   bool
}

// Parse reads a file. path is for errors.
func Parse(path, text string) ([]*Module, error) {
	s := &scanner{path: path, text: text}
	globals := &Module{Closed: true}
	var modules []*Module
	for {
		doc, first, err := s.space()
		if err != nil {
			return nil, err
		}
		if s.at == len(s.text) {
			break
		}
		if globals.Doc == "" {
			globals.Doc = first
		}
		if !s.take("declare") {
			return nil, s.fail("this is not a declaration: it begins with declare")
		}
		if s.take("module") {
			m, err := s.module(doc)
			if err != nil {
				return nil, err
			}
			modules = append(modules, m)
			continue
		}
		d, err := s.declaration(doc)
		if err != nil {
			return nil, err
		}
		d.Exported = true
		globals.Declarations = append(globals.Declarations, d)
	}
	if len(globals.Declarations) > 0 {
		modules = append(modules, globals)
	}
	return modules, nil
}

// importedName finds types in the braces of an import; they begin with a capital.
var importedName = regexp.MustCompile(`\b[A-Z]\w*`)

// module reads what follows `declare module`.
func (s *scanner) module(doc string) (*Module, error) {
	name, err := s.until("{")
	if err != nil {
		return nil, err
	}
	m := &Module{Name: strings.Trim(strings.TrimSpace(name), `"'`), Doc: doc, Imported: map[string]string{}}
	s.at++
	for {
		doc, _, err := s.space()
		if err != nil {
			return nil, err
		}
		if s.at == len(s.text) {
			return nil, s.fail("module %s has no end", m.Name)
		}
		if s.text[s.at] == '}' {
			s.at++
			return m, nil
		}
		if s.word() == "import" {
			line, err := s.until(";")
			if err != nil {
				return nil, err
			}
			if names, from, found := strings.Cut(line, " from "); found {
				for _, name := range importedName.FindAllString(names, -1) {
					m.Imported[name] = strings.Trim(from, `"' `)
				}
			}
			s.at++
			continue
		}
		exported := s.take("export")
		if exported && s.at < len(s.text) && s.text[s.at] == '{' {
			if list, err := s.until(";"); err != nil || strings.TrimSpace(strings.Trim(list, "{} ")) != "" {
				return nil, s.fail("only export {} is known here")
			}
			s.at++
			m.Closed = true
			continue
		}
		d, err := s.declaration(doc)
		if err != nil {
			return nil, err
		}
		d.Exported = exported
		m.Closed = m.Closed || d.Kind == Default
		m.Declarations = append(m.Declarations, d)
	}
}

// declaration reads one, from its keyword to its end.
func (s *scanner) declaration(doc string) (*Declaration, error) {
	s.take("abstract")
	d := &Declaration{Kind: Kind(s.word()), Doc: doc}
	from := s.at
	if !s.take(string(d.Kind)) || d.Kind == "" {
		return nil, s.fail("this is not a declaration")
	}
	d.Name = s.word()
	if d.Name == "" {
		return nil, s.fail("the %s has no name", d.Kind)
	}
	var err error
	switch d.Kind {
	case Class, Interface:
		var head string
		if head, err = s.until("{"); err != nil {
			return nil, err
		}
		d.Extends = extends(head)
		d.Head = string(d.Kind) + " " + strings.Join(strings.Fields(head), " ")
		d.Members, err = s.members()
		return d, err
	case Function, Default:
		_, err = s.until(";")
	case Const:
		if _, err = s.until(":"); err == nil {
			s.at++
			err = s.object(d)
		}
	case Type:
		if _, err = s.until("="); err == nil {
			s.at++
			err = s.object(d)
		}
	default:
		s.at = from
		return nil, s.fail("declarations of the kind %q are not known here", d.Kind)
	}
	if err != nil {
		return nil, err
	}
	if s.at >= len(s.text) || s.text[s.at] != ';' {
		return nil, s.fail("%s %s does not end with a semicolon", d.Kind, d.Name)
	}
	d.Head = dedent(s.text[from:s.at])
	s.at++
	return d, nil
}

// object goes to the end of a type, and takes its members when it is an object alone.
func (s *scanner) object(d *Declaration) error {
	from := s.at
	written, err := s.until(";")
	if err != nil {
		return err
	}
	if text := strings.TrimSpace(written); !strings.HasPrefix(text, "{") || strings.HasPrefix(text, "{ [") && d.Kind == Type {
		return nil
	}
	inside := &scanner{path: s.path, text: s.text[:s.at], at: from}
	if _, _, err := inside.space(); err != nil {
		return err
	}
	members, err := inside.members()
	if err != nil {
		return err
	}
	if strings.TrimSpace(inside.text[inside.at:]) == "" { // not the first of a union
		d.Members = members
	}
	return nil
}

// members reads the body of a class, an interface or an object, with its braces.
func (s *scanner) members() ([]Member, error) {
	s.at++
	var all []Member
	for {
		doc, _, err := s.space()
		if err != nil {
			return nil, err
		}
		if s.at == len(s.text) {
			return nil, s.fail("the body has no end")
		}
		if s.text[s.at] == '}' {
			s.at++
			return all, nil
		}
		m, err := s.member(doc)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
		if s.at < len(s.text) && s.text[s.at] == ';' {
			s.at++
		}
	}
}

func (s *scanner) member(doc string) (Member, error) {
	m := Member{Doc: doc}
	getter := false
	for {
		word, before := s.word(), s.at
		if !slices.Contains([]string{"private", "static", "readonly", "abstract", "get"}, word) || !s.take(word) {
			break
		}
		if s.at < len(s.text) && strings.IndexByte(":?(", s.text[s.at]) >= 0 { // it is the name
			s.at = before
			break
		}
		m.Private = m.Private || word == "private"
		m.Static = m.Static || word == "static"
		getter = getter || word == "get"
	}
	from := s.at
	var err error
	switch name := s.word(); {
	case strings.HasPrefix(s.text[s.at:], "#"): // what tsc makes of private fields
		s.at++
		m.Name, m.Private = "#"+s.word(), true
		s.at += len(s.word())
	case name != "":
		m.Name = name
		s.at += len(name)
	case s.at < len(s.text) && s.text[s.at] == '"':
		if err = s.skipString('"'); err == nil {
			m.Name = strings.Trim(s.text[from:s.at], `"`)
		}
	case s.at < len(s.text) && s.text[s.at] == '[':
		s.at++
		var inner string
		if inner, err = s.until("]"); err == nil {
			s.at++
			if symbol, isSymbol := strings.CutPrefix(inner, "Symbol."); isSymbol {
				m.Name = "@@" + symbol
			} else {
				m.Name = "[]"
			}
		}
	case s.at < len(s.text) && s.text[s.at] == '(':
		m.Name = "()"
	default:
		err = s.fail("this is not a member")
	}
	if err != nil {
		return m, err
	}
	if s.at < len(s.text) && s.text[s.at] == '?' {
		m.Optional = true
		s.at++
	}
	if getter && strings.HasPrefix(s.text[s.at:], "()") {
		s.at += len("()")
	}
	m.Method = s.at < len(s.text) && (s.text[s.at] == '(' || s.text[s.at] == '<')
	after := s.at
	if _, err := s.until(";"); err != nil {
		return m, err
	}
	m.Text = strings.Join(strings.Fields(s.text[from:s.at]), " ")
	if !m.Method {
		m.Type = strings.Join(strings.Fields(strings.TrimPrefix(s.text[after:s.at], ":")), " ")
	}
	return m, nil
}

// extends are the types that a head names after extends and implements.
func extends(head string) []string {
	if _, parameters, isGeneric := strings.Cut(head, "<"); isGeneric && !strings.Contains(before(head, "<"), " extends ") {
		head = parameters[typeParameters(parameters):]
	}
	_, after, found := strings.Cut(head, " extends ")
	if !found {
		return nil
	}
	if before, _, both := strings.Cut(after, " implements "); both {
		after = before
	}
	s := &scanner{text: strings.NewReplacer("<", "(", ">", ")").Replace(after) + ";"} // type arguments nest as brackets do
	var all []string
	for at := 0; at < len(after); at = s.at + 1 {
		s.at = at
		one, err := s.until(",;")
		if err != nil {
			break
		}
		all = append(all, strings.TrimSpace(after[at:at+len(one)]))
	}
	return all
}

// before is what stands before the first of a word.
func before(text, word string) string {
	found, _, _ := strings.Cut(text, word)
	return found
}

// typeParameters is the length of what follows "<", up to and with its ">".
func typeParameters(text string) int {
	depth := 1
	for i := range len(text) {
		switch text[i] {
		case '<':
			depth++
		case '>':
			if depth--; depth == 0 && text[max(0, i-1)] != '=' {
				return i + 1
			}
		}
	}
	return len(text)
}

// dedent takes the indentation of a module's body from all lines but the first.
func dedent(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(text), "\n  ", "\n")
}
