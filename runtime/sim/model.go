package sim

import (
	"math/rand/v2"
	"time"
)

// timing is the model of time for one request. It is a pure function of the
// configuration, the request's number and the batch sizes it is told.
type timing struct {
	cfg *Config
	rng *rand.Rand
}

// newTiming returns the model for the seq-th request of a server.
func newTiming(cfg *Config, seq uint64) *timing {
	return &timing{cfg: cfg, rng: draws(cfg, drawTiming, seq)}
}

// What random numbers are drawn for. Each purpose has its own sequence, so that
// turning one of them on leaves the others as they were.
const (
	drawTiming uint64 = iota
	drawEarlyStop
	drawFault
)

// draws returns the random numbers of the seq-th request for one purpose.
func draws(cfg *Config, purpose, seq uint64) *rand.Rand {
	return rand.New(rand.NewPCG(cfg.Seed, seq<<8|purpose))
}

// prefill is the time from the start of a request to its first token.
func (t *timing) prefill(promptTokens int) time.Duration {
	d := t.cfg.TTFT
	if t.cfg.PrefillRate > 0 {
		d += time.Duration(float64(promptTokens) / t.cfg.PrefillRate * float64(time.Second))
	}
	return t.jitter(d)
}

// decode is the time of one step while running sequences share the batch.
func (t *timing) decode(running int) time.Duration {
	return t.jitter(t.cfg.ITL + time.Duration(running)*t.cfg.ITLSlope)
}

// stepTokens is the number of tokens that one step makes: its own and the
// accepted part of the draft.
func (t *timing) stepTokens() int {
	n := 1
	for n <= t.cfg.DraftTokens && t.rng.Float64() < t.cfg.AcceptRate {
		n++
	}
	return n
}

func (t *timing) jitter(d time.Duration) time.Duration {
	if t.cfg.Jitter == 0 {
		return d
	}
	return time.Duration(float64(d) * (1 + t.cfg.Jitter*(2*t.rng.Float64()-1)))
}
