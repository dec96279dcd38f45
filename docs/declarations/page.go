package declarations

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Pages are the modules that have a page, by import path; "" are the globals.
type Pages map[string]*Module

// note tells who opens a page to change it where to do so.
const note = "<!-- Made from the declarations (*.d.ts): go test ./docs -run TestModulePages -update -->"

// File is the name of a module's page: "llm.md" of weir/llm, "weir.md", "globals.md".
func File(module string) string {
	switch module {
	case "":
		return "globals.md"
	case "weir":
		return "weir.md"
	}
	return strings.ReplaceAll(strings.TrimPrefix(module, "weir/"), "/", "-") + ".md"
}

// title is what a module is called.
func title(module string) string {
	if module == "" {
		return "Globals"
	}
	return module
}

// Page makes the page of a module, in Markdown.
func (p Pages) Page(module string) string {
	m := p[module]
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n# %s\n\n%s\n\n", note, title(module), p.prose(m.Doc))
	values, types := split(m)
	if module != "" && len(values) > 0 {
		fmt.Fprintf(&b, "```ts fragment\n%s\n```\n\n", importLine(m, values))
	}
	head := "Exports"
	if module == "" {
		head = "Names"
	}
	contents(&b, head, values)
	contents(&b, "Types", types)
	for _, d := range slices.Concat(values, types) {
		p.declaration(&b, m, d)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// Index makes the page that lists the others.
func (p Pages) Index() string {
	var b strings.Builder
	b.WriteString(note + "\n\n# Modules\n\nWhat scenarios can import, and the globals around them. [Writing scenarios](../scripting.md) tells how they are used together; " +
		"`weir types` writes the same for editors, as TypeScript declarations.\n\n| module | |\n|---|---|\n")
	for _, module := range p.names() {
		fmt.Fprintf(&b, "| [%s](%s) | %s |\n", title(module), File(module), p.cell(sentence(p[module].Doc)))
	}
	return b.String()
}

// names are the modules in the order of the index: weir and its modules, libraries, globals.
func (p Pages) names() []string {
	var names []string
	for name := range p {
		names = append(names, name)
	}
	rank := func(name string) int {
		switch {
		case name == "weir":
			return 0
		case strings.HasPrefix(name, "weir/lib/"):
			return 2
		case name == "":
			return 3
		}
		return 1
	}
	slices.SortFunc(names, func(a, b string) int {
		if rank(a) != rank(b) {
			return rank(a) - rank(b)
		}
		return strings.Compare(a, b)
	})
	return names
}

// split takes what there is at run time apart from types. Overloads stay together.
func split(m *Module) (values, types []*Declaration) {
	for _, d := range m.Declarations {
		switch {
		case !d.Exported || d.Kind == Default:
		case d.IsValue():
			values = append(values, d)
		default:
			types = append(types, d)
		}
	}
	return values, types
}

// importLine is how a script gets what a module has.
func importLine(m *Module, values []*Declaration) string {
	var names []string
	for _, d := range values {
		if !slices.Contains(names, d.Name) {
			names = append(names, d.Name)
		}
	}
	line := fmt.Sprintf("import { %s } from %q;", strings.Join(names, ", "), m.Name)
	if len(line) > pageColumns {
		line = fmt.Sprintf("import {\n%s} from %q;", wrap(names), m.Name)
	}
	for _, d := range m.Declarations {
		if d.Kind == Default {
			line += fmt.Sprintf("\nimport %s from %q; // the same, as members of one object", lastElement(m.Name), m.Name)
		}
	}
	return line
}

const pageColumns = 100 // of code that does not have to be scrolled

// wrap is a list of names in lines.
func wrap(names []string) string {
	var b strings.Builder
	line := " "
	for _, name := range names {
		if len(line)+len(name)+2 > pageColumns {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + name + ","
	}
	b.WriteString(line + "\n")
	return b.String()
}

func lastElement(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// contents is a table that leads to the declarations.
func contents(b *strings.Builder, head string, all []*Declaration) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "| %s | |\n|---|---|\n", head)
	var last string
	for _, d := range all {
		if d.Name == last {
			continue
		}
		last = d.Name
		fmt.Fprintf(b, "| [%s](#%s) | %s |\n", d.Name, strings.ToLower(d.Name), Pages(nil).cell(sentence(d.Doc)))
	}
	b.WriteString("\n")
}

// declaration writes one: its text, and its members as headings (what can be called) and
// a table (what is read or given).
func (p Pages) declaration(b *strings.Builder, m *Module, d *Declaration) {
	if !strings.Contains(b.String(), "\n## "+d.Name+"\n") { // not the second of an overload
		fmt.Fprintf(b, "## %s\n\n", d.Name)
	}
	head := d.Head
	if d.Members != nil && (d.Kind == Const || d.Kind == Type) {
		head = fmt.Sprintf("%s %s: { … }", d.Kind, d.Name)
	}
	if d.Kind == Interface {
		head = "" // the heading and the table say it
	}
	if d.Kind == Class {
		for _, of := range d.Members {
			if of.Name == "constructor" && !of.Private {
				head += "\nnew " + d.Name + strings.TrimPrefix(of.Text, "constructor")
			}
		}
	}
	if head != "" {
		fmt.Fprintf(b, "```ts fragment\n%s\n```\n\n", head)
	}
	if d.Doc != "" {
		fmt.Fprintf(b, "%s\n\n", p.prose(d.Doc))
	}
	if d.Kind == Interface && len(d.Extends) > 0 {
		fmt.Fprintf(b, "Also has what these have: %s.\n\n", p.links(m, d.Extends))
	}
	var fields, methods []Member
	for _, of := range d.Members {
		switch {
		case of.Private || of.Name == "constructor" && of.Doc == "":
		case of.Method:
			methods = append(methods, of)
		default:
			fields = append(fields, of)
		}
	}
	p.fields(b, m, fields)
	for _, of := range methods {
		if of.Name == "constructor" {
			fmt.Fprintf(b, "%s\n\n", p.prose(of.Doc))
			continue
		}
		name := of.Name
		if symbol, found := strings.CutPrefix(name, "@@"); found {
			name = "[Symbol." + symbol + "]"
		}
		if of.Doc == "" && len(methods) > 1 {
			fmt.Fprintf(b, "* `%s`\n\n", of.Text)
			continue
		}
		fmt.Fprintf(b, "### %s.%s\n\n```ts fragment\n%s\n```\n\n", d.Name, name, of.Text)
		if of.Doc != "" {
			fmt.Fprintf(b, "%s\n\n", p.prose(of.Doc))
		}
	}
	if used := p.used(m, d); len(used) > 0 {
		fmt.Fprintf(b, "See %s.\n\n", strings.Join(used, ", "))
	}
}

// fields is a table of members that are no methods. A field without a comment of its
// own belongs to the comment above it.
func (p Pages) fields(b *strings.Builder, m *Module, fields []Member) {
	if len(fields) == 0 {
		return
	}
	b.WriteString("| name | type | |\n|---|---|---|\n")
	for _, f := range fields {
		name := f.Name
		if name == "[]" {
			name = before(f.Text, "]") + "]"
		}
		if f.Optional {
			name += "?"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, code(f.Type), p.cell(f.Doc))
	}
	b.WriteString("\n")
}

// code is a type in a table. Its bars would end the cell.
func code(text string) string {
	if text == "" {
		return ""
	}
	text = comment.ReplaceAllString(text, "")
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}

var (
	comment   = regexp.MustCompile(`/\*.*?\*/ ?`)
	docsLink  = regexp.MustCompile("`?\\bdocs/([a-z-]+\\.md)(#[a-z0-9-]+)?`?")
	tag       = regexp.MustCompile(`(?m)^@(param|throws|returns)( \w+)? `)
	typeName  = regexp.MustCompile(`\b[A-Z]\w*\b`)
	paragraph = regexp.MustCompile(`\n\s*\n`)
)

// prose is a doc comment as a page has it: examples in blocks, links that lead from here.
func (p Pages) prose(doc string) string {
	var out []string
	inBlock, indented := false, false
	for _, line := range strings.Split(doc, "\n") {
		if strings.HasPrefix(line, "```") {
			if !inBlock && line == "```ts" {
				line = "```ts fragment"
			}
			inBlock = !inBlock
		} else if !inBlock {
			text, isCode := strings.CutPrefix(line, "    ")
			switch {
			case isCode && !indented:
				out, indented = append(out, "```ts fragment"), true
			case !isCode && line != "" && indented:
				for len(out) > 0 && out[len(out)-1] == "" {
					out = out[:len(out)-1]
				}
				out, indented = append(out, "```", ""), false
			}
			if isCode {
				line = text
			} else {
				line = links(line)
			}
		}
		out = append(out, line)
	}
	if indented {
		out = append(out, "```")
	}
	text := strings.Join(out, "\n")
	first := true
	return tag.ReplaceAllStringFunc(text, func(found string) string {
		item := "* "
		if first {
			item, first = "\n* ", false
		}
		if name, isParam := strings.CutPrefix(found, "@param "); isParam {
			return item + "`" + strings.TrimSpace(name) + "`: "
		}
		if strings.HasPrefix(found, "@throws") {
			return item + "throws "
		}
		return item + "returns "
	})
}

// links makes links of the pages that a text names.
func links(text string) string {
	return docsLink.ReplaceAllString(text, "[docs/$1](../$1$2)")
}

// cell is a doc comment in a table: one line, and no bars.
func (p Pages) cell(doc string) string {
	text := paragraph.ReplaceAllString(doc, "<br>")
	text = strings.ReplaceAll(text, "\n- ", "<br>- ")
	text = strings.Join(strings.Fields(text), " ")
	return strings.ReplaceAll(links(text), "|", `\|`)
}

// sentence is the first one of a doc comment.
func sentence(doc string) string {
	doc = paragraph.Split(doc, 2)[0]
	doc = strings.Join(strings.Fields(doc), " ")
	for i := 0; i+2 < len(doc); i++ {
		if doc[i] == '.' && doc[i+1] == ' ' && doc[i+2] >= 'A' && doc[i+2] <= 'Z' {
			return doc[:i+1]
		}
	}
	return strings.TrimSuffix(doc, ":")
}

// links are types with what leads to them.
func (p Pages) links(m *Module, types []string) string {
	var all []string
	for _, t := range types {
		name := typeName.FindString(t)
		if to := p.place(m, name); to != "" && name == t {
			all = append(all, fmt.Sprintf("[%s](%s)", t, to))
		} else {
			all = append(all, "`"+t+"`")
		}
	}
	return strings.Join(all, ", ")
}

// used are links to the types that a declaration names.
func (p Pages) used(m *Module, d *Declaration) []string {
	text := d.Head
	for _, of := range d.Members {
		if !of.Private {
			text += " " + of.Text
		}
	}
	text = quoted.ReplaceAllString(comment.ReplaceAllString(text, ""), "")
	var all []string
	for _, name := range typeName.FindAllString(text, -1) {
		if name == d.Name || slices.Contains(d.Extends, name) {
			continue
		}
		if to := p.place(m, name); to != "" {
			if link := fmt.Sprintf("[%s](%s)", name, to); !slices.Contains(all, link) {
				all = append(all, link)
			}
		}
	}
	return all
}

var quoted = regexp.MustCompile(`"[^"]*"`)

// place is where a type is described: in the module itself, or in the one that it is
// imported from; "" when it is the language's or of nobody.
func (p Pages) place(m *Module, name string) string {
	if m.exports(name) {
		return "#" + strings.ToLower(name)
	}
	if from := m.Imported[name]; from != "" && p[from] != nil && p[from].exports(name) {
		return File(from) + "#" + strings.ToLower(name)
	}
	return ""
}

func (m *Module) exports(name string) bool {
	return slices.ContainsFunc(m.Declarations, func(d *Declaration) bool { return d.Name == name && d.Exported && d.Kind != Default })
}
