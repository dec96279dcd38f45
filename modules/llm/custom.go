package llm

import (
	"context"
	"fmt"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/script"
	"weir/runtime/suggest"
)

// custom is a wire protocol that a script brings: its functions write requests and
// read events. That is the slower way: each event is decoded on the runtime's event
// loop, one after another with everything else there. Arrivals are stamped before, so
// their times do not suffer.
type custom struct {
	rt    *script.Runtime
	write goja.Callable // (prompt, options) → the request's body
	read  goja.Callable // (data) → what an event, or a whole answer, has brought
}

// newCustom makes a backend of { path, request, event, … }.
func newCustom(rt *script.Runtime, o *goja.Object) (*Backend, error) {
	c := &custom{rt: rt}
	b := &Backend{Name: "custom", Path: "/", ids: true, custom: c}
	b.appendBody = func(dst []byte, c *call) []byte { return append(dst, c.body...) }
	function := func(v goja.Value) (goja.Callable, error) {
		f, ok := goja.AssertFunction(v)
		if !ok {
			return nil, fmt.Errorf("%s is no function", v)
		}
		return f, nil
	}
	set := map[string]func(goja.Value) error{
		"name":      func(v goja.Value) error { b.Name = v.String(); return nil },
		"path":      func(v goja.Value) error { b.Path = v.String(); return nil },
		"wholePath": func(v goja.Value) error { b.WholePath = v.String(); return nil },
		"request":   func(v goja.Value) (err error) { c.write, err = function(v); return err },
		"event":     func(v goja.Value) (err error) { c.read, err = function(v); return err },
		"chat":      func(v goja.Value) error { b.Chat, b.ids = v.ToBoolean(), !v.ToBoolean(); return nil },
		"endMark":   func(v goja.Value) error { b.unmarked = !v.ToBoolean(); return nil },
		"stream": func(v goja.Value) error {
			switch v.String() {
			case "sse":
			case "values":
				b.format = formatValues
			default:
				return fmt.Errorf(`%q is neither "sse" nor "values"`, v)
			}
			return nil
		},
	}
	known := make([]string, 0, len(set))
	for name := range set {
		known = append(known, name)
	}
	for _, name := range o.Keys() {
		put, ok := set[name]
		if !ok {
			return nil, fmt.Errorf("backend: there is no %q%s", name, didYouMean(name, known))
		}
		if err := put(o.Get(name)); err != nil {
			return nil, fmt.Errorf("backend: %s: %w", name, err)
		}
	}
	if c.write == nil || c.read == nil {
		return nil, fmt.Errorf("backend: it needs the functions request(prompt, options) and event(data)")
	}
	return b, nil
}

func didYouMean(name string, known []string) string {
	if near := suggest.Nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// request has the script write the body of a request: a text as it is, anything else as JSON.
func (c *custom) request(call *call, prompt goja.Value) ([]byte, error) {
	v, err := c.write(goja.Undefined(), prompt, c.rt.VM().ToValue(call.described()))
	if err != nil {
		return nil, err
	}
	if text, ok := v.Export().(string); ok {
		return []byte(text), nil
	}
	if _, ok := v.(*goja.Object); !ok {
		return nil, fmt.Errorf("the backend's request has returned %s: it must be an object or a text", v)
	}
	return toJSON(v)
}

// described are the options as a script sees them.
func (s *settings) described() map[string]any {
	all := map[string]any{"ignoreEos": s.ignoreEOS, "stream": s.stream}
	if s.model != "" {
		all["model"] = s.model
	}
	for name, v := range map[string]*float64{"temperature": s.temperature, "topP": s.topP, "topK": s.topK, "seed": s.seed, "n": s.n, "bestOf": s.bestOf} {
		if v != nil {
			all[name] = *v
		}
	}
	if s.maxTokens > 0 {
		all["maxTokens"] = s.maxTokens
	}
	if s.askedInput > 0 {
		all["promptTokens"] = s.askedInput
	}
	return all
}

// scripted is one answer that is decoded by a script. It belongs to the request's
// goroutine, and hands each event to the event loop.
type scripted struct {
	ctx    context.Context
	custom *custom
	settle func(func() (any, error)) // has the loop do the next thing
	thrown error                     // of the script
	lost   bool                      // the loop does nothing for this request any more
}

// begin is called on the loop.
func (c *custom) begin(ctx context.Context, rt *script.Runtime) *scripted {
	s := &scripted{ctx: ctx, custom: c}
	_, s.settle = rt.Promise()
	return s
}

// decode reads one event, or a whole answer.
func (s *scripted) decode(data []byte, o *output) *metrics.Error {
	if s.lost {
		return &metrics.Error{Kind: "interrupted", Message: "cut off by the end of the run"}
	}
	done := make(chan *metrics.Error, 1)
	s.settle(func() (any, error) {
		failed := s.custom.event(data, o, &s.thrown)
		_, s.settle = s.custom.rt.Promise() // of the next event
		done <- failed
		return nil, nil
	})
	select {
	case failed := <-done:
		return failed
	case <-s.ctx.Done():
		s.lost = true
		return &metrics.Error{Kind: "interrupted", Message: "cut off by the end of the run"}
	}
}

// end tells the loop that nothing more comes, and returns what the script has thrown.
func (s *scripted) end() error {
	if s == nil {
		return nil
	}
	if !s.lost {
		s.settle(func() (any, error) { return nil, nil })
	}
	return s.thrown
}

// event calls the script's function, on the loop.
func (c *custom) event(data []byte, o *output, thrown *error) *metrics.Error {
	v, err := c.read(goja.Undefined(), c.rt.VM().ToValue(string(data)))
	if err != nil {
		*thrown = err
		return &metrics.Error{Kind: "malformed_event", Status: 200, Message: fmt.Sprintf("the backend's event has thrown: %v", err)}
	}
	found, ok := v.(*goja.Object)
	if !ok {
		o.effects = true
		return nil // there was nothing in it
	}
	text := func(name string, into *[]byte) bool {
		v := found.Get(name)
		if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
			return false
		}
		before := len(*into)
		*into = append(*into, v.String()...)
		return len(*into) > before
	}
	var finish, id, failed []byte
	o.text = text("text", o.choice(0))
	o.more = text("reasoning", &o.reasoning)
	o.more = text("toolCalls", &o.toolCalls) || o.more
	if text("finishReason", &finish) {
		o.finish = string(finish)
	}
	if text("id", &id) {
		o.id = string(id)
	}
	if v := found.Get("tokens"); v != nil {
		o.tokens = int(v.ToInteger())
	}
	if v := found.Get("done"); v != nil {
		o.done = v.ToBoolean()
	}
	if u, ok := found.Get("usage").(*goja.Object); ok {
		count := func(name string, into *int, has *bool) {
			if v := u.Get(name); v != nil && !goja.IsUndefined(v) && !goja.IsNull(v) {
				*into, *has = int(v.ToInteger()), true
			}
		}
		var other bool
		count("inputTokens", &o.usage.input, &o.usage.hasInput)
		count("outputTokens", &o.usage.output, &o.usage.hasOutput)
		count("reasoningTokens", &o.usage.reasoning, &other)
		count("cachedTokens", &o.usage.cached, &other)
	}
	if text("error", &failed) {
		return &metrics.Error{Kind: "stream_error", Status: 200, Message: string(failed)}
	}
	return nil
}
