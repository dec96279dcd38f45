package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const maxProfileBody = 64 << 10 // bytes of a request that starts a profile

// profiler is what /start_profile and /stop_profile switch, as vLLM's and SGLang's. Like
// vLLM's it takes no offence at being started or stopped twice. It makes nothing slower.
type profiler struct {
	dir   string
	takes time.Duration // the writing of a trace

	mu      sync.Mutex // protects the following fields
	running bool
	began   time.Time
	first   uint64         // requests that came before
	asked   map[string]any // what it was started with, for the trace
	written int
}

// startProfile answers POST /start_profile. A level may stand in the query, and SGLang's
// options in the body.
func (s *Server) startProfile(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxProfileBody))
	asked := map[string]any{}
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, &asked)
	}
	if err != nil {
		refuse(w, openAI, badRequest("", "the body is no JSON object: %v", err))
		return
	}
	if asked == nil { // null
		asked = map[string]any{}
	}
	if level := r.URL.Query().Get("level"); level != "" {
		asked["level"] = level
	}
	p := s.profiler
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running {
		p.running, p.began, p.first, p.asked = true, time.Now(), s.requests.Load(), asked
	}
	w.WriteHeader(http.StatusOK)
}

// stopProfile answers POST /stop_profile, when the trace is written.
func (s *Server) stopProfile(w http.ResponseWriter, r *http.Request) {
	p := s.profiler
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running {
		p.running = false
		ended, requests := time.Now(), s.requests.Load()-p.first
		select {
		case <-time.After(p.takes):
		case <-r.Context().Done(): // the trace is written all the same
		}
		if err := p.write(ended, requests); err != nil {
			refuse(w, openAI, &apiError{status: http.StatusInternalServerError, kind: "InternalServerError", message: err.Error()})
			return
		}
	}
	w.WriteHeader(http.StatusOK)
}

// write writes a trace as Chrome and Perfetto show them: one event, the profile itself.
func (p *profiler) write(ended time.Time, requests uint64) error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return fmt.Errorf("write the trace: %w", err)
	}
	p.asked["requests"] = requests
	text, err := json.Marshal(map[string]any{"traceEvents": []any{map[string]any{
		"name": "profile", "ph": "X", "pid": os.Getpid(), "tid": 0,
		"ts": p.began.UnixMicro(), "dur": ended.Sub(p.began).Microseconds(), "args": p.asked,
	}}})
	if err != nil {
		return err
	}
	p.written++
	return os.WriteFile(filepath.Join(p.dir, fmt.Sprintf("weir-sim-%d.pt.trace.json", p.written)), text, 0o644)
}
