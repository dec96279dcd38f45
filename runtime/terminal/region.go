package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// region is the lines at the end of what a terminal shows that are drawn again and
// again. Everything else scrolls up above them.
//
// Between two frames the cursor rests, visible, at the begin of the empty line below the
// region, and no mode of the terminal is changed: whatever ends the program, the terminal
// is as it was. Each frame is one write.
type region struct {
	to      io.Writer
	reflows bool // lines that do not fit any more are wrapped when the terminal gets narrower

	shown []string // lines now, from the top
	width int      // columns when they were drawn
}

const (
	beginFrame = "\x1b[?2026h\x1b[?25l" // the terminal shows all of it at once, and no cursor that runs about …
	endFrame   = "\x1b[?25h\x1b[?2026l" // … where it knows how
	eraseLine  = "\x1b[K"               // from the cursor on
	eraseBelow = "\x1b[J"
)

// draw shows other lines, and text above them, which is empty or ends a line. width is
// that of the terminal; no line may take all of it. moved is how many lines the cursor
// has been moved down meanwhile by others.
func (r *region) draw(above string, lines []string, width, moved int) {
	var b strings.Builder
	b.WriteString(beginFrame)
	rows := r.rows(width) + moved
	up(&b, rows)
	changed := above != "" || len(lines) != len(r.shown)
	if above != "" || width != r.width || moved > 0 || len(lines) == 0 {
		// Row by row: some terminals keep what is erased from the top of the screen on.
		b.WriteString(strings.Repeat(eraseLine+"\r\n", rows))
		up(&b, rows)
		b.WriteString(strings.ReplaceAll(above, "\n", eraseLine+"\r\n"))
		r.shown = nil
	}
	for i, line := range lines {
		if i >= len(r.shown) || r.shown[i] != line {
			if i < len(r.shown) && columns(r.shown[i]) > columns(line) {
				b.WriteString(eraseLine) // all of it: tmux wraps later what has once been written, although it is erased
			}
			b.WriteString(line)
			b.WriteString(eraseLine)
			changed = true
		}
		b.WriteString("\r\n")
	}
	if !changed {
		return
	}
	if len(lines) > 0 {
		b.WriteString(eraseBelow)
	}
	b.WriteString(endFrame)
	io.WriteString(r.to, b.String())
	r.shown, r.width = append(r.shown[:0:0], lines...), width
}

// rows is how many the region takes on a terminal that has got another width meanwhile.
func (r *region) rows(width int) int {
	rows := len(r.shown)
	if r.reflows && width > 0 && width < r.width {
		for _, line := range r.shown {
			rows += max(columns(line)-1, 0) / width
		}
	}
	return rows
}

// columns is how wide a line is shown.
func columns(line string) int { return text.StringWidthWithoutEscSequences(line) }

// up moves the cursor to the begin of a line above.
func up(b *strings.Builder, rows int) {
	b.WriteString("\r")
	if rows > 0 {
		fmt.Fprintf(b, "\x1b[%dA", rows)
	}
}

// forget gives up what is shown: it stays where it is, and the next frame goes below.
func (r *region) forget() { r.shown = nil }
