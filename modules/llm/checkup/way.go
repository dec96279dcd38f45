package checkup

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"weir/modules/llm"
	"weir/runtime/doctor"
	"weir/runtime/result"
)

// trips is how many small requests the round trip is taken from.
const trips = 20

// A round trip is long when it is a good part of a TTFT, or where no TTFT is known,
// when it would be of most.
const (
	longTrip    = 20 * time.Millisecond
	longTripOf  = 0.10 // of the TTFT of a short prompt
	shortTrip   = 2 * time.Millisecond
	unevenTrip  = 10 * time.Millisecond
	unevenTimes = 10 // p99 / median
)

// roundTrip judges the way to the service, beside the time to the first token of a
// short prompt; 0: not known.
func roundTrip(w way, ttft time.Duration) result.Finding {
	k := of("round-trip")
	if len(w.trips) == 0 {
		return k.Skip("no answer to GET %s%s", w.path, because(w))
	}
	median, tail := w.median(), w.trips[len(w.trips)*99/100]
	what := fmt.Sprintf("%s (median of %d × GET %s; p99 %s), to connect %s", doctor.Show(median), len(w.trips), w.path, doctor.Show(tail), doctor.Show(w.connect))
	if ttft > 0 {
		what += fmt.Sprintf("; a short prompt's TTFT is %s", doctor.Show(ttft))
	}
	const why = "every TTFT and every first request on a connection has a round trip in it, and a slow way hides what the service does"
	const do = "measure from a machine in the same network as the service, or behind fewer gateways; compare with weir doctor from there"
	switch {
	case ttft > 0 && median > shortTrip && float64(median) > longTripOf*float64(ttft), ttft == 0 && median > longTrip:
		return k.Warn(why, do, "%s", what)
	case tail > unevenTrip && tail > unevenTimes*median:
		return k.Warn("the way, or what answers, stops now and then: the tails of all latencies have that in them", do, "%s", what)
	}
	return k.OK("%s", what)
}

func because(w way) string {
	if w.failed == nil {
		return ""
	}
	return ": " + w.failed.Message
}

// keepAlive judges whether connections are kept.
func keepAlive(w way) result.Finding {
	k := of("keep-alive")
	switch n := len(w.trips); {
	case n < 2:
		return k.Skip("no second answer to GET %s%s", w.path, because(w))
	case w.kept < n:
		return k.Warn("every request then opens a connection: a round trip more (with TLS two or three) in each TTFT, and ports that stay occupied for a minute after each",
			"turn keep-alive on in what answers (nginx: keepalive_timeout, and proxy_http_version 1.1 with an empty Connection header towards the service)",
			"the service closed the connection after %d of %d requests", n-w.kept, n)
	}
	return k.OK("%d requests on one connection", len(w.trips)+1)
}

// gateways are values of the header Server by which proxies are known.
var gateways = []string{"nginx", "openresty", "envoy", "istio", "apisix", "kong", "haproxy", "traefik", "cloudflare", "tengine", "cloudfront", "awselb", "varnish", "squid", "api-gateway", "apache", "caddy"}

// traces are headers that proxies leave.
var traces = []string{"Via", "X-Envoy-Upstream-Service-Time", "X-Kong-Upstream-Latency", "X-Kong-Proxy-Latency", "X-Apig-Upstream-Latency", "X-Apig-Ratelimit-Api", "Cf-Ray", "X-Cache", "X-Served-By"}

// through names the proxies that an answer came through.
func through(h http.Header) (found []string) {
	server := h.Get("Server")
	if slices.ContainsFunc(gateways, func(g string) bool { return strings.Contains(strings.ToLower(server), g) }) {
		found = append(found, fmt.Sprintf("%q (Server)", short(server)))
	}
	for _, name := range traces {
		if v := h.Get(name); v != "" {
			found = append(found, fmt.Sprintf("%q (%s)", short(v), name))
		}
	}
	return found
}

// short bounds a text of the service.
func short(s string) string {
	const limit = 60
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}

func proxies(h http.Header) result.Finding {
	k := of("proxies")
	switch names := through(h); {
	case h == nil:
		return k.Skip("no answer whose header could be read")
	case len(names) > 0:
		return k.OK("answers come through a proxy: %s; its time is in every latency", strings.Join(names, ", "))
	}
	return k.OK("no proxy names itself in the header")
}

// clockOff is how much the clocks may differ: a Date has whole seconds.
const clockOff = 2 * time.Second

func clockDifference(w way) result.Finding {
	k := of("clock-difference")
	date, err := http.ParseTime(w.header.Get("Date"))
	if err != nil {
		return k.Skip("the service sends no Date")
	}
	// The Date was written between the sending and the head, and cut to a second.
	off := date.Add(500 * time.Millisecond).Sub(w.sent.Add(w.trip / 2).Round(0))
	if off > clockOff || off < -clockOff {
		return k.Warn("times in the result do not match the service's logs, its metrics and its devices' telemetry; latencies are not concerned",
			"keep both clocks right: systemctl enable --now chronyd (or systemd-timesyncd), there and here",
			"the service's clock is %s %s", off.Abs().Round(time.Second), map[bool]string{true: "ahead", false: "behind"}[off > 0])
	}
	return k.OK("the service's clock agrees, to the second that its Date tells")
}

// Glance looks at a service at the begin of a run: whether it answers, and how long
// the way there is. It sends a few GETs on a connection of its own, makes no tokens, and
// ends with ctx.
func Glance(ctx context.Context, s *llm.Service) []result.Finding {
	client := s.Apart()
	defer client.Close()
	p := place{client: client, request: s.Request}
	const few = 3
	w := p.trips(ctx, "/health", few)
	switch {
	case len(w.trips) == 0 && (ctx.Err() != nil || w.failed != nil && strings.HasSuffix(w.failed.Kind, "_timeout")):
		return []result.Finding{of("reachable").Skip("%s has not answered GET %s at once", s.URL, w.path)}
	case len(w.trips) == 0:
		return []result.Finding{of("reachable").Fail("there is nothing to measure", "weir doctor "+s.URL, "%s: %s", s.URL, strings.TrimPrefix(because(w), ": "))}
	}
	trip := roundTrip(w, 0)
	if trip.Status == doctor.Warn && w.median() <= longTrip {
		trip = of("round-trip").OK("%s", trip.What) // of so few, one that was late says nothing
	}
	trip.What = s.URL + ": " + trip.What
	return []result.Finding{of("reachable").OK("%s answers", s.URL), trip}
}
