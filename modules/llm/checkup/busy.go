package checkup

import (
	"context"
	"fmt"
	"strings"
	"time"

	"weir/runtime/result"
	"weir/runtime/serving"
)

// betweenPages is how long lies between two looks at the service's metrics: some
// servers write them once a second, and the first may still show our own requests.
const betweenPages = 1100 * time.Millisecond

// busy looks in the service's metrics whether it serves somebody else.
func (c *checker) busy(ctx context.Context) {
	k := of("busy")
	target := serving.Target{URL: c.service.URL + "/metrics", Fetch: func(ctx context.Context) ([]byte, error) {
		g := c.place.ask(ctx, "GET", "/metrics", nil)
		switch {
		case g.failed != nil:
			return nil, g.failed
		case g.status != 200:
			return nil, fmt.Errorf("GET /metrics says %d", g.status)
		}
		return g.body, nil
	}}
	c.say("GET /metrics … ")
	least := make(map[string]float64)
	for look := range 2 {
		page, err := serving.Scrape(ctx, target)
		if err != nil {
			what, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "page of server metrics "+target.URL+": "), " (") // what to try about it is of a run
			c.add(k.Skip("no page of metrics tells it: %s", what))
			return
		}
		for _, name := range []string{"running", "waiting"} {
			v, told := page.Gauges()[name]
			if before, seen := least[name]; told && (!seen || v < before) {
				least[name] = v
			}
		}
		if len(least) == 0 {
			c.add(k.Skip("the service's metrics do not tell how many requests it has"))
			return
		}
		if least["running"]+least["waiting"] == 0 || look == 1 {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(betweenPages):
		}
	}
	c.add(judgeBusy(least["running"], least["waiting"]))
}

func judgeBusy(running, waiting float64) result.Finding {
	k := of("busy")
	if running+waiting > 0 {
		return k.Warn("somebody else uses the service: it shares its batches and its memory with them, and every number is of both",
			"wait until it is idle, or ask who it is; cases during other load cannot be compared", "it has %.0f requests running and %.0f waiting that are not ours", running, waiting)
	}
	return k.OK("it serves nobody else now")
}
