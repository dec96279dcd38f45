package checkup

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"weir/modules/llm"
	"weir/runtime/metrics"
	"weir/runtime/result"
)

// samples are texts that tokenizers differ in. None begins or ends with a blank, which
// chat templates take away.
var samples = []struct{ name, text string }{
	{"English", strings.Repeat("The river rose two metres overnight, and by seven in the morning the lower road was closed. ", 3) + "It opened again at noon."},
	{"Chinese", strings.Repeat("推理服务的首个词元时间取决于提示词的长度和当时的排队情况。", 5)},
	{"code", strings.Repeat("for (let i = 0; i < items.length; i++) {\n\tif (items[i].price >= 19.99) { total += items[i].price; }\n}\n", 3) + "return total;"},
	{"emoji", strings.Repeat("🚀 42 ✅ naïve café – 東京 🧪👩‍🔬 ", 6) + "🎈"},
}

// counted is how many tokens a text has, there and here.
type counted struct {
	name  string
	there int
	plain int  // here, without the tokens that the tokenizer adds
	whole int  // here, with them
	chat  *int // here, by the chat template; nil: there is none
}

// tokenizer compares the service's counts with those of the tokenizer here.
func (c *checker) tokenizer(ctx context.Context) {
	k := of("tokenizer")
	t := c.cfg.Tokenizer
	if t == nil {
		c.add(k.Skip("not compared: --tokenizer names the folder of the model's tokenizer"))
		return
	}
	ask, how := c.counter(ctx)
	if ask == nil {
		c.add(k.Skip("the service does not tell how many tokens a text has"))
		return
	}
	var all []counted
	for _, s := range samples {
		one := counted{name: s.name}
		var err error
		if one.there, err = ask(s.text); err == nil {
			one.plain, err = t.Count(s.text, false)
		}
		if err == nil {
			one.whole, err = t.Count(s.text, true)
		}
		if err == nil && t.Chat != nil {
			var n int
			if n, err = t.Chat(ctx, s.text); err == nil {
				one.chat = &n
			}
		}
		if err != nil {
			c.add(k.Skip("%s: %v", how, err))
			return
		}
		all = append(all, one)
	}
	c.add(compare(t.Name, how, all))
}

// counter finds the way in which the service counts a text's tokens, and says which it
// is; nil: there is none.
func (c *checker) counter(ctx context.Context) (ask func(text string) (int, error), how string) {
	for _, w := range c.ways() {
		asks := func(text string) (int, error) {
			body, err := json.Marshal(w.body(text))
			if err != nil {
				return 0, err
			}
			g := c.place.ask(ctx, "POST", w.path, body)
			switch {
			case g.failed != nil:
				return 0, g.failed
			case g.status != 200:
				return 0, fmt.Errorf("POST %s says %d", w.path, g.status)
			}
			return tokens(g.body)
		}
		c.say("POST %s … ", w.path)
		if _, err := asks("a b"); err == nil {
			return asks, "POST " + w.path
		}
	}
	if c.cfg.NoTokens || !c.generates() {
		return nil, ""
	}
	c.say("%d requests for one token … ", len(samples))
	asks := func(text string) (int, error) {
		q := c.question(c.service.Best, text, max(1, smallest[c.service.Best]))
		q.Stream = true // as package probe has seen that it works
		a, err := llm.Ask(ctx, c.clients, q)
		switch {
		case err != nil:
			return 0, err
		case a.Error != nil && a.Error.Kind != "no_output": // a first token without a text has been counted all the same
			return 0, a.Error
		case a.Input.Source != metrics.CountUsage:
			return 0, fmt.Errorf("the service does not count the tokens of prompts")
		}
		return a.Input.N, nil
	}
	return asks, "the usage of a request as " + c.service.Best
}

// smallest is how many tokens a request must ask for, where that is not one.
var smallest = map[string]int{"openai-responses": 16, "base": 16}

// tokenizing is a path at which a server counts.
type tokenizing struct {
	path string
	body func(text string) any
}

// ways are the paths at which a kind of server counts: vLLM's and SGLang's are of one
// form, llama.cpp, TGI and MindIE have their own.
func (c *checker) ways() []tokenizing {
	type object = map[string]any
	openai := tokenizing{"/tokenize", func(text string) any {
		return object{"model": c.service.Model, "prompt": text, "add_special_tokens": true}
	}}
	llamacpp := tokenizing{"/tokenize", func(text string) any { return object{"content": text, "add_special": true} }}
	tgi := tokenizing{"/tokenize", func(text string) any { return object{"inputs": text} }}
	mindie := tokenizing{"/v1/tokenizer", func(text string) any { return object{"inputs": text} }}
	switch c.service.Service.Kind {
	case "vllm", "sglang":
		return []tokenizing{openai}
	case "llamacpp":
		return []tokenizing{llamacpp}
	case "tgi":
		return []tokenizing{tgi}
	case "mindie":
		return []tokenizing{mindie}
	case "":
		return []tokenizing{openai, llamacpp, tgi}
	}
	return nil
}

// tokens reads how many there are: vLLM and SGLang say a count, llama.cpp and MindIE
// have a list (MindIE a number too), and TGI's answer is the list itself.
func tokens(body []byte) (int, error) {
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil && len(list) > 0 {
		return len(list), nil
	}
	var o struct {
		Count       *int              `json:"count"`
		TokenNumber *int              `json:"token_number"`
		Tokens      []json.RawMessage `json:"tokens"`
	}
	if err := json.Unmarshal(body, &o); err != nil {
		return 0, fmt.Errorf("the answer is no list of tokens: %w", err)
	}
	switch {
	case o.Count != nil && *o.Count > 0:
		return *o.Count, nil
	case o.TokenNumber != nil && *o.TokenNumber > 0:
		return *o.TokenNumber, nil
	case len(o.Tokens) > 0:
		return len(o.Tokens), nil
	}
	return 0, fmt.Errorf("the answer has no tokens")
}

// asksFor is the prompt length by which a mismatch is explained.
const asksFor = 2048

// compare judges counts of texts. Counts that differ by the same number in all texts
// are of one tokenizer: the service adds its chat template, or special tokens.
func compare(name, how string, all []counted) result.Finding {
	k := of("tokenizer")
	same := func(here func(counted) (int, bool)) (by int, ok bool) {
		for i, c := range all {
			n, told := here(c)
			if !told || i > 0 && c.there-n != by {
				return 0, false
			}
			by = c.there - n
		}
		return by, true
	}
	whole := func(c counted) (int, bool) { return c.whole, true }
	plain := func(c counted) (int, bool) { return c.plain, true }
	chat := func(c counted) (int, bool) { return known(c.chat) }
	if by, ok := same(whole); ok && by == 0 {
		return k.OK("%s counts as the service does (%s, %d texts)", name, how, len(all))
	}
	if by, ok := same(chat); ok && by == 0 {
		return k.OK("%s counts as the service does, with the chat template (%s, %d texts)", name, how, len(all))
	}
	by, ok := same(plain)
	if !ok { // a template may join a text's first token to its own last one
		by, ok = same(chat)
	}
	if ok {
		if by == 0 {
			return k.OK("%s counts as the service does, without special tokens (%s, %d texts)", name, how, len(all))
		}
		return k.OK("%s counts as the service does, which adds %d tokens of its own to each prompt, such as a chat template's (%s, %d texts)", name, by, how, len(all))
	}
	// What the service adds to each text is at most what it has more of the nearest.
	added := math.MaxInt
	for _, c := range all {
		added = max(0, min(added, c.there-c.plain))
	}
	var each []string
	there, here := 0, 0
	for _, c := range all {
		there += c.there - added
		here += c.plain
		each = append(each, fmt.Sprintf("%s %d instead of %d", c.name, c.there, c.plain))
	}
	slices.Sort(each)
	factor := float64(there) / float64(max(1, here))
	return k.Fail(
		fmt.Sprintf("prompts are made with the wrong tokenizer: those of %d tokens here have about %.0f there, so cases are of other lengths than they say, and prefill, TTFT and tokens/s are of those", asksFor, factor*asksFor),
		"give --tokenizer the folder of the model that the service has loaded, of the same revision",
		"the service counts otherwise than %s (%s): %s", name, how, strings.Join(each, ", "))
}

func known(p *int) (int, bool) {
	if p == nil {
		return 0, false
	}
	return *p, true
}
