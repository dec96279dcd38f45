package llm

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/reach"
	"weir/runtime/script"
	"weir/runtime/suggest"
	"weir/runtime/transport"
)

// endpoint is a service as a script sees it, in one runtime. It is only used
// on the runtime's loop; what a request needs is copied into its call.
type endpoint struct {
	rt      *script.Runtime
	backend *Backend
	targets []target
	fleet   *fleet
	least   bool // the target with the fewest requests in flight, instead of each in turn
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
	}}
	e.backend = openAIChat
	// What the backend itself says of headers comes first, whatever the order of the options.
	if v := o.Get("backend"); v != nil && !goja.IsUndefined(v) && !goja.IsNull(v) {
		var err error
		if e.backend, err = chooseBackend(rt, v); err != nil {
			return nil, fmt.Errorf("new Endpoint: %w", err)
		}
	}
	e.setHeaders(m.userAgent)
	if e.backend.task != taskGenerate {
		e.stream = false
	}
	var bases, verbatim []string
	path := ""
	var reaching reach.Options
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
	others := map[string]func(goja.Value) error{
		"backend":    func(goja.Value) error { return nil },
		"url":        texts(&bases),
		"requestUrl": texts(&verbatim),
		"path":       text(&path),
		"balance": func(v goja.Value) error {
			e.least = v.String() == "least-in-flight"
			if !e.least && v.String() != "round-robin" {
				return fmt.Errorf(`%q is neither "round-robin" nor "least-in-flight"`, v)
			}
			return nil
		},
		"apiKey":    e.keyHeader(header),
		"appCode":   header("X-Apig-AppCode", ""),
		"authToken": header("X-Auth-Token", ""),
		"tokenizer": func(v goja.Value) error {
			e.counter, ok = script.ValueOf(v).(tokenCounter)
			if !ok {
				return fmt.Errorf("not a Tokenizer of weir/tokenizer")
			}
			return nil
		},
	}
	maps.Copy(others, reaching.Set())
	if err := e.apply(o, others); err != nil {
		return nil, fmt.Errorf("new Endpoint: %w", err)
	}
	var err error
	if e.signer, err = reaching.Signer(e.headers); err == nil {
		err = m.aim(e, bases, verbatim, path, reaching.Options)
	}
	if err == nil {
		return e, nil
	}
	if rt.InInit() { // it is mostly the value of a flag
		return nil, &script.ParamError{Message: "new Endpoint: " + err.Error()}
	}
	return nil, fmt.Errorf("new Endpoint: %w", err)
}

// setHeaders sets the headers that every request to such a service has.
func (e *endpoint) setHeaders(userAgent string) {
	content := e.backend.ContentType
	if content == "" {
		content = "application/json"
	}
	if userAgent != "" {
		e.headers = append(e.headers, transport.Header{Name: "User-Agent", Value: userAgent})
	}
	e.headers = append(e.headers, transport.Header{Name: "Content-Type", Value: content})
	e.headers = append(e.headers, e.backend.headers...)
}

// keyHeader puts an API key where the backend wants it.
func (e *endpoint) keyHeader(header func(name, prefix string) func(goja.Value) error) func(goja.Value) error {
	if e.backend.KeyHeader != "" {
		return header(e.backend.KeyHeader, "")
	}
	return header("Authorization", "Bearer ")
}

// chooseBackend finds a backend by its name, or makes one of a script's own.
func chooseBackend(rt *script.Runtime, v goja.Value) (*Backend, error) {
	if o, ok := v.(*goja.Object); ok {
		return newCustom(rt, o)
	}
	b := findBackend(v.String())
	if b == nil {
		if near := suggest.Nearest(v.String(), BackendNames()); near != "" {
			return nil, fmt.Errorf("there is no backend %q; did you mean %q?", v, near)
		}
		return nil, fmt.Errorf("there is no backend %q; the backends are %s", v, strings.Join(BackendNames(), ", "))
	}
	return b, nil
}

// texts takes one text or several.
func texts(into *[]string) func(goja.Value) error {
	return func(v goja.Value) error {
		switch x := v.Export().(type) {
		case string:
			if x != "" {
				*into = []string{x}
			}
			return nil
		case []any:
			for _, one := range x {
				text, ok := one.(string)
				if !ok {
					return fmt.Errorf("%v is no text", one)
				}
				*into = append(*into, text)
			}
			return nil
		}
		return fmt.Errorf("%s is neither a text nor a list of texts", v)
	}
}

// target is a place that requests go to.
type target struct {
	client   *transport.Client
	uri      string
	wholeURI string // for answers that are not streamed
	host     string
	flying   *atomic.Int64 // requests in flight
}

// fleet is what the endpoints with the same targets, one in each runtime, have in
// common.
type fleet struct {
	next   atomic.Uint64
	flying []atomic.Int64
}

// aim sets an endpoint's targets: base URLs with a path, or URLs as they are.
func (m *Module) aim(e *endpoint, bases, verbatim []string, path string, options transport.Options) error {
	urls := bases
	if len(verbatim) > 0 {
		urls = verbatim
	}
	if len(urls) == 0 {
		return fmt.Errorf(`no url; give the base URL of the service, such as "http://127.0.0.1:8000"`)
	}
	e.fleet = m.fleetOf(strings.Join(urls, "\n"), len(urls))
	for i, raw := range urls {
		client, u, err := m.clients.Client(raw, options)
		if err != nil {
			return err
		}
		if e.keepAlive {
			client.KeepsConnections(e.limits.Connect)
		}
		t := target{client: client, uri: u.RequestURI(), wholeURI: u.RequestURI(), host: u.Host, flying: &e.fleet.flying[i]}
		if len(verbatim) == 0 {
			whole := path
			if path == "" {
				path, whole = e.backend.Path, e.backend.WholePath
			}
			if whole == "" {
				whole = path
			}
			t.uri = join(u, e.backend.at(path, e.model)).RequestURI()
			t.wholeURI = join(u, e.backend.at(whole, e.model)).RequestURI()
		}
		e.targets = append(e.targets, t)
	}
	return nil
}

// fleetOf returns the fleet of some targets.
func (m *Module) fleetOf(urls string, n int) *fleet {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.fleets[urls]
	if f == nil {
		f = &fleet{flying: make([]atomic.Int64, n)}
		m.fleets[urls] = f
	}
	return f
}

// pick chooses the target of the next request.
func (e *endpoint) pick() *target {
	if len(e.targets) == 1 {
		return &e.targets[0]
	}
	first := int((e.fleet.next.Add(1) - 1) % uint64(len(e.targets)))
	if !e.least {
		return &e.targets[first]
	}
	best := &e.targets[first]
	for i := 1; i < len(e.targets); i++ {
		if t := &e.targets[(first+i)%len(e.targets)]; t.flying.Load() < best.flying.Load() {
			best = t
		}
	}
	return best
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
	list      messageList
	unwritten error  // of list
	system    []byte // JSON, where the backend takes it apart from the messages
	input     []byte // JSON: what is to be embedded, or the documents to be ranked
	body      []byte // JSON, where the script has made it
	echo      bool   // the script has asked the service to repeat the prompt
}

// complete is endpoint.complete(prompt, options?).
func (e *endpoint) complete(args goja.FunctionCall) (any, error) {
	c := &call{settings: e.settings, backend: e.backend}
	if e.backend.task != taskGenerate {
		return nil, e.wrongTask("complete")
	}
	if err := c.setPrompt(args.Argument(0)); err != nil {
		return nil, fmt.Errorf("complete: %w", err)
	}
	return e.start("complete", c, args.Argument(1), args.Argument(0))
}

func (e *endpoint) wrongTask(method string) error {
	return fmt.Errorf("%s: backend %q does not do that; use %s", method, e.backend.Name, e.backend.task.method())
}

// chat is endpoint.chat(messages, options?).
func (e *endpoint) chat(args goja.FunctionCall) (any, error) {
	c := &call{settings: e.settings, backend: e.backend}
	if !e.backend.Chat {
		return nil, fmt.Errorf("chat: backend %q takes no messages; use complete(prompt), or a chat backend", e.backend.Name)
	}
	if list, ok := script.ValueOf(args.Argument(0)).(messageList); ok {
		if err := c.setList(list); err != nil {
			return nil, fmt.Errorf("chat: %w", err)
		}
		return e.start("chat", c, args.Argument(1), args.Argument(0))
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
	if first, ok := o.Get("0").(*goja.Object); ok && e.backend.System && first.Get("role").String() == "system" {
		if c.system, err = toJSON(first.Get("content")); err != nil {
			return nil, fmt.Errorf("chat: %w", err)
		}
		rest, err := e.rt.VM().RunString("(list) => list.slice(1)")
		if err != nil {
			return nil, fmt.Errorf("chat: %w", err)
		}
		slice, _ := goja.AssertFunction(rest)
		v, err := slice(goja.Undefined(), o)
		if err != nil {
			return nil, fmt.Errorf("chat: %w", err)
		}
		o = v.(*goja.Object)
	}
	if c.messages, err = json.Marshal(o); err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	return e.start("chat", c, args.Argument(1), args.Argument(0))
}

// embed is endpoint.embed(input, options?): a text, a list of texts, token ids, a list
// of such lists, or an item of a dataset.
func (e *endpoint) embed(args goja.FunctionCall) (any, error) {
	if e.backend.task != taskEmbed {
		return nil, e.wrongTask("embed")
	}
	c := &call{settings: e.settings, backend: e.backend}
	v := args.Argument(0)
	o, isObject := v.(*goja.Object)
	_, isText := v.Export().(string)
	switch {
	case isObject && o.ClassName() != "Array":
		if err := c.setPrompt(v); err != nil {
			return nil, fmt.Errorf("embed: %w", err)
		}
		c.input = appendString(nil, c.prompt)
	case isText:
		c.prompt = v.String()
		c.input = appendString(nil, c.prompt)
	case isObject:
		var err error
		if c.input, err = json.Marshal(o); err != nil {
			return nil, fmt.Errorf("embed: %w", err)
		}
	default:
		return nil, fmt.Errorf("embed: %v is nothing to embed: it must be a string, a list of strings or token ids, or an item of a dataset", v)
	}
	return e.start("embed", c, args.Argument(1), args.Argument(0))
}

// rerank is endpoint.rerank(query, documents, options?).
func (e *endpoint) rerank(args goja.FunctionCall) (any, error) {
	if e.backend.task != taskRerank {
		return nil, e.wrongTask("rerank")
	}
	c := &call{settings: e.settings, backend: e.backend}
	query, isText := args.Argument(0).Export().(string)
	documents, isList := args.Argument(1).(*goja.Object)
	if !isText || !isList || documents.ClassName() != "Array" {
		return nil, fmt.Errorf(`rerank needs a query and a list of documents, such as rerank("What is a weir?", ["A low dam.", "A bird."])`)
	}
	c.prompt = query
	var err error
	if c.input, err = json.Marshal(documents); err != nil {
		return nil, fmt.Errorf("rerank: %w", err)
	}
	return e.start("rerank", c, args.Argument(2), args.Argument(0))
}

// setPrompt takes a prompt as text, as token ids, or as an item of a dataset,
// which also says how long it is and how long the answer shall be.
func (c *call) setPrompt(v goja.Value) error {
	item, isObject := v.(*goja.Object)
	if !isObject || item.ClassName() == "Array" {
		return c.setText(v)
	}
	if n := item.Get("outputTokens"); n != nil && n.ToInteger() > 0 {
		c.maxTokens = int(n.ToInteger())
	}
	if list, ok := script.ValueOf(item.Get("messages")).(messageList); ok {
		return c.setList(list) // the service counts its media, too: nobody knows how long it is
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
	return nil
}

// messageList is messages that are written when they are sent, such as those of
// weir/dataset with images in them: a list in the form of OpenAI's chats, as JSON. It
// may be called by several goroutines.
type messageList interface {
	AppendMessages(dst []byte) ([]byte, error)
}

func (c *call) setList(list messageList) error {
	if c.backend != openAIChat {
		return fmt.Errorf("backend %q does not take messages with media, which are in the form of openai-chat", c.backend.Name)
	}
	c.list = list
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
	if !c.backend.ids {
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
// of its reply. prompt is what the script gave.
func (e *endpoint) start(what string, c *call, options, prompt goja.Value) (any, error) {
	if o, ok := options.(*goja.Object); ok {
		if err := c.apply(o, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
	} else if !goja.IsUndefined(options) && !goja.IsNull(options) {
		return nil, fmt.Errorf("%s: the second argument must be an object of options, not %s", what, options)
	}
	if c.backend.task != taskGenerate && c.stream {
		return nil, fmt.Errorf("%s: option stream: backend %q sends no streams", what, c.backend.Name)
	}
	for _, m := range c.extra {
		c.echo = c.echo || m.key == "echo" && string(m.json) == "true"
	}
	iteration, _ := e.rt.Current().(*metrics.Iteration)
	if c.mix != nil {
		c.model = c.mix.draw(iteration)
	}
	if c.backend.custom != nil {
		var err error
		if c.body, err = c.backend.custom.request(c, prompt); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
	}
	x := &exchange{target: e.pick(), counter: e.counter, call: c, rec: c.record(iteration)}
	promise, settle := e.rt.Promise()
	ctx := e.rt.Context()
	if c.backend.custom != nil {
		x.script = c.backend.custom.begin(ctx, e.rt)
	}
	go func() {
		reply := x.run(ctx)
		thrown := x.script.end()
		settle(func() (any, error) { return reply.object(e.rt), thrown })
	}()
	return promise, nil
}

// record makes the record of an attempt, and announces it.
func (c *call) record(iteration *metrics.Iteration) *metrics.Record {
	rec := metrics.NewRecord()
	rec.Kind = metrics.KindLLM
	if c.backend.task != taskGenerate {
		rec.Kind = metrics.KindPooling
	}
	rec.Iteration = iteration
	rec.Model = c.model
	rec.AskedIn = c.askedInput
	if c.ignoreEOS && rec.Kind == metrics.KindLLM {
		rec.AskedOut = c.maxTokens
	}
	rec.Recorder().Announce(rec)
	return rec
}
