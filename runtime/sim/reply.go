package sim

import (
	"encoding/json"
	"strings"
	"time"
)

// reply is what a request will be answered, laid out before the first token.
type reply struct {
	req     *request
	dialect *dialect
	cfg     *Config
	words   *words
	key     string // of the request in the log
	id      string // of the answer
	created int64  // Unix seconds
	choices []choice
	cached  int    // prompt tokens that were in the prefix cache
	head    []byte // how every event of a stream begins, in some dialects; made by begin

	// What the dialect has written so far, each event once.
	sequence int  // number of the next event, where they are numbered
	started  bool // the text behind the reasoning has begun

	// The times of the tokens, as the model wants them, since the receipt.
	queued, first, previous, due time.Duration
}

// choice is one of the texts of a reply.
type choice struct {
	index        int
	tokens       int
	finishReason string // "length", "stop" or "tool_calls"; empty when no text is made
	stopReason   string // the stop string that ended it; empty otherwise
	reasoning    int    // tokens at its head that are reasoning
	seed         uint64
	// texts holds the text of every token when a stop string has cut it;
	// nil when each is simply a word of the vocabulary.
	texts []string
}

// words is a vocabulary with its JSON form made ready.
type words struct {
	plain  []string
	quoted [][]byte // inside of the JSON string
}

func newWords(vocabulary []string) *words {
	w := &words{plain: vocabulary, quoted: make([][]byte, len(vocabulary))}
	for i, word := range vocabulary {
		w.quoted[i] = appendInside(nil, word)
	}
	return w
}

// layOut decides the answer to the seq-th request.
func layOut(req *request, cfg *Config, w *words, seq uint64) *reply {
	r := &reply{req: req, dialect: req.dialect, cfg: cfg, words: w, choices: make([]choice, req.prompts*req.n)}
	if req.pooling != nil {
		return r
	}
	rng := draws(cfg, drawEarlyStop, seq)
	for i := range r.choices {
		c := &r.choices[i]
		c.index = i
		c.seed = req.textSeed + uint64(i)*0x9e3779b97f4a7c15
		c.tokens, c.finishReason = req.maxTokens, "length"
		if req.maxTokens == 0 {
			// Nobody limits the reply: it ends when the model has said it all.
			c.tokens, c.finishReason = min(cfg.DefaultTokens, cfg.MaxModelLen-req.promptTokens/req.prompts), "stop"
			if req.ignoreEOS {
				c.finishReason = "length"
			}
		}
		least := max(1, req.minTokens)
		if !req.ignoreEOS && rng.Float64() < cfg.EarlyStop && c.tokens > least {
			c.tokens, c.finishReason = least+rng.IntN(c.tokens-least), "stop"
		}
		if len(req.stops) > 0 {
			r.cutAtStop(c)
		}
		if req.chat {
			c.reasoning = min(cfg.ReasoningTokens, c.tokens)
		}
		if req.tool != "" && c.finishReason == "stop" && c.reasoning < c.tokens {
			c.finishReason = "tool_calls"
		}
	}
	return r
}

// cutAtStop ends a choice with the token that completes a stop string, and takes
// the stop string and all after it out of the text.
func (r *reply) cutAtStop(c *choice) {
	var text strings.Builder
	var texts []string
	for k := range c.tokens {
		word := r.words.plain[r.word(c, k)]
		text.WriteString(word)
		texts = append(texts, word)
		cut, stop := -1, ""
		for _, s := range r.req.stops {
			// Only the end is new: older places have been looked at.
			from := max(0, text.Len()-len(word)-len(s)+1)
			if at := strings.Index(text.String()[from:], s); at >= 0 && (cut < 0 || from+at < cut) {
				cut, stop = from+at, s
			}
		}
		if cut < 0 || k+1 < r.req.minTokens {
			continue
		}
		start := 0
		for i, t := range texts {
			texts[i] = t[:min(len(t), max(0, cut-start))]
			start += len(t)
		}
		c.tokens, c.finishReason, c.stopReason, c.texts = k+1, "stop", stop, texts
		return
	}
}

// word is the index in the vocabulary of a choice's k-th token, and its id.
func (r *reply) word(c *choice, k int) int {
	x := c.seed + uint64(k)*0xbf58476d1ce4e5b9
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return int((x ^ x>>31) % uint64(len(r.words.plain)))
}

// lengths are the tokens of every choice.
func (r *reply) lengths() []int {
	n := make([]int, len(r.choices))
	for i := range r.choices {
		n[i] = r.choices[i].tokens
	}
	return n
}

func (r *reply) total() int {
	sum := 0
	for i := range r.choices {
		sum += r.choices[i].tokens
	}
	return sum
}

func (r *reply) totalReasoning() int {
	sum := 0
	for i := range r.choices {
		sum += r.choices[i].reasoning
	}
	return sum
}

// begin names the reply and makes ready what its events begin with.
func (r *reply) begin(key string, created int64) {
	r.key, r.id, r.created = key, r.dialect.idPrefix+key, created
	if r.dialect.begin != nil {
		r.head = r.dialect.begin(r)
	}
}

// tick takes note of a step's due time. A step may come twice.
func (r *reply) tick(from int, due time.Duration) {
	switch {
	case from == 0:
		r.first, r.previous = due, due
	case due != r.due:
		r.previous = r.due
	}
	r.due = due
}

// prompt is the text of a choice's prompt, if the request keeps it.
func (r *reply) prompt(choice int) string {
	if i := choice / r.req.n; i < len(r.req.texts) {
		return r.req.texts[i]
	}
	return ""
}

// appendText appends the JSON string of a choice's tokens from (inclusive) to to (exclusive).
func (r *reply) appendText(dst []byte, c *choice, from, to int) []byte {
	dst = append(dst, '"')
	dst = r.appendWords(dst, c, from, to)
	return append(dst, '"')
}

// appendWords appends the inside of that JSON string.
func (r *reply) appendWords(dst []byte, c *choice, from, to int) []byte {
	for k := from; k < to; k++ {
		if r.cfg.SplitEvery > 0 {
			if r.split(c, k) {
				continue
			}
			if k > 0 && r.split(c, k-1) {
				dst = r.appendWord(dst, c, k-1)
			}
		}
		dst = r.appendWord(dst, c, k)
	}
	return dst
}

func (r *reply) appendWord(dst []byte, c *choice, k int) []byte {
	if c.texts != nil {
		return appendInside(dst, c.texts[k])
	}
	return append(dst, r.words.quoted[r.word(c, k)]...)
}

// split says whether the text of a token comes with the next one, see
// Config.SplitEvery.
func (r *reply) split(c *choice, k int) bool {
	return (k+1)%r.cfg.SplitEvery == 0 && k+1 != c.reasoning && k+1 < c.tokens
}

// appendQuoted appends s as a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	// A string always has a JSON form: invalid UTF-8 becomes U+FFFD.
	q, _ := json.Marshal(s)
	return append(dst, q...)
}

// appendInside appends s as it stands inside of a JSON string.
func appendInside(dst []byte, s string) []byte {
	q, _ := json.Marshal(s)
	return append(dst, q[1:len(q)-1]...)
}

// appendQuotedOrNull appends s as a JSON string, or null when it is empty.
func appendQuotedOrNull(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, "null"...)
	}
	return appendQuoted(dst, s)
}
