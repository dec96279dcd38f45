package profiling_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/runtime/load"
	"weir/runtime/profiling"
	"weir/runtime/transport"
)

// fields are the options of a script: the members of an object.
type fields map[string]any

func (f fields) Fields() map[string]any { return f }

func maker(t *testing.T) profiling.Maker {
	clients := transport.NewClients(nil, nil)
	t.Cleanup(clients.Close)
	return profiling.Maker{Clients: clients, UserAgent: "weir/test", Duration: load.ParseDuration}
}

// service is a service that writes down what it is asked.
type service struct {
	*httptest.Server
	mu     sync.Mutex // protects the following fields
	asked  []string
	answer func(path string) (int, string) // nil: 200
}

func serve(t *testing.T) *service {
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		line := r.Method + " " + r.URL.RequestURI()
		for _, name := range []string{"Authorization", "X-Apig-AppCode", "X-Auth-Token", "Content-Type", "X-Team"} {
			if v := r.Header.Get(name); v != "" {
				line += " " + name + "=" + v
			}
		}
		if len(body) > 0 {
			line += " " + string(body)
		}
		s.asked = append(s.asked, line)
		answer := s.answer
		s.mu.Unlock()
		if answer != nil {
			status, text := answer(r.URL.Path)
			w.WriteHeader(status)
			io.WriteString(w, text)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) answers(how func(path string) (int, string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = how
}

func (s *service) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// The requests that profilers are switched by.
func TestRequests(t *testing.T) {
	m, s := maker(t), serve(t)
	f := func(kind string, o fields, where, level string, want ...string) {
		t.Helper()
		all, err := profilersOf(m, kind, o)
		if err != nil {
			t.Error(err)
			return
		}
		for _, p := range all {
			if err := p.Start(t.Context()); err != nil {
				t.Error(err)
			}
		}
		for _, p := range all {
			trace := p.Stop(t.Context())
			if trace.Error != "" || trace.Where != where || trace.Level != level || trace.Started.IsZero() || trace.Stopped.Before(trace.Started) || trace.StopTook <= 0 {
				t.Errorf("%s: trace %+v", p, trace)
			}
		}
		if got := s.take(); !slices.Equal(got, want) {
			t.Errorf("%s %v: asked\n%s\nwant\n%s", kind, o, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	const plain = " Content-Type=application/json"
	f("vllm", fields{"url": s.URL}, "", "", "POST /start_profile"+plain, "POST /stop_profile"+plain)
	// What follows the host is that of another path of the service.
	f("vllm", fields{"url": s.URL + "/v1/chat/completions?x=1", "level": "Level_none", "trace": "/tmp/t"}, "/tmp/t", "Level_none",
		"POST /start_profile?level=Level_none"+plain, "POST /stop_profile"+plain)
	f("vllm", fields{"url": []any{s.URL, s.URL + "/v1"}, "level": "Level2", "apiKey": "k", "appCode": "c", "authToken": "t", "headers": fields{"X-Team": "weir"}}, "", "Level2",
		"POST /start_profile?level=Level2 Authorization=Bearer k X-Apig-AppCode=c X-Auth-Token=t"+plain+" X-Team=weir",
		"POST /stop_profile Authorization=Bearer k X-Apig-AppCode=c X-Auth-Token=t"+plain+" X-Team=weir")
	f("sglang", fields{"url": s.URL}, "", "", "POST /start_profile"+plain+" {}", "POST /stop_profile"+plain)
	f("sglang", fields{"url": s.URL, "outputDir": "/tmp/s", "numSteps": int64(7), "activities": []any{"CPU", "GPU"}}, "/tmp/s", "",
		"POST /start_profile"+plain+` {"output_dir":"/tmp/s","num_steps":7,"activities":["CPU","GPU"]}`, "POST /stop_profile"+plain)
	f("http", fields{"start": s.URL + "/a?b=c", "stop": fields{"url": s.URL + "/d", "method": "put", "body": map[string]any{"on": false}, "headers": fields{"X-Team": "weir"}}, "apiKey": "k", "trace": "here"}, "here", "",
		"POST /a?b=c Authorization=Bearer k", `PUT /d Authorization=Bearer k Content-Type=application/json X-Team=weir {"on":false}`)
	f("http", fields{"start": s.URL + "/a", "stop": fields{"url": s.URL + "/b", "body": "x=1", "headers": fields{"Content-Type": "text/plain"}}}, "", "",
		"POST /a", "POST /b Content-Type=text/plain x=1")
}

// profilersOf makes a profiler by the name of its function in scripts.
func profilersOf(m profiling.Maker, kind string, o fields) ([]profiling.Profiler, error) {
	one := func(p profiling.Profiler, err error) ([]profiling.Profiler, error) {
		return []profiling.Profiler{p}, err
	}
	switch kind {
	case "vllm":
		return m.VLLM(o, profiling.Access{})
	case "sglang":
		return m.SGLang(o, profiling.Access{})
	case "http":
		return one(m.HTTP(o, profiling.Access{}))
	case "msServiceProfiler":
		return one(m.MSServiceProfiler(o))
	case "command":
		return one(m.Command(o))
	}
	panic(kind)
}

// Each node of a service has a profiler of its own.
func TestNodes(t *testing.T) {
	m := maker(t)
	all, err := m.VLLM(fields{"url": []any{"http://10.0.0.1:8000/v1", "http://10.0.0.1:8000", "http://10.0.0.2:8000"}}, profiling.Access{})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(all); got != "[vllm at http://10.0.0.1:8000 vllm at http://10.0.0.2:8000]" {
		t.Error(got)
	}
}

// What a service answers that does not profile.
func TestRefusedRequests(t *testing.T) {
	m, s := maker(t), serve(t)
	f := func(kind string, o fields, status int, text, startWant, stopWant string) {
		t.Helper()
		o["url"], o["apiKey"] = s.URL, "very-secret"
		all, err := profilersOf(m, kind, o)
		if err != nil {
			t.Fatal(err)
		}
		s.answers(func(string) (int, string) { return status, text })
		err = all[0].Start(t.Context())
		trace := all[0].Stop(t.Context())
		if got := strings.ReplaceAll(fmt.Sprint(err), s.URL, "U"); startWant == "" && err != nil || !strings.Contains(got, startWant) {
			t.Errorf("%s, %d: start: %s\nwant %s", kind, status, got, startWant)
		}
		if got := strings.ReplaceAll(trace.Error, s.URL, "U"); stopWant == "" && got != "" || !strings.Contains(got, stopWant) || strings.Contains(got, "\n") {
			t.Errorf("%s, %d: stop: %s\nwant %s", kind, status, got, stopWant)
		}
	}
	f("vllm", fields{}, 404, `{"detail":"Not Found"}`, "POST U/start_profile: the service answered with status 404\n  hint: the service has no profiler: start it with --profiler-config", "POST U/stop_profile: the service answered with status 404")
	f("vllm", fields{}, 404, ``, "VLLM_SERVICE_PROFILER_DIR", "404")
	f("sglang", fields{}, 404, ``, "SGLANG_TORCH_PROFILER_DIR", "404")
	f("vllm", fields{}, 405, `no`, "\n  hint: ", "405: no")
	f("vllm", fields{}, 500, `boom very-secret`, "status 500: boom …", "status 500: boom …")
	f("sglang", fields{"numSteps": int64(5)}, 500, `Profiling is not in progress`, "status 500: Profiling is not in progress", "") // it has ended itself
	f("sglang", fields{}, 500, `Profiling is not in progress`, "status 500", "status 500: Profiling is not in progress")
	f("vllm", fields{}, 302, ``, "status 302", "status 302")

	// A gateway that did not wait does not know either what became of a start; a service that refuses one may
	// profile for somebody else.
	for status, want := range map[int]string{504: "/start_profile /stop_profile", 502: "/start_profile /stop_profile", 500: "/start_profile"} {
		behind, err := m.VLLM(fields{"url": s.URL}, profiling.Access{})
		if err != nil {
			t.Fatal(err)
		}
		s.take()
		s.answers(func(string) (int, string) { return status, "" })
		if err := behind[0].Start(t.Context()); err == nil {
			t.Errorf("status %d: it started", status)
		}
		var paths []string
		for _, asked := range s.take() {
			paths = append(paths, strings.Fields(asked)[1])
		}
		if got := strings.Join(paths, " "); got != want {
			t.Errorf("status %d: asked %s, want %s", status, got, want)
		}
	}

	gone, err := m.VLLM(fields{"url": "http://127.0.0.1:1"}, profiling.Access{})
	if err != nil {
		t.Fatal(err)
	}
	if err := gone[0].Start(t.Context()); err == nil || !strings.Contains(err.Error(), "POST http://127.0.0.1:1/start_profile: cannot connect") {
		t.Errorf("nobody there: %v", err)
	}
}

// A service that takes its time is waited for as long as the limit allows, and no longer
// than the run does; a start of which nobody knows what became of it is taken back.
func TestSlowRequests(t *testing.T) {
	m, s := maker(t), serve(t)
	hang := make(chan struct{})
	var slow atomic.Value // path
	slow.Store("/stop_profile")
	s.answers(func(path string) (int, string) {
		if path == slow.Load() {
			<-hang
		}
		return 200, ""
	})
	t.Cleanup(func() { close(hang) })
	limited, err := m.VLLM(fields{"url": s.URL, "timeout": int64(50)}, profiling.Access{})
	if err != nil {
		t.Fatal(err)
	}
	if err := limited[0].Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if trace := limited[0].Stop(t.Context()); !strings.Contains(trace.Error, "/stop_profile: ") || !strings.Contains(trace.Error, "50ms") {
		t.Errorf("limit: %q", trace.Error)
	}

	unlimited, err := m.VLLM(fields{"url": s.URL}, profiling.Access{})
	if err != nil {
		t.Fatal(err)
	}
	if err := unlimited[0].Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if trace := unlimited[0].Stop(ctx); !strings.Contains(trace.Error, "it was not waited for") {
		t.Errorf("interrupted: %q", trace.Error)
	}

	slow.Store("/start_profile")
	s.take()
	// The end of the run does not keep a stop from being sent.
	if trace := unlimited[0].Stop(ctx); trace.Error != "" {
		t.Errorf("after the end of the run: %q", trace.Error)
	}
	if got := s.take(); len(got) != 1 || !strings.HasPrefix(got[0], "POST /stop_profile") {
		t.Errorf("after the end of the run: asked %q", got)
	}
	if err := limited[0].Start(t.Context()); err == nil || !strings.Contains(err.Error(), "/start_profile") {
		t.Errorf("a start without an answer: %v", err)
	}
	if got := s.take(); len(got) != 2 || !strings.HasPrefix(got[1], "POST /stop_profile") {
		t.Errorf("a start without an answer: asked %q, want a stop after it", got)
	}
}

// Options that make no profiler, by the functions of weir/profile.
func TestWrongOptions(t *testing.T) {
	m := maker(t)
	f := func(kind string, o fields, want string) {
		t.Helper()
		if _, err := profilersOf(m, kind, o); err == nil || !strings.Contains(err.Error(), want) {
			text, _ := json.Marshal(o)
			t.Errorf("%s %s: got %v, want %s", kind, text, err, want)
		}
	}
	const url = "http://127.0.0.1:1"
	f("vllm", fields{}, "option url is missing")
	f("vllm", fields{"url": []any{}}, "option url is missing")
	f("vllm", fields{"url": int64(1)}, "option url: it is neither a text nor a list of texts")
	f("vllm", fields{"url": []any{url, true}}, "option url: it is no list of texts")
	f("vllm", fields{"url": "127.0.0.1:1"}, "127.0.0.1:1")
	f("vllm", fields{"url": "ftp://host"}, "ftp")
	f("vllm", fields{"url": url, "level": "level1"}, `option level is "level1"; it must be one of Level_none, Level0, Level1, Level2`)
	f("vllm", fields{"url": url, "level": int64(1)}, "option level: it is no text")
	f("vllm", fields{"url": url, "levle": "Level1"}, `unknown option "levle"; did you mean "level"?`)
	f("vllm", fields{"url": url, "zzzzzz": 1}, `unknown option "zzzzzz"; the options are level, url, `)
	f("vllm", fields{"url": url, "timeout": "soon"}, "option timeout: ")
	f("vllm", fields{"url": url, "timeout": int64(-1)}, "option timeout: -1ms is negative")
	f("vllm", fields{"url": url, "timeout": int64(0)}, "option timeout: it must be more than 0")
	f("vllm", fields{"url": url, "apiKey": "a\nb"}, "option apiKey: the value of header Authorization has a line end")
	f("vllm", fields{"url": url, "headers": "x"}, "option headers: it is no object of names and values")
	f("vllm", fields{"url": url, "headers": fields{"X": int64(1)}}, "option headers: the value of X is no text")
	f("vllm", fields{"url": url, "headers": fields{"a b": "x"}}, "option headers: ")
	f("sglang", fields{"url": url, "numSteps": int64(0)}, "option numSteps must be a whole number of at least 1, not 0")
	f("sglang", fields{"url": url, "numSteps": 1.5}, "option numSteps must be a whole number")
	f("sglang", fields{"url": url, "activities": int64(3)}, "option activities: ")
	f("http", fields{"stop": url}, "option start is missing")
	f("http", fields{"start": url}, "option stop is missing")
	f("http", fields{"start": int64(1), "stop": url}, "option start: it is neither a URL nor an object")
	f("http", fields{"start": fields{"method": "POST"}, "stop": url}, "option start: no URL")
	f("http", fields{"start": fields{"url": url, "method": "a b"}, "stop": url}, `option start: option method: "A B" is no method`)
	f("http", fields{"start": fields{"url": url, "bdy": "x"}, "stop": url}, `option start: unknown option "bdy"; did you mean "body"?`)
	f("http", fields{"start": url, "stop": fields{"url": url, "body": func() {}}}, "option stop: option body: it cannot be written as JSON")
	f("msServiceProfiler", fields{}, "option config is missing")
	f("msServiceProfiler", fields{"config": "x", "settle": "x"}, "option settle: ")
	f("command", fields{}, "no program: give run")
	f("command", fields{"start": []any{"true"}}, "no program: give run")
	f("command", fields{"run": []any{"true"}, "stop": []any{"true"}}, "but not both")
	f("command", fields{"run": "py-spy record"}, `option run is a text; write a list of the program and its arguments, such as ["py-spy", "record"], or ["sh", "-c", "py-spy record"]`)
	f("command", fields{"run": []any{}}, "option run: it names no program")
	f("command", fields{"run": []any{""}}, "option run: it names no program")
	f("command", fields{"run": []any{"true"}, "env": fields{"A": int64(1)}}, "option env: the value of A is no text")
}
