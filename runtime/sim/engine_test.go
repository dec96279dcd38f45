//go:build !race

package sim

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/pacer"
)

// The engine runs here on the fake clock of synctest, so that times are exact.

const ms = time.Millisecond

// timers wait on the clock of synctest.
type timers struct{}

func (timers) Sleep(ctx context.Context, until time.Time) error { return pacer.Sleep(ctx, until) }

func (timers) Repeat(ctx context.Context, at time.Time, f func() (time.Time, bool)) error {
	return pacer.Repeat(ctx, at, f, pacer.Sleep)
}

func newEngine(cfg *Config) *engine {
	e := startEngine(cfg)
	e.pacers = []waiter{timers{}}
	return e
}

// arrival is a request of a test: when it arrives and what it wants.
type arrival struct {
	at      time.Duration
	prompt  int
	cached  int // tokens of it
	lengths []int
	giveUp  time.Duration // since the start; 0: never
}

// sent is what came out: when, and the tokens of each sequence.
type sent struct {
	at       time.Duration
	from, to int
}

func TestEngineKeepsTheModel(t *testing.T) {
	for _, test := range []struct {
		name     string
		cfg      Config
		arrivals []arrival
		want     [][]sent // of each arrival
	}{{
		name:     "prefill, then one token a step",
		cfg:      Config{TTFT: 30 * ms, PrefillRate: 1000, ITL: 20 * ms, MaxBatch: 4, TokensPerEvent: 1},
		arrivals: []arrival{{prompt: 100, lengths: []int{3}}},
		want:     [][]sent{{{130 * ms, 0, 1}, {150 * ms, 1, 2}, {170 * ms, 2, 3}}},
	}, {
		name:     "prompts are free without a prefill rate",
		cfg:      Config{TTFT: 30 * ms, ITL: 20 * ms, MaxBatch: 4, TokensPerEvent: 1},
		arrivals: []arrival{{prompt: 100000, lengths: []int{1}}},
		want:     [][]sent{{{30 * ms, 0, 1}}},
	}, {
		name:     "what is cached of a prompt costs no prefill",
		cfg:      Config{TTFT: 30 * ms, PrefillRate: 1000, ITL: 20 * ms, MaxBatch: 4, TokensPerEvent: 1},
		arrivals: []arrival{{prompt: 100, cached: 60, lengths: []int{2}}},
		want:     [][]sent{{{70 * ms, 0, 1}, {90 * ms, 1, 2}}},
	}, {
		// Until 25 ms two requests run, later one: 10+2·5, then 10+1·5. The batch
		// counts as it is when the step before comes out.
		name:     "steps take longer in a larger batch",
		cfg:      Config{TTFT: 5 * ms, ITL: 10 * ms, ITLSlope: 5 * ms, MaxBatch: 4, TokensPerEvent: 1},
		arrivals: []arrival{{lengths: []int{4}}, {at: 1 * ms, lengths: []int{2}}},
		want: [][]sent{
			{{5 * ms, 0, 1}, {25 * ms, 1, 2}, {45 * ms, 2, 3}, {60 * ms, 3, 4}},
			{{6 * ms, 0, 1}, {26 * ms, 1, 2}},
		},
	}, {
		name:     "a full batch queues in order of arrival",
		cfg:      Config{TTFT: 10 * ms, ITL: 10 * ms, MaxBatch: 1, TokensPerEvent: 1},
		arrivals: []arrival{{lengths: []int{2}}, {at: 1 * ms, lengths: []int{1}}, {at: 2 * ms, lengths: []int{1}}},
		want:     [][]sent{{{10 * ms, 0, 1}, {20 * ms, 1, 2}}, {{30 * ms, 0, 1}}, {{40 * ms, 0, 1}}},
	}, {
		name: "a request that gives up frees its slot at once",
		cfg:  Config{TTFT: 10 * ms, ITL: 10 * ms, MaxBatch: 1, TokensPerEvent: 1},
		arrivals: []arrival{
			{lengths: []int{100}, giveUp: 15 * ms},
			{at: 1 * ms, lengths: []int{1}},
		},
		want: [][]sent{{{10 * ms, 0, 1}}, {{25 * ms, 0, 1}}},
	}, {
		name: "a request that gives up in the queue is skipped",
		cfg:  Config{TTFT: 10 * ms, ITL: 10 * ms, MaxBatch: 1, TokensPerEvent: 1},
		arrivals: []arrival{
			{lengths: []int{2}},
			{at: 1 * ms, lengths: []int{1}, giveUp: 5 * ms},
			{at: 2 * ms, lengths: []int{1}},
		},
		want: [][]sent{{{10 * ms, 0, 1}, {20 * ms, 1, 2}}, nil, {{30 * ms, 0, 1}}},
	}, {
		name: "a large request waits for all its slots, and nobody overtakes it",
		cfg:  Config{TTFT: 10 * ms, ITL: 10 * ms, MaxBatch: 3, TokensPerEvent: 1},
		arrivals: []arrival{
			{lengths: []int{1, 1}},
			{at: 1 * ms, lengths: []int{1, 1, 1}},
			{at: 2 * ms, lengths: []int{1}},
		},
		want: [][]sent{{{10 * ms, 0, 1}}, {{20 * ms, 0, 1}}, {{30 * ms, 0, 1}}},
	}, {
		name: "when the large request gives up, those behind it start",
		cfg:  Config{TTFT: 10 * ms, ITL: 10 * ms, MaxBatch: 3, TokensPerEvent: 1},
		arrivals: []arrival{
			{lengths: []int{9, 9}, giveUp: 45 * ms},
			{at: 1 * ms, lengths: []int{1, 1, 1}, giveUp: 4 * ms},
			{at: 2 * ms, lengths: []int{1}},
		},
		want: [][]sent{
			{{10 * ms, 0, 1}, {20 * ms, 1, 2}, {30 * ms, 2, 3}, {40 * ms, 3, 4}},
			nil,
			{{14 * ms, 0, 1}},
		},
	}, {
		name:     "more sequences than the batch has take all of it",
		cfg:      Config{TTFT: 10 * ms, ITL: 10 * ms, MaxBatch: 2, TokensPerEvent: 1},
		arrivals: []arrival{{lengths: []int{1, 1, 2}}},
		want:     [][]sent{{{10 * ms, 0, 1}, {20 * ms, 1, 2}}},
	}, {
		name:     "tokens share an event, which comes when its last one is made",
		cfg:      Config{TTFT: 10 * ms, ITL: 10 * ms, MaxBatch: 1, TokensPerEvent: 4},
		arrivals: []arrival{{lengths: []int{7}}},
		want:     [][]sent{{{10 * ms, 0, 1}, {50 * ms, 1, 5}, {70 * ms, 5, 7}}},
	}, {
		name:     "accepted drafts come out of the same step",
		cfg:      Config{TTFT: 10 * ms, ITL: 10 * ms, MaxBatch: 1, TokensPerEvent: 1, DraftTokens: 2, AcceptRate: 1},
		arrivals: []arrival{{lengths: []int{7}}},
		want:     [][]sent{{{10 * ms, 0, 3}, {20 * ms, 3, 6}, {30 * ms, 6, 7}}},
	}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, e := play(t, test.cfg, test.arrivals)
				for i := range test.want {
					if !slices.Equal(got[i], test.want[i]) {
						t.Errorf("request %d: got %v, want %v", i, got[i], test.want[i])
					}
				}
				if r, w, kv := e.running.Load(), e.waiting.Load(), e.kvTokens.Load(); r != 0 || w != 0 || kv != 0 {
					t.Errorf("at the end %d run, %d wait, %d tokens are cached: want none", r, w, kv)
				}
			})
		})
	}
}

// play sends the arrivals to an engine and returns what each got.
func play(t *testing.T, cfg Config, arrivals []arrival) ([][]sent, *engine) {
	t.Helper()
	e := newEngine(&cfg)
	start := time.Now()
	got := make([][]sent, len(arrivals))
	ended := make(chan struct{})
	for i, a := range arrivals {
		go func() {
			defer func() { ended <- struct{}{} }()
			time.Sleep(a.at)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if a.giveUp > 0 {
				time.AfterFunc(a.giveUp-a.at, cancel)
			}
			err := e.run(ctx, job{
				timing: newTiming(&cfg, uint64(i)), received: time.Now(), promptTokens: a.prompt, lengths: a.lengths,
			}, func(time.Time) int { return a.cached }, func(s step, _ bool) error {
				if now := time.Now(); !now.Equal(s.due) {
					t.Errorf("request %d: a step due at %v came at %v", i, s.due.Sub(start), now.Sub(start))
				}
				got[i] = append(got[i], sent{s.due.Sub(start), s.from, s.to})
				return nil
			})
			if want := a.giveUp > 0; errors.Is(err, context.Canceled) != want {
				t.Errorf("request %d: ended with %v", i, err)
			}
		}()
	}
	for range arrivals {
		<-ended
	}
	return got, e
}

func TestLateStepDoesNotShiftTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{TTFT: 10 * ms, ITL: 10 * ms, MaxBatch: 1, TokensPerEvent: 1}
		e := newEngine(&cfg)
		start := time.Now()
		var came []time.Duration
		err := e.run(context.Background(), job{timing: newTiming(&cfg, 1), received: start, lengths: []int{5}},
			func(time.Time) int { return 0 }, func(s step, _ bool) error {
				came = append(came, time.Since(start))
				if s.from == 1 {
					time.Sleep(15 * ms) // a client that does not read
				}
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
		if want := []time.Duration{10 * ms, 20 * ms, 35 * ms, 40 * ms, 50 * ms}; !slices.Equal(came, want) {
			t.Errorf("got %v, want %v", came, want)
		}
	})
}

// A step that would have to wait for the client is made again where it may wait,
// and the rest keeps its times.
func TestStepThatWouldWait(t *testing.T) {
	for _, slow := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			cfg := Config{TTFT: 10 * ms, ITL: 10 * ms, MaxBatch: 1, TokensPerEvent: 1}
			e := newEngine(&cfg)
			start := time.Now()
			var came []sent
			err := e.run(context.Background(), job{timing: newTiming(&cfg, 1), received: start, lengths: []int{5}, slow: slow},
				func(time.Time) int { return 0 }, func(s step, wait bool) error {
					if !wait && s.from%2 == 0 {
						return errWouldWait
					}
					if wait && s.from == 2 {
						time.Sleep(15 * ms) // a client that does not read
					}
					came = append(came, sent{time.Since(start), s.from, s.to})
					return nil
				})
			if err != nil {
				t.Fatal(err)
			}
			want := []sent{{10 * ms, 0, 1}, {20 * ms, 1, 2}, {45 * ms, 2, 3}, {45 * ms, 3, 4}, {50 * ms, 4, 5}}
			if !slices.Equal(came, want) {
				t.Errorf("slow %v: got %v, want %v", slow, came, want)
			}
		})
	}
}

func TestFailedWriteFreesTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{MaxBatch: 1, TokensPerEvent: 1}
		e := newEngine(&cfg)
		broken := errors.New("broken pipe")
		err := e.run(context.Background(), job{timing: newTiming(&cfg, 1), received: time.Now(), lengths: []int{5}},
			func(time.Time) int { return 0 }, func(step, bool) error { return broken })
		if !errors.Is(err, broken) || e.running.Load() != 0 {
			t.Errorf("got %v with %d running: want the error and no one", err, e.running.Load())
		}
	})
}

func TestJitterIsSeededAndBounded(t *testing.T) {
	intervals := func(seed, seq uint64) []time.Duration {
		cfg := Config{TTFT: 100 * ms, ITL: 20 * ms, ITLSlope: 1 * ms, Jitter: 0.25, Seed: seed}
		timing := newTiming(&cfg, seq)
		out := []time.Duration{timing.prefill(0)}
		for range 1000 {
			out = append(out, timing.decode(5))
		}
		return out
	}
	a := intervals(1, 1)
	if !slices.Equal(a, intervals(1, 1)) {
		t.Error("equal seeds gave different times")
	}
	if slices.Equal(a, intervals(2, 1)) || slices.Equal(a, intervals(1, 2)) {
		t.Error("another seed or request gave equal times")
	}
	if a[0] < 75*ms || a[0] > 125*ms {
		t.Errorf("prefill %v is outside of 100 ms ± 25 %%", a[0])
	}
	low, high, sum := slices.Min(a[1:]), slices.Max(a[1:]), time.Duration(0)
	for _, d := range a[1:] {
		sum += d
	}
	// 25 ms ± 25 %; 1000 seeded draws cover nearly all of the range.
	if low < 18750*time.Microsecond || low > 19*ms || high > 31250*time.Microsecond || high < 31*ms {
		t.Errorf("steps lie between %v and %v, want 18.75 ms to 31.25 ms", low, high)
	}
	if mean := sum / 1000; mean < 24700*time.Microsecond || mean > 25300*time.Microsecond {
		t.Errorf("the mean step is %v, want about 25 ms", mean)
	}
}
