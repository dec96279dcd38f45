package probe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/runtime/transport"
)

// fake is a service with canned answers, by method and path.
type fake struct {
	*httptest.Server
	mu      sync.Mutex
	seen    []string // "GET /v1/models", in order
	headers []http.Header
	bodies  []string
}

// serve starts a service. What it has no answer for is not found.
func serve(t *testing.T, answers map[string]http.HandlerFunc) *fake {
	t.Helper()
	f := &fake{}
	f.Server = httptest.NewServer(f.handler(answers))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) handler(answers map[string]http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body strings.Builder
		raw := json.RawMessage{}
		if json.NewDecoder(r.Body).Decode(&raw) == nil {
			body.Write(raw)
		}
		key := r.Method + " " + r.URL.Path
		f.mu.Lock()
		f.seen = append(f.seen, key)
		f.headers = append(f.headers, r.Header.Clone())
		f.bodies = append(f.bodies, body.String())
		f.mu.Unlock()
		answer := answers[key]
		if answer == nil {
			answer = answers["*"]
		}
		if answer == nil {
			answer = text(404, "application/json", `{"detail":"Not Found"}`)
		}
		r.Body = http.NoBody
		r.Header.Set("Test-Body", body.String())
		answer(w, r)
	})
}

// requests are those that have come so far: what was asked for, with which headers and
// bodies.
func (f *fake) requests() (seen []string, headers []http.Header, bodies []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen), slices.Clone(f.headers), slices.Clone(f.bodies)
}

func text(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func ok(body string) http.HandlerFunc { return text(200, "application/json", body) }

// stream is how a service of an OpenAI protocol answers.
type stream struct {
	step       int  // tokens of an event but the first
	uneven     bool // … or now one more
	silent     bool // it counts no tokens
	continuous bool // it counts in every event where it is asked to
	ends       int  // tokens after which the model ends by itself; 0: never
	obeys      bool // ignore_eos
	refuses    string
	endless    bool // it does not keep to max_tokens
}

// asked is the body of a request, of whichever protocol.
type asked struct {
	MaxTokens     int    `json:"max_tokens"`
	Model         string `json:"model"`
	IgnoreEOS     *bool  `json:"ignore_eos"`
	Prompt        string `json:"prompt"`
	Inputs        string `json:"inputs"`
	TextInput     string `json:"text_input"`
	StreamOptions struct {
		Continuous bool `json:"continuous_usage_stats"`
	} `json:"stream_options"`
	Parameters struct {
		MaxNewTokens int `json:"max_new_tokens"`
		MaxTokens    int `json:"max_tokens"`
	} `json:"parameters"`
}

func bodyOf(r *http.Request) (a asked) {
	_ = json.Unmarshal([]byte(r.Header.Get("Test-Body")), &a)
	return a
}

func (s stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := bodyOf(r)
	if s.refuses != "" && in.IgnoreEOS != nil {
		text(400, "application/json", `{"error":{"message":"`+s.refuses+`"}}`)(w, r)
		return
	}
	total, finish := in.MaxTokens, "length"
	if s.ends > 0 && s.ends < total && !(s.obeys && in.IgnoreEOS != nil) {
		total, finish = s.ends, "stop"
	}
	if s.endless {
		total = 50
	}
	w.Header().Set("Content-Type", "text/event-stream")
	piece := `"text":"a"`
	if strings.HasSuffix(r.URL.Path, "/chat/completions") {
		piece = `"delta":{"content":"a"}`
	}
	made := 0
	for i := 0; made < total; i++ {
		n := max(s.step, 1)
		if i == 0 {
			n = 1
		} else if s.uneven {
			n += i % 3
		}
		made = min(made+n, total)
		usage := ""
		if s.continuous && in.StreamOptions.Continuous {
			usage = fmt.Sprintf(`,"usage":{"prompt_tokens":5,"completion_tokens":%d}`, made)
		}
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,%s}]%s}\n\n", piece, usage)
	}
	fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,%s,\"finish_reason\":%q}]}\n\n", strings.Replace(piece, `"a"`, `""`, 1), finish)
	if !s.silent {
		fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":%d}}\n\n", total)
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// legacy is vLLM's first server, or MindIE's face of it.
func legacy(echo bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in := bodyOf(r)
		if in.Prompt == "" {
			text(422, "application/json", `{"detail":"no prompt"}`)(w, r)
			return
		}
		for i := range in.MaxTokens {
			piece := "a"
			if echo {
				piece = in.Prompt + strings.Repeat("a", i+1)
			}
			fmt.Fprintf(w, "{\"text\":[%q]}\x00", piece)
		}
	}
}

// tgiStream is TGI's.
func tgiStream(w http.ResponseWriter, r *http.Request) {
	in := bodyOf(r)
	if in.Inputs == "" {
		text(422, "application/json", `{"error":"no inputs","error_type":"validation"}`)(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	n := min(in.Parameters.MaxNewTokens, 3) // it does not know ignore_eos
	for i := range n {
		last := `"generated_text":null,"details":null`
		if i == n-1 {
			last = fmt.Sprintf(`"generated_text":"aaa","details":{"finish_reason":"eos_token","generated_tokens":%d}`, n)
		}
		fmt.Fprintf(w, "data:{\"index\":%d,\"token\":{\"id\":7,\"text\":\"a\",\"special\":false},%s}\n\n", i, last)
	}
}

// tritonStream is that of a model with max_tokens among its inputs.
func tritonStream(w http.ResponseWriter, r *http.Request) {
	in := bodyOf(r)
	if in.MaxTokens == 0 {
		text(400, "application/json", `{"error":"missing input 'max_tokens'"}`)(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	for range in.MaxTokens {
		fmt.Fprint(w, `data: {"model_name":"tiny","model_version":"1","text_output":"the "}`+"\n\n")
	}
}

// probing runs Run; change, unless nil, changes its configuration.
func probing(t *testing.T, url string, change func(*Config)) (*Result, string, error) {
	t.Helper()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	var progress strings.Builder
	cfg := Config{URL: url, Timeout: 10 * time.Second, Progress: &progress}
	if change != nil {
		change(&cfg)
	}
	r, err := Run(t.Context(), clients, cfg)
	return r, progress.String(), err
}
