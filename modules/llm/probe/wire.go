package probe

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	"weir/runtime/metrics"
	"weir/runtime/transport"
)

// Of an answer this much is read.
const maxBody = 4 << 20

// answer is what came of a request that no backend made.
type answer struct {
	status      int
	contentType string
	server      string // header Server
	location    string // header Location
	body        []byte
	failed      *Failure // nil when the whole answer came, whatever its status
}

// ok tells whether the request was answered with what was asked for.
func (a *answer) ok() bool { return a.failed == nil && a.status == 200 }

// send sends a request to a path of the service and reads the answer. each, unless
// nil, gets the events of an event stream instead.
func (p *prober) send(ctx context.Context, method, path string, body []byte, each func(data []byte)) (a answer) {
	rec := metrics.NewRecord()
	defer func() { rec.Recorder().Close(rec) }()
	ex, failed := p.client.Send(ctx, p.request(ctx, method, path, body), rec)
	if failed != nil {
		return answer{failed: p.failure(failed)}
	}
	defer ex.Close()
	a = answer{status: ex.Status(), contentType: ex.ContentType(), server: ex.Header("Server"), location: ex.Header("Location")}
	var err error
	if each != nil && a.status == 200 {
		err = events(ex, each)
	} else {
		a.body, err = ex.ReadAll(maxBody)
	}
	a.failed = p.failure(transport.AsError(err))
	return a
}

// request is a request to a path of the service.
func (p *prober) request(ctx context.Context, method, path string, body []byte) *transport.Request {
	if p.service != nil {
		path, query, _ := strings.Cut(path, "?")
		req := p.service.Request(ctx, method, path, body)
		if query != "" && strings.Contains(req.URI, "?") {
			req.URI += "&" + query
		} else if query != "" {
			req.URI += "?" + query
		}
		req.Limits.Connect, req.Limits.Total = min(req.Limits.Connect, p.cfg.Timeout), min(req.Limits.Total, p.cfg.Timeout)
		return req
	}
	header := p.header("")
	if body != nil {
		header = append(header, transport.Header{Name: "Content-Type", Value: "application/json"})
	}
	return &transport.Request{
		Method: method, URI: p.at.uri(path), Host: p.at.base.Host, Header: header, Body: body, Limits: p.limits(), Signer: p.cfg.Signer,
	}
}

// events gives the data of each event of a stream to each.
func events(r io.Reader, each func(data []byte)) error {
	var s transport.Scanner
	s.Reset(r, transport.SSE)
	defer s.Reset(nil, transport.SSE) // leaves its buffer to others
	for {
		ev, err := s.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		each(ev.Data)
	}
}

// limits bound every request.
func (p *prober) limits() transport.Limits {
	return transport.Limits{Connect: p.cfg.Timeout, Total: p.cfg.Timeout}
}

// header is what every request has; the key's place depends on the backend.
func (p *prober) header(backend string) []transport.Header { return p.cfg.Headers(backend) }

// Headers is what every request has for a backend; "" is what no backend sends.
func (c Config) Headers(backend string) []transport.Header {
	var all []transport.Header
	add := func(name, prefix, value string) {
		if value != "" {
			all = append(all, transport.Header{Name: name, Value: prefix + value})
		}
	}
	add("User-Agent", "", c.UserAgent)
	if backend == "anthropic" {
		add("X-Api-Key", "", c.APIKey)
	} else {
		add("Authorization", "Bearer ", c.APIKey)
	}
	add("X-Apig-AppCode", "", c.AppCode)
	add("X-Auth-Token", "", c.AuthToken)
	return append(all, c.Header...)
}

// failure is a failed request for the result, without secrets.
func (p *prober) failure(e *metrics.Error) *Failure {
	if e == nil {
		return nil
	}
	text := e.Message
	if isPage(text) {
		text = "a web page came"
		if t := title([]byte(e.Message)); t != "" {
			text += fmt.Sprintf(" (%q)", t)
		}
	}
	return &Failure{Kind: e.Kind, Status: e.Status, Message: p.hide.Replace(text)}
}

// isPage tells whether a text is that of a web page.
func isPage(text string) bool { return pageStart.MatchString(text) }

var pageStart = regexp.MustCompile(`(?i)<html\b|<!doctype html`)

// say writes a part of a line of progress.
func (p *prober) say(format string, args ...any) {
	if p.cfg.Progress != nil {
		fmt.Fprint(p.cfg.Progress, p.hide.Replace(fmt.Sprintf(format, args...)))
	}
}
