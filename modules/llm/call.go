package llm

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/script"
	"weir/runtime/transport"
)

// call is one request as the script asked for it.
type call struct {
	settings
	backend   *backend
	prompt    string
	promptIDs []int
	messages  []byte // JSON
	list      messageList
	item      item   // whose texts are fetched when the request is sent
	unwritten error  // of list, or of item
	system    []byte // JSON, where the backend takes it apart from the messages
	input     []byte // JSON: what is to be embedded, or the documents to be ranked
	body      []byte // JSON, where the script has made it
	echo      bool   // the script has asked the service to repeat the prompt

	head func(*transport.Exchange) // is shown the head of the answer; nil: nobody looks
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
	return fmt.Errorf("%s: backend %q does not do that; use %s", method, e.backend.name, e.backend.task.method())
}

// chat is endpoint.chat(messages, options?).
func (e *endpoint) chat(args goja.FunctionCall) (any, error) {
	c := &call{settings: e.settings, backend: e.backend}
	if !e.backend.chat {
		return nil, fmt.Errorf("chat: backend %q takes no messages; use complete(prompt), or a chat backend", e.backend.name)
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
	var messages []*goja.Object
	for i := range int(o.Get("length").ToInteger()) {
		message, ok := o.Get(strconv.Itoa(i)).(*goja.Object)
		if !ok || message.Get("role") == nil {
			return nil, fmt.Errorf("chat: message %d is no object with a role and a content", i+1)
		}
		messages = append(messages, message)
	}
	if e.backend.system && len(messages) > 0 && messages[0].Get("role").String() == "system" {
		var err error
		if c.system, err = toJSON(messages[0].Get("content")); err != nil {
			return nil, fmt.Errorf("chat: the system's message has no content: %w", err)
		}
		messages = messages[1:]
	}
	if len(messages) == 0 {
		return nil, fmt.Errorf("chat: there is no message to answer")
	}
	var err error
	if c.messages, err = json.Marshal(messages); err != nil {
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
	_, isText := script.Export(v).(string)
	switch {
	case isObject && o.ClassName() != "Array":
		if err := c.setPrompt(v); err != nil {
			return nil, fmt.Errorf("embed: %w", err)
		}
		if err := c.fetch(); err != nil {
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
	query, isText := script.Export(args.Argument(0)).(string)
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
	if it, ok := script.ValueOf(v).(item); ok {
		return c.setItem(it)
	}
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
		return fmt.Errorf("backend %q does not take messages with media, which are in the form of openai-chat", c.backend.name)
	}
	c.list = list
	return nil
}

// setText takes a prompt as text or as token ids.
func (c *call) setText(v goja.Value) error {
	list, isObject := v.(*goja.Object)
	if !isObject {
		if _, isText := script.Export(v).(string); isText {
			c.prompt = v.String()
			return nil
		}
	}
	if !isObject || list.ClassName() != "Array" {
		return fmt.Errorf("%v is no prompt: it must be a string, a list of token ids, or an item of a dataset", v)
	}
	if !c.backend.ids {
		return fmt.Errorf("backend %q takes no token ids; give a text", c.backend.name)
	}
	ids, _ := script.Export(list).([]any)
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
	if o, ok := options.(*goja.Object); ok && o.ClassName() != "Array" {
		if err := c.apply(o, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
	} else if !goja.IsUndefined(options) && !goja.IsNull(options) {
		return nil, fmt.Errorf("%s: the last argument must be an object of options, not %s", what, options)
	}
	if c.backend.task != taskGenerate && c.stream {
		return nil, fmt.Errorf("%s: option stream: backend %q sends no streams", what, c.backend.name)
	}
	switch {
	case c.n != nil && !c.backend.choices:
		return nil, fmt.Errorf("%s: option n: backend %q cannot be asked for several choices", what, c.backend.name)
	case c.bestOf != nil && !c.backend.best:
		return nil, fmt.Errorf("%s: option bestOf: backend %q does not know it", what, c.backend.name)
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
	if c.model == "" && e.targets.needsModel() {
		return nil, fmt.Errorf("%s: backend %q has the model's name in its path; give the option model", what, c.backend.name)
	}
	x := &exchange{targets: &e.targets, target: e.targets.pick(nil), prefill: e.prefill, counter: e.counter, call: c, rec: c.record(iteration)}
	promise, settle := e.rt.Promise()
	ctx := e.rt.Context()
	if c.backend.custom != nil {
		x.script = c.backend.custom.begin(ctx, e.rt)
	}
	go func() {
		c.unwritten = c.fetch()
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

// choices is how many choices the service is asked for.
func (c *call) choices() int {
	n := 1
	if c.n != nil {
		n = int(*c.n)
	}
	for _, m := range c.extra {
		if m.key == "n" {
			if given, err := strconv.Atoi(string(m.json)); err == nil {
				n = given
			}
		}
	}
	return n
}
