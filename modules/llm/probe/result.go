package probe

import (
	"net/http"
	"strconv"
)

// Result is what was found out. It is also the JSON of weir probe --json.
type Result struct {
	URL     string  `json:"url"`            // base of the service, without a user, a password or a query
	Path    string  `json:"path,omitempty"` // of a request, which was given with it
	Service Service `json:"service"`
	Models  []Model `json:"models"`          // that the service names
	Model   string  `json:"model,omitempty"` // that was asked for; "": none was named
	Limits  Limits  `json:"limits"`

	Gets     []Get   `json:"gets"`           // in the order in which they were asked
	Backends []Trial `json:"backends"`       // likewise
	Best     string  `json:"best,omitempty"` // backend to use; "": none works

	Usage      *Usage     `json:"usage,omitempty"` // of the best backend; nil: it makes no tokens, or could not be asked
	IgnoreEOS  *IgnoreEOS `json:"ignore_eos,omitempty"`
	TokensEach *PerEvent  `json:"tokens_per_event,omitempty"`

	Command string   `json:"command,omitempty"` // for a shell; "": there is none for the best backend
	Notes   []string `json:"notes,omitempty"`   // what else there is to know before it is used
}

// Service is the server.
type Service struct {
	Kind    string `json:"kind,omitempty"`    // such as vllm; "": not known
	Name    string `json:"name,omitempty"`    // the same for readers
	Version string `json:"version,omitempty"` // as it says
	Server  string `json:"server,omitempty"`  // its header of that name
}

// Model is a model that the service names.
type Model struct {
	Name        string `json:"name"`
	MaxModelLen int    `json:"max_model_len,omitempty"` // of prompt and answer, tokens; 0: not said
	Root        string `json:"root,omitempty"`          // where the server has it from: a folder of its machine, or a name
}

// Limits are what the service says that it takes. 0: not said.
type Limits struct {
	TotalTokens int `json:"total_tokens,omitempty"` // of prompt and answer
	InputTokens int `json:"input_tokens,omitempty"`
	Requests    int `json:"requests,omitempty"` // at the same time
}

// Get is what came of a GET.
type Get struct {
	Path        string   `json:"path"`
	Status      int      `json:"status,omitempty"` // 0: no answer
	ContentType string   `json:"content_type,omitempty"`
	Error       *Failure `json:"error,omitempty"`
}

// Failure is why a request failed.
type Failure struct {
	Kind    string `json:"kind"`             // one of the kinds of docs/metrics.md
	Status  int    `json:"status,omitempty"` // HTTP status; 0: none came
	Message string `json:"message"`
}

func (f *Failure) String() string {
	if f.Kind == "http_status" || f.Kind == "rate_limited" {
		return status(f.Status) + ": " + f.Message
	}
	return f.Message
}

// Trial is what came of asking with a backend.
type Trial struct {
	Backend string   `json:"backend"`
	Path    string   `json:"path"`
	Works   bool     `json:"works"`
	Error   *Failure `json:"error,omitempty"` // why it does not

}

// Usage is whether the service counts tokens.
type Usage struct {
	Counted    bool  `json:"counted"`              // at the end of a stream
	Continuous *bool `json:"continuous,omitempty"` // in every event, where that is asked for; nil: the backend has no such thing, or it was not told
}

// IgnoreEOS is what came of a request for tokens that the service shall not end
// before.
type IgnoreEOS struct {
	Works        *bool  `json:"works,omitempty"` // nil: it cannot be told
	Asked        int    `json:"asked"`           // tokens
	Made         int    `json:"made"`            // tokens, or where nobody counted them, token events
	FinishReason string `json:"finish_reason,omitempty"`
	Why          string `json:"why,omitempty"` // why it cannot be told, or the message of the service's refusal
}

// PerEvent is how tokens came in events.
type PerEvent struct {
	Tokens int  `json:"tokens"`
	Events int  `json:"events"`
	Steps  int  `json:"steps,omitempty"`  // of each event but the first: as many; 0: they differ, or it was not told
	Varies bool `json:"varies,omitempty"` // some events have several tokens, and not always as many
}

// best is the first backend that works, nil when none does. The likeliest came first.
func (r *Result) best() *Trial {
	for i := range r.Backends {
		if r.Backends[i].Works {
			return &r.Backends[i]
		}
	}
	return nil
}

// working are the names of the backends that work.
func (r *Result) working() (names []string) {
	for _, t := range r.Backends {
		if t.Works {
			names = append(names, t.Backend)
		}
	}
	return names
}

// status is a status as lines show it, such as "404 Not Found".
func status(code int) string {
	if text := http.StatusText(code); text != "" {
		return strconv.Itoa(code) + " " + text
	}
	return strconv.Itoa(code)
}
