package terminal

import (
	"fmt"
	"slices"
	"strings"
)

// Mode is how the progress of a run is shown.
type Mode string

// The modes of --progress.
const (
	Auto  Mode = "auto"  // full on a terminal that is large enough, otherwise plain
	Full  Mode = "full"  // a panel below what is printed, drawn again twice a second
	Plain Mode = "plain" // a line every ten seconds, and one for each case
	None  Mode = "none"  // nothing
)

var modes = []string{string(Auto), string(Full), string(Plain), string(None)}

// Set reads a mode as --progress is given.
func (m *Mode) Set(s string) error {
	if !slices.Contains(modes, s) {
		return fmt.Errorf("it must be %s or %s", strings.Join(modes[:3], ", "), modes[3])
	}
	*m = Mode(s)
	return nil
}

func (m *Mode) String() string { return string(*m) }

// Type is the kind of value for the help.
func (m *Mode) Type() string { return "mode" }

// The smallest terminal that auto draws a panel on, columns and lines.
const (
	fullWidth  = 60
	fullHeight = 12
)

// Choose says how progress is shown on a screen; nil: on no terminal. getenv looks up the
// environment. A panel needs a terminal, whoever asks for it.
func (m Mode) Choose(s *Screen, getenv func(string) string) Mode {
	switch {
	case m == None || m == Plain:
		return m
	case s == nil || !panels || dumb(getenv):
		return Plain
	case m == Full:
		return Full
	}
	width, height := s.Size()
	if ci := getenv("CI"); ci != "" && ci != "false" || width < fullWidth || height < fullHeight {
		return Plain
	}
	return Full
}

// Colours tells whether a screen, nil for no terminal, shows colours and whether the user
// wants them: https://no-color.org.
func Colours(s *Screen, getenv func(string) string) bool {
	return s != nil && !dumb(getenv) && getenv("NO_COLOR") == ""
}

// dumb tells a terminal that can do nothing but print.
func dumb(getenv func(string) string) bool {
	term := getenv("TERM")
	return term == "" || term == "dumb"
}
