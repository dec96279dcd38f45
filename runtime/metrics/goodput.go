package metrics

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"weir/runtime/result"
	"weir/runtime/suggest"
)

// SLOs are the most that latencies of one request may be, in milliseconds, by
// their names, which are those of the metrics: SLONames. A request that keeps
// all of them is good.
type SLOs map[string]float64

// The latencies that there can be an SLO for, in the order in which they are shown.
const (
	sloTTFT = iota
	sloTTFO
	sloTPOT
	sloE2EL
	sloTTFTFromSchedule
	sloTTFOFromSchedule
	sloE2ELFromSchedule
	sloLatencies // how many there are
)

// SLONames are the names that SLOs can have.
var SLONames = []string{
	sloTTFT:             "ttft",
	sloTTFO:             "ttfo",
	sloTPOT:             "tpot",
	sloE2EL:             "e2el",
	sloTTFTFromSchedule: "ttft_from_schedule",
	sloTTFOFromSchedule: "ttfo_from_schedule",
	sloE2ELFromSchedule: "e2el_from_schedule",
}

// CheckSLO tells what is wrong with one SLO.
func CheckSLO(name string, limit float64) error {
	if !slices.Contains(SLONames, name) {
		hint := ""
		if near := suggest.Nearest(name, SLONames); near != "" {
			hint = "did you mean " + near + "? "
		}
		return fmt.Errorf("%sthere is no SLO %q, only %s", hint, name, strings.Join(SLONames, ", "))
	}
	if !(limit > 0) || math.IsInf(limit, 1) {
		return fmt.Errorf("the SLO of %s must be more than 0 ms, got %v", name, limit)
	}
	return nil
}

// limits are SLOs by number; 0: none.
type limits [sloLatencies]float64

func (s SLOs) limits() (l limits) {
	for i, name := range SLONames {
		l[i] = s[name]
	}
	return l
}

// sloOutcome says what came of a request that was held against SLOs: a bit for
// each SLO that it missed, and those below. 0: it was held against none.
type sloOutcome uint16

const (
	judged    sloOutcome = 1 << (sloLatencies + iota)
	notServed            // the request failed
)

func (j sloOutcome) good() bool { return j == judged }

// judge holds a record against SLOs. Plain HTTP requests have none of the
// latencies, and requests that were cut off with their iteration ended by no
// fault of the service: both are left out.
func (l *limits) judge(rec *Record) sloOutcome {
	switch {
	case *l == limits{}, rec.Kind == KindHTTP:
		return 0
	case rec.Error == nil:
	case interrupted(rec.Error):
		return 0
	default:
		return judged | notServed
	}
	j := judged
	wait := max(0, rec.waited())
	for i, limit := range l {
		if limit > 0 && !(atMost(rec, i, wait) <= limit) {
			j |= 1 << i
		}
	}
	return j
}

// waited is how long after its schedule the request started; 0 without one.
func (r *Record) waited() time.Duration {
	if at := r.scheduled(); !at.IsZero() {
		return r.Started.Sub(at)
	}
	return 0
}

// atMost is a latency of a completed request in ms: what was measured, or the
// most that it can have been where only that is known. It is infinite for
// output that never came.
func atMost(rec *Record, latency int, wait time.Duration) float64 {
	n := len(rec.Events)
	streamed := n > 0 && !rec.Whole
	end := rec.End.Sub(rec.Started)
	if n > 0 {
		end = rec.Events[n-1].At
	}
	switch latency {
	case sloTTFTFromSchedule:
		return atMost(rec, sloTTFT, 0) + ms(wait)
	case sloTTFOFromSchedule:
		return atMost(rec, sloTTFO, 0) + ms(wait)
	case sloE2ELFromSchedule:
		return atMost(rec, sloE2EL, 0) + ms(wait)
	case sloTTFT:
		if streamed {
			return ms(rec.Events[0].At) // an upper bound where it is not Timed
		}
	case sloTTFO:
		switch {
		case streamed && rec.FirstOutput == 0:
			return math.Inf(1)
		case streamed:
			return ms(rec.Events[rec.FirstOutput-1].At)
		}
	case sloTPOT:
		switch {
		case rec.Output.N <= 1, streamed && n == 1:
			return 0 // nothing was waited for after the first token
		case streamed && rec.Events[0].Timed():
			end -= rec.Events[0].At
		}
		return ms(end) / float64(rec.Output.N-1)
	}
	return ms(end)
}

// goodput is what is added up over judged records.
type goodput struct {
	requests, good int64
	tokens         int64 // output tokens of good requests
	failed         int64
	missed         [sloLatencies]int64
}

func (g *goodput) add(j sloOutcome, outputTokens int) {
	if j&judged == 0 {
		return
	}
	g.requests++
	switch {
	case j.good():
		g.good++
		g.tokens += int64(outputTokens)
	case j&notServed != 0:
		g.failed++
	}
	for i := range g.missed {
		if j&(1<<i) != 0 {
			g.missed[i]++
		}
	}
}

func (g *goodput) merge(o *goodput) {
	g.requests += o.requests
	g.good += o.good
	g.tokens += o.tokens
	g.failed += o.failed
	for i := range g.missed {
		g.missed[i] += o.missed[i]
	}
}

// result makes what the case shows; slos are those that all of its requests were
// held against, none when its parts have some of their own.
func (g *goodput) result(slos limits, seconds float64) *result.Goodput {
	r := &result.Goodput{
		Missed:   map[string]int64{"failed": g.failed},
		Requests: g.requests, Good: g.good,
		PerSecond: perSecond(float64(g.good), seconds), OutputTokens: perSecond(float64(g.tokens), seconds),
	}
	if g.requests > 0 {
		r.Share = new(float64(g.good) / float64(g.requests))
	}
	for i, name := range SLONames {
		if slos[i] > 0 {
			if r.SLO == nil {
				r.SLO = map[string]float64{}
			}
			r.SLO[name] = slos[i]
		}
		if slos[i] > 0 || g.missed[i] > 0 {
			r.Missed[name] = g.missed[i]
		}
	}
	return r
}

// goodputMetric is the same as a metric, for thresholds.
func goodputMetric(g *result.Goodput) *result.Metric {
	missed := float64(g.Requests - g.Good)
	return &result.Metric{Kind: kindGoodput, N: g.Requests, Rate: g.Share, PerSecond: &g.PerSecond, Missed: &missed}
}
