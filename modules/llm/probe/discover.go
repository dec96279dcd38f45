package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"regexp"
	"slices"
	"strings"

	"weir/runtime/transport"
)

// discover asks for what servers tell about themselves. As soon as the kind is known,
// only what that kind tells is asked for. The error says why asking has no sense.
func (p *prober) discover(ctx context.Context) error {
	for _, w := range ways {
		if w.path == "/metrics" {
			p.byServer() // the last but one to ask: some send metrics by the names of others
		}
		if !p.worth(w.path) {
			continue
		}
		if err := p.get(ctx, w.path, w.read); err != nil {
			return err
		}
	}
	if !slices.ContainsFunc(p.result.Gets, func(g Get) bool { return g.Status == 200 }) || p.cfg.All {
		if err := p.get(ctx, "/health", nil); err != nil {
			return err
		}
	}
	if !p.answered() {
		f := p.result.Gets[0].Error
		return &Error{Message: "the service answers no request: " + f.String(), Hint: p.connectHint(f)}
	}
	if p.kind != nil && p.kind.id == "triton" {
		return p.indexTriton(ctx)
	}
	return nil
}

// answered tells whether any GET had an answer.
func (p *prober) answered() bool {
	return slices.ContainsFunc(p.result.Gets, func(g Get) bool { return g.Status != 0 })
}

func (p *prober) worth(path string) bool {
	switch {
	case p.cfg.All || path == "/v1/models":
		return true
	case p.kind != nil:
		return slices.Contains(p.kind.gets, path)
	case p.refused > 2: // so will the others be
		return false
	}
	return path != "/v1/config" && path != "/get_server_info" // their kinds are told by others
}

// get asks for a path. read, unless nil, takes what is in the answer.
func (p *prober) get(ctx context.Context, path string, read func(*prober, []byte)) error {
	p.say("GET %s … ", p.at.base.Path+path)
	a := p.send(ctx, "GET", path, nil, nil)
	g := Get{Path: path, Status: a.status, ContentType: a.contentType, Error: a.failed}
	p.result.Gets = append(p.result.Gets, g)
	if a.server != "" && p.result.Service.Server == "" {
		p.result.Service.Server = transport.Excerpt(a.server)
	}
	if a.failed != nil {
		p.say("%s\n", a.failed)
		return p.hopeless(ctx, a.failed)
	}
	if a.status == 401 || a.status == 403 {
		p.refused++
	}
	media, _, _ := strings.Cut(a.contentType, ";")
	p.say("%s\n", strings.TrimSpace(status(a.status)+" "+media))
	switch {
	case a.status == 400 && p.at.base.Scheme == "http" && wantsTLS.Match(a.body):
		return &Error{Message: p.at.base.Host + " answers in TLS; try https:// instead of http://"}
	case a.status >= 300 && a.status < 400 && a.location != "":
		p.leads = p.destination(a.location)
	case media == "text/html" && a.status == 200:
		p.page = true
		p.title = title(a.body)
	case a.ok() && read != nil:
		body := bytes.TrimSpace(a.body)
		read(p, body)
		if p.told != nil {
			p.told.take(path, body)
		}
	}
	return nil
}

// indexTriton asks a Triton for its models, of which paths are made.
func (p *prober) indexTriton(ctx context.Context) error {
	const path = "/v2/repository/index"
	p.say("POST %s … ", p.at.base.Path+path)
	a := p.send(ctx, "POST", path, []byte("{}"), nil)
	if a.failed != nil {
		p.say("%s\n", a.failed)
		return p.hopeless(ctx, a.failed)
	}
	p.say("%s\n", status(a.status))
	var list []struct{ Name, State string }
	if !a.ok() || json.Unmarshal(a.body, &list) != nil {
		return nil
	}
	for _, m := range list {
		if m.State == "" || m.State == "READY" {
			p.model(Model{Name: m.Name})
			p.others = append(p.others, m.Name)
		}
	}
	return nil
}

// hopeless is the error of a failure that any other request would meet, too; nil for
// others.
func (p *prober) hopeless(ctx context.Context, f *Failure) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch f.Kind {
	case "protocol":
		if !p.answered() {
			return &Error{Message: f.Message, Hint: p.connectHint(f)}
		}
	case "connect", "connect_timeout", "dns", "tls", "client_limit":
		return &Error{Message: f.Message, Hint: p.connectHint(f)}
	case "total_timeout", "head_timeout":
		if p.late++; p.late > 1 && p.result.best() == nil {
			return &Error{
				Message: "the service does not answer within " + p.cfg.Timeout.String(),
				Hint:    "give it more time with --timeout, or look at its log: it may be loading its model, or be busy",
			}
		}
	}
	return nil
}

// destination is where a redirect leads, without a query: that may have a secret.
func (p *prober) destination(location string) string {
	u, err := p.at.base.Parse(location)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return p.hide.Replace(u.String())
}

// wantsTLS is what servers say to a request without TLS: Go's, nginx, Apache and Tomcat.
var wantsTLS = regexp.MustCompile(`(?i)(HTTP request (was sent )?to (an )?HTTPS|speaking plain HTTP to an SSL|requires TLS)`)

var titleTag = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

// title is that of an HTML page.
func title(page []byte) string {
	if found := titleTag.FindSubmatch(page); found != nil {
		return transport.Excerpt(html.UnescapeString(string(found[1])))
	}
	return ""
}
