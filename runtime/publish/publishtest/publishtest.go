// Package publishtest has a receiver to test with that understands what is pushed: it
// decodes Prometheus' remote-write 1.0 and OpenTelemetry's OTLP over HTTP, and refuses
// what a real one would refuse.
package publishtest

import (
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/snappy"
	metricspb "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Receiver takes pushes. It is an http.Handler, and an http.RoundTripper, which needs no
// network. Its methods may be called by any goroutine.
type Receiver struct {
	// Answer is called with each request before it is taken: when it answers itself, which
	// is when it returns false, nothing is taken. nil: everything is.
	Answer func(http.ResponseWriter, *http.Request) bool

	mu       sync.Mutex // protects the following fields
	series   map[string][]Point
	requests []*http.Request
	metadata map[string]string
	resource map[string]string
	delta    bool
	faults   []string
}

// Point is a value at a time, ms since 1970.
type Point struct {
	Ms    int64
	Value float64
}

// Stale tells whether a point says that its series has ended.
func (p Point) Stale() bool { return math.Float64bits(p.Value) == 0x7ff0000000000002 }

func (r *Receiver) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, request)
	return w.Result(), request.Context().Err()
}

func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	r.requests = append(r.requests, request)
	r.mu.Unlock()
	if r.Answer != nil && !r.Answer(w, request) {
		return
	}
	body, err := io.ReadAll(request.Body)
	if err == nil && request.Header.Get("Content-Encoding") == "gzip" {
		var unzip *gzip.Reader
		if unzip, err = gzip.NewReader(strings.NewReader(string(body))); err == nil {
			body, err = io.ReadAll(unzip)
		}
	}
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if strings.HasSuffix(request.URL.Path, "/v1/metrics") {
			err = r.takeOTLP(request, body)
		} else {
			err = r.takeWrite(request, body)
		}
	}
	if err != nil {
		r.faults = append(r.faults, err.Error())
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// add takes a point. Each series has its points in order of time.
func (r *Receiver) add(name string, labels map[string]string, p Point) error {
	if r.series == nil {
		r.series = map[string][]Point{}
	}
	id := key(name, labels)
	all := r.series[id]
	if n := len(all); n > 0 && p.Ms <= all[n-1].Ms && (p != all[n-1]) {
		return fmt.Errorf("%s: a point at %d after one at %d", id, p.Ms, all[n-1].Ms)
	}
	r.series[id] = append(all, p)
	return nil
}

func key(name string, labels map[string]string) string {
	var parts []string
	for k, v := range labels {
		parts = append(parts, fmt.Sprintf("%s=%q", k, v))
	}
	slices.Sort(parts)
	return name + "{" + strings.Join(parts, ",") + "}"
}

// takeWrite decodes prometheus.WriteRequest.
func (r *Receiver) takeWrite(request *http.Request, body []byte) error {
	for name, want := range map[string]string{"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"} {
		if got := request.Header.Get(name); !strings.HasPrefix(got, want) {
			return fmt.Errorf("header %s is %q", name, got)
		}
	}
	plain, err := snappy.Decode(nil, body)
	if err != nil {
		return err
	}
	return fields(plain, func(field protowire.Number, value []byte, _ uint64) error {
		switch field {
		case 1:
			return r.takeSeries(value)
		case 3:
			var name, help string
			err := fields(value, func(field protowire.Number, value []byte, _ uint64) error {
				switch field {
				case 2:
					name = string(value)
				case 4:
					help = string(value)
				}
				return nil
			})
			if r.metadata == nil {
				r.metadata = map[string]string{}
			}
			r.metadata[name] = help
			return err
		}
		return fmt.Errorf("field %d of a WriteRequest", field)
	})
}

func (r *Receiver) takeSeries(series []byte) error {
	labels, before, name := map[string]string{}, "", ""
	var points []Point
	err := fields(series, func(field protowire.Number, value []byte, _ uint64) error {
		switch field {
		case 1:
			var pair [2]string
			if err := fields(value, func(field protowire.Number, value []byte, _ uint64) error {
				pair[field-1] = string(value)
				return nil
			}); err != nil {
				return err
			}
			if pair[0] <= before || pair[1] == "" {
				return fmt.Errorf("label %s=%q after %s", pair[0], pair[1], before)
			}
			before = pair[0]
			if pair[0] == "__name__" {
				name = pair[1]
			} else {
				labels[pair[0]] = pair[1]
			}
		case 2:
			var p Point
			if err := fields(value, func(field protowire.Number, _ []byte, n uint64) error {
				if field == 1 {
					p.Value = math.Float64frombits(n)
				} else {
					p.Ms = int64(n)
				}
				return nil
			}); err != nil {
				return err
			}
			points = append(points, p)
		}
		return nil
	})
	for _, p := range points {
		if err == nil {
			err = r.add(name, labels, p)
		}
	}
	return err
}

// fields calls f with each field of a message: its bytes or its number.
func fields(message []byte, f func(field protowire.Number, value []byte, number uint64) error) error {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		var value []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(message)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			number, n = protowire.ConsumeFixed64(message)
		default:
			return fmt.Errorf("field %d is of wire type %d", field, kind)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if err := f(field, value, number); err != nil {
			return err
		}
	}
	return nil
}

// takeOTLP decodes an ExportMetricsServiceRequest. A histogram becomes the series that
// Prometheus would make of it.
func (r *Receiver) takeOTLP(request *http.Request, body []byte) error {
	if got := request.Header.Get("Content-Type"); got != "application/x-protobuf" {
		return fmt.Errorf("header Content-Type is %q", got)
	}
	var all metricspb.ExportMetricsServiceRequest
	if err := proto.Unmarshal(body, &all); err != nil {
		return err
	}
	for _, of := range all.ResourceMetrics {
		r.resource = attributes(of.Resource.GetAttributes())
		for _, scope := range of.ScopeMetrics {
			for _, m := range scope.Metrics {
				if err := r.takeMetric(m); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (r *Receiver) takeMetric(m *otlp.Metric) (err error) {
	number := func(p *otlp.NumberDataPoint) {
		if err == nil {
			err = r.add(m.Name, attributes(p.Attributes), Point{int64(p.TimeUnixNano / 1e6), p.GetAsDouble()})
		}
	}
	switch data := m.Data.(type) {
	case *otlp.Metric_Gauge:
		for _, p := range data.Gauge.DataPoints {
			number(p)
		}
	case *otlp.Metric_Sum:
		r.delta = data.Sum.AggregationTemporality == otlp.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA
		if !data.Sum.IsMonotonic {
			return fmt.Errorf("%s is not monotonic", m.Name)
		}
		for _, p := range data.Sum.DataPoints {
			if p.StartTimeUnixNano == 0 || p.StartTimeUnixNano > p.TimeUnixNano {
				return fmt.Errorf("%s counts from %d to %d", m.Name, p.StartTimeUnixNano, p.TimeUnixNano)
			}
			number(p)
		}
	case *otlp.Metric_Histogram:
		for _, p := range data.Histogram.DataPoints {
			labels, ms := attributes(p.Attributes), int64(p.TimeUnixNano/1e6)
			if len(p.BucketCounts) != len(p.ExplicitBounds)+1 {
				return fmt.Errorf("%s has %d buckets and %d bounds", m.Name, len(p.BucketCounts), len(p.ExplicitBounds))
			}
			var n uint64
			for _, in := range p.BucketCounts {
				n += in
			}
			if n != p.Count {
				return fmt.Errorf("%s has %d samples in its buckets, not %d", m.Name, n, p.Count)
			}
			for suffix, v := range map[string]float64{"_count": float64(p.Count), "_sum": p.GetSum()} {
				if err == nil {
					err = r.add(m.Name+suffix, labels, Point{ms, v})
				}
			}
		}
	default:
		return fmt.Errorf("%s is a %T", m.Name, data)
	}
	return err
}

func attributes(list []*commonpb.KeyValue) map[string]string {
	m := map[string]string{}
	for _, kv := range list {
		m[kv.Key] = kv.Value.GetStringValue()
	}
	return m
}

// Series are the points of all series of a name that have these labels (name, value, …),
// by all their labels.
func (r *Receiver) Series(name string, labels ...string) map[string][]Point {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := map[string][]Point{}
	for id, points := range r.series {
		if !strings.HasPrefix(id, name+"{") {
			continue
		}
		has := true
		for i := 0; i+1 < len(labels); i += 2 {
			has = has && strings.Contains(id, fmt.Sprintf("%s=%q", labels[i], labels[i+1]))
		}
		if has {
			found[id] = slices.Clone(points)
		}
	}
	return found
}

// Sum is the sum of the last values of all series of a name with these labels; of
// differences, that of all values. NaN: there is none.
func (r *Receiver) Sum(name string, labels ...string) float64 {
	sum, any := 0.0, false
	for _, points := range r.Series(name, labels...) {
		points = slices.DeleteFunc(points, Point.Stale)
		if len(points) == 0 {
			continue
		}
		any = true
		if r.Delta() {
			for _, p := range points {
				sum += p.Value
			}
		} else {
			sum += points[len(points)-1].Value
		}
	}
	if !any {
		return math.NaN()
	}
	return sum
}

// Ended tells whether there are series of a name with these labels, and the last point of each says that it has ended.
func (r *Receiver) Ended(name string, labels ...string) bool {
	all := r.Series(name, labels...)
	for _, points := range all {
		if !points[len(points)-1].Stale() {
			return false
		}
	}
	return len(all) > 0
}

// Delta tells whether what counts comes as differences.
func (r *Receiver) Delta() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.delta
}

// Requests are all that came.
func (r *Receiver) Requests() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// Resource are the attributes of OpenTelemetry's resource.
func (r *Receiver) Resource() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.resource
}

// Metadata are the descriptions of metrics, by name.
func (r *Receiver) Metadata() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.metadata
}

// Names are those of all metrics.
func (r *Receiver) Names() (names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.series {
		name, _, _ := strings.Cut(id, "{")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Faults are why something was not taken that should have been.
func (r *Receiver) Faults() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.faults)
}
