package llm_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/modules/llm"
)

// The pages of server metrics that endpoints name, and those of --metrics-url.
func TestMetricsTargets(t *testing.T) {
	f := func(init, urls, want string) {
		t.Helper()
		moduleOf(t, init, func(m *llm.Module) {
			targets, err := m.MetricsTargets(strings.Fields(urls)...)
			var found []string
			for _, target := range targets {
				found = append(found, strings.TrimSpace(target.URL+" "+target.Model))
			}
			if err != nil {
				found = append(found, err.Error())
			}
			if got := strings.Join(found, ", "); got != want {
				t.Errorf("%s %s:\n%s\nwant %s", init, urls, got, want)
			}
		})
	}
	const base = `url: "http://127.0.0.1:8000"`
	f(``, "auto", "")
	f(`new Endpoint({ `+base+` })`, "", "")
	f(`new Endpoint({ `+base+` })`, "auto", "http://127.0.0.1:8000/metrics")
	f(`new Endpoint({ `+base+`, model: "m" })`, "auto", "http://127.0.0.1:8000/metrics m")
	f(`new Endpoint({ `+base+`, model: "m" }); new Endpoint({ `+base+`, model: "n" })`, "auto", "http://127.0.0.1:8000/metrics")
	f(`new Endpoint({ url: ["http://127.0.0.1:1/v1", "http://127.0.0.1:2/gate/v1/"], metricsUrl: true })`, "", "http://127.0.0.1:1/metrics, http://127.0.0.1:2/gate/metrics")
	f(`new Endpoint({ requestUrl: "http://127.0.0.1:1/gate/v1/chat/completions", metricsUrl: true })`, "", "http://127.0.0.1:1/gate/metrics")
	f(`new Endpoint({ `+base+`, metricsUrl: "http://127.0.0.1:9/m?key=k" })`, "", "http://127.0.0.1:9/m")
	f(`new Endpoint({ `+base+`, metricsUrl: ["http://127.0.0.1:9/a", "http://127.0.0.1:9/b"] })`, "auto", "http://127.0.0.1:9/a, http://127.0.0.1:9/b")
	f(`new Endpoint({ `+base+`, metricsUrl: false })`, "auto", "")
	f(`new Endpoint({ `+base+` }); new Endpoint({ `+base+`, metricsUrl: true })`, "", "http://127.0.0.1:8000/metrics")
	f(`new Endpoint({ `+base+` })`, "auto http://127.0.0.1:8000/metrics http://127.0.0.1:2/m", "http://127.0.0.1:8000/metrics, http://127.0.0.1:2/m")
	// Servers that serve them on another port.
	f(`new Endpoint({ backend: "triton", `+base+`, model: "m" })`, "auto", "http://127.0.0.1:8002/metrics m")
	f(`new Endpoint({ backend: "triton", url: "http://127.0.0.1:9000", model: "m" })`, "auto", "http://127.0.0.1:9000/metrics m")
	f(`new Endpoint({ backend: "mindie", url: "http://[::1]:1025" })`, "auto", "http://[::1]:1027/metrics")
	// Sad paths.
	f(``, "not-a-url", `page of server metrics: "not-a-url" is not a URL that can be requested: it must begin with http:// or https://`)
}

// An option that is none says so.
func TestMetricsURLWrong(t *testing.T) {
	f := func(option, want string) {
		t.Helper()
		moduleOf(t, `globalThis.said = ""; try { new Endpoint({ url: "http://127.0.0.1:1", metricsUrl: `+option+` }) } catch (e) { if (!String(e).includes(`+"`"+want+"`"+`)) throw e }`, func(*llm.Module) {})
	}
	f(`7`, "option metricsUrl: it is neither true")
	f(`[7]`, "option metricsUrl: it is neither true")
	f(`"ftp://127.0.0.1/metrics"`, "option metricsUrl: page of server metrics")
}

// A page is asked for with what the requests carry; on another host, and where they are
// encrypted and it is not, without what proves who asks.
func TestMetricsCredentials(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %q %q", r.URL, r.Header.Get("Authorization"), r.Header.Get("X-Custom"))
	}))
	defer server.Close()
	f := func(endpoint, url, want string) {
		t.Helper()
		moduleOf(t, `new Endpoint({ apiKey: "sesame", headers: { "X-Custom": "c" }, `+endpoint+` })`, func(m *llm.Module) {
			var urls []string
			if url != "" {
				urls = append(urls, url)
			}
			targets, err := m.MetricsTargets(urls...)
			if err != nil || len(targets) != 1 {
				t.Fatalf("%v %v", targets, err)
			}
			page, err := targets[0].Fetch(t.Context())
			if err != nil || string(page) != want {
				t.Errorf("%s %s: %s %v, want %s", endpoint, url, page, err, want)
			}
		})
	}
	f(`url: "`+server.URL+`", metricsUrl: true`, "", `/metrics "Bearer sesame" "c"`)
	f(`url: "http://127.0.0.1:1", metricsUrl: "`+server.URL+`/m"`, "", `/m "Bearer sesame" "c"`) // another port of the host
	f(`url: "http://localhost:1", metricsUrl: "`+server.URL+`/m?k=1"`, "", `/m?k=1 "" ""`)
	f(`url: "https://127.0.0.1:1", metricsUrl: "`+server.URL+`/m"`, "", `/m "" ""`) // the key is not sent for everybody to read
	f(`url: "http://127.0.0.1:1"`, server.URL+"/m", `/m "Bearer sesame" "c"`)
	f(`url: "http://localhost:1"`, server.URL+"/m", `/m "" ""`)
}
