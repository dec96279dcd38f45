package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"

	"weir/runtime/result"
	"weir/runtime/transport"
)

// OTLP is a receiver of OpenTelemetry's protocol over HTTP, such as a collector. What is
// not here comes from the standard environment variables: OTEL_EXPORTER_OTLP_…,
// OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME.
type OTLP struct {
	URL       string // to which /v1/metrics is added where it is missing; "auto": the environment's
	LookupEnv func(name string) (string, bool)
	Client    *http.Client // nil: the exporter's own
}

const (
	otlpPath    = "/v1/metrics"
	otlpDefault = "http://localhost:4318" // as OpenTelemetry specifies it
)

// otlp sends snapshots to one.
type otlp struct {
	url      string
	exporter *otlpmetrichttp.Exporter
	once     *otlpmetrichttp.Exporter // repeats nothing
	resource *resource.Resource
	scope    instrumentation.Scope
	delta    bool               // differences are wanted
	sent     map[*series]sample // then: what they are counted from …
	sentAt   time.Time          // … and when that was
}

func (c *OTLP) open(ctx context.Context, of identity, first *snapshot) (*outlet, error) {
	if c == nil {
		return nil, nil
	}
	o, err := newOTLP(ctx, c, of)
	if err != nil {
		return nil, fmt.Errorf("--otel: %w", err)
	}
	if err := o.probe(ctx, first); err != nil {
		return nil, fmt.Errorf("--otel: %w", err)
	}
	return newOutlet(o, result.Published{To: "otlp", URL: o.url}), nil
}

func newOTLP(ctx context.Context, c *OTLP, of identity) (*otlp, error) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if protocol, _ := c.LookupEnv(name); protocol != "" {
			if protocol != "http/protobuf" {
				return nil, fmt.Errorf("%s is %q, and weir speaks http/protobuf\n  hint: unset it, and name the receiver's HTTP port, which is mostly 4318", name, protocol)
			}
			break
		}
	}
	o := &otlp{scope: instrumentation.Scope{Name: "weir", Version: of.version}, sent: map[*series]sample{}}
	url, fromEnv := c.address()
	u, err := parseURL(url, otlpDefault)
	if err != nil {
		return nil, err
	}
	o.url = result.HideLogin(transport.HideQuery(u.String()))
	if u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("%s: OpenTelemetry's exporter sends no login and no query of a URL\n  hint: leave them out, and set OTEL_EXPORTER_OTLP_HEADERS, such as Authorization=Bearer%%20…", o.url)
	}
	var options []otlpmetrichttp.Option
	if !fromEnv {
		options = append(options, otlpmetrichttp.WithEndpointURL(u.String()))
	}
	if c.Client != nil {
		options = append(options, otlpmetrichttp.WithHTTPClient(c.Client))
	}
	if o.exporter, err = otlpmetrichttp.New(ctx, append(options, otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{
		Enabled: true, InitialInterval: leastDelay, MaxInterval: mostDelay, MaxElapsedTime: time.Minute,
	}))...); err != nil {
		return nil, err
	}
	if o.once, err = otlpmetrichttp.New(ctx, append(options, otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{}))...); err != nil {
		return nil, err
	}
	o.delta = o.exporter.Temporality(sdk.InstrumentKindCounter) == metricdata.DeltaTemporality
	o.resource, err = resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(
			attribute.String("service.name", "weir"), attribute.String("service.version", of.version), attribute.String("service.instance.id", of.run),
			attribute.String("host.name", of.host), attribute.String("weir.run", of.run), attribute.String("weir.script", of.script),
		),
		resource.WithFromEnv(), // which comes before the above
	)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return o, nil
}

// address is where pushes go, and whether the exporter takes that from the environment itself.
func (c *OTLP) address() (url string, fromEnv bool) {
	at := func(base string) string {
		if base = strings.TrimRight(base, "/"); strings.HasSuffix(base, otlpPath) {
			return base
		}
		return base + otlpPath
	}
	if c.URL != "auto" {
		return at(c.URL), false
	}
	if url, _ := c.LookupEnv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"); url != "" {
		return url, true
	}
	if url, _ := c.LookupEnv("OTEL_EXPORTER_OTLP_ENDPOINT"); url != "" {
		return at(url), true
	}
	return at(otlpDefault), false
}

// probe pushes once, without any repetition.
func (o *otlp) probe(ctx context.Context, first *snapshot) error {
	ctx, cancel := context.WithTimeoutCause(ctx, firstLimit, fmt.Errorf("no answer within %v", firstLimit))
	defer cancel()
	err := o.once.Export(ctx, o.encode(first))
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	tip := "without the flag, the run pushes nothing; once it goes on, a receiver that fails does not end it"
	if strings.Contains(o.url, ":4317") {
		tip = "4317 is mostly the port of gRPC; weir speaks HTTP, whose port is mostly 4318"
	}
	return fmt.Errorf("push to %s: %s\n  hint: %s", o.url, excerpt(err), tip)
}

func (o *otlp) send(ctx context.Context, s *snapshot) error {
	if err := o.exporter.Export(ctx, o.encode(s)); err != nil {
		return errors.New(excerpt(err))
	}
	if o.delta {
		o.sentAt = s.at
		for _, v := range s.samples {
			o.sent[v.series] = v
		}
		for _, v := range s.ended {
			delete(o.sent, v)
		}
	}
	return nil
}

// encode makes OpenTelemetry's data of a snapshot: each metric once, with a point for
// each of its series.
func (o *otlp) encode(s *snapshot) *metricdata.ResourceMetrics {
	at := map[*metric]int{}
	var all []metricdata.Metrics
	for _, v := range s.samples {
		i, ok := at[v.metric]
		if !ok {
			i = len(all)
			at[v.metric] = i
			all = append(all, metricdata.Metrics{Name: v.otel, Description: v.help, Unit: v.unit})
		}
		all[i].Data = o.point(all[i].Data, s, v)
	}
	return &metricdata.ResourceMetrics{Resource: o.resource, ScopeMetrics: []metricdata.ScopeMetrics{{Scope: o.scope, Metrics: all}}}
}

// point appends a sample to the points of its metric.
func (o *otlp) point(to metricdata.Aggregation, s *snapshot, v sample) metricdata.Aggregation {
	temporality, start := metricdata.CumulativeTemporality, v.begun
	value, counts, n, sum := v.value, []uint64(nil), uint64(0), 0.0
	if v.dist != nil {
		counts, n, sum = slices.Clone(v.dist.counts), v.dist.n, v.dist.sum
	}
	if o.delta && v.kind != gauge {
		temporality = metricdata.DeltaTemporality
		if before, ok := o.sent[v.series]; ok {
			start, value = o.sentAt, value-before.value
			if before.dist != nil {
				n, sum = n-before.dist.n, sum-before.dist.sum
				for i := range counts {
					counts[i] -= before.dist.counts[i]
				}
			}
		}
	}
	time := cmp.Or(v.at, s.at)
	switch v.kind {
	case gauge:
		g, _ := to.(metricdata.Gauge[float64])
		g.DataPoints = append(g.DataPoints, metricdata.DataPoint[float64]{Attributes: attributes(v.series), Time: time, Value: value})
		return g
	case counter:
		c, _ := to.(metricdata.Sum[float64])
		c.Temporality, c.IsMonotonic = temporality, true
		c.DataPoints = append(c.DataPoints, metricdata.DataPoint[float64]{Attributes: attributes(v.series), StartTime: start, Time: time, Value: value})
		return c
	default:
		h, _ := to.(metricdata.Histogram[float64])
		h.Temporality = temporality
		h.DataPoints = append(h.DataPoints, metricdata.HistogramDataPoint[float64]{
			Attributes: attributes(v.series), StartTime: start, Time: time, Count: n, Sum: sum, Bounds: v.bounds, BucketCounts: counts,
		})
		return h
	}
}

func attributes(v *series) attribute.Set {
	list := make([]attribute.KeyValue, len(v.labels))
	for i, l := range v.labels {
		list[i] = attribute.String(l.otel, l.value)
	}
	return attribute.NewSet(list...)
}
