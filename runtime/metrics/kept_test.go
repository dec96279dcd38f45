package metrics_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/wire"
)

// lives are requests of every kind that there is, as the recorder is given them.
func lives(base time.Time) map[string]*metrics.Record {
	at := func(ms float64) time.Time { return base.Add(duration(ms)) }
	stream := func(edit func(*metrics.Record)) *metrics.Record {
		rec := &metrics.Record{Started: at(5), Sent: at(5.1), HeadAt: at(20), End: at(300), Status: 200, FinishReason: "length",
			BytesOut: 1200, BytesIn: 4711, Reused: true, Stamp: metrics.StampKernel, FirstOutput: 2, Model: "m", Host: "10.0.0.1:8000",
			Input:  metrics.Count{N: 128, Source: metrics.CountUsage},
			Output: metrics.Count{N: 9, Source: metrics.CountTokenizer}, Cached: metrics.Count{N: 0, Source: metrics.CountUsage}}
		rec.Iteration = &metrics.Iteration{Scenario: "chat", Index: 7, VU: 3, Scheduled: at(4.25), Tags: map[string]string{"rate": "8"}}
		for i, e := range []float64{40, 55.0004, 70, 70, 99} {
			rec.Token(wire.Arrival{At: at(e), Kernel: true, Lag: duration(0.04 * float64(i)), Read: uint64(i + 1)}, 1+i%3)
		}
		edit(rec)
		return rec
	}
	fault := &metrics.Error{Kind: "http_status", Status: 503, Message: "busy: try later"}
	return map[string]*metrics.Record{
		"stream":       stream(func(*metrics.Record) {}),
		"no schedule":  stream(func(rec *metrics.Record) { rec.Iteration.Scheduled = time.Time{} }),
		"of the setup": stream(func(rec *metrics.Record) { rec.Iteration = nil }),
		"later":        stream(func(rec *metrics.Record) { rec.Iteration.Begun = new(atomic.Bool) }),
		"user's stamps": stream(func(rec *metrics.Record) {
			rec.Events = nil
			rec.Stamp = metrics.StampUser
			rec.Token(wire.Arrival{At: at(30)}, 0)
			rec.FirstOutput = 1
		}),
		"mixed stamps": stream(func(rec *metrics.Record) { rec.Token(wire.Arrival{At: at(120)}, 0) }),
		"together":     stream(func(rec *metrics.Record) { shared(rec, at(130), 100*time.Microsecond) }),
		"read late":    stream(func(rec *metrics.Record) { shared(rec, at(130), 8*time.Millisecond) }),
		"nobody saw":   stream(func(rec *metrics.Record) { shared(rec, at(130), 0) }),
		"first shared": stream(func(rec *metrics.Record) { rec.Events = nil; rec.FirstOutput = 1; shared(rec, at(40), 0) }),
		"first together": stream(func(rec *metrics.Record) {
			rec.Events = nil
			rec.FirstOutput = 1
			shared(rec, at(40), time.Microsecond)
		}),
		"all reasoning": stream(func(rec *metrics.Record) {
			rec.FirstOutput = 0
			rec.Reasoning = metrics.Count{N: 8, Source: metrics.CountUsage}
		}),
		"whole": stream(func(rec *metrics.Record) {
			rec.Whole, rec.Events, rec.FirstOutput, rec.Stamp = true, nil, 1, metrics.StampUser
			rec.Token(wire.Arrival{At: rec.End}, rec.Output.N)
		}),
		"new connection": stream(func(rec *metrics.Record) {
			rec.Reused, rec.Resent, rec.Retransmits = false, true, 3
			rec.DNS, rec.Connect, rec.TLS, rec.PrefillWait = 2*time.Millisecond, 3*time.Millisecond, 4*time.Millisecond, 5*time.Millisecond
		}),
		"failed": stream(func(rec *metrics.Record) { rec.Error, rec.Retried, rec.Status = fault, true, 503 }),
		"failed at once": {Status: 503, Started: at(1), HeadAt: at(2), End: at(3), Error: fault,
			Iteration: &metrics.Iteration{Scenario: "chat"}},
		"no connection": {End: at(9), Error: &metrics.Error{Kind: "connect", Message: "refused"},
			Iteration: &metrics.Iteration{Scenario: "chat", Scheduled: at(1)}},
		"http": {Kind: metrics.KindHTTP, Status: 204, Started: at(1), Sent: at(1.5), HeadAt: at(2), End: at(3), Stamp: metrics.StampKernel,
			Iteration: &metrics.Iteration{Scenario: "plain", VU: 1}},
		"pooling": {Kind: metrics.KindPooling, Status: 200, Started: at(1), HeadAt: at(2), End: at(3),
			Input: metrics.Count{N: 99, Source: metrics.CountUsage}, Iteration: &metrics.Iteration{}},
	}
}

// shared appends two events that one read has brought.
func shared(rec *metrics.Record, at time.Time, spread time.Duration) {
	for range 2 {
		rec.Token(wire.Arrival{At: at, Kernel: true, Lag: 3 * time.Millisecond, Read: 99, Spread: spread}, 1)
	}
}

func describe(rec *metrics.Record) *result.Request {
	q := new(result.Request)
	metrics.Describe(q, rec)
	for _, list := range []*[]int{&q.Tokens, &q.Shared, &q.ReadLate, &q.Unseen} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	for _, list := range []*[]int64{&q.TokenGaps, &q.ReadLags} {
		if len(*list) == 0 {
			*list = nil
		}
	}
	return q
}

// A record that is restored from its line makes the same line, and has the same latencies.
func TestRestore(t *testing.T) {
	for name, rec := range lives(time.Now()) {
		q := describe(rec)
		back := metrics.Restore(q)
		again := describe(back)
		if q.Stamp == "mixed" { // whose stamp an event has is known where it waited, and so is the whole
			again.Stamp = "mixed"
		}
		if q.ScheduledAt != 0 { // to the microsecond
			again.ScheduledAt = q.ScheduledAt
		}
		if !reflect.DeepEqual(q, again) {
			t.Errorf("%s: restored as\n%+v, want\n%+v", name, again, q)
		}
		for what, f := range map[string]func(*metrics.Record) (time.Duration, bool){
			"ttft": (*metrics.Record).TTFT, "tpot": (*metrics.Record).TPOT, "e2el": (*metrics.Record).E2EL,
		} {
			want, measured := f(rec)
			got, ok := f(back)
			if ok != measured || (got-want).Abs() > time.Microsecond {
				t.Errorf("%s: %s is %v %v, want %v %v", name, what, got, ok, want, measured)
			}
		}
		if got, want := gaps(back), gaps(rec); len(got) != len(want) {
			t.Errorf("%s: gaps %v, want %v", name, got, want)
		}
		if got, want := back.Later(), rec.Later(); got != want {
			t.Errorf("%s: later %v, want %v", name, got, want)
		}
	}
}

func gaps(rec *metrics.Record) (list []time.Duration) {
	for from, to := range rec.Gaps() {
		list = append(list, to-from)
	}
	return list
}

// A recorder gives back what it was given, as the file of records has it, to the microsecond.
func TestKeptRequests(t *testing.T) {
	r := metrics.NewRecorder(metrics.Options{KeptBytes: metrics.KeptBytes})
	var want []*result.Request
	var names []string
	for name, rec := range lives(time.Now()) {
		r.Announce(rec)
		want, names = append(want, describe(rec)), append(names, name)
		r.Close(rec)
	}
	i := 0
	for rec := range r.Requests() {
		got := describe(rec)
		for _, at := range []struct{ got, want *int64 }{{&got.ScheduledAt, &want[i].ScheduledAt}, {&got.EndedAt, &want[i].EndedAt}} {
			if d := *at.got - *at.want; d > 1000 || d < -1000 {
				t.Errorf("%s: off by %d ns", names[i], d)
			}
			*at.got = *at.want
		}
		if d := got.Started - want[i].Started; d != 0 && (d > 1000 || d < -1000) { // by what was slewed since the case began
			t.Errorf("%s: started off by %d ns", names[i], d)
		}
		got.Started = want[i].Started
		if !reflect.DeepEqual(got, want[i]) {
			t.Errorf("%s: kept as\n%+v, want\n%+v", names[i], got, want[i])
		}
		i++
	}
	if k := r.Kept(); i != len(want) || k != (result.Kept{Requests: int64(i), Of: int64(i), Every: 1}) {
		t.Errorf("%d requests, %+v; want %d", i, k, len(want))
	}
}

// When requests would take more memory than they may, every second one is given up,
// and so on: which ones depends on nothing but their numbers.
func TestKeptRequestsThin(t *testing.T) {
	const requests, budget = 40_000, 200_000
	r := metrics.NewRecorder(metrics.Options{KeptBytes: budget})
	base := time.Now()
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 1))
			for range requests / 8 {
				rec := metrics.NewRecord()
				r.Announce(rec)
				rec.Started = base
				for i := range 1 + rng.IntN(20) {
					rec.Token(wire.Arrival{At: base.Add(time.Duration(i) * 15 * time.Millisecond), Kernel: true, Read: uint64(i + 1)}, 1)
				}
				if rng.IntN(10) == 0 {
					rec.Error = &metrics.Error{Kind: "truncated", Message: fmt.Sprint("cut at ", rng.Int())} // too many texts to know all
				}
				r.Close(rec)
			}
		})
	}
	all.Wait()
	kept, n, bytes := r.Kept(), int64(0), 0
	for rec := range r.Requests() {
		if len(rec.Events) == 0 || rec.Error != nil && len(rec.Error.Message) < len("cut at ")+1 {
			t.Fatalf("kept %+v", rec)
		}
		n++
		bytes += 10 + len(rec.Events)
	}
	if kept.Of != requests || kept.Every < 4 || n != kept.Requests || n < requests/kept.Every || n > requests/kept.Every+1 {
		t.Errorf("%d requests, %+v", n, kept)
	}
	if bytes > 2*budget {
		t.Errorf("%d bytes at least for %d", bytes, budget)
	}
}

// FuzzRestore restores what anybody may have written: nothing of it may panic.
func FuzzRestore(f *testing.F) {
	f.Add(uint8(0), int64(1e18), int64(-5), int64(40), int64(1e17), -3, 7, int64(-1<<60), "llm", "kernel")
	f.Add(uint8(255), int64(0), int64(1<<62), int64(-1<<62), int64(1<<62), 1<<40, -1<<40, int64(1<<62), "nonsense", "mixed")
	f.Add(uint8(170), int64(-1<<62), int64(0), int64(0), int64(0), 0, 0, int64(0), "http", "")
	f.Fuzz(func(t *testing.T, has uint8, started, first, gap, end int64, index, tokens int, lag int64, kind, source string) {
		q := &result.Request{Kind: kind, Started: started, ScheduledAt: gap, EndedAt: end, Stamp: source, TokenGaps: []int64{first, gap, gap, lag, gap},
			Shared: []int{index, 0, 0, 2, 3}, ReadLate: []int{index, 1, 2}, Unseen: []int{3, index}, Tokens: []int{tokens, tokens}, ReadLags: []int64{lag, gap},
			OutputTokens: &result.TokenCount{N: tokens, Source: "usage"}, InputTokens: &result.TokenCount{N: index, Source: source}}
		for bit, edit := range []func(){
			func() { q.End = &end }, func() { q.Output = &gap }, func() { q.Head = &first }, func() { q.Scheduled = &lag },
			func() { q.TokenGaps = nil }, func() { q.Error = &result.RequestError{Kind: source} }, func() { q.OutputTokens = nil }, func() { q.Later = true },
		} {
			if has&(1<<bit) != 0 {
				edit()
			}
		}
		rec := metrics.Restore(q)
		rec.TTFT()
		rec.TPOT()
		rec.E2EL()
		for from, to := range rec.Gaps() {
			if to < from {
				t.Errorf("a gap from %v to %v", from, to)
			}
		}
		if rec.Coalesced > len(rec.Events) || rec.Output.N < 0 || rec.Input.N < 0 {
			t.Errorf("%+v", rec)
		}
		describe(rec)
		r := metrics.NewRecorder(metrics.Options{KeptBytes: metrics.KeptBytes})
		want := len(rec.Events)
		r.Close(rec)
		for back := range r.Requests() {
			if len(back.Events) != want {
				t.Errorf("%d events kept, want %d", len(back.Events), want)
			}
		}
	})
}

func TestRestoreNothing(t *testing.T) {
	if rec := metrics.Restore(nil); !rec.Started.IsZero() || len(rec.Events) != 0 {
		t.Errorf("%+v", rec)
	}
}
