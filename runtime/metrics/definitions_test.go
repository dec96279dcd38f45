package metrics_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/wire"
)

// Three generations, worked out by hand:
//
//	     start  token events       end  tokens in/out
//	A        0  100 120 150 150    160  10/7
//	B      110  210 230 238 245    246  20/8
//	C      240  300                301   5/1
//
// and the averages, standard deviations and percentiles with numpy 2.4:
//
//	np.mean(v), np.std(v), np.percentile(v, [50, 75, 90, 95, 99, 99.9])
//	ttft = [100, 100, 60]; itl = [20, 30, 0, 20, 8, 7]; ttst = [20, 20]
//	e2el = [150, 135, 60]; tpot = [50/6, 35/7]; tokens_per_event = [7/4, 8/4, 1]
//
// itl_decode: the prefills are [0,100], [110,210] and [240,300]. A's gaps
// [100,120], [120,150] and [150,150] touch the first two, B's [210,230] touches
// its own and [238,245] C's. [230,238] is left.
func TestDefinitionsOfGenerations(t *testing.T) {
	c := finish(t, result.Counts{Started: 3, Completed: 3}, []request{
		{start: 0, head: 40, events: []float64{100, 120, 150, 150}, output: 120, end: 160, edit: usage(10, 7)},
		{start: 110, head: 140, events: []float64{210, 230, 238, 245}, end: 246, edit: usage(20, 8)},
		{start: 240, head: 299, events: []float64{300}, end: 301, edit: usage(5, 1)},
	})
	holds(t, c, "ttft", 3, 260.0/3, 60, 100, 18.856180831641264, 100, 100, 100, 100, 100, 100)
	holds(t, c, "ttfo", 3, 280.0/3, 60, 120) // A's first event is reasoning: 120, 100, 60
	holds(t, c, "ttst", 2, 20, 20, 20, 0)
	holds(t, c, "itl", 6, 85.0/6, 0, 30, 10.073342157507716, 14, 20, 25, 27.5, 29.5, 29.95)
	holds(t, c, "itl_decode", 1, 8, 8, 8)
	holds(t, c, "e2el", 3, 115, 60, 150, 39.370039370059054, 135, 142.5, 147, 148.5, 149.7, 149.97)
	holds(t, c, "tpot", 2, 20.0/3, 5, 25.0/3)
	holds(t, c, "tpot_from_second", 2, 4.25, 2.5, 6) // A: 30/5, B: 15/6
	holds(t, c, "decode_per_token", 2, (50.0/7+35.0/8)/2, 35.0/8, 50.0/7)
	holds(t, c, "decode_speed", 2, (7/0.05+8/0.035)/2, 7/0.05, 8/0.035)
	holds(t, c, "tokens_per_event", 3, 4.75/3, 1, 2)
	holds(t, c, "response_head", 3, 43, 30, 59)
	holds(t, c, "input_tokens", 3, 35.0/3, 5, 20)
	holds(t, c, "output_tokens", 3, 16.0/3, 1, 8)
	for _, absent := range []string{"start_lag", "ttft_from_schedule", "http_req_duration", "connect_time", "cached_tokens", "checks"} {
		if c.Metrics[absent] != nil {
			t.Errorf("%s has samples, but there is nothing that it could be made of", absent)
		}
	}

	// First start 0, last end 301: 16 output and 35 input tokens in 0.301 s.
	if !near(c.Duration, 0.301) {
		t.Errorf("duration %v s, want 0.301", c.Duration)
	}
	want := result.Throughput{Requests: 3 / 0.301, InputTokens: 35 / 0.301, OutputTokens: 16 / 0.301, TotalTokens: 51 / 0.301}
	if !near(c.Throughput.Requests, want.Requests) || !near(c.Throughput.InputTokens, want.InputTokens) ||
		!near(c.Throughput.OutputTokens, want.OutputTokens) || !near(c.Throughput.TotalTokens, want.TotalTokens) {
		t.Errorf("throughput %+v, want %+v", c.Throughput, want)
	}
	if got := c.Metrics["generated_tokens"]; got == nil || *got.Sum != 16 || !near(*got.Rate, 16/0.301) {
		t.Errorf("generated_tokens %+v, want 16 in all", got)
	}
	if got := *c.Metrics["request_failed"].Rate; got != 0 {
		t.Errorf("request_failed %v, want 0", got)
	}
}

// Failed and interrupted requests are counted and take time, but have no part in
// the latencies and throughputs; and their prefills were prefills all the same.
//
//	A  completes: 0, 10 20 40 50, end 60
//	B  fails:     15, 18 19, end 100 (truncated)
//	C  is cut:    45, no token, end 90
//
// A's gaps: [10,20] touches A's prefill [0,10], [20,40] is clear of B's [15,18],
// [40,50] touches C's [45,90].
func TestFailedAndInterruptedRequests(t *testing.T) {
	c := finish(t, result.Counts{Started: 4, Completed: 1, IterationFailed: 1, Interrupted: 2}, []request{
		{start: 0, events: []float64{10, 20, 40, 50}, end: 60, edit: usage(10, 4)},
		{start: 15, events: []float64{18, 19}, end: 100, err: "truncated", edit: usage(10, 2)},
		{start: 45, end: 90, err: "interrupted"},
	})
	holds(t, c, "ttft", 1, 10)
	holds(t, c, "itl", 3, 40.0/3)
	holds(t, c, "itl_decode", 1, 20)
	holds(t, c, "output_tokens", 1, 4)
	if c.Duration != 0.1 {
		t.Errorf("duration %v s, want 0.1: until the failed request ended", c.Duration)
	}
	if !near(c.Throughput.OutputTokens, 40) || !near(c.Throughput.Requests, 10) {
		t.Errorf("throughput %+v, want 10 requests and 40 tokens a second", c.Throughput)
	}
	if c.Counts.Requests != 3 || c.Counts.RequestsFailed != 1 || c.Counts.RequestsCut != 1 {
		t.Errorf("counts %+v, want 3 requests, one failed and one interrupted", c.Counts)
	}
	if got := c.Metrics["request_failed"]; got.N != 2 || *got.Rate != 0.5 {
		t.Errorf("request_failed %v of %d, want 0.5 of 2: an interrupted request is neither", *got.Rate, got.N)
	}
	if got := c.Metrics["iteration_failed"]; got.N != 2 || *got.Rate != 0.5 {
		t.Errorf("iteration_failed %v of %d, want 0.5 of 2", *got.Rate, got.N)
	}
	if len(c.Errors) != 1 || c.Errors[0] != (result.ErrorGroup{Scope: "request", Kind: "truncated", Count: 1, Message: "truncated failed"}) {
		t.Errorf("errors %+v, want the truncated request alone", c.Errors)
	}
}

// Events that were read together, worked out by hand. Numbers behind @ are reads:
//
//	    start  token events                       out  first token
//	A       0  10@1 50@2 50@2 50@2 70@3             5  measured
//	B       0  30@1 30@1 50@2                       3  an upper bound
//	C       0  40@1 40@1 40@1                       6  an upper bound, nothing after it
//	D       0  20@1 60@2 60@2 80@3                  4  measured, the second is not
//
// Shared events end no gap and begin none: A has 10→50 and 50→70, B 30→50, D
// 20→60 and 60→80.
func TestSharedEvents(t *testing.T) {
	first := func(rec *metrics.Record) { usage(1, len(rec.Events))(rec) }
	scheduled := func(out int) func(*metrics.Record) {
		return func(rec *metrics.Record) {
			usage(1, out)(rec)
			rec.Iteration = &metrics.Iteration{Scheduled: rec.Started}
		}
	}
	c := finish(t, result.Counts{}, []request{
		{events: []float64{10, 50, 50, 50, 70}, reads: []uint64{1, 2, 2, 2, 3}, lags: []float64{1, 9, 9, 9, 2}, end: 70, edit: scheduled(5)},
		{events: []float64{30, 30, 50}, reads: []uint64{1, 1, 2}, lags: []float64{4, 4, 3}, end: 50, edit: scheduled(3)},
		{events: []float64{40, 40, 40}, reads: []uint64{1, 1, 1}, end: 40, user: true, edit: scheduled(6)},
		{events: []float64{20, 60, 60, 80}, reads: []uint64{1, 2, 2, 3}, end: 80, user: true, edit: first},
	})
	holds(t, c, "ttft", 2, 15, 10, 20)
	holds(t, c, "ttft_upper_bound", 2, 35, 30, 40)
	holds(t, c, "ttfo", 2, 15, 10, 20)
	holds(t, c, "ttft_from_schedule", 1, 10)
	holds(t, c, "ttfo_from_schedule", 1, 10)
	holds(t, c, "e2el", 4, 60, 40, 80)
	holds(t, c, "e2el_from_schedule", 3, 160.0/3, 40, 70)
	holds(t, c, "tpot", 2, 17.5, 15, 20) // A: 60/4, D: 60/3
	holds(t, c, "decode_per_token", 2, 13.5, 12, 15)
	holds(t, c, "decode_speed", 2, 75, 4/0.06, 5/0.06)
	holds(t, c, "itl", 5, 28, 20, 40)              // 40 20, 20, 40 20
	holds(t, c, "read_lag", 5, 19.0/5, 1, 9)       // A: 1 9 2, B: 4 3
	holds(t, c, "tokens_per_event", 4, 1.25, 1, 2) // C: 6/3
	holds(t, c, "tpot_from_second", 1, 20)         // B: (50 − 30)/1; A's and D's second is shared, C has two too
	if m := c.Metrics["ttst"]; m != nil {
		t.Errorf("ttst has %d samples, want none: no first and second token were both measured", m.N)
	}
	if want := (result.TokenEvents{All: 15, Shared: 2 + 1 + 2 + 1, FirstShared: 2}); c.TokenEvents != want {
		t.Errorf("token events %+v, want %+v", c.TokenEvents, want)
	}
	if c.Stamps["kernel"] != 8 || c.Stamps["user"] != 7 {
		t.Errorf("stamps %v, want 8 of the kernel and 7 of our own", c.Stamps)
	}
}

// Where several events came in one read because the client was late, nobody knows
// the gaps between them; those around them are left out, and no other.
func TestReadLate(t *testing.T) {
	c := finish(t, result.Counts{}, []request{
		// 10→20, 20→60 with an event somewhere between, 60→80.
		{events: []float64{10, 20, 60, 60, 80}, reads: []uint64{1, 2, 3, 3, 4}, spreads: []float64{9, 9, 35, 35, 19}, end: 80, edit: usage(1, 5)},
		// The same, sent in one piece.
		{events: []float64{10, 20, 60, 60, 80}, reads: []uint64{1, 2, 3, 3, 4}, spreads: []float64{9, 9, 1, 1, 19}, end: 80, edit: usage(1, 5)},
		// The first two late; 60→90, the last one late with what is no token.
		{events: []float64{50, 50, 60, 90}, reads: []uint64{1, 1, 2, 3}, spreads: []float64{45, 45, 9, 20}, end: 90, edit: func(rec *metrics.Record) {
			usage(1, 4)(rec)
			rec.Followed(wire.Arrival{Read: 3})
		}},
	})
	holds(t, c, "itl", 2+3+1, 110.0/6, 10, 40) // 10 20, 10 40 20, 10
	holds(t, c, "tpot", 2, 17.5, 17.5, 17.5)
	holds(t, c, "e2el", 3, 250.0/3, 80, 90)
	if want := (result.TokenEvents{All: 14, Shared: 1 + 1 + 2, ReadLate: 1 + 2, FirstShared: 1}); c.TokenEvents != want {
		t.Errorf("token events %+v, want %+v", c.TokenEvents, want)
	}
}

// A first token event that came together with what shared its read has its time.
func TestFirstTogether(t *testing.T) {
	c := finish(t, result.Counts{}, []request{
		{events: []float64{50, 50, 60}, reads: []uint64{1, 1, 2}, spreads: []float64{0.5, 0.5, 9}, end: 60, edit: usage(1, 3)},
		{events: []float64{70, 70, 80}, reads: []uint64{1, 1, 2}, spreads: []float64{1.5, 1.5, 9}, end: 80, edit: usage(1, 3)},
	})
	holds(t, c, "ttft", 1, 50)
	holds(t, c, "ttfo", 1, 50)
	holds(t, c, "ttft_upper_bound", 1, 70)
	holds(t, c, "tpot", 1, 5)
	if want := (result.TokenEvents{All: 6, Shared: 2, ReadLate: 1, FirstShared: 1}); c.TokenEvents != want {
		t.Errorf("token events %+v, want %+v", c.TokenEvents, want)
	}
}

// The first output may be measured although the first token is not: reasoning
// and the first word of the answer were read together.
func TestFirstOutputBehindSharedReasoning(t *testing.T) {
	c := finish(t, result.Counts{}, []request{
		{events: []float64{30, 30.0, 50}, reads: []uint64{1, 1, 2}, end: 50, edit: func(rec *metrics.Record) { usage(1, 3)(rec); rec.FirstOutput = 2 }},
		{events: []float64{10, 40, 40}, reads: []uint64{1, 2, 2}, end: 50, edit: func(rec *metrics.Record) { usage(1, 3)(rec); rec.FirstOutput = 2 }},
	})
	holds(t, c, "ttfo", 1, 30)
	holds(t, c, "ttft", 1, 10)
}

// Connections are counted with the requests that they were opened for, or that
// they failed; each retransmission once.
func TestConnections(t *testing.T) {
	c := finish(t, result.Counts{}, []request{
		{events: []float64{1}, end: 2, edit: func(rec *metrics.Record) { usage(1, 1)(rec); rec.Connect, rec.Retransmits = duration(1), 3 }},
		{events: []float64{1}, end: 2, edit: func(rec *metrics.Record) { usage(1, 1)(rec); rec.Reused, rec.Connect = true, duration(2) }},
		{events: []float64{1}, end: 2, edit: func(rec *metrics.Record) { usage(1, 1)(rec); rec.Reused, rec.Retransmits = true, 1 }},
		{end: 2, err: "connect_timeout"},
		{end: 2, err: "dns"},
		{end: 2, err: "truncated"},
	})
	if want := (result.Connections{Opened: 2, Failed: 2, Retransmits: 4, Retransmitted: 2}); c.Connections != want {
		t.Errorf("connections %+v, want %+v", c.Connections, want)
	}
	holds(t, c, "connect_time", 2, 1.5, 1, 2) // the second was opened in advance
}

func TestTokenSources(t *testing.T) {
	var c *result.Case
	count := func(out metrics.Count) func(*metrics.Record) {
		return func(rec *metrics.Record) { rec.Output = out }
	}
	c = finish(t, result.Counts{}, []request{
		{start: 0, events: []float64{1, 2}, end: 3, edit: count(metrics.Count{N: 5, Source: metrics.CountUsage})},
		{start: 0, events: []float64{1, 2}, end: 3, edit: count(metrics.Count{N: 4, Source: metrics.CountTokenizer})},
		{start: 0, events: []float64{1, 2}, end: 3}, // one a event
		{start: 0, end: 3, edit: func(rec *metrics.Record) { // continuous usage
			rec.Token(wire.Arrival{At: rec.Started.Add(duration(1))}, 0)
			rec.Token(wire.Arrival{At: rec.Started.Add(duration(2))}, 3)
		}},
	})
	holds(t, c, "output_tokens", 4, (5+4+2+4)/4.0, 2, 5)
	if got := c.Tokens.Output; got["usage"] != 1 || got["tokenizer"] != 1 || got["events"] != 2 {
		t.Errorf("sources of output tokens %v, want usage 1, tokenizer 1, events 2", got)
	}
	if got := c.Tokens.Input; got["none"] != 4 {
		t.Errorf("sources of input tokens %v, want none 4", got)
	}
	if c.Metrics["input_tokens"] != nil {
		t.Error("input_tokens has samples although nobody counted")
	}
}

func TestFromSchedule(t *testing.T) {
	c := finish(t, result.Counts{}, []request{{
		start: 30, events: []float64{100, 110}, end: 120,
		edit: func(rec *metrics.Record) {
			rec.Iteration = &metrics.Iteration{Scheduled: rec.Started.Add(-duration(30))}
		},
	}})
	holds(t, c, "start_lag", 1, 30)
	holds(t, c, "ttft", 1, 70)
	holds(t, c, "ttft_from_schedule", 1, 100)
	holds(t, c, "ttfo_from_schedule", 1, 100)
	holds(t, c, "e2el_from_schedule", 1, 110)
}

// The wait for others' prefills is before the start, and in nothing that is counted from there.
func TestPrefillWait(t *testing.T) {
	c := finish(t, result.Counts{}, []request{
		{start: 30, events: []float64{100, 110}, end: 120, edit: func(rec *metrics.Record) {
			rec.Iteration = &metrics.Iteration{Scheduled: rec.Started.Add(-duration(30))}
			rec.PrefillWait = duration(20)
		}},
		{start: 40, events: []float64{100, 110}, end: 120},
	})
	holds(t, c, "prefill_wait", 1, 20)
	holds(t, c, "start_lag", 1, 30)
	holds(t, c, "ttft", 2, 65, 60, 70)
}

func TestPlainRequests(t *testing.T) {
	c := finish(t, result.Counts{}, []request{
		{kind: metrics.KindHTTP, start: 0, head: 8, end: 10, edit: func(rec *metrics.Record) {
			rec.DNS, rec.Connect, rec.TLS, rec.BytesOut, rec.BytesIn = duration(1), duration(2), duration(3), 100, 2000
		}},
		{kind: metrics.KindHTTP, start: 5, head: 20, end: 25, edit: func(rec *metrics.Record) {
			rec.Reused, rec.BytesOut, rec.BytesIn = true, 300, 4000
			rec.Stamp = metrics.StampKernel
			rec.Sent = rec.Started.Add(duration(3))
		}},
	})
	holds(t, c, "http_req_duration", 2, 15, 10, 20)
	holds(t, c, "http_req_waiting", 2, 11.5, 8, 15)
	holds(t, c, "dns_time", 1, 1)
	holds(t, c, "connect_time", 1, 2) // the second request's connection is not new
	holds(t, c, "upload_time", 1, 3)
	holds(t, c, "tls_time", 1, 3)
	holds(t, c, "request_bytes", 2, 200)
	holds(t, c, "response_bytes", 2, 3000)
	if c.Metrics["ttft"] != nil || c.Metrics["generated_tokens"] != nil {
		t.Error("plain requests have fed metrics of generations")
	}
	if c.Stamps["user"] != 1 || c.Stamps["kernel"] != 1 {
		t.Errorf("stamps %v, want one of each source", c.Stamps)
	}
}

// A failed connection never begins, and is a failed request all the same.
func TestNeverBegun(t *testing.T) {
	r := metrics.NewRecorder(metrics.Options{})
	rec := metrics.NewRecord()
	rec.Error = &metrics.Error{Kind: "connect", Message: "connection refused"}
	r.Close(rec)
	c := r.Finish(result.Counts{}, nil, metrics.Rules{})
	if c.Counts.Requests != 1 || c.Counts.RequestsFailed != 1 || c.Duration != 0 || r.Open() != 0 {
		t.Errorf("counts %+v, duration %v, open %d; want one failed request", c.Counts, c.Duration, r.Open())
	}
}

// itl_decode against its definition, word by word, over random requests that
// overlap, fail, have no tokens, are read late, and are closed in any order.
func TestDecodeGapsAgainstDefinition(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		requests := make([]request, 1+rng.IntN(40))
		for i := range requests {
			requests[i] = randomRequest(rng)
		}
		want := decodeGaps(requests)
		m := finish(t, result.Counts{}, requests).Metrics["itl_decode"]
		var got []float64
		if m != nil {
			for rank := range m.N {
				got = append(got, m.Quantile(100*float64(rank)/float64(max(m.N-1, 1))))
			}
		}
		if !slices.EqualFunc(got, want, func(a, b float64) bool { return a-b < 1e-7 && b-a < 1e-7 }) {
			t.Fatalf("seed %d: itl_decode %v, want %v\nrequests %+v", seed, got, want, requests)
		}
	}
}

func randomRequest(rng *rand.Rand) request {
	// Odd and even hundredths keep starts and events apart: a request that
	// begins in the very nanosecond of an event may be known only afterwards.
	q := request{start: float64(rng.IntN(2000)) + 0.01}
	now := q.start + 0.01
	if rng.IntN(10) > 0 {
		now = float64(int(now)+rng.IntN(80)+1) + 0.02
		for range 1 + rng.IntN(12) {
			q.events = append(q.events, now)
			now += float64(rng.IntN(30))
		}
		if rng.IntN(3) == 0 {
			q.firstSeen = q.events[0] + float64(rng.IntN(100))
		}
	}
	q.end = now + float64(rng.IntN(10))
	q.closed = max(q.end, q.firstSeen) + float64(rng.IntN(3)*rng.IntN(300))
	switch rng.IntN(8) {
	case 0:
		q.err = "stream_error"
	case 1:
		q.err = "interrupted"
	}
	return q
}

// decodeGaps is the definition: all gaps of completed requests, without those
// that overlap any request's prefill.
func decodeGaps(requests []request) []float64 {
	var clear []float64
	for _, q := range requests {
		if q.err != "" || len(q.events) == 0 {
			continue
		}
		for i := range q.events[1:] {
			start, end, overlaps := duration(q.events[i]), duration(q.events[i+1]), false
			for _, other := range requests {
				p0, p1 := duration(other.start), duration(other.end)
				if len(other.events) > 0 {
					p1 = duration(other.events[0])
				}
				overlaps = overlaps || start <= p1 && end >= p0
			}
			if !overlaps {
				clear = append(clear, float64(end-start)/1e6)
			}
		}
	}
	slices.Sort(clear)
	return clear
}

// A request that hangs holds back what cannot be decided, within bounds, while
// others go on; in the end all those gaps overlap its prefill.
func TestHangingPrefill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := metrics.NewRecorder(metrics.Options{})
		hangs := metrics.NewRecord()
		r.Begin(hangs)
		for range 300 {
			time.Sleep(time.Millisecond)
			rec := metrics.NewRecord()
			r.Begin(rec)
			for range 500 {
				time.Sleep(time.Millisecond)
				rec.Token(wire.Arrival{At: time.Now()}, 0)
			}
			r.Close(rec)
		}
		r.Close(hangs) // at once, like one that a time limit cut off
		c := r.Finish(result.Counts{}, nil, metrics.Rules{})
		if got := c.Metrics["itl"].N; got != 300*499 {
			t.Errorf("itl has %d samples, want %d", got, 300*499)
		}
		if m := c.Metrics["itl_decode"]; m != nil {
			t.Errorf("itl_decode has %d samples, want none: a prefill went on all the time", m.N)
		}
	})
}
