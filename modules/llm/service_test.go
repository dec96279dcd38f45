package llm_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/modules/llm"
	"weir/runtime/script"
	"weir/runtime/transport"
)

// servicesOf runs init code and gives the places that its endpoints send to to look.
func servicesOf(t *testing.T, init string, look func([]*llm.Service)) {
	t.Helper()
	moduleOf(t, init, func(m *llm.Module) { look(m.Services()) })
}

// moduleOf runs init code and gives its module to look.
func moduleOf(t *testing.T, init string, look func(*llm.Module)) {
	t.Helper()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	path := filepath.Join(t.TempDir(), "scenario.ts")
	if err := os.WriteFile(path, []byte(`import { Endpoint } from "weir/llm"; `+init), 0o644); err != nil {
		t.Fatal(err)
	}
	module := llm.New(clients, "weir")
	s, err := script.Load(path, script.Config{
		Modules:   map[string]script.Module{"weir/llm": module},
		LookupEnv: func(string) (string, bool) { return "", false },
		Console:   io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	for id := range 2 {
		rt, err := s.NewRuntime(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		defer rt.Close()
	}
	look(module)
}

// A module tells where its script's endpoints send to, each place once, without secrets.
func TestServices(t *testing.T) {
	f := func(init, want string) {
		t.Helper()
		servicesOf(t, init, func(all []*llm.Service) {
			var found []string
			for _, s := range all {
				found = append(found, s.URL)
			}
			if got := strings.Join(found, " "); got != want {
				t.Errorf("%s: %s, want %s", init, got, want)
			}
		})
	}
	f(``, "")
	f(`new Endpoint({ url: "http://127.0.0.1:1" })`, "http://127.0.0.1:1")
	f(`new Endpoint({ url: "http://127.0.0.1:1/v1" }); new Endpoint({ url: "http://127.0.0.1:1/v1", backend: "openai" })`, "http://127.0.0.1:1/v1")
	f(`new Endpoint({ url: ["http://127.0.0.1:1", "http://127.0.0.1:2"] })`, "http://127.0.0.1:1 http://127.0.0.1:2")
	f(`new Endpoint({ requestUrl: "http://127.0.0.1:1/v1/infers/x/v1/chat/completions?key=abc" })`, "http://127.0.0.1:1/v1/infers/x")
	f(`new Endpoint({ requestUrl: "http://127.0.0.1:1/generate" })`, "http://127.0.0.1:1")
}

// They are asked with what the endpoint's requests carry.
func TestServiceFetch(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	servicesOf(t, `new Endpoint({ requestUrl: "`+server.URL+`/gate/v1/chat/completions?key=abc", apiKey: "sesame" })`, func(all []*llm.Service) {
		a, failed := all[0].Fetch(t.Context(), "GET", "/version", nil, 1<<10)
		if want := "GET /gate/version?key=abc Bearer sesame"; failed != nil || a.Status != 200 || string(a.Body) != want {
			t.Errorf("%d %s %v, want %s", a.Status, a.Body, failed, want)
		}
	})
}
