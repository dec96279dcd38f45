package metrics

// Part returns a recorder for a part of the case, such as one of several
// scenarios that run at the same time. What it is given, the recorder of the
// whole is given too, and requests that are open there are waited for there. Its
// Finish gives the metrics of the part, all but itl_decode: which gaps overlap a
// prefill is known for the case only. Its requests are held against slos, also
// where the whole counts them. Parts are made before there are requests.
func (r *Recorder) Part(slos SLOs) *Recorder {
	if r == nil {
		return nil
	}
	part := NewRecorder(Options{ExactLimit: r.limit, SLOs: slos})
	part.whole = r
	r.judges = r.judges || part.judges
	return part
}

// root is the recorder of the whole case.
func (r *Recorder) root() *Recorder {
	if r == nil || r.whole == nil {
		return r
	}
	return r.whole
}

// takePart takes a record that the whole takes as well.
func (r *Recorder) takePart(rec *Record, j sloOutcome) {
	r.shards[int(rec.shard)%len(r.shards)].take(rec, j)
	if rec.Error != nil && !interrupted(rec.Error) {
		r.mu.Lock()
		r.group("request", rec.Error.Kind, rec.Error.Status, rec.Error.Message)
		r.mu.Unlock()
	}
}
