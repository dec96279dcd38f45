package profiling

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"weir/runtime/result"
	"weir/runtime/transport"
)

// Access is how a service is reached and who asks, besides what its profiler's options
// say. The zero value goes straight to it and asks as nobody.
type Access struct {
	transport.Options
	// Signer makes what signs requests with these headers; nil: nothing does.
	Signer  func([]transport.Header) (transport.Signer, error)
	Secrets []string // that no message may have
	Names   []string // of the options that have said all this, which profilers do not see
}

// remote is a profiler of a service, which is switched by requests.
type remote struct {
	trace       result.Trace // what is known of it before
	start, stop *call
	timeout     time.Duration // of the stop
	missing     string        // hint where there is no such path
	endsItself  bool          // it may have ended before it is stopped
}

// call is one of its requests.
type call struct {
	client  *transport.Client
	request transport.Request
	shown   string // "POST http://host:8000/start_profile"
	secrets []string
}

// HTTP makes a profiler of any two requests: { start, stop, timeout, trace, name }. A
// request is a URL, which is sent a POST, or { url, method, body, headers }.
func (m Maker) HTTP(of map[string]any, a Access) (Profiler, error) {
	o := &options{of: of, dur: m.Duration}
	o.known(append([]string{"start", "stop", "timeout", "trace", "name", "apiKey", "appCode", "authToken", "headers"}, a.Names...)...)
	r := &remote{trace: result.Trace{Profiler: o.text("name"), Where: o.text("trace")}, timeout: o.timeout(),
		missing: "is that the path by which the service starts its profiler, and was it started with one?"}
	if r.trace.Profiler == "" {
		r.trace.Profiler = "http"
	}
	headers := m.identity(o)
	r.start = m.anyCall(o, "start", headers, a)
	r.stop = m.anyCall(o, "stop", headers, a)
	if o.err != nil {
		return nil, o.err
	}
	_, r.trace.Target, _ = strings.Cut(r.start.shown, " ")
	return r, nil
}

// anyCall reads a request that a script describes.
func (m Maker) anyCall(o *options, name string, headers []transport.Header, a Access) *call {
	in := &options{of: map[string]any{}}
	switch v := o.of[name].(type) {
	case nil:
		o.fail("option %s is missing: the URL of the request", name)
	case string:
		in.of["url"] = v
	case object:
		in.of = v.Fields()
	default:
		o.fail("option %s: it is neither a URL nor an object such as { url, method, body, headers }", name)
	}
	in.known("url", "method", "body", "headers")
	raw, method := in.text("url"), strings.ToUpper(in.text("method"))
	if method == "" {
		method = "POST"
	}
	body, isJSON := in.body("body")
	if isJSON {
		headers = with(headers, transport.Header{Name: "Content-Type", Value: "application/json"})
	}
	headers = with(headers, in.headers("headers")...)
	if !isToken(method) {
		in.fail("option method: %q is no method such as POST", method)
	}
	var c *call
	if in.err == nil && o.err == nil {
		c, in.err = m.newCall(method, raw, body, headers, a)
	}
	if in.err != nil {
		o.fail("option %s: %w", name, in.err)
	}
	return c
}

func isToken(method string) bool {
	return method != "" && !strings.ContainsFunc(method, func(r rune) bool { return (r < 'A' || r > 'Z') && r != '-' })
}

// identity are the headers that say who asks.
func (m Maker) identity(o *options) (all []transport.Header) {
	if m.UserAgent != "" {
		all = append(all, transport.Header{Name: "User-Agent", Value: m.UserAgent})
	}
	for _, h := range []struct{ option, name, prefix string }{
		{"apiKey", "Authorization", "Bearer "}, {"appCode", "X-Apig-AppCode", ""}, {"authToken", "X-Auth-Token", ""},
	} {
		value := o.text(h.option)
		if value == "" {
			continue
		}
		if err := transport.CheckHeader(h.name, h.prefix+value); err != nil {
			o.fail("option %s: %w", h.option, err)
		}
		all = append(all, transport.Header{Name: h.name, Value: h.prefix + value})
	}
	return with(all, o.headers("headers")...)
}

// with adds headers; they replace those of the same name.
func with(all []transport.Header, more ...transport.Header) []transport.Header {
	all = slices.Clone(all)
	for _, h := range more {
		all = slices.DeleteFunc(all, func(other transport.Header) bool { return strings.EqualFold(other.Name, h.Name) })
		all = append(all, h)
	}
	return all
}

func (m Maker) newCall(method, raw string, body []byte, headers []transport.Header, a Access) (*call, error) {
	if raw == "" {
		return nil, errors.New("no URL")
	}
	shown, err := transport.ParseURL(raw)
	if err != nil {
		return nil, err
	}
	client, u, err := m.Clients.Client(raw, a.Options)
	if err != nil {
		return nil, err
	}
	c := &call{client: client, secrets: a.Secrets, request: transport.Request{
		Method: method, URI: u.RequestURI(), Host: u.Host, Header: headers, Body: body,
		Close: true, // the load's connections are its own
	}}
	if a.Signer != nil {
		if c.request.Signer, err = a.Signer(headers); err != nil {
			return nil, err
		}
	}
	c.shown = method + " " + show(shown)
	return c, nil
}

// show is a URL as it may be read by anybody.
func show(u *url.URL) string {
	plain := *u
	plain.User, plain.Fragment = nil, ""
	return transport.HideQuery(plain.String())
}

func (r *remote) String() string { return r.trace.Profiler + " at " + r.trace.Target }

func (r *remote) Start(ctx context.Context) error {
	status, err := r.start.send(ctx, min(r.timeout, startLimit))
	if err == nil {
		r.trace.Started = time.Now()
		return nil
	}
	if status == 404 || status == 405 {
		return fmt.Errorf("%w\n  hint: %s", err, r.missing)
	}
	if status == 0 || status == 502 || status == 504 { // it may have begun all the same, the last two behind a gateway
		ctx, cancel := lastMoment(ctx)
		defer cancel()
		_, _ = r.stop.send(ctx, cleanUpLimit)
	}
	return err
}

func (r *remote) Stop(ctx context.Context) result.Trace {
	asked := time.Now()
	t := r.trace
	ctx, cancel := lastMoment(ctx)
	defer cancel()
	status, err := r.stop.send(ctx, r.timeout)
	switch {
	case err == nil || r.endsItself && status != 0:
	case ctx.Err() != nil:
		t.Error = r.stop.shown + ": it was not waited for: the service may still write its trace"
	default:
		t.Error = err.Error()
	}
	return stopped(t, asked)
}

// send sends the request. The error has the status's meaning; status is 0 when no
// answer came.
func (c *call) send(ctx context.Context, limit time.Duration) (status int, err error) {
	request := c.request
	request.Limits = transport.Limits{Connect: min(limit, transport.DefaultConnectLimit), Total: limit}
	answer, failed := c.client.Fetch(ctx, &request, answerLimit)
	if failed != nil && answer.Status == 0 {
		return 0, fmt.Errorf("%s: %s", c.shown, c.hide(failed.Message))
	}
	if answer.Status < 200 || answer.Status > 299 {
		said := ""
		// What stands beside a 404 is a page of whoever answered.
		if text := bytes.TrimSpace(answer.Body); len(text) > 0 && answer.Status != 404 {
			said = ": " + c.hide(transport.Excerpt(string(text)))
		}
		return answer.Status, fmt.Errorf("%s: the service answered with status %d%s", c.shown, answer.Status, said)
	}
	return answer.Status, nil
}

func (c *call) hide(message string) string {
	return transport.Redact(message, c.request.Header, c.secrets...)
}
