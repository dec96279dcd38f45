package serving

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/result"
)

// Compare sets what happened between two pages of a server beside the client's view
// of the case: before is of just before the load, after of just after it, polls are
// those in between, in order; [Snapshot.Slim] ones are enough. before and after may be
// nil: they could not be had. c is the finished case; nil: there is none to compare with.
func Compare(before, after *Snapshot, polls []*Snapshot, c *result.Case) result.Server {
	s := result.Server{Polls: int64(len(polls)), Gauges: gauges(polls)}
	for _, one := range append([]*Snapshot{before, after}, polls...) {
		if one != nil {
			s.URL, s.Kind = one.URL, one.Kind
			s.Engines = max(s.Engines, one.Engines)
			s.Models = append(s.Models, one.Models...)
		}
	}
	slices.Sort(s.Models)
	s.Models = slices.Compact(s.Models)
	switch {
	case before == nil:
		s.Error = "there is no page from before the load: differences are unknown"
		return s
	case after == nil:
		s.Error = "there is no page from after the load: differences are unknown"
		return s
	}
	window := after.At.Sub(before.At).Seconds()
	s.Window = &window
	if restarted(before, after, polls) {
		s.Restarted = true
		s.Notes = append(s.Notes, "the server was restarted during the case, or its counters were reset: differences are unknown")
		return s
	}
	d := subtract(before, after)
	d.describe(&s, c)
	if after.together {
		s.Notes = append(s.Notes, fmt.Sprintf("the page has several models (%s), whose numbers are together; an endpoint with a model has those of that one alone", strings.Join(s.Models, ", ")))
	}
	if c != nil {
		s.TTFT = parts(&s, c)
		s.Notes = append(s.Notes, doubts(s.Requests, s.PromptTokens, s.GenerationTokens)...)
	}
	return s
}

// gauges are the values of several pages. A gauge that one of them lacks has fewer.
func gauges(polls []*Snapshot) map[string]result.ValueStat {
	stats := map[string]result.ValueStat{}
	for _, p := range polls {
		for name, v := range p.gauges {
			g, seen := stats[name]
			if !seen {
				g.Min, g.Max = v, v
			}
			g.N++
			g.Avg += (v - g.Avg) / float64(g.N)
			g.Min, g.Max = min(g.Min, v), max(g.Max, v)
			stats[name] = g
		}
	}
	if len(stats) == 0 {
		return nil
	}
	return stats
}

// restarted tells whether a counter began anew between two pages that follow each other.
func restarted(before, after *Snapshot, polls []*Snapshot) bool {
	last := before
	for _, next := range append(slices.Clone(polls), after) {
		if last.started != 0 && next.started != 0 && last.started != next.started {
			return true
		}
		for key, old := range last.counters {
			if next.counters[key].v < old.v {
				return true
			}
		}
		if last.times != nil && next.times != nil && fewer(last.times, next.times) {
			return true
		}
		last = next
	}
	return fewer(before.times, after.times)
}

func fewer(last, next map[string]total) bool {
	for key, old := range last {
		if next[key].n < old.n {
			return true
		}
	}
	return false
}

// difference is what happened between two pages. A series that only the later one has
// began at 0: servers show many of them once there is something to count.
type difference struct {
	counts map[string]float64
	parts  map[string]map[string]float64 // of counts, by their label's value
	times  map[string]total
}

func subtract(before, after *Snapshot) difference {
	d := difference{map[string]float64{}, map[string]map[string]float64{}, map[string]total{}}
	for key, now := range after.counters {
		v := now.v - before.counters[key].v
		d.counts[now.what] += v
		if now.part != "" {
			if d.parts[now.what] == nil {
				d.parts[now.what] = map[string]float64{}
			}
			d.parts[now.what][now.part] += v
		}
	}
	for _, key := range slices.Sorted(maps.Keys(after.times)) { // sums of floating-point numbers, in one order
		now := after.times[key]
		now.minus(before.times[key])
		if all, several := d.times[now.what]; several {
			now.plus(all)
		}
		d.times[now.what] = now
	}
	return d
}

// minus subtracts an earlier histogram of the same series. Buckets that the earlier
// one has with other bounds are given up.
func (t *total) minus(old total) {
	t.n -= old.n
	t.sum -= old.sum
	if old.what == "" {
		return
	}
	t.combine(old.buckets, -1)
}

// plus adds another series.
func (t *total) plus(other total) {
	t.n += other.n
	t.sum += other.sum
	t.combine(other.buckets, 1)
}

func (t *total) combine(other []bucket, sign float64) {
	if !slices.EqualFunc(t.buckets, other, func(a, b bucket) bool { return a.bound == b.bound }) {
		t.buckets = nil
		return
	}
	t.buckets = slices.Clone(t.buckets)
	for i := range t.buckets {
		t.buckets[i].n += sign * other[i].n
	}
}

// count is a counter's difference; nil: the server does not tell.
func (d *difference) count(what string) *float64 {
	if v, told := d.counts[what]; told {
		return &v
	}
	return nil
}

// over is a quotient; nil where one of the two is unknown, or there is nothing to divide by.
func over(a, b *float64) *float64 {
	if a == nil || b == nil || *b <= 0 {
		return nil
	}
	q := *a / *b
	return &q
}

// describe fills in what the differences tell.
func (d *difference) describe(s *result.Server, c *result.Case) {
	d.requests(s, c)
	s.PromptTokens = d.tokens(promptIn, "prompt_tokens", c)
	s.GenerationTokens = d.tokens(generated, "generated_tokens", c)
	if h := (result.HitRate{Queries: d.count(queries), Hits: d.count(hits)}); h.Queries != nil && h.Hits != nil {
		h.Rate = over(h.Hits, h.Queries)
		s.PrefixCache = &h
	}
	s.Preemptions = d.count(preemptions)
	d.speculative(s)
	d.describeTimes(s)
}

func (d *difference) requests(s *result.Server, c *result.Case) {
	r := result.ServerRequests{Received: d.count(received), Finished: d.count(finished), Failed: d.count(failed), Reasons: d.parts[finished]}
	maps.DeleteFunc(r.Reasons, func(_ string, n float64) bool { return n == 0 })
	if r.Received == nil && r.Finished == nil {
		return
	}
	if c != nil {
		r.Client = &c.Counts.Requests
	}
	s.Requests = &r
}

func (d *difference) tokens(what, metric string, c *result.Case) *result.ServerTokens {
	n := d.count(what)
	if n == nil {
		return nil
	}
	t := &result.ServerTokens{Tokens: *n}
	if c != nil {
		t.PerSecond = over(n, &c.Duration)
		if m := c.Metrics[metric]; m != nil {
			t.Client = m.Sum
		}
	}
	return t
}

func (d *difference) speculative(s *result.Server) {
	x := result.Speculative{Drafts: d.count(drafts), DraftTokens: d.count(draftTokens), Accepted: d.count(accepted)}
	if x.DraftTokens == nil || *x.DraftTokens == 0 {
		return // it is not in use
	}
	x.Rate = over(x.Accepted, x.DraftTokens)
	if q := over(x.Accepted, x.Drafts); q != nil {
		length := 1 + *q
		x.Length = &length
	}
	positions := d.parts[acceptedPos]
	for i := range len(positions) {
		v, there := positions[strconv.Itoa(i)]
		rate := over(&v, x.Drafts)
		if !there || rate == nil {
			break
		}
		x.PerPosition = append(x.PerPosition, *rate)
	}
	s.Speculative = &x
}

func (d *difference) describeTimes(s *result.Server) {
	times := map[string]*result.ServerTime{}
	for what, t := range d.times {
		if t.n <= 0 {
			continue // nothing was measured
		}
		avg := t.sum / t.n
		times[what] = &result.ServerTime{N: &t.n, Sum: t.sum, Avg: &avg,
			P50: percentile(50, t.n, t.buckets), P90: percentile(90, t.n, t.buckets),
			P95: percentile(95, t.n, t.buckets), P99: percentile(99, t.n, t.buckets)}
	}
	for _, what := range []string{TPOT, E2EL, Queue, Prefill, Inference} {
		sum := d.count(what + sumSuffix)
		if sum == nil || times[what] != nil {
			continue
		}
		n := d.count(what + countSuffix)
		if n != nil && *n <= 0 || n == nil && *sum == 0 {
			continue
		}
		times[what] = &result.ServerTime{N: n, Sum: *sum, Avg: over(sum, n)}
	}
	if len(times) > 0 {
		s.Times = times
	}
}

// mean is the mean of a time; of one whose requests the server does not count, over
// those that the client saw end.
func mean(s *result.Server, what string, c *result.Case) *float64 {
	t := s.Times[what]
	switch {
	case t == nil:
		return nil
	case t.Avg == nil:
		n := float64(c.Counts.Requests)
		return over(&t.Sum, &n)
	}
	return t.Avg
}

// parts splits the client's mean time to first token.
func parts(s *result.Server, c *result.Case) *result.TTFTParts {
	m := c.Metrics["ttft"]
	if m == nil || m.Avg == nil {
		return nil
	}
	p := &result.TTFTParts{Client: *m.Avg, Server: mean(s, TTFT, c), Queue: mean(s, Queue, c), Prefill: mean(s, Prefill, c)}
	switch {
	case p.Server != nil:
		rest := p.Client - *p.Server
		p.Rest, p.RestOf = &rest, "server"
		if p.Queue != nil && p.Prefill != nil {
			front := *p.Server - *p.Queue - *p.Prefill
			p.FrontEnd = &front
		}
	case p.Prefill != nil && p.Queue != nil:
		rest := p.Client - *p.Queue - *p.Prefill
		p.Rest, p.RestOf = &rest, "queue+prefill"
	case p.Prefill != nil: // the rest has the queue in it
		rest := p.Client - *p.Prefill
		p.Rest, p.RestOf = &rest, "prefill"
	case p.Queue == nil:
		return nil
	}
	return p
}

// tokensApart is how far two counts of tokens may be from each other without a note:
// templates of chats, and requests that were cut off.
const tokensApart = 0.01

// doubts are notes about counts of the server that are not the client's.
func doubts(r *result.ServerRequests, prompt, generation *result.ServerTokens) []string {
	var notes []string
	if r != nil && r.Client != nil {
		n, what := cmp.Or(r.Received, r.Finished), "received"
		if r.Received == nil {
			what = "finished"
		}
		if *n != float64(*r.Client) {
			notes = append(notes, fmt.Sprintf("the server %s %s, weir saw %d end: others use the server too, or requests were under way when a page was read",
				what, requests(*n), *r.Client))
		}
	}
	for _, t := range []struct {
		*result.ServerTokens
		name, why string
	}{
		{prompt, "prompt", "others use the server too, requests failed or were cut off, or the two count differently (chat template, cached tokens)"},
		{generation, "output", "others use the server too, requests failed or were cut off, or the two count differently"},
	} {
		if t.ServerTokens == nil || t.Client == nil {
			continue
		}
		if a, b := t.Tokens, *t.Client; math.Abs(a-b) > tokensApart*max(a, b) {
			notes = append(notes, fmt.Sprintf("the server counts %.0f %s tokens, the client %.0f: %s", a, t.name, b, t.why))
		}
	}
	return notes
}

func requests(n float64) string {
	if n == 1 {
		return "1 request"
	}
	return fmt.Sprintf("%.0f requests", n)
}

// Several are the results of several pages of one case, such as of replicas behind one
// endpoint, or of the stages of a divided service. The client's numbers are of all of
// them together, so they are not set beside those of one.
func Several(all []result.Server) []result.Server {
	if len(all) < 2 {
		return all
	}
	for i := range all {
		s := &all[i]
		wrong := doubts(s.Requests, s.PromptTokens, s.GenerationTokens)
		s.Notes = slices.DeleteFunc(s.Notes, func(note string) bool { return slices.Contains(wrong, note) })
		s.TTFT = nil
		if s.Requests != nil {
			s.Requests.Client = nil
		}
		for _, t := range []*result.ServerTokens{s.PromptTokens, s.GenerationTokens} {
			if t != nil {
				t.Client = nil
			}
		}
	}
	return all
}
