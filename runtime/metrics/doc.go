// Package metrics turns the life of every request into the numbers of a case.
//
// The goroutine that sends a request takes a [Record] from [NewRecord], gives it
// to [Recorder.Begin] when it hands the first byte to the kernel, to
// [Recorder.First] when the first token has come, and to [Recorder.Close] at the
// end. The recorder takes the samples of every metric out of it (definitions.go)
// and puts the record back into the pool. [Recorder.Finish] computes the
// distributions (distribution.go), the thresholds (thresholds.go) and the
// verdict (validity.go) and returns the case as it is written.
//
// What each metric means is written down in docs/metrics.md, what each validity
// rule means in docs/validity.md; names and limits are the same there and here.
//
// The package reads no response and writes no file, and it does not know how
// iterations are started: their counts are given to Finish.
package metrics
