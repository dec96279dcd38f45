package probe

import (
	"context"
	"encoding/json"
	"fmt"

	"weir/modules/llm"
	"weir/runtime/metrics"
)

// Tokens that are asked for to find out about ignore_eos, and about the counts of
// events.
const (
	manyTokens = 32
	someTokens = 16
)

// measure finds out what the best backend counts and obeys.
func (p *prober) measure(ctx context.Context, best *Trial) error {
	if find(best.Backend).Pools {
		return nil
	}
	a, err := p.long(ctx, best, true)
	if err != nil {
		return err
	}
	result := &IgnoreEOS{Asked: manyTokens, Made: a.Tokens.N, FinishReason: a.FinishReason}
	p.result.IgnoreEOS = result
	refused := a.Error
	switch {
	case refused == nil:
		obeys(result, a)
	case refused.Kind != "http_status" && refused.Kind != "stream_error": // it is not that it does not like the question
		result.Why = p.failure(refused).String()
		return nil
	default:
		if a, err = p.long(ctx, best, false); err != nil {
			return err
		}
		if a.Error != nil { // nor does it do so without
			result.Why = p.failure(a.Error).String()
			return nil
		}
		no := false
		result.Works, result.Made, result.Why = &no, 0, p.failure(refused).String()
	}
	p.result.Usage = &Usage{Counted: a.Tokens.Source == metrics.CountUsage}
	if p.result.Usage.Counted && a.Events > 0 {
		p.result.TokensEach = &PerEvent{Tokens: a.Tokens.N, Events: a.Events}
	}
	if best.Backend == "openai" || best.Backend == "openai-chat" {
		return p.continuous(ctx, best, refused == nil)
	}
	return nil
}

// long asks for many tokens.
func (p *prober) long(ctx context.Context, best *Trial, ignoreEOS bool) (*llm.Answer, error) {
	with := ""
	if ignoreEOS {
		with = " with ignore_eos"
	}
	p.say("POST %s as %s for %d tokens%s … ", p.at.base.Path+best.Path, best.Backend, manyTokens, with)
	a, err := p.ask(ctx, best, manyTokens, ignoreEOS)
	switch {
	case err != nil:
		return nil, err
	case a.Error != nil:
		p.say("%s\n", p.failure(a.Error))
		return a, p.hopeless(ctx, p.failure(a.Error))
	case a.Tokens.Source == metrics.CountUsage:
		p.say("%s in %s\n", plural(a.Tokens.N, "token"), plural(a.Events, "event"))
	default:
		p.say("%s\n", plural(a.Events, "event"))
	}
	return a, nil
}

// obeys says whether an answer of that length shows that ignore_eos works.
func obeys(result *IgnoreEOS, a *llm.Answer) {
	yes, no := true, false
	switch {
	case a.Tokens.Source != metrics.CountUsage:
		result.Why = fmt.Sprintf("the service does not count its tokens; %s came", plural(a.Events, "event"))
	case a.Tokens.N < manyTokens:
		result.Works = &no
	case a.FinishReason != "" && a.FinishReason != "length":
		result.Why = "the answer had all tokens, but ended for another reason: " + a.FinishReason
	default:
		result.Works = &yes
	}
}

// continuous finds out whether the service counts tokens in every event, as vLLM does
// when it is told to (continuous_usage_stats), and how many an event has.
func (p *prober) continuous(ctx context.Context, best *Trial, ignoreEOS bool) error {
	request := map[string]any{
		"max_tokens": someTokens, "stream": true,
		"stream_options": map[string]bool{"include_usage": true, "continuous_usage_stats": true},
	}
	if p.result.Model != "" {
		request["model"] = p.result.Model
	}
	if ignoreEOS {
		request["ignore_eos"] = true
	}
	if best.Backend == "openai" {
		request["prompt"] = prompt
	} else {
		request["messages"] = []map[string]string{{"role": "user", "content": prompt}}
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	parts := 0       // events with a part of the answer
	var counts []int // tokens so far, of those that say so
	p.say("POST %s as %s with continuous_usage_stats … ", p.at.base.Path+best.Path, best.Backend)
	a := p.send(ctx, "POST", best.Path, body, func(data []byte) {
		var e struct {
			Choices []json.RawMessage `json:"choices"`
			Usage   *struct {
				Tokens int `json:"completion_tokens"`
			} `json:"usage"`
		}
		if json.Unmarshal(data, &e) != nil || len(e.Choices) == 0 {
			return
		}
		parts++
		if e.Usage != nil {
			counts = append(counts, e.Usage.Tokens)
		}
	})
	// A service that does not know the option says so, or passes over it: both is no.
	// The end may have a count all the same, so it takes more than one.
	works := a.status == 200 && len(counts) > 1 && len(counts) >= parts-1
	switch {
	case a.failed != nil:
		p.say("%s\n", a.failed)
		return p.hopeless(ctx, a.failed)
	case a.status != 200:
		p.say("%s: %s\n", status(a.status), message(a.body))
	case works:
		p.say("every event counts its tokens\n")
	default:
		p.say("%d of %s count their tokens\n", len(counts), plural(parts, "event"))
	}
	if !works && a.status == 200 && parts < 3 {
		return nil // the answer was too short to tell
	}
	p.result.Usage.Continuous = &works
	if works {
		if each := perEvent(counts); each.Events > 0 {
			p.result.TokensEach = each
		}
	}
	return nil
}

// perEvent reckons from the tokens so far how many came with each event. A scheduler
// of several steps makes one token first, and then always as many at once, but for
// the last; speculative decoding makes now more and now fewer.
func perEvent(counts []int) *PerEvent {
	var came []int
	before := 0
	for _, n := range counts {
		if n > before {
			came = append(came, n-before)
			before = n
		}
	}
	each := &PerEvent{Tokens: before, Events: len(came)}
	if len(came) < 3 {
		return each
	}
	middle := came[1 : len(came)-1]
	most, same := middle[0], true
	for _, n := range middle {
		most, same = max(most, n), same && n == middle[0]
	}
	same = same && came[0] <= most && came[len(came)-1] <= most
	if same && most > 1 {
		each.Steps = most
	}
	each.Varies = !same
	return each
}

// plural is a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
