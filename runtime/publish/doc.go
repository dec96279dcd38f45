// Package publish pushes the metrics of a run to services that watch, while it goes on:
// to Prometheus (remote-write) and to OpenTelemetry (OTLP).
//
// A [Publisher] looks at the counters of the case that is played at an interval, at its
// begin and at its end, on a goroutine of its own (publisher.go). What it sees is a
// snapshot of series (series.go): those of the case (case.go), of its devices and
// services (telemetry.go), and verdicts on finished cases. Each receiver has a queue of
// snapshots and a goroutine that sends them in order (outlet.go), in its own protocol
// (prometheus.go, otel.go).
//
// A receiver that is slow, down or refuses costs the run nothing: the queue is bounded,
// what is too much is dropped, and counted. Counters are cumulative, so that the next
// push makes up for it. docs/publish.md has the names of all metrics.
package publish
