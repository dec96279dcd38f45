package reader

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

const namedWords = 30 // fields that a message lists

// noRecord says why the first records are no good.
func (f *File) noRecord(s *source, is layout) error {
	from := records(&values{source: s, list: is == jsonList})
	if is == jsonLines {
		from = &lines{source: s, json: true}
	}
	var r record
	for range lookedAt {
		r.raw = nil
		switch err := from.next(&r); {
		case err == io.EOF && r.line == 0:
			return wrong("", "%s: the list is empty", s.path)
		case err == io.EOF:
			return wrong("", "%s: no record of this file is a JSON object", s.path)
		case err == nil: // it ends after what was looked at
		default:
			if reason, ok := errors.AsType[reject](err); ok {
				hint := "each record must be a JSON object, a line each or in a list"
				if list := unwrap(s, r.raw); list != "" {
					hint = list
				}
				return wrong(hint, "%s:%d: none of the first records is any good; the first one is %s: %s", s.path, r.line, reason, cut(r.raw))
			}
			return err
		}
	}
	return wrong("", "%s: no record of this file is a JSON object", s.path)
}

// unknownFields lists what the records have, and what the formats would need.
func (f *File) unknownFields(s *source, is layout, seen []*record) error {
	var fields []string
	for _, r := range seen {
		for _, m := range r.object {
			if name := string(m.name); !slices.Contains(fields, name) && len(fields) < namedWords {
				fields = append(fields, name)
			}
		}
	}
	hint := `say what stands for the prompt (fields: {prompt: "…", output: "…"}), or convert it. The formats need:`
	for i := range formats {
		if c := &formats[i]; c.layout != csvTable && c.layout != textLines {
			hint += "\n    " + c.Name + strings.Repeat(" ", max(1, 13-len(c.Name))) + c.needs
		}
	}
	if list := unwrap(s, seen[0].raw); list != "" && len(f.options.Fields) == 0 {
		hint = list
	}
	if len(fields) == 0 {
		return wrong(hint, "%s: %s, but its records have no fields", s.path, layoutNames[is])
	}
	return wrong(hint, "%s: %s of no known format: the records have %s", s.path, layoutNames[is], quoted(fields))
}

// plainName is a name that jq takes without quotes.
var plainName = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// unwrap says how to take the list out of an object that wraps the records, "" if raw, which
// may break off, is not the begin of one.
func unwrap(s *source, raw []byte) string {
	d := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return ""
	}
	for {
		t, err := d.ReadToken()
		if err != nil || t.Kind() != '"' {
			return ""
		}
		name := t.String()
		if d.PeekKind() != '[' {
			if d.SkipValue() != nil {
				return ""
			}
			continue
		}
		_, _ = d.ReadToken()
		if d.PeekKind() == '{' {
			return unwrapping(s, name)
		}
		for d.PeekKind() != ']' {
			if d.SkipValue() != nil {
				return ""
			}
		}
		_, _ = d.ReadToken()
	}
}

func unwrapping(s *source, name string) string {
	path := "." + name
	if !plainName.MatchString(name) {
		path = `.["` + cut([]byte(name)) + `"]`
	}
	file := filepath.Base(s.path)
	plain := bare(file)
	from := ""
	if s.packed != "" {
		from, file = s.packed+" -dc "+file+" | ", ""
	}
	to := strings.TrimSuffix(plain, filepath.Ext(plain)) + ".jsonl"
	if to == plain {
		to = "records.jsonl"
	}
	return "the records are in a list inside: take them out of " + quoted([]string{name}) + ": " + from + strings.TrimSpace("jq -c '"+path+"[]' "+file) + " > " + to
}

// quoted lists names.
func quoted(names []string) string {
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(`"` + cut([]byte(name)) + `"`)
	}
	return b.String()
}
