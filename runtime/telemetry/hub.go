package telemetry

import (
	"context"
	"time"

	"weir/runtime/device"
	"weir/runtime/result"
	"weir/runtime/serving"
)

// Config is what a hub is made of.
type Config struct {
	Say func(message string) // what the user should know at once; nil: nobody is told
}

// Hub is all the telemetry of a run. Its methods may be called by any goroutine.
type Hub struct{ config Config }

// NewHub makes a hub without sources.
func NewHub(c Config) *Hub { return &Hub{config: c} }

// AddSource has a source of devices monitored, from Begin on. One of the same name is
// monitored already.
func (h *Hub) AddSource(s device.Source, interval time.Duration) {}

// AddService has a service's page of metrics scraped. One of the same URL is already.
func (h *Hub) AddService(t serving.Target) {}

// Begin starts sampling; it goes on until ctx ends, or End.
func (h *Hub) Begin(ctx context.Context) {}

// OpenCase begins the window of a case, just before its load.
func (h *Hub) OpenCase(ctx context.Context, number int, name string) *Window { return &Window{} }

// Latest is the last reading of each source.
func (h *Hub) Latest() []device.Reading { return nil }

// End stops all monitors and tells what became of them, and which devices there are.
func (h *Hub) End(r *result.Result) {}

// Window is the time of a case.
type Window struct{}

// Close ends the window and fills what it has seen into the case.
func (w *Window) Close(ctx context.Context, c *result.Case) {}
