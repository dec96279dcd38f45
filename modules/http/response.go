package http

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/metrics"
	"weir/runtime/script"
	"weir/runtime/transport"
)

// response is the answer to a request, or why there is none.
type response struct {
	url     string
	status  int
	headers map[string]any
	body    []byte
	binary  bool
	failed  *metrics.Error
	timings map[string]any
}

// start sends a request from a goroutine and returns the promise of its
// response.
func (m *Module) start(rt *script.Runtime, method string, url, body, options goja.Value) (any, error) {
	r, err := m.newRequest(rt, method, url, body, options, nil)
	if err != nil {
		return nil, err
	}
	promise, settle := rt.Promise()
	ctx := rt.Context()
	go func() {
		answer := m.run(ctx, r)
		settle(func() (any, error) { return rt.Instance("Response", answer), nil })
	}()
	return promise, nil
}

// run sends the request, and those to which its answers redirect.
func (m *Module) run(ctx context.Context, r *request) *response {
	for {
		answer, location := m.once(ctx, r)
		if location == "" || r.follow == 0 {
			return answer
		}
		next, err := resolve(answer.url, location)
		if err != nil {
			answer.failed = &metrics.Error{Kind: "protocol", Status: answer.status, Message: "redirected to " + location + ": " + err.Error()}
			return answer
		}
		r.follow--
		if !sameService(answer.url, next) {
			for _, name := range credentials {
				r.dropHeader(name)
			}
			r.req.Signer = nil
			r.reach.ClientCert, r.reach.ClientKey = "", ""
		}
		r.url = next
		if answer.status == 303 || answer.status <= 302 && r.method == "POST" {
			r.method, r.req.Body = "GET", nil
			r.dropHeader("Content-Type") // of a body that is not sent
		}
	}
}

// credentials are headers that are meant for the service that the script named,
// and that no other service gets by a redirect.
var credentials = []string{"Authorization", "Cookie", "X-Apig-AppCode", "X-Auth-Token", "X-Api-Key", "apikey", "X-Security-Token"}

// sameService tells whether two URLs, both checked, have one scheme, host and
// port.
func sameService(a, b string) bool {
	from, err1 := url.Parse(a)
	to, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && from.Scheme == to.Scheme &&
		strings.EqualFold(from.Hostname(), to.Hostname()) && port(from) == port(to)
}

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

func resolve(base, location string) (string, error) {
	from, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	to, err := from.Parse(location)
	if err != nil {
		return "", err
	}
	_, err = transport.ParseURL(to.String())
	return to.String(), err
}

// once is one request and its record; location is where it was redirected to.
func (m *Module) once(ctx context.Context, r *request) (answer *response, location string) {
	rec := metrics.NewRecord()
	rec.Kind, rec.Iteration = metrics.KindHTTP, r.iterates
	rec.Recorder().Announce(rec)
	answer = &response{url: r.url, binary: r.binary}
	ex, failed := m.send(ctx, r, rec)
	if failed == nil {
		answer.status, answer.headers = ex.Status(), headersOf(ex)
		if r.method != "HEAD" {
			answer.body, failed = m.readBody(ex)
		}
		if ex.Status() >= 300 && ex.Status() < 400 {
			location = ex.Header("Location")
		}
		if failed == nil && ex.Status() >= 400 {
			failed = &metrics.Error{Kind: "http_status", Status: ex.Status(), Message: message(answer.body)}
		}
		rec.End = time.Now()
		ex.Close()
	}
	answer.failed = failed
	answer.timings = timings(rec)
	closeRecord(rec, failed)
	return answer, location
}

// readBody reads the body, or of one that is too long the start.
func (m *Module) readBody(ex *transport.Exchange) ([]byte, *metrics.Error) {
	body, err := ex.ReadAll(m.MaxBody + 1)
	failed := transport.AsError(err)
	if int64(len(body)) > m.MaxBody {
		body = body[:m.MaxBody]
		failed = &metrics.Error{Kind: "protocol", Status: ex.Status(), Message: fmt.Sprintf(
			"the body is longer than the limit of %d bytes: ask for less, or read it piece by piece with http.stream", m.MaxBody)}
	}
	return body, failed
}

// send writes the request's line and head for its current URL.
func (m *Module) send(ctx context.Context, r *request, rec *metrics.Record) (*transport.Exchange, *metrics.Error) {
	client, target, err := m.clients.Client(r.url, r.reach.Options)
	if err != nil {
		return nil, &metrics.Error{Kind: "protocol", Message: err.Error()}
	}
	if !r.req.Close {
		client.KeepsConnections(r.req.Limits.Connect)
	}
	r.req.Method, r.req.URI, r.req.Host = r.method, target.RequestURI(), target.Host
	return client.Send(ctx, &r.req, rec)
}

func closeRecord(rec *metrics.Record, failed *metrics.Error) {
	rec.Error = failed
	if rec.End.IsZero() {
		rec.End = time.Now()
	}
	rec.Recorder().Close(rec)
}

func headersOf(ex *transport.Exchange) map[string]any {
	h := map[string]any{}
	ex.VisitHeader(func(name, value string) {
		if before, ok := h[name]; ok {
			value = fmt.Sprint(before, ", ", value)
		}
		h[name] = value
	})
	return h
}

// timings are k6's names, in milliseconds.
func timings(rec *metrics.Record) map[string]any {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	t := map[string]any{"connecting": ms(rec.Connect), "lookingUp": ms(rec.DNS), "tlsHandshaking": ms(rec.TLS), "waiting": 0.0, "duration": 0.0}
	if !rec.HeadAt.IsZero() {
		t["waiting"] = ms(rec.HeadAt.Sub(rec.Started))
	}
	if !rec.Started.IsZero() && !rec.End.IsZero() {
		t["duration"] = ms(rec.End.Sub(rec.Started))
	}
	return t
}

// message is what a body says, for an error.
func message(body []byte) string {
	if s := transport.Excerpt(body); s != "" {
		return s
	}
	return "no message"
}

func (r *response) errorObject() any {
	if r.failed == nil {
		return nil
	}
	return map[string]any{"kind": r.failed.Kind, "status": r.failed.Status, "message": r.failed.Message}
}

func responseClass(rt *script.Runtime) script.Class {
	return script.Class{
		Name: "Response",
		Getters: map[string]func(any) any{
			"url":     func(self any) any { return self.(*response).url },
			"status":  func(self any) any { return self.(*response).status },
			"ok":      func(self any) any { return self.(*response).failed == nil },
			"headers": func(self any) any { return self.(*response).headers },
			"timings": func(self any) any { return self.(*response).timings },
			"error":   func(self any) any { return self.(*response).errorObject() },
			"body": func(self any) any {
				r := self.(*response)
				if r.binary {
					return rt.VM().NewArrayBuffer(r.body)
				}
				return string(r.body)
			},
		},
		Methods: map[string]func(any, goja.FunctionCall) (any, error){
			"json": func(self any, _ goja.FunctionCall) (any, error) {
				r := self.(*response)
				parse, _ := goja.AssertFunction(rt.VM().Get("JSON").ToObject(rt.VM()).Get("parse"))
				v, err := parse(goja.Undefined(), rt.VM().ToValue(string(r.body)))
				if err != nil {
					return nil, fmt.Errorf("the body of %s is not JSON: %s", r.url, message(r.body))
				}
				return v, nil
			},
		},
	}
}
