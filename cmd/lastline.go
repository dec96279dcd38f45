package cmd

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// lastLine is progress on a terminal: of what is written only the newest line is shown,
// in the place of the one before. It belongs to one goroutine.
type lastLine struct {
	to    io.Writer
	width int
	line  []byte
}

func (l *lastLine) Write(p []byte) (int, error) {
	for part := range bytes.SplitAfterSeq(p, []byte("\n")) {
		l.line = append(l.line, part...)
		if shown := strings.TrimSpace(string(l.line)); shown != "" {
			fmt.Fprintf(l.to, "\r\x1b[K%s", text.Trim(shown, l.width-1))
		}
		if bytes.HasSuffix(l.line, []byte("\n")) {
			l.line = l.line[:0]
		}
	}
	return len(p), nil
}

// clear takes the line away.
func (l *lastLine) clear() { fmt.Fprint(l.to, "\r\x1b[K") }
