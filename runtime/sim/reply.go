package sim

import (
	"encoding/json"
	"strconv"
	"strings"
)

// reply is what a request will be answered, laid out before the first token.
type reply struct {
	req     *request
	cfg     *Config
	words   *words
	id      string // of the completion, in every chunk
	created int64  // Unix seconds
	choices []choice
	chunk   []byte // how every chunk of a stream begins; made by begin
}

// choice is one of the texts of a reply.
type choice struct {
	tokens       int
	finishReason string // "length" or "stop"
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
		q := appendQuoted(nil, word)
		w.quoted[i] = q[1 : len(q)-1]
	}
	return w
}

// layOut decides the answer to the seq-th request.
func layOut(req *request, cfg *Config, w *words, seq uint64) *reply {
	r := &reply{req: req, cfg: cfg, words: w, choices: make([]choice, req.prompts*req.n)}
	rng := draws(cfg, drawEarlyStop, seq)
	for i := range r.choices {
		c := &r.choices[i]
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

// word is the index in the vocabulary of a choice's k-th token.
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

// begin names the reply and makes ready what all its chunks begin with.
func (r *reply) begin(id string, created int64) {
	r.id, r.created = id, created
	object := "text_completion"
	if r.req.chat {
		object = "chat.completion.chunk"
	}
	r.chunk = r.appendHead([]byte("data: "), object)
	r.chunk = append(r.chunk, `,"choices":[`...)
}

// appendHead appends the fields that all chunks and objects begin with.
func (r *reply) appendHead(dst []byte, object string) []byte {
	dst = append(dst, `{"id":"`...)
	dst = append(dst, r.id...)
	dst = append(dst, `","object":"`...)
	dst = append(dst, object...)
	dst = append(dst, `","created":`...)
	dst = strconv.AppendInt(dst, r.created, 10)
	dst = append(dst, `,"model":`...)
	return appendQuoted(dst, r.req.model)
}

// appendText appends the JSON string of a choice's tokens from (inclusive) to to (exclusive).
func (r *reply) appendText(dst []byte, c *choice, from, to int) []byte {
	dst = append(dst, '"')
	for k := from; k < to; k++ {
		if c.texts != nil {
			q := appendQuoted(nil, c.texts[k])
			dst = append(dst, q[1:len(q)-1]...)
		} else {
			dst = append(dst, r.words.quoted[r.word(c, k)]...)
		}
	}
	return append(dst, '"')
}

// appendMessage appends the fields of a chat delta or message with the tokens
// from (inclusive) to to (exclusive).
func (r *reply) appendMessage(dst []byte, c *choice, from, to int) []byte {
	if split := min(max(c.reasoning, from), to); split > from {
		dst = append(dst, '"')
		dst = append(dst, r.cfg.ReasoningField...)
		dst = append(dst, `":`...)
		dst = r.appendText(dst, c, from, split)
		if split == to {
			return dst
		}
		dst = append(dst, ',')
		from = split
	}
	dst = append(dst, `"content":`...)
	return r.appendText(dst, c, from, to)
}

// appendUsage appends a usage object for completion tokens made so far.
func (r *reply) appendUsage(dst []byte, completion, reasoning int) []byte {
	dst = append(dst, `{"prompt_tokens":`...)
	dst = strconv.AppendInt(dst, int64(r.req.promptTokens), 10)
	dst = append(dst, `,"total_tokens":`...)
	dst = strconv.AppendInt(dst, int64(r.req.promptTokens+completion), 10)
	dst = append(dst, `,"completion_tokens":`...)
	dst = strconv.AppendInt(dst, int64(completion), 10)
	if reasoning > 0 {
		dst = append(dst, `,"completion_tokens_details":{"reasoning_tokens":`...)
		dst = strconv.AppendInt(dst, int64(reasoning), 10)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// reasoningMade is the number of reasoning tokens of all choices after k steps.
func (r *reply) reasoningMade(k int) int {
	sum := 0
	for i := range r.choices {
		sum += min(k, r.choices[i].reasoning)
	}
	return sum
}

// appendFinish appends "finish_reason" and "stop_reason".
func appendFinish(dst []byte, c *choice) []byte {
	dst = append(dst, `"finish_reason":"`...)
	dst = append(dst, c.finishReason...)
	dst = append(dst, `","stop_reason":`...)
	if c.stopReason == "" {
		return append(dst, "null"...)
	}
	return appendQuoted(dst, c.stopReason)
}

// appendWhole appends the answer to a request that is not streamed.
func (r *reply) appendWhole(dst []byte) []byte {
	if r.req.chat {
		dst = r.appendHead(dst, "chat.completion")
	} else {
		dst = r.appendHead(dst, "text_completion")
	}
	dst = append(dst, `,"choices":[`...)
	longest := 0
	for i := range r.choices {
		c := &r.choices[i]
		longest = max(longest, c.tokens)
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"index":`...)
		dst = strconv.AppendInt(dst, int64(i), 10)
		if r.req.chat {
			dst = append(dst, `,"message":{"role":"assistant",`...)
			dst = r.appendMessage(dst, c, 0, c.tokens)
			if c.reasoning == c.tokens {
				dst = append(dst, `,"content":null`...)
			}
			dst = append(dst, `,"refusal":null},"logprobs":null,`...)
		} else {
			dst = append(dst, `,"text":`...)
			dst = r.appendText(dst, c, 0, c.tokens)
			dst = append(dst, `,"logprobs":null,`...)
		}
		dst = appendFinish(dst, c)
		dst = append(dst, '}')
	}
	dst = append(dst, `],"usage":`...)
	dst = r.appendUsage(dst, r.total(), r.reasoningMade(longest))
	return append(dst, '}')
}

// appendQuoted appends s as a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	// A string always has a JSON form: invalid UTF-8 becomes U+FFFD.
	q, _ := json.Marshal(s)
	return append(dst, q...)
}
