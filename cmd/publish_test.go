package cmd

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"weir/runtime/publish/publishtest"
	"weir/runtime/result"
)

// pushing plays a run of a script of two cases, one of them with failures, that pushes to
// two receivers.
func pushing(t *testing.T, flags ...string) (code int, folder, output string) {
	t.Helper()
	dir := t.TempDir()
	script := filepath.Join(dir, "two.ts")
	if err := os.WriteFile(script, []byte(`
import { Endpoint } from "weir/llm";
const good = new Endpoint({ url: "http://127.0.0.1:1", maxTokens: 8, ignoreEos: true });
const gone = new Endpoint({ url: "http://127.0.0.1:1", requestUrl: "http://127.0.0.1:1/nothing/here" });
export function* plan() {
  yield { name: "first", tags: { rate: 8, "ärgerlich": "x,y=\"z\"" }, of: 2, vus: 4, iterations: 20 };
  yield { name: "second", of: 2, vus: 2, iterations: 10, exec: "mixed" };
}
export default () => good.complete("Hello");
export async function mixed(it) { await (it.iteration % 2 ? gone : good).complete("Hello"); }
`), 0o644); err != nil {
		t.Fatal(err)
	}
	folder = filepath.Join(dir, "out")
	var out bytes.Buffer
	code = Main(append([]string{"run", script, "--sim", "--sim-ttft", "5ms", "--sim-itl", "1ms", "--progress", "none", "--no-summary", "--no-report",
		"--out", folder, "--publish-interval", "1m", "--monitor", "host", "--metrics-url", "auto", "--monitor-interval", "20ms"}, flags...), &out, &out)
	return code, folder, out.String()
}

// What a receiver has at the end is what the result says.
func TestPublished(t *testing.T) {
	t.Setenv("WEIR_PROMETHEUS_BEARER_TOKEN", "geheim-1")
	t.Setenv("WEIR_PROMETHEUS_HEADERS", "X-Scope-OrgID: team, X-Key:geheim-2")
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=geheim-3")
	var prometheus, otel *publishtest.Receiver
	var first, second *httptest.Server
	var folder, output string
	var run *result.Run
	for try := 1; ; try++ {
		prometheus, otel = new(publishtest.Receiver), new(publishtest.Receiver)
		first, second = httptest.NewServer(prometheus), httptest.NewServer(otel)
		defer first.Close()
		defer second.Close()
		to := strings.Replace(first.URL, "://", "://user:geheim-4@", 1)
		var code int
		code, folder, output = pushing(t, "--prometheus-write", to+"/api/v1/write?token=geheim-5", "--otel", second.URL)
		if code != 0 {
			t.Fatalf("exit code %d: %s", code, output)
		}
		var err error
		if run, err = result.Open(folder); err != nil {
			t.Fatal(err)
		}
		// A machine that is too slow to push everything in the time that there is says so.
		lost := slices.ContainsFunc(run.Result.Published, func(p result.Published) bool { return p.Failed+p.Dropped > 0 })
		if !lost || try == 5 {
			break
		}
	}
	for name, r := range map[string]*publishtest.Receiver{"prometheus": prometheus, "otlp": otel} {
		if faults := r.Faults(); faults != nil {
			t.Fatalf("%s: %q", name, faults)
		}
	}
	f := func(c *result.Case, want float64, prom, otlp string, labels ...string) {
		t.Helper()
		if got := prometheus.Sum(prom, append(labels, "case", c.Name)...); math.Abs(got-want) > 1e-6 {
			t.Errorf("%s of %s is %v, want %v", prom, c.Name, got, want)
		}
		otelLabels := append([]string{}, labels...)
		for i := 0; i < len(labels); i += 2 {
			otelLabels[i] = map[string]string{"verdict": "weir.verdict", "error_type": "error.type", "status": "http.response.status_code", "scenario": "weir.scenario", "tag_rate": "weir.tag.rate"}[labels[i]]
		}
		if got := otel.Sum(otlp, append(otelLabels, "weir.case", c.Name)...); math.Abs(got-want) > 1e-6 {
			t.Errorf("%s of %s is %v, want %v", otlp, c.Name, got, want)
		}
	}
	for _, c := range run.Result.Cases {
		f(c, float64(c.Counts.Requests), "weir_requests_total", "weir.requests")
		f(c, float64(c.Counts.Started), "weir_iterations_started_total", "weir.iterations.started", "scenario", "default")
		f(c, float64(c.Counts.Completed), "weir_iterations_completed_total", "weir.iterations.completed")
		f(c, float64(c.Counts.Dropped), "weir_iterations_dropped_total", "weir.iterations.dropped")
		f(c, float64(c.Counts.Late), "weir_iterations_late_total", "weir.iterations.late")
		f(c, 0, "weir_requests_in_flight", "weir.requests.in_flight")
		f(c, *c.Metrics["generated_tokens"].Sum, "weir_output_tokens_total", "weir.tokens.output")
		f(c, *c.Metrics["prompt_tokens"].Sum, "weir_input_tokens_total", "weir.tokens.input")
		for metric, names := range map[string][2]string{
			"ttft": {"weir_ttft_seconds", "gen_ai.client.operation.time_to_first_chunk"}, "itl": {"weir_itl_seconds", "gen_ai.client.operation.time_per_output_chunk"},
			"tpot": {"weir_tpot_seconds", "weir.tpot"}, "e2el": {"weir_e2el_seconds", "gen_ai.client.operation.duration"},
		} {
			m := c.Metrics[metric]
			if m == nil { // the client was too late for all of them
				m = &result.Metric{Avg: new(0.0)}
			}
			f(c, float64(m.N), names[0]+"_count", names[1]+"_count")
			f(c, *m.Avg*float64(m.N)/1000, names[0]+"_sum", names[1]+"_sum")
		}
		f(c, 1, "weir_case_validity", "weir.case.validity", "verdict", string(c.Validity.Verdict))
	}
	f(run.Result.Cases[0], 20, "weir_requests_total", "weir.requests", "tag_rate", "8")
	f(run.Result.Cases[1], 5, "weir_requests_failed_total", "weir.requests.failed", "error_type", "http_status", "status", "404")
	for _, name := range []string{"weir_device_cpu_ratio", "weir_device_memory_total_bytes", "weir_server_requests_running", "weir_server_kv_cache_ratio", "weir_run_info", "weir_run_cases"} {
		if len(prometheus.Series(name)) != 1 || !prometheus.Ended(name) {
			t.Errorf("%s: %v", name, prometheus.Series(name))
		}
	}
	if share, memory := prometheus.Sum("weir_device_cpu_ratio", "device", "host 0"), prometheus.Sum("weir_device_memory_total_bytes"); !(share >= 0 && share <= 1) || !(memory > 1<<27) {
		t.Errorf("the host used %v of its CPUs, and has %v bytes", share, memory)
	}
	if len(prometheus.Series("weir_server_requests_running", "server", run.Result.Environment.Sim+"/metrics")) != 1 {
		t.Errorf("the service: %v", prometheus.Series("weir_server_requests_running"))
	}

	published := run.Result.Published
	if len(published) != 2 || published[0].URL != first.URL+"/api/v1/write?token=…" || published[1].URL != second.URL+"/v1/metrics" || !strings.HasPrefix(published[0].Run, "two-") {
		t.Errorf("published: %+v", published)
	}
	for _, p := range published {
		if p.Pushes < 4 || p.Failed+p.Dropped != 0 || p.Error != "" {
			t.Errorf("%+v", p)
		}
		if len(prometheus.Series("weir_run_info", "run", p.Run)) != 1 {
			t.Errorf("no series has the run %q", p.Run)
		}
	}
	q := prometheus.Requests()[0]
	if q.Header.Get("X-Scope-OrgID") != "team" || q.Header.Get("X-Key") != "geheim-2" || q.Header.Get("Authorization") != "Bearer geheim-1" {
		t.Errorf("the headers are %v", q.Header)
	}
	text, err := os.ReadFile(filepath.Join(folder, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text)+output, "geheim") {
		t.Errorf("a secret is shown: %s", output)
	}
}

// A receiver that fails once the run goes on is told of at the end, and changes nothing.
func TestPublishedToNobody(t *testing.T) {
	var n atomic.Int64
	var r publishtest.Receiver
	r.Answer = func(w http.ResponseWriter, _ *http.Request) bool {
		if n.Add(1) == 1 {
			return true
		}
		http.Error(w, "out of order sample", http.StatusBadRequest)
		return false
	}
	server := httptest.NewServer(&r)
	defer server.Close()
	code, folder, output := pushing(t, "--prometheus-write", server.URL)
	run, err := result.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	p := run.Result.Published[0]
	if code != 0 || len(run.Result.Cases) != 2 || p.Pushes != 0 || p.Failed < 1 || p.Failed+p.Dropped < 4 || !strings.Contains(p.Error, "400 Bad Request: out of order sample") {
		t.Errorf("exit code %d, %+v", code, p)
	}
	if want := fmt.Sprintf("--prometheus-write %s: %d of %d pushes did not arrive; the first one that failed: ", server.URL, p.Failed+p.Dropped, p.Failed+p.Dropped); !strings.Contains(output, want) {
		t.Errorf("the output is %q, without %q", output, want)
	}
}

// What cannot be pushed to is told before any load, and leaves nothing.
func TestPublishRefused(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	defer gone.Close()
	f := func(flag, value string, env map[string]string, want string) {
		t.Helper()
		t.Run(flag+value, func(t *testing.T) {
			for name, v := range env {
				t.Setenv(name, v)
			}
			code, folder, output := pushing(t, flag, value)
			if _, err := os.Stat(folder); code != exitConfig || !strings.Contains(output, want) || strings.Contains(output, "geheim") || err == nil {
				t.Errorf("exit code %d, %q, want %q; %v", code, output, want, err)
			}
		})
	}
	f("--prometheus-write", gone.URL, nil, "404")
	f("--prometheus-write", "http://127.0.0.1:1/api/v1/write", nil, "connection refused")
	f("--prometheus-write", "somewhere", nil, "it is no http:// or https:// URL")
	f("--otel", gone.URL, nil, "404")
	f("--otel", "http://127.0.0.1:1", nil, "connection refused")
	f("--otel", "auto", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, "push to http://127.0.0.1:1/v1/metrics: ")
	f("--otel", "auto", map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "weir speaks http/protobuf")
	f("--publish-interval", "1ms", nil, "--publish-interval is 1ms")
	f("--prometheus-write", gone.URL+"/", map[string]string{"WEIR_PROMETHEUS_HEADERS": "geheim"}, "WEIR_PROMETHEUS_HEADERS: header 1 has no colon")
	f("--prometheus-write", gone.URL+"/a", map[string]string{"WEIR_PROMETHEUS_HEADERS": "X Y: geheim"}, "is not the name of a header")
	f("--prometheus-write", gone.URL+"/b", map[string]string{"WEIR_PROMETHEUS_CA": "/nowhere.pem"}, "WEIR_PROMETHEUS_CA: ")
	f("--prometheus-write", gone.URL+"/c", map[string]string{"WEIR_PROMETHEUS_INSECURE": "maybe"}, "it must be true or false")
	f("--prometheus-write", gone.URL+"/d", map[string]string{"WEIR_PROMETHEUS_BEARER_TOKEN": "geheim", "WEIR_PROMETHEUS_USERNAME": "x"}, "give one of them")
}
