package terminal

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// Line is the panel in one line, for a log.
func (p *Panel) Line() string {
	c := &p.course
	s := c.last()
	name := s.number() + " " + Harmless(s.Name)
	if phase := s.phase(); phase != "" {
		name += " (" + phase + ")"
	}
	times := Clock(s.Elapsed)
	if s.LeftKnown {
		times += ", " + Clock(s.Left) + " left"
	}
	done := fmt.Sprintf("%d done", s.Live.Ended)
	if bad := failures(&s.Live); bad != "" {
		done += ", " + bad
	}
	speed := c.recent()
	all := []string{name, times, done, fmt.Sprintf("%d in flight", s.Live.Open), some(s.Iterations.Queued, "queued"), figures(speed.requests) + " req/s"}
	if s.tokens() > 0 {
		all = append(all, figures(speed.tokens)+" tok/s")
	}
	for _, l := range []struct {
		name string
		h    metrics.Histogram
	}{{"TTFT", s.Live.TTFT}, {"ITL", s.Live.ITL}, {"HTTP", s.Live.HTTP}} {
		if l.h.N > 0 {
			at := (&drawing{}).percentile(l.h)
			all = append(all, fmt.Sprintf("%s p50 %s p90 %s p99 %s ms", l.name, at(50), at(90), at(99)))
		}
	}
	all = append(all, failedIterations(s.Iterations.Failed), some(s.Iterations.Dropped, "dropped"), some(s.Iterations.Late, "late"))
	return parts(all...)
}

// some counts what is told only where there is any.
func some(n int64, what string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", n, what)
}

func failedIterations(n int64) string {
	if n == 0 {
		return ""
	}
	return plural(n, "iteration") + " failed"
}

// finished is what became of a case, in a line: as much of it as a width has room for; 0:
// all.
func finished(c *result.Case, number, of, width int, i ink) string {
	n := c.Counts
	ended := fmt.Sprintf("%d ok", n.Requests-n.RequestsFailed-n.RequestsCut)
	if n.RequestsFailed > 0 {
		ended += ", " + i.bad(fmt.Sprintf("%d FAILED", n.RequestsFailed))
	}
	if n.RequestsCut > 0 {
		ended += fmt.Sprintf(", %d cut", n.RequestsCut)
	}
	latency := func(name, of string) string {
		m := c.Metrics[of]
		if m == nil || m.P50 == nil || m.P99 == nil {
			return ""
		}
		return fmt.Sprintf("%s p50 %s p99 %s ms", name, supported(m, 50, *m.P50), supported(m, 99, *m.P99))
	}
	tokens := ""
	if c.Throughput.OutputTokens > 0 {
		tokens = figures(c.Throughput.OutputTokens) + " tok/s"
	}
	var rules []string
	for _, r := range c.Validity.Reasons {
		if r.Verdict != result.Valid {
			rules = append(rules, r.Rule)
		}
	}
	if len(rules) > 0 {
		rules = []string{"(" + strings.Join(rules, ", ") + ")"}
	}
	verdict := string(c.Validity.Verdict)
	all := []string{
		i.bold((&Snapshot{Case: number, Cases: of}).number() + " " + Harmless(c.Title())),
		fmt.Sprintf("%.1f s", c.Duration), ended, figures(c.Throughput.Requests) + " req/s", tokens,
		latency("TTFT", "ttft"), latency("ITL", "itl"), latency("TPOT", "tpot"), latency("HTTP", "http_req_duration"),
		i.verdict(c.Validity.Verdict, strings.Join(append([]string{verdict}, rules...), " ")),
	}
	for _, least := range []int{9, 1, 6, 7, 3, 5, 8, 4, 0} {
		if width == 0 || columns(parts(slices.Clone(all)...)) <= width {
			break
		}
		switch least {
		case 9: // at least the verdict itself
			all[least] = i.verdict(c.Validity.Verdict, verdict)
		case 0: // of the name, what there is room for
			room := width - columns(parts(slices.Clone(all[1:])...)) - 3
			all[0] = i.bold(text.Trim(text.StripEscape(all[0]), max(room, 8)) + "…")
		default:
			all[least] = ""
		}
	}
	return parts(all...)
}

// supported writes a percentile, marked when it is of too few samples to be known.
func supported(m *result.Metric, p, v float64) string {
	if m.Supports(p) {
		return figures(v)
	}
	return vague + figures(v)
}
