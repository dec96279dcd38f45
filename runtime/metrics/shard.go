package metrics

import (
	"sync"
	"time"

	"weir/runtime/result"
)

// A recorder is split into shards, about one for each processor, so that
// goroutines that close records at once seldom wait for each other. What is
// added up is added up for each shard, and together at the end. Samples are
// gathered in the shard and handed over many at a time to the one distribution
// of their metric, so what comes out does not depend on the shards.

// handful is how many samples of a metric a shard gathers before it hands them
// over.
const handful = 256

type shard struct {
	recorder *Recorder

	mu       sync.Mutex // protects the following fields
	sums     sums
	live     liveCounters // of the recorder of a whole case; without those of streams since liveInterval
	gathered [distributions][]float64
	gaps     []interval // room for the gaps of one record
	clear    []int64    // room for what the prefill log gives back
	kept     keptShard
	means    means
	row      *meanRow // of the request that is taken; nil: its samples are in no interval

	_ [64]byte // keeps the next shard's lock out of this one's cache line
}

// sums are what is added up over records.
type sums struct {
	first, last time.Time // first start, last end; zero: none yet

	requests, failed, cut, resent int64
	retried, generations          int64
	llm                           int64 // completed generations, embeddings and rankings
	totalIn, totalOut             int64 // tokens of completed generations
	sourceIn, sourceOut           [sources]int64
	stamps                        [stampSources]int64 // of completed requests
	connections                   result.Connections
	findings                      findings
	goodput                       goodput
	growth                        growth
}

// sample adds a sample to a distribution.
func (s *shard) sample(id int, v float64) {
	if s.row != nil {
		of := &s.row[id]
		of.sum += v
		of.n++
	}
	if s.gathered[id] == nil {
		s.gathered[id] = make([]float64, 0, handful)
	}
	s.gathered[id] = append(s.gathered[id], v)
	if len(s.gathered[id]) == handful {
		s.handOver(id)
	}
}

func (s *shard) handOver(id int) {
	s.recorder.dist[id].take(s.gathered[id], &s.recorder.long)
	s.gathered[id] = s.gathered[id][:0]
}

// flush hands over everything that has been gathered, and returns the sums.
func (s *shard) flush() sums {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.gathered {
		s.handOver(id)
	}
	return s.sums
}

// take takes a record in, and what came of it under its SLOs.
func (s *shard) take(rec *Record, j sloOutcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sums.add(rec)
	s.sums.goodput.add(j, rec.Output.N)
	if s.recorder.whole == nil {
		s.live.end(rec)
	}
	s.gaps = s.gaps[:0]
	if rec.Error == nil {
		s.row = s.means.row(rec.number)
		s.samples(rec)
		s.row = nil
	}
	if s.recorder.kept.most > 0 {
		s.keep(rec)
	}
	if rec.logged && s.recorder.whole == nil {
		s.clear = s.recorder.prefills.leave(rec.entered, s.gaps, s.clear[:0])
		s.decodeGaps()
	}
}

// add takes a record into the sums.
func (s *sums) add(rec *Record) {
	s.requests++
	if rec.Resent {
		s.resent++
	}
	if rec.Retried {
		s.retried++
	}
	if rec.Connect > 0 {
		s.connections.Opened++
	}
	if rec.Retransmits > 0 {
		s.connections.Retransmits += int64(rec.Retransmits)
		s.connections.Retransmitted++
	}
	if !rec.Started.IsZero() {
		s.span(rec.Started, rec.End)
	}
	switch {
	case rec.Error == nil:
		s.stamp(rec)
		if rec.Kind != KindHTTP {
			s.llm++
			s.totalIn += int64(rec.Input.N)
			s.sourceIn[rec.Input.Source]++
			s.findings.addPrompt(int64(rec.AskedIn), rec.Input)
		}
		if rec.Kind == KindLLM {
			s.generations++
			s.totalOut += int64(rec.Output.N)
			s.sourceOut[rec.Output.Source]++
			s.findings.add(rec)
		}
	case interrupted(rec.Error):
		s.cut++
	default:
		s.failed++
		if undialled(rec) {
			s.connections.Failed++
		}
	}
}

// span widens the time from the first start to the last end.
func (s *sums) span(first, last time.Time) {
	if s.first.IsZero() || first.Before(s.first) {
		s.first = first
	}
	if last.After(s.last) {
		s.last = last
	}
}

// stamp counts by whose clock the request's times were taken: those of its token
// events, or of the head of a plain request.
func (s *sums) stamp(rec *Record) {
	if rec.Kind != KindLLM {
		s.stamps[rec.Stamp]++
		return
	}
	for _, e := range rec.Events {
		if e.Kernel() {
			s.stamps[StampKernel]++
		} else {
			s.stamps[StampUser]++
		}
	}
}

// merge adds the sums of another shard.
func (s *sums) merge(o sums) {
	if !o.first.IsZero() {
		s.span(o.first, o.last)
	}
	s.requests += o.requests
	s.failed += o.failed
	s.cut += o.cut
	s.resent += o.resent
	s.retried += o.retried
	s.generations += o.generations
	s.llm += o.llm
	s.totalIn += o.totalIn
	s.totalOut += o.totalOut
	for i := range s.sourceIn {
		s.sourceIn[i] += o.sourceIn[i]
		s.sourceOut[i] += o.sourceOut[i]
	}
	for i := range s.stamps {
		s.stamps[i] += o.stamps[i]
	}
	s.connections.Opened += o.connections.Opened
	s.connections.Failed += o.connections.Failed
	s.connections.Retransmits += o.connections.Retransmits
	s.connections.Retransmitted += o.connections.Retransmitted
	s.findings.merge(&o.findings)
	s.goodput.merge(&o.goodput)
	s.growth.merge(&o.growth)
}

// completed is the number of requests that completed.
func (s *sums) completed() int64 { return s.requests - s.failed - s.cut }

// undialled tells whether a request failed because no connection could be
// opened. TLS can also fail later, in the middle of a request.
func undialled(rec *Record) bool {
	switch rec.Error.Kind {
	case "dns", "connect", "connect_timeout":
		return true
	case "tls", "proxy":
		return rec.Started.IsZero()
	}
	return false
}
