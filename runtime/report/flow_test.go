package report

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/runtime/chart"
	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

// A steady load is drawn as one from the begin of a case to its end, however the buckets
// divide its time.
func TestSteadyLoad(t *testing.T) {
	f := func(requests int, every time.Duration, tokens int, itl time.Duration) {
		t.Helper()
		load := resulttest.Load{Case: 1, Requests: requests, Tokens: tokens, Every: every, TTFT: 5 * itl, ITL: itl}
		for _, figure := range Load(resulttest.Folder(t, sized(load), load.All(), nil), English).Case(0) {
			var want float64
			switch figure.ID {
			case "case-1-rates":
				want = 1 / every.Seconds()
			case "case-1-tokens":
				want = float64(tokens) / every.Seconds()
			default:
				continue
			}
			for _, s := range figure.Chart.Series {
				if n := len(s.Points); n < 16 || n > 150 {
					t.Errorf("%d requests each %v: %s has %d points", requests, every, figure.ID, n)
				}
				// The first requests do not end at once, nor do the last ones begin late.
				width := s.Points[1].X - s.Points[0].X
				from, to := width+2*(load.TTFT+time.Duration(tokens)*itl).Seconds(), (time.Duration(requests-1)*every).Seconds()-width
				for _, p := range s.Points {
					if p.Y > want*1.3 || p.X > from && p.X < to && p.Y < want*0.7 {
						t.Errorf("%d requests each %v: %s %s is %v at %v s, and should be about %v", requests, every, figure.ID, s.Name, p.Y, p.X, want)
					}
				}
			}
		}
	}
	f(700, 500*time.Millisecond, 24, 15*time.Millisecond)
	f(701, 497*time.Millisecond, 24, 15*time.Millisecond)
	f(1000, 10*time.Millisecond, 100, 20*time.Millisecond)
	f(5003, 3*time.Millisecond, 8, 2*time.Millisecond)
}

// Few requests have no rate; the curves say how many there have been.
func TestFew(t *testing.T) {
	load := resulttest.Load{Case: 1, Requests: 30, Tokens: 10, Every: time.Second, TTFT: 100 * time.Millisecond, ITL: 15 * time.Millisecond, Fail: 10}
	at := map[string]Figure{}
	for _, f := range Load(resulttest.Folder(t, sized(load), load.All(), nil), English).Case(0) {
		at[f.ID] = f
	}
	f := func(id, series string, when, want float64) {
		t.Helper()
		for _, s := range at[id].Chart.Series {
			if s.Name != series {
				continue
			}
			if s.Kind != chart.Step {
				t.Errorf("%s: %s is no curve of steps", id, series)
			}
			got := math.NaN()
			for _, p := range s.Points {
				if p.X <= when {
					got = p.Y
				}
			}
			if got != want {
				t.Errorf("%s: %s is %v after %v s, not %v", id, series, got, when, want)
			}
			return
		}
		t.Errorf("%s has no %s", id, series)
	}
	f("case-1-rates", "started", 9.9, 10)
	f("case-1-rates", "started", 40, 30)
	f("case-1-rates", "failed", 40, 3)
	f("case-1-rates", "completed", 40, 27)
	f("case-1-errors", "http_status", 40, 2)
	f("case-1-tokens", "output tokens", 0.05, 0)
	f("case-1-prompts", "prompt tokens", 1.9, 1024)
}

// What has another unit or another meaning is not put together.
func TestKindsApart(t *testing.T) {
	generating, plain := resulttest.LLMCase("chat", 50, 100), resulttest.HTTPCase("plain")
	both := resulttest.LLMCase("both", 50, 100)
	both.Metrics["http_req_duration"] = plain.Metrics["http_req_duration"]
	plain2 := resulttest.HTTPCase("more")
	load := resulttest.Load{Case: 3, Requests: 200, Tokens: 10, Every: 10 * time.Millisecond, TTFT: 100 * time.Millisecond, ITL: 10 * time.Millisecond}
	d := Load(resulttest.Folder(t, resulttest.Run(generating, plain, both, plain2), mixed(load), nil), English)
	units := map[string]string{}
	for _, f := range d.Overview() {
		units[f.ID] = f.Chart.X.Unit
	}
	if units["latency-ttft"] != "tokens/s" || units["latency-http_req_duration"] != "requests/s" {
		t.Errorf("throughput is in %v", units)
	}
	rows := map[string]string{}
	for _, f := range d.Case(2) {
		if f.ID == "case-3-cdf" {
			for _, row := range f.Table.Rows {
				rows[row[0]] = fmt.Sprint(row[1], " ", row[len(row)-1])
			}
		}
	}
	if rows["http_req_duration"] != "100 2" || rows["E2EL"][:4] != "100 " || rows["E2EL"] == "100 2" {
		t.Errorf("samples and maxima: %v", rows)
	}
	kinds := map[bool]int{}
	for _, r := range d.Slowest(2) {
		kinds[slices.Contains(r.Why, SlowPlain)]++
		if slices.Contains(r.Why, SlowPlain) != (r.E2EL == nil) {
			t.Errorf("%+v", r)
		}
	}
	if kinds[true] == 0 || kinds[false] == 0 {
		t.Errorf("of the slowest, %d are plain and %d are not", kinds[true], kinds[false])
	}
}

// mixed makes every second request a plain one of 2 ms.
func mixed(load resulttest.Load) iter.Seq[*result.Request] {
	return func(yield func(*result.Request) bool) {
		for q := range load.All() {
			if q.Iteration%2 == 1 {
				q.Kind, q.End, q.TokenGaps, q.OutputTokens, q.InputTokens = "http", new(int64(2000)), q.TokenGaps[:0], nil, nil
				q.EndedAt = q.Started + 2_000_000
			}
			if !yield(q) {
				return
			}
		}
	}
}

// Repetitions of a case can be told apart everywhere.
func TestRepetitions(t *testing.T) {
	var cases []*result.Case
	for i := range 3 {
		c := resulttest.LLMCase("chat", 50, 100)
		c.Repeat = i + 1
		cases = append(cases, c)
	}
	run := resulttest.Run(cases...)
	text := texts(t, page(t, run, English))
	for _, name := range []string{"chat #1", "chat #2", "chat #3"} {
		if n := strings.Count(text, name); n < 3 { // contents, table, title
			t.Errorf("%s is there %d times", name, n)
		}
	}
	for _, f := range Load(&result.Run{Result: run}, English).Overview() {
		labels := 0
		for _, s := range f.Chart.Series {
			for _, p := range s.Points {
				if p.Label != "" {
					labels++
				}
			}
		}
		if labels != 1 {
			t.Errorf("%s has the same label at %d points", f.ID, labels)
		}
	}
}

// A window is counted from the start of the first request, which may be long after the
// begin of its case.
func TestShadesOfLateStart(t *testing.T) {
	load := resulttest.Load{Case: 1, Requests: 100, Tokens: 5, Every: 100 * time.Millisecond, TTFT: 10 * time.Millisecond, ITL: 10 * time.Millisecond}
	late := func(yield func(*result.Request) bool) {
		for q := range load.All() {
			q.Started += 5_000_000_000
			q.ScheduledAt += 5_000_000_000
			q.EndedAt += 5_000_000_000
			if !yield(q) {
				return
			}
		}
	}
	r := sized(load)
	r.Cases[0].Windows = map[string]*result.Window{result.WindowSteady: {Found: true, From: 1, To: 9}}
	for _, f := range Load(resulttest.Folder(t, r, late, nil), English).Case(0) {
		if s := f.Chart.Shades; f.Group != "" && (len(s) != 2 || math.Abs(s[0].To-6) > 0.01 || math.Abs(s[1].From-14) > 0.01) {
			t.Errorf("%s: shades %+v", f.ID, s)
		}
	}
}

// Where a share of the requests was kept, what is counted stands for all of them.
func TestShareOfRequests(t *testing.T) {
	load := resulttest.Load{Case: 1, Requests: 4000, Tokens: 10, Every: 5 * time.Millisecond, TTFT: 50 * time.Millisecond, ITL: 10 * time.Millisecond}
	fourth := func(yield func(*result.Request) bool) {
		for q := range load.All() {
			if q.Iteration%4 == 0 && !yield(q) {
				return
			}
		}
	}
	r := sized(load)
	r.Cases[0].Kept = &result.Kept{Requests: 1000, Of: 4000, Every: 4}
	f := func(figure Figure, series string, want float64) {
		t.Helper()
		for _, s := range figure.Chart.Series {
			if s.Name == series {
				if got := s.Points[len(s.Points)/2].Y; math.Abs(got-want) > 0.1*want {
					t.Errorf("%s: %s is %v in the middle, not about %v", figure.ID, series, got, want)
				}
			}
		}
		if !strings.Contains(figure.Caption, "stands for 4") {
			t.Errorf("%s does not say that it is an estimate: %s", figure.ID, figure.Caption)
		}
	}
	for _, figure := range Load(resulttest.Folder(t, r, fourth, nil), English).Case(0) {
		switch figure.ID {
		case "case-1-rates":
			f(figure, "started", 200)
			f(figure, "completed", 200)
		case "case-1-tokens":
			f(figure, "output tokens", 2000)
		case "case-1-in-flight":
			f(figure, "mean", 200*0.14) // Little's law
		case "case-1-cdf":
			if !strings.Contains(figure.Caption, "From 1,000 of 4,000 requests") {
				t.Errorf("%s", figure.Caption)
			}
		}
	}
}
