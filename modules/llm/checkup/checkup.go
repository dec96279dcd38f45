// Package checkup tells whether a service is fit to be measured: whether it answers, as
// what, how long the way there is, whether its streams come as they are made, whether
// its tokens are those of the tokenizer here, and whether somebody else uses it.
//
// [Run] asks a service as package probe does, and then for what that leaves open, one
// request after another; [Glance] is the part that takes no more than a moment and
// makes no tokens, for the begin of a run. Both give findings, whose names are in
// docs/doctor.md.
package checkup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"weir/modules/llm/probe"
	"weir/runtime/doctor"
	"weir/runtime/result"
	"weir/runtime/transport"
)

// Config says what to look at and how.
type Config struct {
	probe.Config // NoTokens: only what can be told without a generation

	// Tokenizer is that of the prompts; nil: there is none to compare.
	Tokenizer *Tokenizer
}

// Tokenizer counts as the client does.
type Tokenizer struct {
	Name  string
	Count func(text string, special bool) (int, error) // tokens, with those that the tokenizer adds or without
	// Chat counts a text that is one user message, by the chat template; nil: it has none.
	Chat func(ctx context.Context, text string) (int, error)
}

// Report is what was found.
type Report struct {
	Service  *probe.Result // nil: its URL makes no sense
	Findings []result.Finding
	RTT      time.Duration // of a small request on a kept connection, median; 0: not known
}

// Run looks at a service. The error is the context's, or that of a configuration that
// makes no sense; what is wrong with the service is in the findings.
func Run(ctx context.Context, clients *transport.Clients, cfg Config) (*Report, error) {
	base, _, err := cfg.At("")
	if err != nil {
		return nil, err
	}
	client, _, err := clients.Client(base.String(), cfg.Options)
	if err != nil {
		return nil, err
	}
	c := &checker{cfg: cfg, clients: clients, report: &Report{}}
	c.place = place{client: client.Apart(), request: func(_ context.Context, method, path string, body []byte) *transport.Request {
		_, uri, _ := cfg.At(path) // it was parsed above
		return &transport.Request{
			Method: method, URI: uri, Host: base.Host, Header: cfg.Headers(""), Body: body, Signer: cfg.Signer,
			Limits: transport.Limits{Connect: cfg.Timeout, Total: cfg.Timeout},
		}
	}}
	defer c.place.client.Close()

	service, err := probe.Run(ctx, clients, cfg.Config)
	var unusable *probe.Error
	if err != nil && !errors.As(err, &unusable) {
		return nil, err
	}
	c.report.Service, c.service = service, service
	if answered := c.reachable(unusable); answered {
		c.look(ctx, unusable)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return c.report, nil
}

// checker is one Run. It belongs to one goroutine.
type checker struct {
	cfg     Config
	clients *transport.Clients
	place   place
	service *probe.Result
	ready   string // path at which the service says that it is; "": none
	report  *Report
}

// add notes findings, without the secrets that the service may have repeated.
func (c *checker) add(all ...result.Finding) {
	for _, f := range all {
		for _, text := range []*string{&f.What, &f.Why, &f.Do} {
			*text = transport.Redact(*text, c.cfg.Headers(""), c.cfg.Secrets...)
		}
		c.report.Findings = append(c.report.Findings, f)
	}
}

// say writes a line of progress.
func (c *checker) say(format string, args ...any) {
	if c.cfg.Progress != nil {
		fmt.Fprintf(c.cfg.Progress, format+"\n", args...)
	}
}

// look looks at a service that answers.
func (c *checker) look(ctx context.Context, unusable *probe.Error) {
	c.health(ctx)
	c.identity()
	c.model()
	c.length()
	if unusable != nil {
		c.unusable(unusable)
	}
	c.say("GET %s %d times … ", c.quiet(), trips)
	way := c.place.trips(ctx, c.quiet(), trips)
	c.add(keepAlive(way), proxies(way.header), clockDifference(way))
	c.report.RTT = way.median()

	ttft := time.Duration(0)
	switch {
	case c.cfg.NoTokens:
		c.keys()
	case !c.generates():
		c.unreadable(ctx)
	default:
		c.obedience()
		s := c.stream(ctx, c.service.Best)
		ttft = s.ttft()
		c.add(streaming(s, way.header), compression(s))
	}
	c.add(roundTrip(way, ttft))
	c.tokenizer(ctx)
	c.busy(ctx)
}

// generates tells whether the best backend makes tokens.
func (c *checker) generates() bool {
	return c.service.Best != "" && c.service.Best != "embeddings" && c.service.Best != "rerank"
}

// reachable judges whether anything answered.
func (c *checker) reachable(unusable *probe.Error) (answered bool) {
	k := of("reachable")
	for _, g := range c.service.Gets {
		if g.Status != 0 {
			c.add(k.OK("%s answers", c.service.URL))
			return true
		}
	}
	what, do := "it answers no request", "is this the service's address, and is it running?"
	if unusable != nil {
		what = unusable.Message
		if unusable.Hint != "" {
			do = unusable.Hint
		}
	}
	c.add(k.Fail("there is nothing to measure", do, "%s", what))
	return false
}

// unusable says why no backend works.
func (c *checker) unusable(e *probe.Error) {
	do := e.Hint
	if do == "" {
		do = "weir probe tells what each backend was answered"
	}
	what, rest, several := strings.Cut(e.Message, "\n")
	if several {
		first, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
		what += ": " + strings.Join(strings.Fields(first), " ")
	}
	c.add(of("backend").Fail("no request that makes tokens can be sent", do, "%s", what))
}

// keys judges, where no tokens are asked for, what would be refused.
func (c *checker) keys() {
	for _, g := range c.service.Gets {
		if g.Path == "/v1/models" && (g.Status == 401 || g.Status == 403) {
			c.add(of("backend").Fail("requests for tokens will most likely be refused, too",
				"give the key that the service wants (WEIR_API_KEY, WEIR_APP_CODE, WEIR_AUTH_TOKEN or --header); the one that was given may be wrong",
				"GET %s says %d", g.Path, g.Status))
		}
	}
}

// unreadable looks whether what came from a backend that does not work was compressed:
// then nothing else is wrong with it. Embeddings may work all the same.
func (c *checker) unreadable(ctx context.Context) {
	for _, t := range c.service.Backends {
		if t.Error != nil && t.Error.Status == 200 {
			if f := compression(c.stream(ctx, t.Backend)); f.Status == doctor.Fail {
				c.add(f)
			}
			return
		}
	}
}

// of makes the findings of a check of the service.
func of(check string) doctor.Check { return doctor.Check{Group: doctor.OfService, Name: check} }

// quiet is the cheapest path that the service answers.
func (c *checker) quiet() string {
	if c.ready != "" {
		return c.ready
	}
	for _, g := range c.service.Gets {
		if g.Status == 200 && g.Path != "/metrics" {
			return g.Path
		}
	}
	return "/health"
}
