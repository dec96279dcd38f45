package terminal

import (
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/result"
)

// ink writes in colours, where there are any: nothing is said by a colour alone.
type ink bool

func (i ink) paint(s string, c ...text.Color) string {
	if !i || s == "" {
		return s
	}
	return text.Escape(s, text.Colors(c).EscapeSeq())
}

func (i ink) bold(s string) string  { return i.paint(s, text.Bold) }
func (i ink) faint(s string) string { return i.paint(s, text.Faint) }
func (i ink) bad(s string) string   { return i.paint(s, text.FgRed) }
func (i ink) warn(s string) string  { return i.paint(s, text.FgYellow) }
func (i ink) good(s string) string  { return i.paint(s, text.FgGreen) }

// verdict paints text in the colour of a verdict.
func (i ink) verdict(v result.Verdict, s string) string {
	switch v {
	case result.Invalid:
		return i.bad(s)
	case result.Suspect:
		return i.warn(s)
	}
	return s
}

// Harmless is text of others that does nothing to a terminal and reads as it is written:
// what would not, such as marks that turn the direction of writing, and the ends of lines,
// are blanks.
func Harmless(s string) string { return strings.Map(blankControl, s) }

// HarmlessLines is the same of text of several lines, with tabs in them.
func HarmlessLines(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return blankControl(r)
	}, s)
}

func blankControl(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
		return ' '
	}
	return r
}
