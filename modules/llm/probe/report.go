package probe

import (
	"fmt"
	"io"
	"strings"
)

// Report prints what was found out, for readers.
func (r *Result) Report(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-16s  %s\n", name, fmt.Sprintf(format, args...))
	}
	line("service", "%s", r.service())
	if r.Path != "" {
		line("path", "%s", r.Path+r.speakers())
	}
	for i, m := range r.Models {
		name := ""
		if i == 0 {
			name = "models"
		}
		if i == shownModels {
			line("", "… and %d more", len(r.Models)-i)
			break
		}
		line(name, "%s%s", m.Name, r.about(m))
	}
	if len(r.Models) == 0 {
		line("models", "it does not say")
	}
	if works := r.working(); len(works) > 0 {
		line("speaks", "%s", strings.Join(works, ", "))
	}
	if u := r.Usage; u != nil {
		line("usage", "%s", u.text())
	}
	if i := r.IgnoreEOS; i != nil {
		line("ignore_eos", "%s", i.text())
	}
	if e := r.TokensEach; e != nil {
		line("tokens an event", "%s", e.text())
	}
	if text := r.Limits.text(); text != "" {
		line("limits", "%s", text)
	}
	if r.Command != "" {
		fmt.Fprintf(w, "\n%s\n", r.Command)
	}
	for i, note := range r.Notes {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "note: %s\n", note)
	}
}

// Of models so many are shown.
const shownModels = 8

func (r *Result) service() string {
	s := r.Service
	what := s.Name
	if what == "" {
		what = "a server of an unknown kind"
	}
	if s.Version != "" {
		what += " " + s.Version
	}
	what += " at " + r.URL
	if s.Server != "" && s.Kind != "weir-sim" && !strings.Contains(strings.ToLower(what), strings.ToLower(s.Server)) {
		what += " (server: " + s.Server + ")"
	}
	return what
}

// about is what is known of a model besides its name.
func (r *Result) about(m Model) string {
	var parts []string
	if m.MaxModelLen > 0 {
		parts = append(parts, fmt.Sprintf("%d tokens of prompt and answer", m.MaxModelLen))
	}
	if m.Name == r.Model && len(r.Models) > 1 {
		parts = append(parts, "asked here")
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// speakers says whose requests have the path that was given.
func (r *Result) speakers() string {
	t, err := parseTarget(r.URL + r.Path)
	if err != nil || len(t.backends) == 0 {
		return " (left out)"
	}
	return " (of " + strings.Join(t.backends, ", ") + ")"
}

func (u *Usage) text() string {
	end := "no: tokens are not counted by the service"
	if u.Counted {
		end = "yes, at the end of the stream"
	}
	switch {
	case u.Continuous == nil:
		return end
	case *u.Continuous:
		return end + "; in every event, too, where that is asked for (continuous_usage_stats)"
	case u.Counted:
		return end + "; not in every event"
	}
	return end
}

func (i *IgnoreEOS) text() string {
	of := fmt.Sprintf("%d of %d tokens", i.Made, i.Asked)
	if i.FinishReason != "" {
		of += ", finish reason " + i.FinishReason
	}
	switch {
	case i.Works == nil:
		return "cannot be told: " + i.Why
	case *i.Works:
		return "works: " + of
	case i.Why != "":
		return "refused: " + i.Why
	}
	return "no: " + of
}

func (e *PerEvent) text() string {
	text := fmt.Sprintf("%.3g (%s in %s)", float64(e.Tokens)/float64(e.Events), plural(e.Tokens, "token"), plural(e.Events, "event"))
	switch {
	case e.Steps > 1:
		text += fmt.Sprintf(": %d at once, as multi-step scheduling sends them", e.Steps)
	case e.Varies:
		text += ": now more and now fewer, as speculative decoding sends them"
	case e.Several():
		text += ": several at once"
	}
	return text
}

func (l Limits) text() string {
	var parts []string
	add := func(n int, format string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, n))
		}
	}
	add(l.TotalTokens, "%d tokens of prompt and answer")
	add(l.InputTokens, "%d tokens of prompt")
	add(l.Requests, "%d requests at once")
	return strings.Join(parts, ", ")
}
