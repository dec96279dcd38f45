package report

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"weir/runtime/result"
)

// table is one of the page's.
type table struct {
	Caption string
	Shown   bool      // the caption is, above the table; otherwise a title says the same
	Groups  []topHead // first line of the head; none: it has one line
	Head    []head
	Rows    [][]cell
	Sort    bool // by any column, with script
	Search  bool // a field to search its rows, with script
	Wide    bool // it takes all the width there is
}

// topHead is the head of several columns.
type topHead struct {
	Text string
	Unit string
	Term string // glossary entry
	Span int
}

// head is the head of a column.
type head struct {
	Text string
	Unit string
	Term string // glossary entry
	Left bool   // its cells are text
}

// cell is one of a table's.
type cell struct {
	Text    string
	Note    string         // smaller, behind it
	Href    string         // a place in the page
	Term    string         // glossary entry
	Title   string         // on hover
	Mark    string         // "thin", "bad" or "good"
	Verdict result.Verdict // a badge, with Text behind it
	Left    bool
	Code    bool
	Share   float64 // 0…1: a bar of that length
}

func text(s string) cell { return cell{Text: s, Left: true} }

func num(v float64) cell { return cell{Text: number(v)} }

func opt(v *float64) cell { return cell{Text: value(v)} }

func count(n int64) cell { return cell{Text: whole(n)} }

// failures is a number that should be 0.
func failures(n int64) cell {
	c := count(n)
	if n > 0 {
		c.Mark = "bad"
	}
	return c
}

// fact is a name with a value.
type fact struct {
	Name  string
	Value string
	Term  string // glossary entry of Name
	Code  bool   // Value is to be copied or compared letter by letter
}

// facts are the fields of a part of the result, in its order and by its names in
// result.json; those within another have a dot between. What is absent is left out.
func facts(v any) (all []fact) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	var walk func(name string)
	walk = func(name string) {
		token, err := d.Token()
		if err != nil {
			return
		}
		delim, nested := token.(json.Delim)
		if !nested {
			if text, ok := leaf(name, token); ok {
				all = append(all, fact{Name: name, Value: text, Code: true})
			}
			return
		}
		for i := 0; d.More(); i++ {
			key := strconv.Itoa(i)
			if delim == '{' {
				token, err := d.Token()
				if err != nil {
					return
				}
				key, _ = token.(string)
			}
			if name != "" {
				key = name + "." + key
			}
			walk(key)
		}
		d.Token() // the closing one
	}
	walk("")
	return joined(all)
}

// leaf writes a value of JSON; null and "" are absent.
func leaf(name string, token json.Token) (string, bool) {
	switch v := token.(type) {
	case string:
		return v, v != ""
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		if n, err := v.Int64(); err == nil && strings.HasSuffix(name, "_bytes") {
			return size(n), true
		}
		return v.String(), true
	}
	return "", false
}

// joined puts the elements of a list on one line: a.0, a.1, … is a.
func joined(all []fact) (out []fact) {
	for _, f := range all {
		name, index, ok := cutLast(f.Name, ".")
		if _, err := strconv.Atoi(index); !ok || err != nil {
			out = append(out, f)
			continue
		}
		if last := len(out) - 1; last >= 0 && out[last].Name == name && index != "0" {
			out[last].Value += ", " + f.Value
			continue
		}
		f.Name = name
		out = append(out, f)
	}
	return out
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// oneLine is how many characters of text a cell shows without a second line.
const oneLine = 44

// Classes are those of the cell's element.
func (c cell) Classes() string {
	var all []string
	if c.Left {
		all = append(all, "l")
		if utf8.RuneCountInString(c.Text)+utf8.RuneCountInString(c.Note) > oneLine {
			all = append(all, "long")
		}
	}
	if c.Code {
		all = append(all, "code")
	}
	if c.Mark != "" {
		all = append(all, c.Mark)
	}
	return strings.Join(all, " ")
}

// Percent is how long the cell's bar is.
func (c cell) Percent() string { return strconv.FormatFloat(100*min(max(c.Share, 0), 1), 'f', 1, 64) }
