package llm

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/reach"
	"weir/runtime/script"
	"weir/runtime/suggest"
	"weir/runtime/transport"
)

// endpoint is a service as a script sees it, in one runtime. It is only used
// on the runtime's loop; what a request needs is copied into its call.
type endpoint struct {
	rt      *script.Runtime
	backend *backend
	targets targets
	prefill gate // nil: no limit
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

// newEndpoint is new Endpoint({...}), the number-th of its runtime.
func (m *Module) newEndpoint(rt *script.Runtime, number int, c goja.ConstructorCall) (any, error) {
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
	maxPrefill := 0
	var reaching reach.Options
	var metricsPages pages
	text := func(into *string) func(goja.Value) error {
		return func(v goja.Value) error { return oneText(v, into) }
	}
	header := func(name, prefix string) func(goja.Value) error {
		return func(v goja.Value) error {
			var value string
			if err := oneText(v, &value); err != nil || value == "" {
				return err
			}
			return e.setHeader(name, prefix+value)
		}
	}
	others := map[string]func(goja.Value) error{
		"backend":    func(goja.Value) error { return nil },
		"url":        texts(&bases),
		"requestUrl": texts(&verbatim),
		"path":       text(&path),
		"balance": func(v goja.Value) error {
			e.targets.least = v.String() == "least-in-flight"
			if !e.targets.least && v.String() != "round-robin" {
				return fmt.Errorf(`%q is neither "round-robin" nor "least-in-flight"`, v)
			}
			return nil
		},
		"apiKey":     e.keyHeader(header),
		"appCode":    header("X-Apig-AppCode", ""),
		"authToken":  header("X-Auth-Token", ""),
		"metricsUrl": metricsPages.set,
		"maxPrefill": func(v goja.Value) error {
			return whole(func(*settings) *int { return &maxPrefill }, 1)(nil, v)
		},
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
	e.secrets = reaching.Secrets()
	if e.signer, err = reaching.Signer(e.headers); err == nil {
		err = m.aim(e, number, bases, verbatim, path, reaching.Options)
	}
	if err == nil {
		to := verbatim
		if len(to) == 0 {
			to = bases
		}
		err = m.notePages(e, metricsPages, to, len(verbatim) > 0, reaching.Options)
	}
	if err == nil {
		e.prefill = m.gate(number, maxPrefill)
		return e, nil
	}
	if rt.InInit() { // it is mostly the value of a flag
		return nil, &script.ParamError{Message: "new Endpoint: " + err.Error()}
	}
	return nil, fmt.Errorf("new Endpoint: %w", err)
}

// setHeaders sets the headers that every request to such a service has.
func (e *endpoint) setHeaders(userAgent string) {
	content := e.backend.contentType
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
	if e.backend.keyHeader != "" {
		return header(e.backend.keyHeader, "")
	}
	return header("Authorization", "Bearer ")
}

// chooseBackend finds a backend by its name, or makes one of a script's own.
func chooseBackend(rt *script.Runtime, v goja.Value) (*backend, error) {
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

// oneText takes a text. What is none may be a secret all the same, and is not shown.
func oneText(v goja.Value, into *string) error {
	text, ok := script.Export(v).(string)
	if !ok {
		return fmt.Errorf("it is no text")
	}
	*into = text
	return nil
}

// texts takes one text or several.
func texts(into *[]string) func(goja.Value) error {
	return func(v goja.Value) error {
		switch x := script.Export(v).(type) {
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
