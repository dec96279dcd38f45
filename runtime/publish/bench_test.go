package publish_test

import (
	"net/http"
	"testing"

	"weir/runtime/metrics"
	"weir/runtime/publish"
)

// BenchmarkPush is what a push of a case costs, with all its latencies, but for the
// network.
func BenchmarkPush(b *testing.B) {
	full := metrics.Histogram{Counts: make([]int64, len(metrics.Histogram{}.Bounds())+1)}
	for i := range full.Counts {
		full.Counts[i] = int64(i * i)
		full.N += full.Counts[i]
	}
	c := load("128 in, 128 out, 8 parallel", 1)
	c.Live = func() metrics.Live {
		return metrics.Live{Ended: 1000, TTFT: full, ITL: full, TPOT: full, E2EL: full, StartLag: full}
	}
	f := func(name string, to func(http.RoundTripper) publish.Config) {
		b.Run(name, func(b *testing.B) {
			taken := make(chan struct{}, 100)
			config := to(transport(func(q *http.Request) (*http.Response, error) {
				q.Body.Close()
				taken <- struct{}{}
				return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: q}, nil
			}))
			config.Run, config.Script = "static-20260304-050607-abcdef", "static"
			p, err := publish.Start(b.Context(), config)
			if err != nil {
				b.Fatal(err)
			}
			<-taken
			for b.Loop() {
				done := p.Begin(c)
				<-taken
				done()
				<-taken
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(2*b.N), "µs/push")
			p.Close(b.Context())
		})
	}
	f("prometheus", func(r http.RoundTripper) publish.Config {
		return publish.Config{Prometheus: &publish.Prometheus{URL: "http://prometheus.test/", Transport: r}}
	})
	f("otlp", func(r http.RoundTripper) publish.Config {
		return publish.Config{OTLP: &publish.OTLP{URL: "http://collector.test", Client: &http.Client{Transport: r}, LookupEnv: func(string) (string, bool) { return "", false }}}
	})
}
