package health

import (
	"iter"
	"math"

	"weir/runtime/result"
)

// rates are what the differences of samples tell. The zero value is empty.
type rates struct {
	seconds                                        float64 // from the first sample to the last
	cpu, busy, others, steal, wait, turn, pressure usage
	waited, throttled                              float64 // seconds
}

// window takes the highest rates from two samples that are a window apart.
func (r *rates) window(from, to sample, cpus int) {
	for u, rate := range r.each(difference(from, to, cpus)) {
		u.peak(rate)
	}
}

// whole sets the average rates from the first sample and the newest.
func (r *rates) whole(first, newest sample, cpus int) {
	d := difference(first, newest, cpus)
	for u, rate := range r.each(d) {
		u.avg = rate
	}
	r.seconds, r.waited, r.throttled = d.seconds, d.waited, d.throttled
}

// each yields every usage with its rate in d.
func (r *rates) each(d delta) iter.Seq2[*usage, float64] {
	return func(yield func(*usage, float64) bool) {
		_ = yield(&r.cpu, d.cpu) &&
			yield(&r.busy, d.busy) &&
			yield(&r.others, d.others) &&
			yield(&r.steal, d.steal) &&
			yield(&r.wait, d.wait) &&
			yield(&r.turn, d.turn) &&
			yield(&r.pressure, d.pressure)
	}
}

// delta is what happened between two samples. What is not known is NaN.
type delta struct {
	seconds             float64
	cpu                 float64 // CPUs used
	busy, others, steal float64 // shares of the CPUs
	wait, pressure      float64 // shares of time
	turn                float64 // wait of a thread before each turn on a CPU, ms
	waited, throttled   float64 // seconds
}

func difference(from, to sample, cpus int) delta {
	d := delta{
		seconds:   to.at.Sub(from.at).Seconds(),
		waited:    to.threads.waited - from.threads.waited,
		throttled: to.throttled - from.throttled,
	}
	used := to.cpu - from.cpu
	d.cpu = quotient(used, d.seconds)
	all := to.machine.all - from.machine.all
	d.busy = share(quotient(to.machine.busy-from.machine.busy, all))
	d.steal = share(quotient(to.machine.steal-from.machine.steal, all))
	// Our own time is exact and the machine's comes in ticks; so the difference
	// may be a little below 0.
	d.others = share(d.busy - quotient(d.cpu, float64(cpus)))
	ran := to.threads.ran - from.threads.ran
	d.wait = share(quotient(d.waited, ran+d.waited))
	if ran+d.waited == 0 {
		d.wait = 0 // nothing wanted to run
	}
	d.turn = quotient(d.waited*msPerSecond, to.threads.turns-from.threads.turns)
	d.pressure = share(quotient(to.pressure-from.pressure, d.seconds))
	return d
}

// quotient is a/b, unknown where nothing can be said.
func quotient(a, b float64) float64 {
	if b <= 0 {
		return unknown
	}
	return a / b
}

// share keeps a value within 0…1; the unknown stays unknown.
func share(v float64) float64 { return max(0, min(v, 1)) }

// usage is an average rate and the highest of the windows. The zero value has
// seen none.
type usage struct {
	avg, max float64
	any      bool // max is of some window
}

func (u *usage) peak(rate float64) {
	if math.IsNaN(rate) {
		return
	}
	if !u.any || rate > u.max {
		u.max = rate
	}
	u.any = true
}

func (u *usage) result() *result.Usage {
	if !u.any || math.IsNaN(u.avg) {
		return nil
	}
	return &result.Usage{Avg: u.avg, Max: max(u.avg, u.max)}
}
