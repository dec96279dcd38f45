package publish_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/publish"
	"weir/runtime/publish/publishtest"
	"weir/runtime/result"
)

// pushed starts a publisher whose pushes go to r: as Prometheus' or OpenTelemetry's.
func pushed(t *testing.T, to string, r http.RoundTripper, env map[string]string) (*publish.Publisher, error) {
	t.Helper()
	c := publish.Config{Interval: time.Second, Run: "x-1", Script: "x", Version: "0.1"}
	if to == "prometheus" {
		c.Prometheus = &publish.Prometheus{URL: "http://user:geheim@prometheus.test/api/v1/write?token=geheim", BearerToken: env["token"], Transport: r}
	} else {
		c.OTLP = &publish.OTLP{URL: "http://collector.test", Client: &http.Client{Transport: r, Timeout: 10 * time.Second}, LookupEnv: func(name string) (string, bool) {
			v, ok := env[name]
			return v, ok
		}}
		for name, v := range env {
			t.Setenv(name, v)
		}
	}
	return publish.Start(t.Context(), c)
}

// load is a case with a request a second, each of ten tokens, of which every fourth fails.
func load(name string, number int) publish.Case {
	began := time.Now()
	n := func() int64 { return int64(time.Since(began) / time.Second) }
	bounds := metrics.Histogram{}.Bounds()
	in := func(ms float64, n int64) metrics.Histogram {
		h := metrics.Histogram{Counts: make([]int64, len(bounds)+1), N: n, Sum: ms * float64(n)}
		i, _ := slices.BinarySearch(bounds, ms)
		h.Counts[i] = n
		return h
	}
	return publish.Case{
		Name: name, Number: number, Of: 2, Scenario: "default", Tags: map[string]any{"rate": 8},
		Live: func() metrics.Live {
			l := metrics.Live{Ended: n(), Open: 3, InputTokens: 100 * n(), OutputTokens: 10 * n(), Events: 10 * n(), TTFT: in(50, n()), ITL: in(20, 9*n())}
			if n() >= 4 {
				l.Failed = n() / 4
				l.Failures = []metrics.Failure{{Kind: "http_status", Status: 500, Count: l.Failed}}
			}
			return l
		},
		Iterations: func() (result.Counts, int64) {
			return result.Counts{Scheduled: n() + 3, Started: n() + 3, Completed: n(), Dropped: 1, Late: 2}, 3
		},
	}
}

// A run of two cases, each with a last look, in both protocols. Times are a bubble's.
func TestPushes(t *testing.T) {
	f := func(to string, env map[string]string, names map[string]string) {
		t.Helper()
		t.Run(to+fmt.Sprint(env), func(t *testing.T) {
			var r publishtest.Receiver
			var status []result.Published
			synctest.Test(t, func(t *testing.T) {
				p, err := pushed(t, to, &r, env)
				if err != nil {
					t.Fatal(err)
				}
				for number, verdict := range []result.Verdict{result.Valid, result.Suspect} {
					done := p.Begin(load(fmt.Sprintf("case %d", number+1), number+1))
					time.Sleep(10*time.Second + 500*time.Millisecond)
					done()
					p.Ended(&result.Case{Validity: result.Validity{Verdict: verdict}}, number+1)
					time.Sleep(time.Second)
				}
				status = p.Close(t.Context())
			})
			if faults := r.Faults(); faults != nil {
				t.Errorf("the receiver says %q", faults)
			}
			if len(status) != 1 || status[0].Failed+status[0].Dropped != 0 || status[0].Pushes < 20 || status[0].Run != "x-1" || status[0].To != to || status[0].Interval != 1 ||
				strings.Contains(status[0].URL, "geheim") {
				t.Errorf("%+v", status)
			}
			tag := map[string]string{"prometheus": "case", "otlp": "weir.case"}[to]
			for _, c := range []string{"case 1", "case 2"} {
				for name, want := range map[string]float64{
					"weir_requests_total": 10, "weir_requests_failed_total": 2, "weir_input_tokens_total": 1000, "weir_output_tokens_total": 100,
					"weir_iterations_started_total": 13, "weir_iterations_dropped_total": 1, "weir_iterations_late_total": 2, "weir_requests_in_flight": 3,
					"weir_ttft_seconds_count": 10, "weir_ttft_seconds_sum": 0.5, "weir_itl_seconds_count": 90, "weir_case_validity": 1,
				} {
					if other, ok := names[name]; ok {
						name = other
					}
					if got := r.Sum(name, tag, c); to == "otlp" && r.Delta() && (name == "weir.requests.in_flight" || name == "weir.case.validity") {
						continue // gauges have no differences
					} else if math.Abs(got-want) > 1e-9 {
						t.Errorf("%s of %s is %v, want %v", name, c, got, want)
					}
				}
			}
		})
	}
	f("prometheus", nil, nil)
	f("prometheus", map[string]string{"token": "t"}, nil)
	otel := map[string]string{
		"weir_requests_total": "weir.requests", "weir_requests_failed_total": "weir.requests.failed", "weir_input_tokens_total": "weir.tokens.input",
		"weir_output_tokens_total": "weir.tokens.output", "weir_iterations_started_total": "weir.iterations.started", "weir_iterations_dropped_total": "weir.iterations.dropped",
		"weir_iterations_late_total": "weir.iterations.late", "weir_requests_in_flight": "weir.requests.in_flight", "weir_case_validity": "weir.case.validity",
		"weir_ttft_seconds_count": "gen_ai.client.operation.time_to_first_chunk_count", "weir_ttft_seconds_sum": "gen_ai.client.operation.time_to_first_chunk_sum",
		"weir_itl_seconds_count": "gen_ai.client.operation.time_per_output_chunk_count",
	}
	f("otlp", nil, otel)
	f("otlp", map[string]string{"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, otel)
}

// What Prometheus' rates and dashboards depend on.
func TestPrometheusSeries(t *testing.T) {
	var r publishtest.Receiver
	synctest.Test(t, func(t *testing.T) {
		p, err := pushed(t, "prometheus", &r, nil)
		if err != nil {
			t.Fatal(err)
		}
		done := p.Begin(load("a", 1))
		time.Sleep(6*time.Second + time.Millisecond)
		if r.Ended("weir_requests_total") {
			t.Error("the series ended while the case was played")
		}
		done()
		p.Ended(&result.Case{Validity: result.Validity{Verdict: result.Valid}}, 1)
		time.Sleep(2 * time.Second)
		if !r.Ended("weir_requests_total") || !r.Ended("weir_ttft_seconds_bucket") || r.Ended("weir_case_validity") {
			t.Error("the series of a case end with it, the verdict on it stays")
		}
		p.Close(t.Context())
	})
	for _, name := range r.Names() {
		if !r.Ended(name) {
			t.Errorf("%s goes on after the run", name)
		}
	}
	for id, points := range r.Series("weir_requests_total") {
		if want := `weir_requests_total{case="a",instance=`; !strings.HasPrefix(id, want) {
			t.Errorf("the series is %s", id)
		}
		for _, l := range []string{`job="weir"`, `run="x-1"`, `script="x"`, `scenario="default"`, `tag_rate="8"`} {
			if !strings.Contains(id, l) {
				t.Errorf("%s has no %s", id, l)
			}
		}
		if points[0].Value != 0 {
			t.Errorf("it begins with %v", points[0])
		}
	}
	// One that comes later has begun with 0 at the look before, so that nothing is lost to rate().
	for _, name := range []string{"weir_requests_failed_total", "weir_ttft_seconds_count", "weir_ttft_seconds_bucket"} {
		for id, points := range r.Series(name) {
			if points[0].Value != 0 || points[1].Ms <= points[0].Ms || points[1].Ms > points[0].Ms+1000 {
				t.Errorf("%s begins with %v", id, points[:2])
			}
		}
	}
	if len(r.Series("weir_requests_failed_total", "error_type", "http_status", "status", "500")) != 1 {
		t.Errorf("failures are %v", r.Series("weir_requests_failed_total"))
	}
	buckets := r.Series("weir_ttft_seconds_bucket")
	if len(buckets) < 60 || len(buckets) > 90 {
		t.Errorf("there are %d buckets", len(buckets))
	}
	at := func(le string) float64 { return r.Sum("weir_ttft_seconds_bucket", "le", le) }
	if at("+Inf") != 6 || at("0.050331648") != 6 || at("0.04194304") != 0 {
		t.Errorf("the buckets around 50 ms have %v, %v and %v", at("0.04194304"), at("0.050331648"), at("+Inf"))
	}
	if help := r.Metadata()["weir_ttft_seconds"]; help != "Time to first token." {
		t.Errorf("the metadata of weir_ttft_seconds is %q", help)
	}
	if len(r.Series("weir_e2el_seconds_count")) != 0 {
		t.Error("there is an e2el, of which there was no sample")
	}
}

// A script makes as many labels as it likes, and a receiver gets a bounded number.
func TestLabelsAreBounded(t *testing.T) {
	var r publishtest.Receiver
	synctest.Test(t, func(t *testing.T) {
		p, err := pushed(t, "prometheus", &r, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 258 {
			c := load(fmt.Sprintf("case %d of many", i+1), i+1)
			c.Live = func() metrics.Live { return metrics.Live{Ended: 1} }
			if i == 0 {
				c.Tags = map[string]any{"a-b": "x", "a.b": "y", "": "z", "long": strings.Repeat("ü", 1000), "bad": "\xff"}
				for n := range 20 {
					c.Tags[fmt.Sprintf("n%d", n)] = n
				}
			}
			p.Begin(c)()
			p.Ended(&result.Case{Validity: result.Validity{Verdict: result.Valid}}, i+1)
			synctest.Wait()
			time.Sleep(time.Millisecond)
		}
		p.Close(t.Context())
	})
	if faults := r.Faults(); faults != nil {
		t.Fatalf("the receiver says %q", faults[0])
	}
	all := r.Series("weir_requests_total")
	if len(all) != 257 {
		t.Errorf("%d cases have series", len(all))
	}
	for id := range all {
		if n := strings.Count(id, "tag_"); n > 1 && n != 16 || len(id) > 1000 || strings.Contains(id, "\xff") {
			t.Fatalf("labels: %s", id)
		}
	}
	if len(r.Series("weir_requests_total", "tag_a_b", "x", "tag_n0", "0")) != 1 {
		t.Error("the first case has lost its tags")
	}
	if len(r.Series("weir_requests_total", "case", "others")) != 1 || len(r.Series("weir_case_validity")) != 256 {
		t.Error("the cases after the 256th share their labels, and have no verdict")
	}
}

// Receivers in trouble, once the run goes on.
func TestTroubledReceivers(t *testing.T) {
	type trouble = func(http.ResponseWriter, *http.Request) error
	status := func(code int, header ...string) trouble {
		return func(w http.ResponseWriter, _ *http.Request) error {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			io.WriteString(w, "said so\nand more")
			return nil
		}
	}
	down := func(http.ResponseWriter, *http.Request) error {
		return errors.New("dial tcp 127.0.0.1:9: connect: connection refused")
	}
	hangs := func(_ http.ResponseWriter, r *http.Request) error {
		<-r.Context().Done()
		return r.Context().Err()
	}

	// For 5 s of a run of 60 s; what came afterwards has made up for it.
	f := func(to string, from, until time.Duration, what trouble, check func(t *testing.T, p result.Published, r *publishtest.Receiver)) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			var r publishtest.Receiver
			began := time.Now()
			next := transport(func(q *http.Request) (*http.Response, error) {
				since := time.Since(began)
				if since < from || since >= until {
					return r.RoundTrip(q)
				}
				var refused error
				broken := &publishtest.Receiver{Answer: func(w http.ResponseWriter, q *http.Request) bool {
					refused = what(w, q)
					return false
				}}
				answer, err := broken.RoundTrip(q)
				if refused != nil {
					return nil, refused
				}
				return answer, err
			})
			p, err := pushed(t, to, next, nil)
			if err != nil {
				t.Fatal(err)
			}
			done := p.Begin(load("a", 1))
			time.Sleep(60*time.Second + time.Millisecond)
			before := time.Now()
			done()
			p.Ended(&result.Case{Validity: result.Validity{Verdict: result.Valid}}, 1)
			if took := time.Since(before); took > 0 {
				t.Errorf("%s: the run waited %v", to, took)
			}
			status := p.Close(t.Context())
			if took := time.Since(before); took > 11*time.Second {
				t.Errorf("%s: the end took %v", to, took)
			}
			if faults := r.Faults(); faults != nil {
				t.Errorf("%s: the receiver says %q", to, faults)
			}
			check(t, status[0], &r)
		})
	}
	requests := map[string]string{"prometheus": "weir_requests_total", "otlp": "weir.requests"}
	whole := func(to string, said string) func(*testing.T, result.Published, *publishtest.Receiver) {
		return func(t *testing.T, p result.Published, r *publishtest.Receiver) {
			t.Helper()
			if r.Sum(requests[to]) != 60 {
				t.Errorf("%s: %v of 60 requests", to, r.Sum(requests[to]))
			}
			if (p.Failed == 0) != (said == "") || !strings.Contains(p.Error, said) || strings.Contains(p.Error, "geheim") || strings.Contains(p.Error, "\n") {
				t.Errorf("%s: %+v, want %q", to, p, said)
			}
		}
	}
	for _, to := range []string{"prometheus", "otlp"} {
		f(to, 5*time.Second, 10*time.Second, status(503), whole(to, ""))
		f(to, 5*time.Second, 10*time.Second, status(400), whole(to, "400 Bad Request"))
		f(to, 5*time.Second, 7*time.Second, status(429, "Retry-After", "20"), whole(to, ""))
		f(to, 5*time.Second, 25*time.Second, hangs, whole(to, ""))

		lost := func(t *testing.T, p result.Published, r *publishtest.Receiver) {
			t.Helper()
			if p.Pushes < 5 || p.Failed+p.Dropped < 20 || p.Error == "" && p.Dropped == 0 || strings.Contains(p.Error, "geheim") {
				t.Errorf("%s: %+v", to, p)
			}
		}
		for _, what := range []trouble{down, hangs, status(500), status(404), status(429, "Retry-After", "86400"), status(302, "Location", "http://elsewhere.test/")} {
			f(to, 5*time.Second, time.Hour, what, lost)
		}
	}
	f("prometheus", 5*time.Second, 10*time.Second, down, whole("prometheus", ""))
	f("otlp", 5*time.Second, 10*time.Second, down, whole("otlp", "connection refused"))
	f("prometheus", 5*time.Second, 10*time.Second, status(500), whole("prometheus", ""))
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(q *http.Request) (*http.Response, error) { return t(q) }

// A receiver that does not take the first push is told of before there is any load.
func TestRefusedAtStart(t *testing.T) {
	f := func(to string, r http.RoundTripper, want ...string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			p, err := pushed(t, to, r, nil)
			if err == nil {
				p.Close(t.Context())
				t.Fatalf("%s: no error, want %q", to, want)
			}
			for _, part := range append(want, "hint: ") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s: the error is %q, without %q", to, err, part)
				}
			}
			if strings.Contains(err.Error(), "geheim") {
				t.Errorf("%s: the error tells a secret: %v", to, err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%s: that took %v", to, took)
			}
		})
	}
	answers := func(code int) http.RoundTripper {
		return &publishtest.Receiver{Answer: func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, "nothing here", code)
			return false
		}}
	}
	down := transport(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })
	slow := transport(func(q *http.Request) (*http.Response, error) {
		<-q.Context().Done()
		return nil, q.Context().Err()
	})
	f("prometheus", answers(404), "--prometheus-write", "http://prometheus.test/api/v1/write?token=", "404", "nothing here", "--web.enable-remote-write-receiver")
	f("prometheus", answers(401), "401", "WEIR_PROMETHEUS_USERNAME")
	f("prometheus", answers(503), "503", "nothing here")
	f("prometheus", answers(302), "302")
	f("prometheus", down, "connection refused")
	f("prometheus", slow, "no answer within 5s")
	f("otlp", answers(404), "--otel", "http://collector.test/v1/metrics", "404", "nothing here")
	f("otlp", answers(503), "nothing here")
	f("otlp", down, "connection refused")
	f("otlp", slow, "no answer within 5s")
}

func TestWrongConfigurations(t *testing.T) {
	f := func(c publish.Config, want string) {
		t.Helper()
		p, err := publish.Start(t.Context(), c)
		if err == nil {
			p.Close(t.Context())
			t.Fatalf("no error, want %q", want)
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("the error is %q, want %q", err, want)
		}
	}
	none := func(string) (string, bool) { return "", false }
	f(publish.Config{Prometheus: &publish.Prometheus{URL: "127.0.0.1:9090"}}, "--prometheus-write: 127.0.0.1:9090: ")
	f(publish.Config{Prometheus: &publish.Prometheus{URL: "ftp://user:geheim@host"}}, "it is no http:// or https:// URL")
	f(publish.Config{Prometheus: &publish.Prometheus{URL: "http://user:geheim@ho st/"}}, "invalid character")
	f(publish.Config{OTLP: &publish.OTLP{URL: "http://host?token=geheim", LookupEnv: none}}, "OTEL_EXPORTER_OTLP_HEADERS")
	f(publish.Config{OTLP: &publish.OTLP{URL: "http://user:geheim@host:4318", LookupEnv: none}}, "OTEL_EXPORTER_OTLP_HEADERS")
	f(publish.Config{OTLP: &publish.OTLP{URL: "collector:4318", LookupEnv: none}}, "--otel: ")
	f(publish.Config{OTLP: &publish.OTLP{URL: "auto", LookupEnv: func(name string) (string, bool) { return "grpc", name == "OTEL_EXPORTER_OTLP_PROTOCOL" }}}, "weir speaks http/protobuf")
}

// Who pushes is in headers, what is common in the resource.
func TestIdentity(t *testing.T) {
	var r publishtest.Receiver
	var header http.Header
	synctest.Test(t, func(t *testing.T) {
		p, err := pushed(t, "prometheus", &r, nil)
		if err != nil {
			t.Fatal(err)
		}
		p.Close(t.Context())
	})
	q := r.Requests()[0]
	if user, password, _ := q.BasicAuth(); user != "user" || password != "geheim" || !strings.HasPrefix(q.UserAgent(), "weir/0.1") || q.URL.User != nil {
		t.Errorf("%v", header)
	}

	var otel publishtest.Receiver
	synctest.Test(t, func(t *testing.T) {
		p, err := pushed(t, "otlp", &otel, map[string]string{
			"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=lab,team=a", "OTEL_EXPORTER_OTLP_HEADERS": "x-key=geheim",
		})
		if err != nil {
			t.Fatal(err)
		}
		p.Close(t.Context())
	})
	got := otel.Resource()
	for name, want := range map[string]string{"service.name": "weir", "service.version": "0.1", "service.instance.id": "x-1", "weir.script": "x", "weir.run": "x-1", "team": "a", "deployment.environment.name": "lab", "telemetry.sdk.language": "go"} {
		if got[name] != want {
			t.Errorf("the resource's %s is %q, want %q", name, got[name], want)
		}
	}
	if got := otel.Requests()[0]; got.Header.Get("x-key") != "geheim" || got.URL.String() != "http://collector.test/v1/metrics" {
		t.Errorf("%v %v", got.URL, got.Header)
	}
}

// Whatever comes when, many goroutines at once.
func TestManyGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // however slow the machine is, closing waits for all of it
		var r publishtest.Receiver
		p, err := publish.Start(t.Context(), publish.Config{
			Interval: time.Millisecond, Run: "x", Script: "x",
			Prometheus: &publish.Prometheus{URL: "http://prometheus.test/", Transport: &r},
			OTLP:       &publish.OTLP{URL: "http://collector.test", Client: &http.Client{Transport: &r}, LookupEnv: func(string) (string, bool) { return "", false }},
		})
		if err != nil {
			t.Fatal(err)
		}
		var n atomic.Int64
		for i := range 20 {
			c := load(fmt.Sprint("case ", i), i+1)
			c.Live = func() metrics.Live { return metrics.Live{Ended: n.Add(1)} }
			done := p.Begin(c)
			time.Sleep(2 * time.Millisecond)
			done()
			p.Ended(&result.Case{Validity: result.Validity{Verdict: result.Valid}}, i+1)
		}
		for _, status := range p.Close(t.Context()) {
			if status.Failed > 0 || status.Pushes == 0 {
				t.Errorf("%+v", status)
			}
		}
		if faults := r.Faults(); faults != nil {
			t.Errorf("the receiver says %q", faults[0])
		}
		var nobody *publish.Publisher
		nobody.Begin(publish.Case{})()
		nobody.Ended(nil, 1)
		if nobody.Close(context.Background()) != nil {
			t.Error("nobody has published something")
		}
	})
}
