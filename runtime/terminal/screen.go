package terminal

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Screen is the terminal that a file is. Its methods may be called by any goroutine.
type Screen struct{ file *os.File }

// ScreenOf is the terminal behind a writer; nil: it is none.
func ScreenOf(w io.Writer) *Screen {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &Screen{f}
	}
	return nil
}

// Size is how many columns and lines there are now; 80 and 24 where nobody knows.
func (s *Screen) Size() (width, height int) {
	width, height, err := term.GetSize(int(s.file.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}
