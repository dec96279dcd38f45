package terminal_test

import (
	"bytes"
	"testing"

	"github.com/creack/pty"

	"weir/runtime/terminal"
)

func TestChoose(t *testing.T) {
	f := func(asked terminal.Mode, columns, lines uint16, env map[string]string, want terminal.Mode, colours bool) {
		t.Helper()
		getenv := func(name string) string {
			if v, ok := env[name]; ok {
				return v
			}
			return map[string]string{"TERM": "xterm-256color"}[name]
		}
		var screen *terminal.Screen
		if columns > 0 {
			master, tty, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer master.Close()
			defer tty.Close()
			if err := pty.Setsize(tty, &pty.Winsize{Cols: columns, Rows: lines}); err != nil {
				t.Fatal(err)
			}
			screen = terminal.ScreenOf(tty)
		} else {
			screen = terminal.ScreenOf(new(bytes.Buffer))
		}
		if got := asked.Choose(screen, getenv); got != want {
			t.Errorf("%s on %d × %d with %v: %s, want %s", asked, columns, lines, env, got, want)
		}
		if got := terminal.Colours(screen, getenv); got != colours {
			t.Errorf("%d × %d with %v: colours %v", columns, lines, env, got)
		}
	}
	f(terminal.Auto, 80, 24, nil, terminal.Full, true)
	f(terminal.Auto, 60, 12, nil, terminal.Full, true)
	f(terminal.Auto, 59, 24, nil, terminal.Plain, true)
	f(terminal.Auto, 80, 11, nil, terminal.Plain, true)
	f(terminal.Auto, 80, 24, map[string]string{"CI": "true"}, terminal.Plain, true)
	f(terminal.Auto, 80, 24, map[string]string{"CI": "false"}, terminal.Full, true)
	f(terminal.Auto, 80, 24, map[string]string{"TERM": "dumb"}, terminal.Plain, false)
	f(terminal.Auto, 80, 24, map[string]string{"TERM": ""}, terminal.Plain, false)
	f(terminal.Auto, 80, 24, map[string]string{"NO_COLOR": "1"}, terminal.Full, false)
	f(terminal.Auto, 0, 0, nil, terminal.Plain, false)
	f(terminal.Full, 40, 10, map[string]string{"CI": "true"}, terminal.Full, true)
	f(terminal.Full, 80, 24, map[string]string{"TERM": "dumb"}, terminal.Plain, false)
	f(terminal.Full, 0, 0, nil, terminal.Plain, false)
	f(terminal.Plain, 80, 24, nil, terminal.Plain, true)
	f(terminal.None, 80, 24, nil, terminal.None, true)

	var m terminal.Mode
	for _, name := range []string{"auto", "full", "plain", "none"} {
		if err := m.Set(name); err != nil || m.String() != name {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	if err := m.Set("loud"); err == nil || err.Error() != "it must be auto, full, plain or none" {
		t.Errorf("loud: %v", err)
	}
}
