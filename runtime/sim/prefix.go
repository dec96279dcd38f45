package sim

import (
	"container/list"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"
)

// prefixCache keeps what was computed for the tokens of prompts and replies, in
// blocks: a block is found again behind the same tokens only. It is shaped after that of
// vLLM: the blocks of a prompt can be found from the moment at which its prefill begins, those
// of a reply with its last token, and the ones that were not used for the longest time make
// room, the end of a sequence before its start. It may be used from several goroutines.
type prefixCache struct {
	block int // tokens in a block
	limit int // blocks

	queries, hits atomic.Int64 // tokens of prompts, and those of them that were found

	mu    sync.Mutex // protects the following fields
	known map[uint64]*list.Element
	order *list.List // of blocks; the front one was used last
}

// newPrefixCache returns the cache of a service, nil when it has none.
func newPrefixCache(cfg *Config) *prefixCache {
	if !cfg.PrefixCache {
		return nil
	}
	return &prefixCache{block: cfg.BlockSize, limit: cfg.KVTokens / cfg.BlockSize, known: map[uint64]*list.Element{}, order: list.New()}
}

// find returns how many tokens at the start of a prompt are kept, and keeps all of its
// full blocks. The last token of a prompt is computed in any case: the first one
// of the reply comes out of it.
func (c *prefixCache) find(prompt *sequence) int {
	c.mu.Lock()
	found := 0
	for found < len(prompt.ends) && (found+1)*c.block < prompt.tokens && c.known[prompt.ends[found]] != nil {
		found++
	}
	c.keepLocked(prompt)
	c.mu.Unlock()
	c.queries.Add(int64(prompt.tokens))
	c.hits.Add(int64(found * c.block))
	return found * c.block
}

// keep keeps the full blocks of a sequence.
func (c *prefixCache) keep(s *sequence) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keepLocked(s)
}

func (c *prefixCache) keepLocked(s *sequence) {
	for i := len(s.ends) - 1; i >= 0; i-- {
		if e := c.known[s.ends[i]]; e != nil {
			c.order.MoveToFront(e)
			continue
		}
		c.known[s.ends[i]] = c.order.PushFront(s.ends[i])
		if len(c.known) > c.limit {
			delete(c.known, c.order.Remove(c.order.Back()).(uint64))
		}
	}
}

// sequence is the tokens of a prompt, or of a prompt with its reply, as far as a prefix
// cache has to know them.
type sequence struct {
	block  int // tokens in a block
	tokens int
	hash   uint64   // of all of them
	ends   []uint64 // of the tokens up to the end of each full block
}

// add appends a token.
func (s *sequence) add(id int) {
	s.mix(uint64(id))
	s.tokens++
	if s.tokens%s.block == 0 {
		s.ends = append(s.ends, s.hash)
	}
}

// mark tells what follows from the same tokens elsewhere: by the model, by the role of the
// message. It is no token.
func (s *sequence) mark(what string) {
	s.mix(1 << 32)
	for _, b := range []byte(what) {
		s.mix(uint64(b))
	}
}

func (s *sequence) mix(x uint64) {
	s.hash = (bits.RotateLeft64(s.hash, 5) ^ x) * 0x9e3779b97f4a7c15
	s.hash ^= s.hash >> 29
}

// with returns the sequence with a reply behind it.
func (s *sequence) with(role string, ids []int) *sequence {
	all := &sequence{block: s.block, tokens: s.tokens, hash: s.hash, ends: s.ends[:len(s.ends):len(s.ends)]}
	if role != "" {
		all.mark(role)
	}
	for _, id := range ids {
		all.add(id)
	}
	return all
}

// newPrompt begins the next prompt of the request.
func (r *request) newPrompt(cfg *Config) {
	if cfg.PrefixCache {
		s := &sequence{block: cfg.BlockSize}
		s.mark(r.model)
		r.sequences = append(r.sequences, s)
	}
}

// role says who wrote what follows in the prompt.
func (r *request) role(name string) {
	if len(r.sequences) > 0 {
		r.sequences[len(r.sequences)-1].mark(name)
	}
}

// addTokens appends tokens to the prompt.
func (r *request) addTokens(ids []int) {
	r.promptTokens += len(ids)
	if len(r.sequences) > 0 {
		s := r.sequences[len(r.sequences)-1]
		for _, id := range ids {
			s.add(id)
		}
	}
}

// count appends a text to the prompt.
func (r *request) count(text string, cfg *Config) {
	if cfg.PrefixCache {
		r.addTokens(cfg.Encode(text))
		return
	}
	r.promptTokens += cfg.CountTokens(text)
}

// countMedia appends an image or the like to the prompt.
func (r *request) countMedia(content []byte, cfg *Config) {
	if !cfg.PrefixCache {
		r.promptTokens += cfg.MediaTokens
		return
	}
	r.role(string(content))
	r.addTokens(make([]int, cfg.MediaTokens))
}

// findPrompts looks the prompts of a request up, and returns how many of their tokens
// are kept.
func (c *prefixCache) findPrompts(r *request) int {
	found := 0
	for _, s := range r.sequences {
		found += c.find(s)
	}
	return found
}

// whole are the prompts with the replies to them.
func (r *reply) whole() []*sequence {
	all := make([]*sequence, len(r.choices))
	for i := range r.choices {
		c := &r.choices[i]
		var text strings.Builder
		for k := range c.tokens {
			if c.texts != nil {
				text.WriteString(c.texts[k])
			} else {
				text.WriteString(r.words.plain[r.word(c, k)])
			}
		}
		role := ""
		if r.req.chat {
			role = "assistant"
		}
		all[i] = r.req.sequences[i/r.req.n].with(role, r.cfg.Encode(text.String()))
	}
	return all
}

// EstimateIDs guesses the tokens of a text: as many as [EstimateTokens] counts.
func EstimateIDs(text string) []int {
	n := EstimateTokens(text)
	ids := make([]int, 0, n)
	id := func(part string) {
		s := sequence{block: 1}
		s.mark(part)
		ids = append(ids, int(uint32(s.hash)))
	}
	if n > (len(text)+3)/4 {
		for word := range strings.FieldsSeq(text) {
			id(word)
		}
		return ids
	}
	for len(ids) < n {
		id(text[4*len(ids) : min(4*len(ids)+4, len(text))])
	}
	return ids
}
