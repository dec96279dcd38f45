package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/jedib0t/go-pretty/v6/text"
)

// liveTable is the table of a fleet on a terminal.
type liveTable struct {
	fleet         *fleet
	interval      time.Duration
	width, height int
	top           int // lines that are scrolled away
}

// runLive shows a fleet until somebody quits or ctx ends.
func runLive(ctx context.Context, f *fleet, interval time.Duration, out io.Writer) error {
	p := tea.NewProgram(&liveTable{fleet: f, interval: interval, width: 80, height: 24}, tea.WithContext(ctx), tea.WithOutput(out))
	_, err := p.Run()
	if errors.Is(err, tea.ErrInterrupted) || ctx.Err() != nil {
		return nil
	}
	return err
}

// refreshed says that the table is due to be drawn again.
type refreshed struct{}

// next waits for news, or for a second: ages are shown too.
func (l *liveTable) next() tea.Msg {
	select {
	case <-l.fleet.changed:
	case <-time.After(time.Second):
	}
	return refreshed{}
}

func (l *liveTable) Init() tea.Cmd { return l.next }

func (l *liveTable) Update(m tea.Msg) (tea.Model, tea.Cmd) {
	switch m := m.(type) {
	case refreshed:
		return l, l.next
	case tea.WindowSizeMsg:
		l.width, l.height = m.Width, m.Height
	case tea.KeyPressMsg:
		switch m.String() {
		case "q", "esc", "ctrl+c":
			return l, tea.Quit
		case "up", "k":
			l.top--
		case "down", "j":
			l.top++
		case "pgup":
			l.top -= l.height / 2
		case "pgdown", "space":
			l.top += l.height / 2
		case "home", "g":
			l.top = 0
		case "end", "G":
			l.top = 1 << 20
		}
	}
	return l, nil
}

func (l *liveTable) View() tea.View {
	groups := l.fleet.groups()
	lines, titles := deviceTable(groups, l.width, time.Now(), true)
	footer := []string{""}
	if all := summary(groups); all != "" {
		footer = append(footer, text.Trim(all, l.width))
	}
	keys := "q quits · every " + l.interval.String()
	room := max(2, l.height-len(footer)-1)
	l.top = max(0, min(l.top, len(lines)-room))
	if len(lines) > room { // the head stays, and so does the title of what is below it
		keys = fmt.Sprintf("↑↓ scroll, %d more lines · %s", len(lines)-room-l.top, keys)
		shown := slices.Clone(lines[1+l.top:][:room-1])
		if l.top > 0 {
			shown[0] = titles[1+l.top]
		}
		lines = append(lines[:1:1], shown...)
	}
	footer = append(footer, faintStyle.Render(text.Trim(keys, l.width)))
	lines = append(lines, footer...)
	v := tea.NewView(strings.Join(lines[:min(len(lines), max(1, l.height))], "\n"))
	v.AltScreen = true
	v.WindowTitle = "weir npu"
	return v
}
