package probe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"weir/modules/llm"
	"weir/runtime/metrics"
)

// prompt is what every request asks: a model that is left to itself answers with a
// few tokens, so that a longer answer shows that ignore_eos is obeyed.
const prompt = "Reply with the one word OK."

// try asks with one backend after another. Those that the service should speak are all
// tried; others only until one works.
func (p *prober) try(ctx context.Context) error {
	own, others := p.candidates()
	for _, name := range own {
		if err := p.tryOne(ctx, name); err != nil {
			return err
		}
	}
	for _, name := range others {
		works := p.result.best() != nil
		if works && !p.cfg.All || !works && p.pages > 1 { // nothing but web pages comes
			return nil
		}
		if err := p.tryOne(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// candidates are all backends in the order in which they are worth trying: first
// those that the service should speak, then those that it may speak.
func (p *prober) candidates() (own, others []string) {
	if p.cfg.Backend != "" {
		return []string{p.cfg.Backend}, nil
	}
	add := func(names ...string) {
		for _, name := range names {
			if !slices.Contains(own, name) {
				own = append(own, name)
			}
		}
	}
	add(p.at.backends...)
	if p.pools {
		add("embeddings", "rerank")
	}
	if p.kind != nil {
		add(p.kind.backends...)
	} else if p.listed || len(p.at.backends) == 0 {
		add("openai-chat", "openai")
	}
	var pools []string
	for _, b := range backends {
		switch {
		case slices.Contains(own, b.Name):
		case b.Pools:
			pools = append(pools, b.Name)
		default:
			others = append(others, b.Name)
		}
	}
	switch {
	case p.kind == nil:
		return own, append(others, pools...)
	case !p.kind.any && !p.cfg.All:
		return own, pools // its model makes no tokens, or it serves none
	}
	return own, append(pools, others...)
}

// tryOne asks with a backend.
func (p *prober) tryOne(ctx context.Context, name string) error {
	b := find(name)
	t := Trial{Backend: name, Path: b.at(p.result.Model)}
	switch {
	case b.Name == "mindie-triton" && p.result.Model == "":
		t.Path = b.Path
		t.Error = &Failure{Kind: "no_model", Message: "its path names the model, and none is known; give --model"}
		p.result.Backends = append(p.result.Backends, t)
		return nil
	}
	p.say("POST %s as %s … ", p.at.base.Path+t.Path, name)
	asked := b.smallest()
	a, err := p.ask(ctx, &t, asked, false)
	if err != nil {
		return err
	}
	if e := a.Error; e != nil && e.Kind == "no_output" && !b.Pools {
		// The first token may have no text: a special one, or a part of a character.
		asked = 8
		if a, err = p.ask(ctx, &t, asked, false); err != nil {
			return err
		}
	}
	if t.Error = p.failure(a.Error); t.Error == nil {
		t.Error = excess(b, a, asked)
	}
	t.Works = t.Error == nil
	p.echoes(&t, a)
	p.result.Backends = append(p.result.Backends, t)
	if t.Works {
		p.say("works\n")
		return nil
	}
	p.say("%s\n", t.Error)
	if t.Error.Status == 401 && p.result.best() == nil {
		return p.denied(t.Error)
	}
	if s := t.Error.Status; s != 404 && s != 405 && a.Error != nil && (isPage(a.Error.Message) || s >= 300 && s < 400) {
		p.pages++
		if p.title == "" {
			p.title = title([]byte(a.Error.Message))
		}
	}
	return p.hopeless(ctx, t.Error)
}

// ask sends a request with a backend. The error is one that ends the probing.
func (p *prober) ask(ctx context.Context, t *Trial, maxTokens int, ignoreEOS bool) (*llm.Answer, error) {
	b := find(t.Backend)
	q := llm.Question{
		Backend: t.Backend, URL: p.at.base.String(), Options: p.cfg.Options, Signer: p.cfg.Signer, Header: p.header(t.Backend), Limits: p.limits(),
		Model: p.result.Model, Prompt: prompt, MaxTokens: maxTokens, IgnoreEOS: ignoreEOS, Stream: true,
	}
	if b.Pools {
		q.MaxTokens = 0
	}
	if b.Name == "vllm" {
		q.Backend = "mindie-vllm" // sends the same, and shows what came as it is
	}
	a, err := llm.Ask(ctx, p.clients, q)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return a, nil
}

// echoes tells vllm and mindie-vllm apart, which have the same requests: vLLM repeats
// the prompt in front of all text so far, MindIE sends what is new.
func (p *prober) echoes(t *Trial, a *llm.Answer) {
	if !t.Works || t.Backend != "vllm" && t.Backend != "mindie-vllm" {
		return
	}
	echo := strings.HasPrefix(a.Text, prompt)
	if echo == (t.Backend == "vllm") {
		return
	}
	t.Works = false
	t.Error = &Failure{Kind: "other_form", Status: 200, Message: "the service answers, but in the form of mindie-vllm: new text in each event"}
	if echo {
		t.Error.Message = "the service answers, but in the form of vllm: the prompt and all of the text in each event"
	}
}

// excess is the failure of a service that does not keep to the number of tokens. One
// more may be the end's own.
func excess(b *backend, a *llm.Answer, asked int) *Failure {
	made := a.Events
	if a.Tokens.Source == metrics.CountUsage {
		made = a.Tokens.N
	}
	if b.Pools || made <= asked+1 {
		return nil
	}
	return &Failure{Kind: "max_tokens", Status: 200, Message: fmt.Sprintf("the service answers, but made %s where %d was asked for", plural(made, "token"), asked)}
}
