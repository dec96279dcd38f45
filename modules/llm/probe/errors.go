package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"weir/runtime/transport"
)

// Error is why a service cannot be used.
type Error struct {
	Message string `json:"message"`        // of one line or several
	Hint    string `json:"hint,omitempty"` // what to do about it; "": nothing is known
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "\n  hint: " + e.Hint
}

// connectHint is what to do about a service that cannot be reached.
func (p *prober) connectHint(f *Failure) string {
	switch {
	case strings.Contains(f.Message, "try http"):
		return "" // says it itself
	case f.Kind == "tls" && strings.Contains(f.Message, "not trusted"):
		return "give --insecure to use the service all the same"
	case f.Kind == "tls" && strings.Contains(f.Message, "handshake"):
		return "if the port has no TLS, begin the URL with http://"
	case f.Kind == "protocol":
		return "what listens there is no HTTP server: is this the port of the service?"
	case f.Kind == "connect":
		return "is the service running, and is this its host and port? A server in a container must listen on 0.0.0.0"
	case f.Kind == "connect_timeout":
		return "a firewall may drop packets on the way, or the address is wrong; --timeout waits longer"
	case f.Kind == "dns":
		return "look for a typing error in the host's name"
	}
	return ""
}

// denied is the error of a service that wants to know who asks.
func (p *prober) denied(f *Failure) error {
	e := &Error{Message: "the service refuses to answer: " + f.String()}
	if p.cfg.APIKey == "" && p.cfg.AppCode == "" && p.cfg.AuthToken == "" && len(p.cfg.Header) == 0 {
		e.Hint = "set WEIR_API_KEY, or for ModelArts WEIR_APP_CODE or WEIR_AUTH_TOKEN; other headers are given with --header"
	} else {
		e.Hint = "the key was sent and not accepted: is it whole, still valid, and for this service?"
	}
	return e
}

// nothing is the error when no backend works: what was tried, and why it does not.
func (p *prober) nothing() error {
	var lines strings.Builder
	what := p.at.shown()
	if p.kind != nil {
		what = p.result.service()
	}
	fmt.Fprintf(&lines, "no backend of weir works with %s", what)
	var before string
	for _, t := range p.result.Backends {
		reason := t.Error.String()
		switch {
		case t.Error.Kind == "no_model": // it was not asked
		case reason == before:
			reason = "the same"
		default:
			before = reason
		}
		fmt.Fprintf(&lines, "\n  %-16s  %s", t.Backend, reason)
	}
	return &Error{Message: lines.String(), Hint: p.nothingHint()}
}

func (p *prober) nothingHint() string {
	all := func(is func(f *Failure) bool) bool {
		for _, t := range p.result.Backends {
			if !is(t.Error) {
				return false
			}
		}
		return true
	}
	some := func(is func(f *Failure) bool) bool { return !all(func(f *Failure) bool { return !is(f) }) }
	switch {
	case p.leads != "":
		return "the service sends requests on to " + p.leads + ": probe that one"
	case p.page || p.pages > 0:
		page := "a web page"
		if p.title != "" {
			page += fmt.Sprintf(" (%q)", p.title)
		}
		return "what answers sends " + page + ", as a login or a proxy does: is this the service's own address?"
	case some(func(f *Failure) bool { return f.Status == 401 || f.Status == 403 }):
		return "give what the service wants to know who asks: WEIR_API_KEY, WEIR_APP_CODE, WEIR_AUTH_TOKEN or --header"
	case some(func(f *Failure) bool { return f.Status == 429 }):
		return "the service takes no more requests now: try again later"
	case some(func(f *Failure) bool { return f.Status == 503 }):
		return "the service is not ready, it may still be loading its model: try again later"
	case p.at.base.Path != "" && all(func(f *Failure) bool { return f.Status == 404 || f.Status == 405 || f.Kind == "no_model" }):
		root := *p.at.base
		root.Path, root.RawQuery = "", ""
		return fmt.Sprintf("is %s where the service's paths begin? Try %s too; a request with a path of its own is run with weir run static --url", p.at.shown(), root.String())
	case some(aboutModel):
		if len(p.result.Models) > 1 {
			return "name one of its models with --model: " + names(p.result.Models)
		}
		return "name the model with --model, as the service calls it"
	case all(func(f *Failure) bool { return f.Status == 404 || f.Status == 405 || f.Kind == "no_model" }):
		return "there is an HTTP server, but none of these paths: is this the port of the inference service?"
	}
	return ""
}

// aboutModel tells whether a service did not know the model, or wanted one.
func aboutModel(f *Failure) bool {
	switch f.Status {
	case 400, 404, 422:
		return strings.Contains(strings.ToLower(f.Message), "model")
	}
	return false
}

func names(models []Model) string {
	var all []string
	for _, m := range models {
		all = append(all, m.Name)
	}
	return strings.Join(all, ", ")
}

// message finds what an answer says in words: {"error": "…"}, {"error": {"message":
// "…"}}, {"message": "…"}, {"detail": "…"}; else it is all of it.
func message(body []byte) string {
	var e struct {
		Error, Message, Detail json.RawMessage
	}
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("data:"))
	if json.Unmarshal(body, &e) == nil {
		for _, raw := range []json.RawMessage{e.Error, e.Message, e.Detail} {
			var text string
			var inner struct{ Message string }
			switch {
			case json.Unmarshal(raw, &text) == nil && text != "":
				return transport.Excerpt(text)
			case json.Unmarshal(raw, &inner) == nil && inner.Message != "":
				return transport.Excerpt(inner.Message)
			}
		}
	}
	if text := transport.Excerpt(body); text != "" {
		return text
	}
	return "no message"
}
