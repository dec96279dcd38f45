package metrics

import (
	"iter"
	"math"
	"slices"
	"sort"
	"time"

	"weir/runtime/result"
)

// Recompute computes a case from its records, by the definitions of a case that runs: its
// metrics, throughput, goodput, counts and errors of requests, growth and sources. What
// only the run knows is missing: iterations, checks, custom metrics, the client and the
// verdict. requests are gone through twice, in any order, and not kept; of options only
// ExactLimit and SLOs count. Whether a gap overlaps a prefill (itl_decode) is decided
// without the bounds of a running case, and a prefill begins with its request's start.
func Recompute(requests iter.Seq[*Record], o Options) *result.Case {
	r := NewRecorder(Options{ExactLimit: o.ExactLimit, SLOs: o.SLOs})
	p := r.replay(requests)
	for rec := range requests {
		p.take(rec, r.slos.judge(rec))
	}
	c := r.Finish(result.Counts{}, nil, Rules{})
	c.Validity, c.Thresholds = result.Validity{}, nil
	delete(c.Metrics, "iteration_failed")
	return c
}

// replay takes records of the past into a recorder.
type replay struct {
	recorder *Recorder
	ended    []interval // prefills, as those of a prefillLog
	starts   []int64    // of requests, ascending
	base     int64      // number of the first request that counts
	partial  bool       // not all requests are there, so that no gap is known to overlap no prefill
}

// replay looks at all requests, before those that count are taken.
func (r *Recorder) replay(requests iter.Seq[*Record]) *replay {
	p := &replay{recorder: r}
	first := true
	for rec := range requests {
		if rec.Started.IsZero() {
			continue
		}
		if first {
			r.origin, first = rec.Started, false
		}
		at := int64(rec.Started.Sub(r.origin))
		p.starts = append(p.starts, at)
		if rec.Kind == KindLLM {
			end := rec.End
			if len(rec.Events) > 0 {
				end = rec.EventTime(0)
			}
			p.ended = append(p.ended, interval{at - int64(rec.early), max(at, int64(end.Sub(r.origin)))})
		}
	}
	slices.Sort(p.starts)
	slices.SortFunc(p.ended, func(a, b interval) int { return int(min(1, max(-1, a.start-b.start))) })
	p.ended = union(p.ended)
	return p
}

// union merges ascending intervals that touch.
func union(list []interval) []interval {
	to := list[:0]
	for _, v := range list {
		if last := len(to) - 1; last >= 0 && v.start <= to[last].end {
			to[last].end = max(to[last].end, v.end)
			continue
		}
		to = append(to, v)
	}
	return to
}

// take takes a record, and what came of it under its SLOs.
func (p *replay) take(rec *Record, j sloOutcome) {
	s := &p.recorder.shards[0]
	rec.logged = false
	rec.Output = output(rec)
	rec.number = max(0, p.rank(rec.Started)-p.base)
	s.take(rec, j)
	if rec.Error != nil && !interrupted(rec.Error) {
		p.recorder.group("request", rec.Error.Kind, rec.Error.Status, rec.Error.Message)
	}
	if p.partial {
		return
	}
	s.clear = s.clear[:0]
	for _, gap := range s.gaps {
		i := sort.Search(len(p.ended), func(i int) bool { return p.ended[i].end >= gap.start })
		if i == len(p.ended) || p.ended[i].start > gap.end {
			s.clear = append(s.clear, gap.end-gap.start)
		}
	}
	s.decodeGaps()
}

// rank is how many requests had started before a time.
func (p *replay) rank(at time.Time) int64 {
	since := int64(at.Sub(p.recorder.origin))
	return int64(sort.Search(len(p.starts), func(i int) bool { return p.starts[i] >= since }))
}

// arrived adds up what came in a window of time, also of requests that began before it.
type arrived struct {
	from, to time.Time

	requests, llm, generations, good int64   // that completed in it
	input, output, goodOutput        float64 // tokens
}

func (a *arrived) in(at time.Time) bool { return !at.Before(a.from) && at.Before(a.to) }

// add takes a completed request.
func (a *arrived) add(rec *Record, j sloOutcome) {
	if rec.Error != nil || rec.Started.IsZero() {
		return
	}
	ended := a.in(rec.End)
	first := rec.End
	if len(rec.Events) > 0 {
		first = rec.EventTime(0)
	}
	if ended {
		a.requests++
	}
	if rec.Kind != KindHTTP {
		if ended {
			a.llm++
		}
		if a.in(first) {
			a.input += float64(rec.Input.N)
		}
	}
	tokens := 0.0
	if rec.Kind == KindLLM {
		if ended {
			a.generations++
		}
		tokens = a.tokens(rec)
		a.output += tokens
	}
	if j.good() {
		a.goodOutput += tokens
		if ended {
			a.good++
		}
	}
}

// tokens are the output tokens that came in the window: the events' share of them.
func (a *arrived) tokens(rec *Record) float64 {
	from, to := a.from.Sub(rec.Started), a.to.Sub(rec.Started)
	all, inside := 0, 0
	for _, e := range rec.Events {
		n := max(e.Tokens(), 1)
		all += n
		if e.At >= from && e.At < to {
			inside += n
		}
	}
	if all == 0 {
		return 0
	}
	return float64(output(rec).N) * float64(inside) / float64(all)
}

// describe makes the totals of a window those that came in it; of requests that are kept
// one stands for several.
func (a *arrived) describe(c *result.Case, each float64) {
	seconds := a.to.Sub(a.from).Seconds()
	count := func(n int64) int64 { return int64(math.Round(float64(n) * each)) }
	c.Metrics["requests"] = counter("requests", count(a.requests), math.Round(float64(a.requests)*each), seconds)
	if a.llm > 0 {
		c.Metrics["prompt_tokens"] = counter("tokens", count(a.llm), a.input*each, seconds)
	}
	if a.generations > 0 {
		c.Metrics["generated_tokens"] = counter("tokens", count(a.generations), a.output*each, seconds)
	}
	c.Throughput = result.Throughput{
		Requests:     perSecond(float64(a.requests)*each, seconds),
		InputTokens:  perSecond(a.input*each, seconds),
		OutputTokens: perSecond(a.output*each, seconds),
		TotalTokens:  perSecond((a.input+a.output)*each, seconds),
	}
	if g := c.Goodput; g != nil {
		g.PerSecond = perSecond(float64(a.good)*each, seconds)
		g.OutputTokens = perSecond(a.goodOutput*each, seconds)
		c.Metrics["goodput"] = goodputMetric(g)
	}
}
