package npusmi

import (
	"regexp"
	"slices"
	"strings"
)

// column is one of a head.
type column struct {
	name string // in lower case, with single blanks
	at   int    // where it starts in its cell
}

// names are the columns that a head may have.
type names struct {
	pattern *regexp.Regexp // one of them at the beginning of a text
}

// columnNames makes names. The longest of those that fit wins: "NPU Util(%)" is one
// column, and "NPU" another.
func columnNames(all ...string) names {
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	for i, n := range all {
		n = regexp.QuoteMeta(n)
		n = strings.ReplaceAll(n, " ", `\s+`)
		all[i] = strings.ReplaceAll(n, `\(`, `\s?\(`)
	}
	return names{regexp.MustCompile(`(?i)^(` + strings.Join(all, "|") + `)(?:\s|$)`)}
}

// unknown is a column of another name: words up to two blanks, or to a unit.
var unknown = regexp.MustCompile(`^\S+?(\s\S+)*?(\)|\s\s|$)`)

// head finds the columns of a cell; known is how many have one of the names.
func (n names) head(cell string) (columns []column, known int) {
	for at := 0; at < len(cell); {
		rest := cell[at:]
		if rest[0] == ' ' || rest[0] == '\t' {
			at++
			continue
		}
		text := ""
		if m := n.pattern.FindStringSubmatch(rest); m != nil {
			text = m[1]
			known++
		} else if text = unknown.FindString(rest); text == "" {
			text = rest
		}
		columns = append(columns, column{plain(text), at})
		at += len(text)
	}
	return columns, known
}

// plain is a name as it is looked for: "HBM Temperature (C)" → "hbm temperature(c)".
func plain(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.Join(strings.Fields(name), " ")), " (", "(")
}

// token is a value of a cell. "0    / 0" and "20701/ 65536" are one.
var token = regexp.MustCompile(`(?:[0-9.]+|-+|NA)[ \t]*/[ \t]*(?:[0-9.]+|-+|NA)(?:[ \t]|$)|\S+`)

// split gives the values of a cell to its columns, in their order. When there are
// fewer values than columns some are blank: then each belongs to the column that it
// stands under. The last column takes several words when it is a text. false: they do
// not fit.
func split(cell string, columns []column, text bool) (map[string]string, bool) {
	values := map[string]string{}
	if len(columns) == 1 {
		values[columns[0].name] = strings.TrimSpace(cell)
		return values, true
	}
	places := token.FindAllStringIndex(cell, len(cell))
	last := len(columns) - 1
	switch {
	case len(places) == len(columns), text && len(places) > len(columns) && last >= 0:
		for i, c := range columns {
			from, to := places[i][0], places[i][1]
			if i == last {
				to = len(cell)
			}
			values[c.name] = strings.TrimSpace(cell[from:to])
		}
	case len(places) < len(columns):
		for _, p := range places {
			// A value may stand one place before its column.
			i := slices.IndexFunc(columns, func(c column) bool { return c.at > p[0]+1 }) - 1
			if i == -2 {
				i = last
			}
			if i < 0 || values[columns[i].name] != "" {
				return nil, false
			}
			values[columns[i].name] = strings.TrimSpace(cell[p[0]:p[1]])
		}
	default:
		return nil, false
	}
	return values, true
}
