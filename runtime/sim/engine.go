package sim

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"weir/runtime/pacer"
)

// engine is the scheduler of the simulated service: a batch with a limit, and a
// queue in front of it. It may be used from several goroutines.
type engine struct {
	cfg    *Config
	pacers []waiter // requests take turns

	running  atomic.Int64 // sequences in the batch
	waiting  atomic.Int64 // requests in the queue
	kvTokens atomic.Int64 // tokens of prompts and replies in the batch
	drafts   atomic.Int64 // of the speculative decoder, one a step and sequence

	accepted []atomic.Int64 // of those drafts, that were accepted at least as far as each place

	mu    sync.Mutex // protects queue, and changes of running
	queue []*ticket  // in order of arrival
}

// startEngine makes an engine, which has no pacers yet.
func startEngine(cfg *Config) *engine {
	return &engine{cfg: cfg, accepted: make([]atomic.Int64, cfg.DraftTokens)}
}

// waiter waits as a [pacer.Pacer] does.
type waiter interface {
	Sleep(ctx context.Context, until time.Time) error
	Repeat(ctx context.Context, at time.Time, f func() (next time.Time, again bool)) error
}

// errWouldWait is what emit returns when it was not to wait and would have to.
var errWouldWait = errors.New("the client does not read")

// ticket is a request's place in the queue.
type ticket struct {
	sequences int
	started   time.Time     // when it got its slots; to be read once admitted is closed
	admitted  chan struct{} // closed when it has its slots
}

// job is what the engine has to know of a request.
type job struct {
	seq          uint64 // number of the request
	timing       *timing
	received     time.Time // origin of the due times
	promptTokens int
	lengths      []int // tokens of each sequence of the reply
	slow         bool  // emit takes its time on purpose
}

// step is a moment at which tokens come out: of each sequence the tokens from
// from (inclusive) to to (exclusive), as far as the sequence has them.
type step struct {
	due      time.Time
	from, to int
}

// run takes a request through queue, prefill and decoding. It calls start when
// the request has its slots, which returns how many tokens of the prompt need no
// prefill, and emit for every step, at its due time. The slots are free again when run
// returns. The error is that of ctx or emit.
//
// A pacer calls emit, for all its requests in turn, and wait is false: emit must
// not wait for the client, but return errWouldWait, and is then called for the
// same step once more with wait, on the request's own goroutine. That is also
// where emit is called for a slow job.
func (e *engine) run(ctx context.Context, j job, start func(time.Time) (cached int), emit func(st step, wait bool) error) error {
	sequences := min(len(j.lengths), e.cfg.MaxBatch) // a larger request takes the whole batch
	started, err := e.admit(ctx, sequences, j.received)
	if err != nil {
		return err
	}
	held := int64(j.promptTokens)
	e.kvTokens.Add(held)
	defer func() {
		e.kvTokens.Add(-held)
		e.release(sequences)
	}()
	cached := start(started)

	longest := 0
	for _, n := range j.lengths {
		longest = max(longest, n)
	}
	w := e.pacers[j.seq%uint64(len(e.pacers))]
	next := step{due: started.Add(j.timing.prefill(j.promptTokens - cached))}
	made := 0
	var failure error
	// advance makes the tokens that are due, and returns the time of the next ones.
	advance := func() (time.Time, bool) {
		n := j.timing.stepTokens()
		e.speculated(n-1, len(j.lengths))
		k := min(n, longest-made)
		made += k
		held += int64(k * len(j.lengths))
		e.kvTokens.Add(int64(k * len(j.lengths)))
		next.to = made
		if next.from == 0 || made-next.from >= e.cfg.TokensPerEvent || made == longest {
			if failure = emit(next, j.slow); failure != nil {
				return time.Time{}, false
			}
			next.from = made
		}
		if made < longest {
			next.due = next.due.Add(j.timing.decode(int(e.running.Load())))
		}
		return next.due, made < longest
	}
	for {
		if j.slow {
			err = pacer.Repeat(ctx, next.due, advance, w.Sleep)
		} else {
			err = w.Repeat(ctx, next.due, advance)
		}
		if err == nil && errors.Is(failure, errWouldWait) {
			if failure = emit(next, true); failure == nil && made < longest {
				next.from = made
				next.due = next.due.Add(j.timing.decode(int(e.running.Load())))
				continue
			}
		}
		if err == nil {
			err = failure
		}
		return err
	}
}

// speculated counts the draft of a step, of which so many tokens were accepted for each
// of its sequences.
func (e *engine) speculated(accepted, sequences int) {
	if e.cfg.DraftTokens == 0 {
		return
	}
	e.drafts.Add(int64(sequences))
	for i := range accepted {
		e.accepted[i].Add(int64(sequences))
	}
}

// admit waits for slots and returns when they were given: the time of receipt
// when they were free, so that reading the request costs its reply no time.
func (e *engine) admit(ctx context.Context, sequences int, received time.Time) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	e.mu.Lock()
	if len(e.queue) == 0 && e.fits(sequences) {
		e.running.Add(int64(sequences))
		e.mu.Unlock()
		return received, nil
	}
	t := &ticket{sequences: sequences, admitted: make(chan struct{})}
	e.queue = append(e.queue, t)
	e.mu.Unlock()
	e.waiting.Add(1)
	defer e.waiting.Add(-1)

	select {
	case <-t.admitted:
		return t.started, nil
	case <-ctx.Done():
		e.abandon(t)
		return time.Time{}, ctx.Err()
	}
}

// abandon takes a request that gave up out of the queue, or frees the slots that
// it was given in the same moment.
func (e *engine) abandon(t *ticket) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, other := range e.queue {
		if other == t {
			e.queue = append(e.queue[:i], e.queue[i+1:]...)
			e.admitNext() // a large request may have held back smaller ones
			return
		}
	}
	e.running.Add(-int64(t.sequences))
	e.admitNext()
}

func (e *engine) release(sequences int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running.Add(-int64(sequences))
	e.admitNext()
}

// admitNext gives free slots to the head of the queue. The caller holds mu.
func (e *engine) admitNext() {
	for len(e.queue) > 0 && e.fits(e.queue[0].sequences) {
		t := e.queue[0]
		e.queue[0] = nil
		e.queue = e.queue[1:]
		e.running.Add(int64(t.sequences))
		t.started = time.Now()
		close(t.admitted)
	}
}

func (e *engine) fits(sequences int) bool {
	return int(e.running.Load())+sequences <= e.cfg.MaxBatch
}
