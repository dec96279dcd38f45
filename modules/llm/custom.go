package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/script"
	"weir/runtime/suggest"
)

// custom is a wire protocol that a script brings: its functions write requests and
// read events. That is the slower way: a request that is answered so is read by its
// own goroutine, which hands each event to the runtime's event loop and waits for it.
// Arrivals are stamped by the kernel all the same; but where the loop takes longer
// than the time between two events, they are read late.
type custom struct {
	rt    *script.Runtime
	write goja.Callable // (prompt, options) → the request's body
	read  goja.Callable // (data) → what an event, or a whole answer, has brought
	soFar bool          // the text of an event is all that there is so far
}

// newCustom makes a backend of { path, request, event, … }.
func newCustom(rt *script.Runtime, o *goja.Object) (*backend, error) {
	c := &custom{rt: rt}
	b := &backend{name: "custom", path: "/", ids: true, choices: true, best: true, custom: c}
	b.appendBody = func(dst []byte, c *call) []byte { return append(dst, c.body...) }
	function := func(into *goja.Callable) func(goja.Value) error {
		return func(v goja.Value) error {
			f, ok := goja.AssertFunction(v)
			if !ok {
				return fmt.Errorf("%s is no function", v)
			}
			*into = f
			return nil
		}
	}
	text := func(into *string) func(goja.Value) error {
		return func(v goja.Value) error { return oneText(v, into) }
	}
	flag := func(set func(bool)) func(goja.Value) error {
		return func(v goja.Value) error {
			var on bool
			if err := oneBool(v, &on); err != nil {
				return err
			}
			set(on)
			return nil
		}
	}
	set := map[string]func(goja.Value) error{
		"name":       text(&b.name),
		"path":       text(&b.path),
		"wholePath":  text(&b.wholePath),
		"request":    function(&c.write),
		"event":      function(&c.read),
		"chat":       flag(func(on bool) { b.chat, b.ids = on, !on }),
		"cumulative": flag(func(on bool) { c.soFar = on }),
		"endMark":    flag(func(on bool) { b.noEndMark = !on }),
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
	for _, name := range o.Keys() {
		put, ok := set[name]
		if !ok {
			known := slices.Sorted(maps.Keys(set))
			hint := "the options are " + strings.Join(known, ", ")
			if near := suggest.Nearest(name, known); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return nil, fmt.Errorf("backend: there is no %q; %s", name, hint)
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

// request has the script write the body of a request: a text as it is, anything else as
// JSON, with the members of extraBody.
func (c *custom) request(call *call, prompt goja.Value) ([]byte, error) {
	options, err := call.described(c.rt)
	if err != nil {
		return nil, err
	}
	v, err := c.write(goja.Undefined(), prompt, options)
	if err != nil {
		return nil, err
	}
	if text, ok := script.Export(v).(string); ok {
		return []byte(text), nil
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return nil, fmt.Errorf("the backend's request has returned %s: it must be an object or a text", v)
	}
	if isPromise(o) {
		return nil, errors.New("the backend's request has returned a promise: it must not be async")
	}
	for _, m := range call.extra {
		var value any
		if err := json.Unmarshal(m.json, &value); err != nil {
			return nil, err
		}
		if err := o.Set(m.key, value); err != nil {
			return nil, err
		}
	}
	return toJSON(o)
}

func isPromise(o *goja.Object) bool {
	_, is := script.Export(o).(*goja.Promise)
	return is
}

// described are the options as a script sees them.
func (s *settings) described(rt *script.Runtime) (goja.Value, error) {
	all := rt.VM().NewObject()
	var failed error
	set := func(name string, v any) {
		if err := all.Set(name, v); err != nil {
			failed = err
		}
	}
	set("stream", s.stream)
	set("ignoreEos", s.ignoreEOS)
	if s.model != "" {
		set("model", s.model)
	}
	for name, v := range map[string]*float64{"temperature": s.temperature, "topP": s.topP, "topK": s.topK, "seed": s.seed, "n": s.n, "bestOf": s.bestOf} {
		if v != nil {
			set(name, *v)
		}
	}
	if s.maxTokens > 0 {
		set("maxTokens", s.maxTokens)
	}
	if s.askedInput > 0 {
		set("promptTokens", s.askedInput)
	}
	if s.stop != nil {
		var stop any
		if err := json.Unmarshal(s.stop, &stop); err != nil {
			return nil, err
		}
		set("stop", stop)
	}
	return all, failed
}

// scripted is one answer that is decoded by a script. It belongs to the request's
// goroutine, which hands each event to the event loop.
type scripted struct {
	ctx    context.Context
	custom *custom
	settle func(func() (any, error)) // has the loop do the next thing; nil: it does nothing for this request any more
	thrown error                     // of the script
}

// begin is called on the loop.
func (c *custom) begin(ctx context.Context, rt *script.Runtime) *scripted {
	s := &scripted{ctx: ctx, custom: c}
	_, s.settle = rt.Promise()
	return s
}

// brought is what a script has found in an event.
type brought struct {
	text, reasoning, toolCalls   string
	finish, id, failed           string
	tokens                       int
	done, nothing                bool
	input, output, thought, kept *int // usage

	thrown error                     // instead of all that
	settle func(func() (any, error)) // has the loop do the next thing; nil: it was interrupted
}

// decode reads one event, or a whole answer, until the time is over.
func (s *scripted) decode(data []byte, until time.Time, o *output) *metrics.Error {
	if s.settle == nil {
		return interrupted()
	}
	text := string(data) // the loop may come to it when its buffer is another's
	found := make(chan brought, 1)
	s.settle(func() (any, error) {
		var b brought
		defer func() { found <- b }()
		b = s.custom.event(text)
		_, b.settle = s.custom.rt.Promise() // of the next event
		return nil, nil
	})
	s.settle = nil
	var over <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		over = timer.C
	}
	select {
	case b := <-found:
		s.settle, s.thrown = b.settle, b.thrown
		return b.into(o, s.custom.soFar)
	case <-s.ctx.Done():
		return interrupted()
	case <-over:
		go func() { // the loop will have a promise that nobody else settles
			select {
			case b := <-found:
				if b.settle != nil {
					b.settle(nothing)
				}
			case <-s.ctx.Done():
			}
		}()
		return &metrics.Error{Kind: "total_timeout", Message: "the script took longer to read an event than the request may take"}
	}
}

func interrupted() *metrics.Error {
	return &metrics.Error{Kind: "interrupted", Message: "cut off by the end of the run"}
}

func nothing() (any, error) { return nil, nil }

// end tells the loop that nothing more comes, and returns what the script has thrown.
func (s *scripted) end() error {
	if s == nil {
		return nil
	}
	if s.settle != nil {
		s.settle(nothing)
	}
	return s.thrown
}

// event calls the script's function, on the loop.
func (c *custom) event(data string) (b brought) {
	vm := c.rt.VM()
	thrown := vm.Try(func() {
		v, err := c.read(goja.Undefined(), vm.ToValue(data))
		if err != nil {
			b.thrown = err
			return
		}
		o, ok := v.(*goja.Object)
		switch {
		case goja.IsUndefined(v), goja.IsNull(v):
			b.nothing = true
		case !ok:
			b.thrown = fmt.Errorf("the backend's event has returned %s: it must be an object such as { text: … }, or nothing", v)
		case isPromise(o):
			b.thrown = errors.New("the backend's event has returned a promise: it must not be async")
		default:
			b.thrown = b.take(o)
		}
	})
	if thrown != nil {
		b.thrown = thrown
	}
	return b
}

// take reads the members of what the script has returned.
func (b *brought) take(o *goja.Object) error {
	for _, name := range o.Keys() {
		if !slices.Contains(broughtNames, name) {
			hint := "the members are " + strings.Join(broughtNames, ", ")
			if near := suggest.Nearest(name, broughtNames); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return fmt.Errorf("the backend's event has returned an object with %q; %s", name, hint)
		}
	}
	get := func(o *goja.Object, name string) goja.Value {
		if v := o.Get(name); v != nil && !goja.IsUndefined(v) && !goja.IsNull(v) {
			return v
		}
		return nil
	}
	for name, into := range map[string]*string{"text": &b.text, "reasoning": &b.reasoning, "toolCalls": &b.toolCalls,
		"finishReason": &b.finish, "id": &b.id, "error": &b.failed} {
		if v := get(o, name); v != nil {
			*into = v.String()
		}
	}
	if v := get(o, "tokens"); v != nil {
		b.tokens = int(v.ToInteger())
	}
	if v := get(o, "done"); v != nil {
		b.done = v.ToBoolean()
	}
	if u, ok := get(o, "usage").(*goja.Object); ok {
		for name, into := range map[string]**int{"inputTokens": &b.input, "outputTokens": &b.output, "reasoningTokens": &b.thought, "cachedTokens": &b.kept} {
			if v := get(u, name); v != nil {
				n := int(v.ToInteger())
				*into = &n
			}
		}
	}
	return nil
}

// broughtNames are what it can have.
var broughtNames = []string{"text", "reasoning", "toolCalls", "tokens", "finishReason", "done", "error", "id", "usage"}

// into adds it to what the answer has brought.
func (b *brought) into(o *output, soFar bool) *metrics.Error {
	switch {
	case b.thrown != nil:
		return &metrics.Error{Kind: "malformed_event", Status: 200, Message: fmt.Sprintf("the backend's event has thrown: %v", b.thrown)}
	case b.settle == nil:
		return interrupted()
	case b.nothing:
		o.effects = true
		return nil
	}
	choice := o.choice(0)
	if soFar && b.text != "" {
		// It may begin with the prompt, and end before a stop text that has gone again.
		all := strings.TrimPrefix(b.text, o.prompt)
		o.text = len(all) > len(*choice)
		*choice = append((*choice)[:0], all...)
	} else {
		*choice = append(*choice, b.text...)
		o.text = b.text != ""
	}
	o.reasoning = append(o.reasoning, b.reasoning...)
	o.toolCalls = append(o.toolCalls, b.toolCalls...)
	o.more = b.reasoning != "" || b.toolCalls != ""
	o.tokens, o.done = b.tokens, b.done
	if b.finish != "" {
		o.finish = b.finish
	}
	if b.id != "" {
		o.id = b.id
	}
	if b.input != nil {
		o.usage.hasInput, o.usage.input = true, *b.input
	}
	if b.output != nil {
		o.usage.hasOutput, o.usage.output = true, *b.output
	}
	if b.thought != nil {
		o.usage.hasReasoning, o.usage.reasoning = true, *b.thought
	}
	if b.kept != nil {
		o.usage.hasCached, o.usage.cached = true, *b.kept
	}
	if b.failed != "" {
		return &metrics.Error{Kind: "stream_error", Status: 200, Message: b.failed}
	}
	return nil
}
