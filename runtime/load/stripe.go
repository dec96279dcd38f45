package load

import (
	"fmt"
	"iter"
	"time"
)

// Striping: several machines play one profile together. Of the iterations
// 0, 1, 2, … instance k of n takes those with i mod n = k and leaves the others
// out; each keeps its number and its time, so that together they are the
// schedule that a single machine would have played.

// maxInstances keeps the numbers of iterations countable.
const maxInstances = 1_000_000

// stripe numbers offsets and yields those of this instance.
func (p Profile) stripe(offsets iter.Seq[time.Duration]) iter.Seq2[int, time.Duration] {
	return func(yield func(int, time.Duration) bool) {
		i, next, n := 0, p.Instance, p.instances()
		for offset := range offsets {
			if i == next {
				if !yield(i, offset) {
					return
				}
				next += n
			}
			i++
		}
	}
}

// share is how many of the iterations 0…total−1 are those of this instance.
func (p Profile) share(total int) int {
	n := p.instances()
	if total <= p.Instance {
		return 0
	}
	return (total-p.Instance-1)/n + 1
}

// own is the number, in the whole profile, of this instance's iteration number i.
func (p Profile) own(i int) int { return p.Instance + i*p.instances() }

func (p Profile) instances() int { return max(p.Instances, 1) }

func (p Profile) checkStripe(k kind) []string {
	switch {
	case p.Instances < 0 || p.Instances > maxInstances:
		return []string{fmt.Sprintf("instances must be 1 to %d, got %d", maxInstances, p.Instances)}
	case p.Instance < 0 || p.Instance >= p.instances():
		return []string{fmt.Sprintf("instance must be 0 to %d, as instances is %d, got %d: number the instances from 0", p.instances()-1, p.instances(), p.Instance)}
	case p.instances() > 1 && k.unstriped != "":
		return []string{"instances does not apply: " + k.unstriped}
	}
	return nil
}
