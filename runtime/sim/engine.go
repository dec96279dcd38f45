package sim

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// engine is the scheduler of the simulated service: a batch with a limit, and a
// queue in front of it. It may be used from several goroutines.
type engine struct {
	cfg   *Config
	sleep sleeper

	running  atomic.Int64 // sequences in the batch
	waiting  atomic.Int64 // requests in the queue
	kvTokens atomic.Int64 // tokens of prompts and replies in the batch

	mu    sync.Mutex // protects queue, and changes of running
	queue []*ticket  // in order of arrival
}

// sleeper waits until a point in time, or until ctx is done and then returns its error.
type sleeper interface {
	sleep(ctx context.Context, until time.Time) error
}

// ticket is a request's place in the queue.
type ticket struct {
	sequences int
	started   time.Time     // when it got its slots; to be read once admitted is closed
	admitted  chan struct{} // closed when it has its slots
}

// job is what the engine has to know of a request.
type job struct {
	timing       *timing
	received     time.Time // origin of the due times
	promptTokens int
	lengths      []int // tokens of each sequence of the reply
}

// step is a moment at which tokens come out: of each sequence the tokens from
// from (inclusive) to to (exclusive), as far as the sequence has them.
type step struct {
	due      time.Time
	from, to int
}

// run takes a request through queue, prefill and decoding. It calls start when
// the request has its slots and emit for every step, at its due time. The slots
// are free again when run returns. The error is that of ctx or emit.
func (e *engine) run(ctx context.Context, j job, start func(time.Time), emit func(step) error) error {
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
	start(started)

	longest := 0
	for _, n := range j.lengths {
		longest = max(longest, n)
	}
	due := started.Add(j.timing.prefill(j.promptTokens))
	made, sent := 0, 0
	for {
		if err := e.sleep.sleep(ctx, due); err != nil {
			return err
		}
		k := min(j.timing.stepTokens(), longest-made)
		made += k
		held += int64(k * len(j.lengths))
		e.kvTokens.Add(int64(k * len(j.lengths)))
		if sent == 0 || made-sent >= e.cfg.TokensPerEvent || made == longest {
			if err := emit(step{due: due, from: sent, to: made}); err != nil {
				return err
			}
			sent = made
		}
		if made == longest {
			return nil
		}
		due = due.Add(j.timing.decode(int(e.running.Load())))
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
