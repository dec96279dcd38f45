package sim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/runtime/sim"
)

// ask sends a POST and returns the status.
func ask(t *testing.T, url, body string) int {
	t.Helper()
	r, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Error(err)
	}
	return r.StatusCode
}

func TestProfile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "traces")
	cfg := sim.Default()
	cfg.ProfileDir, cfg.ProfileTime = dir, time.Millisecond
	s, err := sim.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()

	f := func(path, body string, status int) {
		t.Helper()
		if got := ask(t, s.URL()+path, body); got != status {
			t.Errorf("POST %s %s: status %d, want %d", path, body, got, status)
		}
	}
	f("/stop_profile", "", 200) // nothing runs, which is no fault
	f("/start_profile?level=Level1", "", 200)
	f("/start_profile?level=Level2", "", 200) // runs already: the first one stays
	f("/v1/completions", `{"prompt":"x","max_tokens":1}`, 200)
	f("/stop_profile", "", 200)
	f("/start_profile", `{"output_dir":"/tmp/x","num_steps":5}`, 200)
	f("/stop_profile", "", 200)
	f("/start_profile", `null`, 200)
	f("/stop_profile", "", 200)
	f("/start_profile", `[1]`, 400)
	f("/start_profile", `{`, 400)
	f("/start_profile", `{"x":"`+strings.Repeat("x", 70<<10)+`"}`, 400)

	for name, want := range map[string]map[string]any{
		"weir-sim-1.pt.trace.json": {"level": "Level1", "requests": 1.0},
		"weir-sim-2.pt.trace.json": {"output_dir": "/tmp/x", "num_steps": 5.0, "requests": 0.0},
		"weir-sim-3.pt.trace.json": {"requests": 0.0},
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		var trace struct {
			TraceEvents []struct {
				Name string
				Dur  int64
				Args map[string]any
			}
		}
		if err := json.Unmarshal(text, &trace); err != nil || len(trace.TraceEvents) != 1 {
			t.Errorf("%s: %s: %v", name, text, err)
			continue
		}
		for key, value := range want {
			if got := trace.TraceEvents[0].Args[key]; got != value {
				t.Errorf("%s: %s is %v, want %v", name, key, got, value)
			}
		}
	}
}

// Without a folder there is no profiler, as in a vLLM that was started without one; and
// one that cannot write says so.
func TestNoProfile(t *testing.T) {
	s, err := sim.Start(t.Context(), sim.Default())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := ask(t, s.URL()+"/start_profile", ""); got != 404 {
		t.Errorf("without a folder: status %d, want 404", got)
	}

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := sim.Default()
	cfg.ProfileDir = file
	blocked, err := sim.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer blocked.Close()
	ask(t, blocked.URL()+"/start_profile", "")
	if got := ask(t, blocked.URL()+"/stop_profile", ""); got != 500 {
		t.Errorf("a folder that is none: status %d, want 500", got)
	}
}
