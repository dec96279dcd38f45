// Package telemetry samples devices and the services' own pages of metrics while a
// run goes on, and tells what each case took of them.
//
// A [Monitor] reads one source on a goroutine of its own, at an interval. A [Hub]
// has a monitor for each source of the run (hub.go). What they read goes to the file
// of samples, and into the [Window] of the case that is played (window.go), which
// keeps running statistics of every quantity and integrates the power (energy.go).
// Pages of services are scraped in between too, and just before and just after each
// case, so that the differences are the case's own (services.go).
//
// Nothing here is on a request's path, and memory does not grow with a run's time.
package telemetry
