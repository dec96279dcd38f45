package metrics

import "iter"

// Sampler tells which samples a record adds to the distributions of its case, by the
// definitions that the case itself was computed with: for what is computed by request
// later on. It is for one goroutine.
type Sampler struct{ shard shard }

// NewSampler makes a sampler.
func NewSampler() *Sampler {
	s := &Sampler{}
	s.shard.recorder = NewRecorder(Options{})
	for id := range s.shard.gathered {
		// A shard hands its samples over when it has gathered a handful. What begins with
		// one, which counts for nothing, is never handed over.
		s.shard.gathered[id] = make([]float64, handful)
	}
	return s
}

// Samples yields the distributions that the record adds to, by name, and its samples,
// which are valid until the next call: none for one that did not complete, and none of
// itl_decode, which depends on the other requests of the case.
func (s *Sampler) Samples(rec *Record) iter.Seq2[string, []float64] {
	return func(yield func(string, []float64) bool) {
		if rec.Error != nil {
			return
		}
		for id, samples := range s.shard.gathered {
			s.shard.gathered[id] = samples[:handful]
		}
		s.shard.gaps = s.shard.gaps[:0]
		s.shard.samples(rec)
		for id, samples := range s.shard.gathered {
			if name := distributionNames[id].name; name != "" && len(samples) > handful && !yield(name, samples[handful:]) {
				return
			}
		}
	}
}

// Judge holds a record against the SLOs. One for which held is false has no part in
// goodput.
func (s SLOs) Judge(rec *Record) (good, held bool) {
	l := s.limits()
	j := l.judge(rec)
	return j.good(), j&judged != 0
}

// Outcome is how a request ended.
type Outcome uint8

const (
	Completed Outcome = iota
	Failed
	Interrupted // cut off with its iteration: neither of the others
)

// Outcome tells how the request ended.
func (r *Record) Outcome() Outcome {
	switch {
	case r.Error == nil:
		return Completed
	case interrupted(r.Error):
		return Interrupted
	}
	return Failed
}
