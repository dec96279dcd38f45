// Package metrics turns the life of every request into the numbers of a case.
//
// The goroutine that sends a request takes a [Record] from [NewRecord], gives it
// to [Recorder.Begin] when it hands the first byte to the kernel, appends what
// arrives with [Record.Token], gives it to [Recorder.First] when the first token
// has come, and to [Recorder.Close] at the end. The recorder takes the samples of
// every metric out of it (definitions.go, latency.go), in one of its shards (shard.go),
// keeps it in a few bytes (kept.go, pack.go), and puts the record back into the pool;
// none of this allocates. The samples of a metric come together in its distribution
// (collector.go, distribution.go), of which the memory is bounded. [Recorder.Finish]
// describes the distributions, with how sure their means are (confidence.go), finds the
// steady state (timeline.go) and what was measured in it (windows.go), computes the
// thresholds (thresholds.go) and the verdict (validity.go, and client.go for what the
// client did to its own numbers), and returns the case as it is written. Scenarios that
// run at the same time have a recorder each, which is a part of the case's
// ([Recorder.Part]).
//
// Records are written to files as [Describe] has it, [Restore] reads them back, and
// [Recompute] makes a case of them again, by the same definitions (replay.go).
//
// What each metric means is written down in docs/metrics.md, what each validity
// rule means in docs/validity.md; names and limits are the same there and here.
//
// The package reads no response and writes no file, and it does not know how
// iterations are started: their counts are given to Finish.
package metrics
