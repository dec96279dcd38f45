package runtime

import "weir/runtime/result"

// playRepeats plays a case as often as it asks for, or the run, one repetition after
// another: each begins as the case does, with its warm-up. It returns the results of
// those that were played.
func (r *run) playRepeats(c *caseSpec) (all []*result.Case, err error) {
	before := len(r.Result.Cases)
	if c.of > 0 {
		c.of = before + c.repeat*(1+max(c.of-c.number, 0)) // as if those that follow were repeated as often
	}
	for n := 1; n <= c.repeat && (n == 1 || !r.stopped()); n++ {
		r.describe()
		again := *c // what playing it notes in it, is of the repetition
		if c.repeat > 1 {
			again.repetition = n
		}
		found, err := r.playCase(&again, before+n)
		if err != nil || found == nil {
			return all, err
		}
		found.Repeat = again.repetition
		all = append(all, found)
		r.Result.Add(found)
		if err := r.save(); err != nil {
			return all, err
		}
		if found.Warmup.Refused() {
			break // the service would refuse the others, too
		}
	}
	return all, nil
}
