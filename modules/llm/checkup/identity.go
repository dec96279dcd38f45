package checkup

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"weir/runtime/suggest"
	"weir/runtime/transport"
)

// healthPaths are where kinds of servers tell whether they are ready, other than at
// /health.
var healthPaths = map[string]string{"triton": "/v2/health/ready", "mindspore": ""}

// health asks whether the service is ready.
func (c *checker) health(ctx context.Context) {
	k := of("health")
	path, known := healthPaths[c.service.Service.Kind]
	if !known {
		path = "/health"
	}
	if path == "" {
		c.add(k.Skip("%s has no path that tells it", c.service.Service.Name))
		return
	}
	c.say("GET %s … ", path)
	g := c.place.ask(ctx, "GET", path, nil)
	const why = "a service that is still loading, or has lost a worker, answers late, or not at all"
	do := "look at the service's log; a model that is still loading takes minutes"
	switch said := transport.Excerpt(string(bytes.TrimSpace(g.body))); {
	case g.failed != nil:
		c.add(k.Warn(why, do, "GET %s: %s", path, g.failed.Message))
	case g.status == 200:
		c.ready = path
		c.add(k.OK("GET %s says 200", path))
	case g.status == 404, g.status == 405, g.status == 401, g.status == 403, g.status >= 300 && g.status < 400:
		c.add(k.Skip("GET %s says %d: it is not for us, or not there", path, g.status))
	case said != "":
		c.add(k.Fail(why, do, "GET %s says %d: %s", path, g.status, said))
	default:
		c.add(k.Fail(why, do, "GET %s says %d", path, g.status))
	}
}

// identity says which server it is.
func (c *checker) identity() {
	k := of("server")
	s := c.service.Service
	what := s.Name
	if s.Version != "" {
		what = strings.TrimSpace(what + " " + s.Version)
	}
	var working []string
	for _, t := range c.service.Backends {
		if t.Works {
			working = append(working, t.Backend)
		}
	}
	if len(working) > 0 {
		if what != "" {
			what += ", "
		}
		what += "speaks " + strings.Join(working, ", ")
	}
	if what == "" {
		c.add(k.Skip("it does not say what it is"))
		return
	}
	c.add(k.OK("%s", what))
}

// model looks whether the model that is asked for is one that the service names.
func (c *checker) model() {
	k := of("model")
	models := c.service.Models
	names := make([]string, len(models))
	for i, m := range models {
		names[i] = m.Name
		if m.Name == c.cfg.Model {
			c.add(k.OK("%s", m.Name))
			return
		}
	}
	switch {
	case len(models) == 0:
		c.add(k.Skip("the service names no models"))
	case c.cfg.Model != "":
		do := "take one of those: " + list(names)
		if near := suggest.Nearest(c.cfg.Model, names); near != "" {
			do = "--model " + near + "; of weir run static: --served-model-name " + near
		}
		c.add(k.Fail("requests that name another model are refused (404), or are answered by another than the one that is meant", do, "the service has no model %q; it has %s", c.cfg.Model, list(names)))
	default:
		c.add(k.OK("%s", list(names)))
	}
}

// shownModels is how many models a line names.
const shownModels = 5

func list(names []string) string {
	if len(names) > shownModels {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shownModels], ", "), len(names)-shownModels)
	}
	return strings.Join(names, ", ")
}

// length says how long prompt and answer may be.
func (c *checker) length() {
	k := of("context-length")
	tokens := c.service.Limits.TotalTokens
	for _, m := range c.service.Models {
		if m.Name == c.service.Model && m.MaxModelLen > 0 {
			tokens = m.MaxModelLen
		}
	}
	if tokens == 0 {
		c.add(k.Skip("the service does not say it"))
		return
	}
	c.add(k.OK("%d tokens of prompt and answer: longer ones are refused", tokens))
}

// obedience judges what package probe has found out about ignore_eos and the counts of
// tokens.
func (c *checker) obedience() {
	eos, usage := of("ignore-eos"), of("usage")
	switch i := c.service.IgnoreEOS; {
	case i == nil:
		c.add(eos.Skip("it was not tried"))
	case i.Works == nil:
		c.add(eos.Skip("cannot be told: %s", i.Why))
	case *i.Works:
		c.add(eos.OK("an answer has as many tokens as are asked for"))
	default:
		what := fmt.Sprintf("%d tokens came where %d were asked for with ignore_eos", i.Made, i.Asked)
		if i.Why != "" {
			what = "ignore_eos is refused: " + i.Why
		}
		c.add(eos.Warn("answers end when the model likes: cases with --output-tokens have fewer than they say, and differ between runs and services",
			"compare TPOT and tokens/s rather than latencies of whole answers, or take prompts whose answers are long", "%s", what))
	}
	switch u := c.service.Usage; {
	case u == nil:
		c.add(usage.Skip("it could not be asked for"))
	case u.Counted:
		c.add(usage.OK("the service counts its tokens at the end of a stream"))
	default:
		c.add(usage.Warn("tokens are then counted by events, or by the tokenizer here: where an event has several tokens, tokens/s and TPOT are of events",
			"give --tokenizer to the run, so that answers are counted with it", "the service does not count the tokens of a stream"))
	}
}
