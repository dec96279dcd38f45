package load

import (
	"iter"
	"time"
)

// Schedule yields the number of each iteration of an open loop and when it is to
// start, from the begin: nothing for a closed loop and for a profile that is not valid.
func (p Profile) Schedule() iter.Seq2[int, time.Duration] {
	if k, err := p.kind(); err == nil && k.schedule != nil {
		return k.schedule(p)
	}
	return func(func(int, time.Duration) bool) {}
}
