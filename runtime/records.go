package runtime

import (
	"sync"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// keep is what a case's recorder gives its records to; nil when nobody wants
// them.
func (r *run) keep(number int, name string) func(*metrics.Record) time.Duration {
	if r.Records == nil {
		return nil
	}
	return func(rec *metrics.Record) time.Duration {
		request := requests.Get().(*result.Request)
		metrics.Describe(request, rec)
		request.Case, request.CaseName = number, name
		waited := r.Records.Add(request)
		requests.Put(request)
		return waited
	}
}

// keepRequests writes the requests that a case's recorder has kept, when the case has
// ended, and tells how many. What cannot be written does not end the run.
func (r *run) keepRequests(recorder *metrics.Recorder, number int, name string) *result.Kept {
	if r.Requests == nil {
		return nil
	}
	kept := recorder.Kept()
	if kept.Requests == 0 {
		return nil
	}
	var request result.Request
	for rec := range recorder.Requests() {
		metrics.Describe(&request, rec)
		request.Case, request.CaseName = number, name
		r.Requests.Add(&request)
	}
	if r.Requests.Flush() != nil { // Close reports it
		return nil
	}
	return &kept
}

// requests are used again for the room of their lists.
var requests = sync.Pool{New: func() any { return new(result.Request) }}
