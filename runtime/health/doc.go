// Package health watches the client process itself while it measures: what it
// used, and what it suffered. A client that had to wait for a CPU reports slow
// services that are none; these figures tell the two apart.
//
// [Watch] reads every counter once (sample.go) and starts one goroutine
// (monitor.go). It wakes every 100 ms, notes how late it woke and how long the
// JavaScript event loops were busy, and once a second reads the counters again;
// the differences are rates (rates.go). [Monitor.Stop] reads them a last time and
// returns a [result.Client]. The counters come from getrusage (process_unix.go),
// /proc (proc.go), the cgroups (cgroup.go) and the Go runtime (histogram.go).
//
// What it costs: reading all counters, once a second, 0.2 to 0.3 ms of CPU time in
// a process of ten threads (BenchmarkSample), more with more threads. The ten
// wake-ups a second add less in a process that is at work. In one that sleeps each
// brings the Go runtime back to life, so there the whole was seen to take 0.2 % of
// a core of a virtual machine.
//
// What a system does not tell is absent from the result and never 0. The package
// judges nothing: the limits are those of the validity rules in package metrics.
package health
