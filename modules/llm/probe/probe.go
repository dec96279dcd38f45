package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"weir/modules/llm"
	"weir/runtime/transport"
)

// Config says what to probe and how.
type Config struct {
	URL     string             // base URL, or the URL of a request; without a scheme it is http
	Options transport.Options  // how to reach it
	Header  []transport.Header // of every request, besides those that follow
	Timeout time.Duration      // of opening a connection, and of each request

	APIKey    string // Authorization: Bearer, or X-Api-Key for anthropic; "": none
	AppCode   string // X-Apig-AppCode; "": none
	AuthToken string // X-Auth-Token; "": none

	Signer  transport.Signer // signs every request; nil: nothing does
	Secrets []string         // besides those keys and headers, which are in no message

	UserAgent string // "": none is sent

	Model    string    // to ask for; "": the first one that the service names
	Backend  string    // the only one to try; "": all that the service may speak
	NoTokens bool      // only GETs: no backend is tried
	All      bool      // try every backend, and ask for every path
	Progress io.Writer // gets a line for each request
}

// Run probes a service. The result is not nil once the service has been asked
// anything, also beside an error: it then says what was tried. The error is an
// *Error for what keeps the service from being used, the context's when that ended,
// and any other for a configuration that makes no sense. It may be called by any
// goroutine.
func Run(ctx context.Context, clients *transport.Clients, cfg Config) (*Result, error) {
	at, err := parseTarget(cfg.URL)
	if err != nil {
		return nil, err
	}
	if cfg.Backend != "" && find(cfg.Backend) == nil {
		return nil, fmt.Errorf("there is no backend %q; there are %s", cfg.Backend, strings.Join(llm.BackendNames(), ", "))
	}
	for _, h := range cfg.Header {
		if err := transport.CheckHeader(h.Name, h.Value); err != nil {
			return nil, err
		}
	}
	p := &prober{cfg: cfg, at: at, clients: clients, result: &Result{
		URL: at.shown(), Path: at.path, Gets: []Get{}, Models: []Model{}, Backends: []Trial{},
	}}
	p.hide = hider(cfg, at)
	if p.client, _, err = clients.Client(at.base.String(), cfg.Options); err != nil {
		return nil, err
	}
	err = p.run(ctx)
	var unusable *Error
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.As(err, &unusable):
		err = &Error{Message: p.hide.Replace(unusable.Message), Hint: p.hide.Replace(unusable.Hint)}
	}
	return p.result, err
}

// prober is one probing. It belongs to one goroutine.
type prober struct {
	cfg     Config
	at      *target
	clients *transport.Clients
	client  *transport.Client
	hide    *strings.Replacer // takes secrets out of texts
	result  *Result

	service *llm.Service // whose requests are sent, as Describe does; nil: those of cfg
	told    *settings    // nil: nobody wants to know

	kind    *kind    // of the server; nil: not known
	listed  bool     // GET /v1/models told something
	others  []string // models of a Triton, which paths are made of
	pools   bool     // the server says that it makes no tokens
	refused int      // GETs that were not allowed: 401 or 403
	late    int      // requests that were not answered in time
	page    bool     // a GET was answered with a web page
	pages   int      // requests of backends that were, or that were led elsewhere
	title   string   // of the page
	leads   string   // where the service sent a request instead; "": nowhere
}

func (p *prober) run(ctx context.Context) error {
	if err := p.discover(ctx); err != nil {
		return err
	}
	p.settle()
	if p.cfg.NoTokens {
		return nil
	}
	if err := p.try(ctx); err != nil {
		return err
	}
	best := p.result.best()
	if best == nil {
		return p.nothing()
	}
	p.result.Best = best.Backend
	if err := p.measure(ctx, best); err != nil {
		return err
	}
	p.command(best)
	return nil
}

// settle chooses the model that requests name.
func (p *prober) settle() {
	switch r := p.result; {
	case p.cfg.Model != "":
		r.Model = p.cfg.Model
	case p.at.model != "":
		r.Model = p.at.model
	case len(r.Models) > 0:
		r.Model = r.Models[0].Name
	}
}

// hider makes what takes the secrets of a configuration out of texts: a service may
// repeat in a message what it was sent. Short values are no secrets, and would
// take other words along.
func hider(cfg Config, at *target) *strings.Replacer {
	var secrets []string
	add := func(atLeast int, values ...string) {
		for _, v := range values {
			if len(v) >= atLeast {
				secrets = append(secrets, v)
			}
		}
	}
	add(4, cfg.APIKey, cfg.AppCode, cfg.AuthToken)
	add(4, cfg.Secrets...)
	for _, h := range cfg.Header {
		add(8, h.Value)
		if _, credentials, found := strings.Cut(h.Value, " "); found { // "Bearer …"
			add(8, credentials)
		}
	}
	for _, values := range at.base.Query() {
		add(8, values...)
		for _, v := range values {
			add(8, url.QueryEscape(v))
		}
	}
	// One may be a part of another: the longer goes first.
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var pairs []string
	for _, s := range secrets {
		pairs = append(pairs, s, "…")
	}
	return strings.NewReplacer(pairs...)
}
