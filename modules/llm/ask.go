package llm

import (
	"context"
	"fmt"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/transport"
)

// Question is one request that Go code sends, outside of any run.
type Question struct {
	Backend   string // one of BackendNames
	URL       string // base URL of the service
	Options   transport.Options
	Signer    transport.Signer   // nil: nothing signs it
	Header    []transport.Header // besides the backend's own
	Limits    transport.Limits
	Model     string // "": none is named
	Prompt    string
	MaxTokens int // 0: left to the service
	IgnoreEOS bool
	Stream    bool // of no meaning for embeddings and rankings

	// Head, unless nil, is shown the answer when its head has come, and may look at
	// its status and header only.
	Head func(*transport.Exchange)
}

// Answer is what came of a Question.
type Answer struct {
	Text         string // of the first choice, without reasoning
	FinishReason string
	Tokens       metrics.Count // of the answer
	Input        metrics.Count // of the prompt
	Events       int           // token events
	Results      int           // embeddings or scores
	Error        *metrics.Error

	Started time.Time   // the first byte of the request was sent
	Ended   time.Time   // the answer was complete, or was given up
	At      []time.Time // when each token event came; those of one read have the same
}

// Ask sends a request and waits for the whole answer. The error is one of the
// question; what the service did wrong is in the answer. It may be called by any
// goroutine.
func Ask(ctx context.Context, clients *transport.Clients, q Question) (*Answer, error) {
	b := findBackend(q.Backend)
	if b == nil {
		return nil, fmt.Errorf("there is no backend %q", q.Backend)
	}
	e := &endpoint{backend: b, settings: settings{
		model: q.Model, maxTokens: q.MaxTokens, ignoreEOS: q.IgnoreEOS,
		stream: q.Stream && b.task == taskGenerate, limits: q.Limits, signer: q.Signer,
	}}
	e.setHeaders("")
	for _, h := range q.Header {
		if err := e.setHeader(h.Name, h.Value); err != nil {
			return nil, err
		}
	}
	m := Module{clients: clients, counters: make(map[string]any)}
	if err := m.aim(e, 0, []string{q.URL}, nil, "", q.Options); err != nil {
		return nil, err
	}
	c := &call{settings: e.settings, backend: b, prompt: q.Prompt, head: q.Head}
	switch b.task {
	case taskEmbed:
		c.input = appendString(nil, q.Prompt)
	case taskRerank:
		c.input = append(appendString([]byte{'['}, q.Prompt), ']')
	}
	x := &exchange{targets: &e.targets, call: c, rec: c.record(nil)}
	x.once(ctx)
	r := newReply(x)
	a := &Answer{
		Text: string(r.text()), FinishReason: r.finish, Tokens: r.output, Input: r.input,
		Events: r.events, Results: r.results, Error: r.failed, Started: x.rec.Started, Ended: x.rec.End,
	}
	for i := range x.rec.Events {
		a.At = append(a.At, x.rec.EventTime(i))
	}
	x.rec.Recorder().Close(x.rec)
	return a, nil
}
