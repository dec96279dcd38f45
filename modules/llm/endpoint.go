package llm

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/script"
	"weir/runtime/transport"
)

// endpoint is a service as a script sees it, in one runtime. It is only used
// on the runtime's loop; what a request needs is copied into its call.
type endpoint struct {
	rt      *script.Runtime
	client  *transport.Client
	backend *Backend
	uri     string
	host    string
	counter tokenCounter
	settings
}

// tokenCounter is what weir/tokenizer's Tokenizer offers: the number of tokens
// of a text, without special tokens.
type tokenCounter interface {
	Count(text string) (int, error)
}

// How long a request may take unless the script says otherwise: as long as the
// AscendCloud scripts wait.
const defaultTimeout = 3 * time.Hour

// newEndpoint is new Endpoint({...}).
func (m *Module) newEndpoint(rt *script.Runtime, c goja.ConstructorCall) (any, error) {
	o, ok := c.Argument(0).(*goja.Object)
	if !ok {
		return nil, fmt.Errorf(`new Endpoint needs an object such as { backend: "openai-chat", url: "http://127.0.0.1:8000" }`)
	}
	e := &endpoint{rt: rt, settings: settings{
		stream:    true,
		keepAlive: true,
		limits:    transport.Limits{Connect: transport.DefaultConnectLimit, Total: defaultTimeout},
		headers: []transport.Header{
			{Name: "User-Agent", Value: m.userAgent},
			{Name: "Content-Type", Value: "application/json"},
		},
	}}
	backend, base, verbatim, path := "openai-chat", "", "", ""
	var options transport.Options
	text := func(into *string) func(goja.Value) error {
		return func(v goja.Value) error { *into = v.String(); return nil }
	}
	header := func(name, prefix string) func(goja.Value) error {
		return func(v goja.Value) error {
			if v.String() == "" {
				return nil
			}
			return e.setHeader(name, prefix+v.String())
		}
	}
	err := e.apply(o, map[string]func(goja.Value) error{
		"backend":    text(&backend),
		"url":        text(&base),
		"requestUrl": text(&verbatim),
		"path":       text(&path),
		"insecure":   func(v goja.Value) error { options.Insecure = v.ToBoolean(); return nil },
		"apiKey":     header("Authorization", "Bearer "),
		"appCode":    header("X-Apig-AppCode", ""),
		"tokenizer": func(v goja.Value) error {
			e.counter, ok = script.ValueOf(v).(tokenCounter)
			if !ok {
				return fmt.Errorf("not a Tokenizer of weir/tokenizer")
			}
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("new Endpoint: %w", err)
	}
	if e.backend = findBackend(backend); e.backend == nil {
		return nil, fmt.Errorf("new Endpoint: there is no backend %q; the backends are %s", backend, strings.Join(BackendNames(), ", "))
	}
	var target *url.URL
	switch {
	case verbatim != "":
		e.client, target, err = m.clients.Client(verbatim, options)
	case base == "":
		err = fmt.Errorf(`no url; give the base URL of the service, such as "http://127.0.0.1:8000"`)
	default:
		e.client, target, err = m.clients.Client(base, options)
		if err == nil {
			if path == "" {
				path = e.backend.Path
			}
			target = join(target, path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("new Endpoint: %w", err)
	}
	if e.keepAlive {
		e.client.KeepsConnections(e.limits.Connect)
	}
	e.uri, e.host = target.RequestURI(), target.Host
	return e, nil
}

// join adds a backend's path to a base URL. A base that ends in /v1, as OpenAI
// clients are given it, is not given a second one.
func join(base *url.URL, path string) *url.URL {
	trimmed := strings.TrimRight(base.Path, "/")
	if strings.HasSuffix(trimmed, "/v1") && strings.HasPrefix(path, "/v1/") {
		trimmed = strings.TrimSuffix(trimmed, "/v1")
	}
	joined := *base
	joined.Path = trimmed + "/" + strings.TrimLeft(path, "/")
	joined.RawPath = ""
	return &joined
}

// call is one request as the script asked for it.
type call struct {
	settings
	backend   *Backend
	prompt    string
	promptIDs []int
	messages  []byte // JSON
}

// complete is endpoint.complete(prompt, options?).
func (e *endpoint) complete(args goja.FunctionCall) (any, error) {
	c := &call{settings: e.settings, backend: e.backend}
	if err := c.setPrompt(args.Argument(0)); err != nil {
		return nil, fmt.Errorf("complete: %w", err)
	}
	return e.start("complete", c, args.Argument(1))
}

// chat is endpoint.chat(messages, options?).
func (e *endpoint) chat(args goja.FunctionCall) (any, error) {
	c := &call{settings: e.settings, backend: e.backend}
	if !e.backend.Chat {
		return nil, fmt.Errorf("chat: backend %q takes no messages; use complete(prompt), or a chat backend", e.backend.Name)
	}
	o, ok := args.Argument(0).(*goja.Object)
	if !ok || o.ClassName() != "Array" {
		return nil, fmt.Errorf(`chat needs a list of messages such as [{ role: "user", content: "Hello" }]`)
	}
	for i := range int(o.Get("length").ToInteger()) {
		message, ok := o.Get(strconv.Itoa(i)).(*goja.Object)
		if !ok || message.Get("role") == nil {
			return nil, fmt.Errorf("chat: message %d is no object with a role and a content", i+1)
		}
	}
	var err error
	if c.messages, err = json.Marshal(o); err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	return e.start("chat", c, args.Argument(1))
}

// setPrompt takes a prompt as text, as token ids, or as an item of a dataset,
// which also says how long it is and how long the answer shall be.
func (c *call) setPrompt(v goja.Value) error {
	item, isObject := v.(*goja.Object)
	if !isObject || item.ClassName() == "Array" {
		return c.setText(v)
	}
	prompt := item.Get("prompt")
	if prompt == nil {
		return fmt.Errorf("the prompt is an object without a field prompt")
	}
	if err := c.setText(prompt); err != nil {
		return err
	}
	if n := item.Get("promptTokens"); n != nil && n.ToInteger() > 0 {
		c.askedInput = int(n.ToInteger())
	}
	if n := item.Get("outputTokens"); n != nil && n.ToInteger() > 0 {
		c.maxTokens = float64(n.ToInteger())
	}
	return nil
}

// setText takes a prompt as text or as token ids.
func (c *call) setText(v goja.Value) error {
	list, isObject := v.(*goja.Object)
	if !isObject {
		if _, isText := v.Export().(string); isText {
			c.prompt = v.String()
			return nil
		}
	}
	if !isObject || list.ClassName() != "Array" {
		return fmt.Errorf("%v is no prompt: it must be a string, a list of token ids, or an item of a dataset", v)
	}
	if c.backend.Chat {
		return fmt.Errorf("backend %q takes no token ids; give a text", c.backend.Name)
	}
	ids, _ := list.Export().([]any)
	c.promptIDs = make([]int, len(ids))
	for i, id := range ids {
		n, ok := id.(int64)
		if !ok || n < 0 || n > math.MaxInt32 {
			return fmt.Errorf("element %d of the prompt is no token id: %v", i, id)
		}
		c.promptIDs[i] = int(n)
	}
	c.askedInput = len(ids)
	return nil
}

// start sends the request from a goroutine of its own and returns the promise
// of its reply.
func (e *endpoint) start(what string, c *call, options goja.Value) (any, error) {
	if o, ok := options.(*goja.Object); ok {
		if err := c.apply(o, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
	} else if !goja.IsUndefined(options) && !goja.IsNull(options) {
		return nil, fmt.Errorf("%s: the second argument must be an object of options, not %s", what, options)
	}
	rec := metrics.NewRecord()
	rec.Kind = metrics.KindLLM
	rec.Iteration, _ = e.rt.Current().(*metrics.Iteration)
	rec.AskedIn = c.askedInput
	if c.ignoreEOS {
		rec.AskedOut = int(c.maxTokens)
	}
	rec.Recorder().Announce(rec)
	x := &exchange{client: e.client, uri: e.uri, host: e.host, counter: e.counter, call: c, rec: rec}
	promise, settle := e.rt.Promise()
	ctx := e.rt.Context()
	go func() {
		reply := x.run(ctx)
		settle(func() (any, error) { return reply.object(e.rt), nil })
	}()
	return promise, nil
}
