package output

import "strings"

// quoteRow joins cells to a line of CSV, as Python's csv.writer does by default:
// a cell is quoted only when it has to be (RFC 4180), and so is an empty cell
// that is alone in its row, which would otherwise be no row at all.
func quoteRow(cells []string, eol string) string {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		if strings.ContainsAny(cell, ",\"\r\n") || cell == "" && len(cells) == 1 {
			cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		b.WriteString(cell)
	}
	b.WriteString(eol)
	return b.String()
}
