package dataset

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
)

const (
	// maxRounds is how often a text is corrected and encoded again. Nearly
	// every text is exact after two or three rounds.
	maxRounds = 12

	// minWords is how many words are enough to make different prompts of.
	minWords = 64

	// maxWords is how many are used at most: the shortest, some four bytes a token, as
	// much as in ordinary English. A tokenizer takes as much longer as a text has more bytes,
	// and remembers the last 10,000 or so words that it has taken apart.
	maxWords = 1024

	// filler is what prefixes and the texts of last resort are made of: one
	// token in most vocabularies.
	filler = "Hello"
)

// writer writes texts of a given number of tokens. It may be used by several
// goroutines once its prefix is set.
//
// A text is made of random words: tokens that begin with a blank and do not merge
// with their neighbours, so that most texts are right at once, are known by a few numbers (see
// drawn), and need not be kept. Every text is encoded once to see that it is right. One that is
// not is corrected: its ids are cut or extended to the length, decoded, encoded again,
// and so on until the number of tokens is right.
//
// The words come from [V/4, V/3) of a vocabulary of V: the start often holds
// bytes and special tokens, the end rare scripts. A vocabulary that has too few of them
// there is searched from its start; where there are too few anywhere, texts are made of any
// ids that can be decoded, all of which have to be corrected.
type writer struct {
	tokenizer Tokenizer
	seed      uint64
	special   bool     // lengths include the special tokens around a text
	template  template // that texts are put into before they are encoded
	around    int      // tokens that belong to no text: special ones, those of the template
	before    int      // how many of them come first
	ids       []int    // random ids are taken from these

	words []word // nil: there are too few
	leads []word // words that texts begin with, in a template that takes blanks away; nil: any
	size  int    // longest word, bytes

	prefix    string // text that starts each prompt
	prefixIDs []int  // its ids, with those before it
}

// word is a token as it stands at the start of a text, and after another one.
type word struct {
	id          int
	first, rest string
}

// isLetters tells whether the word is a blank and letters, no sign.
func (w word) isLetters() bool {
	return !strings.ContainsFunc(w.rest[1:], func(r rune) bool { return !unicode.IsLetter(r) })
}

// template is what stands around a text when it is encoded: that of a chat.
type template struct {
	used          bool
	trims         bool // it takes away blanks around the text
	before, after string
}

func newWriter(t Tokenizer, seed uint64, special bool, chat template) (*writer, error) {
	w := &writer{tokenizer: t, seed: seed, special: special, template: chat}
	if err := w.chooseWords(); err != nil {
		return nil, err
	}
	if !special && !chat.used {
		return w, nil
	}
	plain, err := t.Encode(filler, false)
	if err != nil {
		return nil, err
	}
	whole, err := w.encode(filler)
	if err != nil {
		return nil, err
	}
	w.around = len(whole) - len(plain)
	if w.around < 0 {
		return nil, fmt.Errorf("tokenizer: %q has %d tokens in the chat template and %d without", filler, len(whole), len(plain))
	}
	for w.before < w.around && !slices.Equal(whole[w.before:w.before+len(plain)], plain) {
		w.before++
	}
	if chat.trims {
		err = w.chooseLeads()
	}
	return w, err
}

// chooseLeads finds words that are one token without the blank before them, too: in a template
// that takes it away, texts begin with them.
func (w *writer) chooseLeads() error {
	for _, candidate := range w.words {
		bare := strings.TrimLeft(candidate.first, " ")
		ids, err := w.encode(bare)
		if err != nil {
			return err
		}
		if len(ids) == w.around+1 {
			w.leads = append(w.leads, word{id: candidate.id, first: bare, rest: candidate.rest})
		}
	}
	return nil
}

// encode returns the ids of a prompt as the service gets it.
func (w *writer) encode(text string) ([]int, error) {
	if w.template.trims {
		text = strings.TrimSpace(text)
	}
	if w.template.used {
		return w.tokenizer.Encode(w.template.before+text+w.template.after, false)
	}
	return w.tokenizer.Encode(text, w.special)
}

// chooseWords finds the ids that random texts are made of.
func (w *writer) chooseWords() error {
	size := w.tokenizer.VocabSize()
	low, high := size/4, size/3
	if high <= low {
		return fmt.Errorf("tokenizer: a vocabulary of %d tokens is too small to make prompts of: it takes at least 4", size)
	}
	usable, words, reason := w.scan(low, high, high-low)
	if len(words) < minWords {
		// A small vocabulary has its words elsewhere, and texts of bytes and parts
		// of words can rarely be made exact.
		_, words, _ = w.scan(0, size, maxWords)
	}
	if len(words) < minWords {
		w.ids = usable
	} else {
		if letters := slices.DeleteFunc(slices.Clone(words), func(w word) bool { return !w.isLetters() }); len(letters) >= minWords {
			words = letters
		}
		slices.SortStableFunc(words, func(a, b word) int { return len(a.rest) - len(b.rest) })
		words = words[:min(len(words), maxWords)]
		w.words = words
		for _, word := range words {
			w.ids = append(w.ids, word.id)
			w.size = max(w.size, len(word.first), len(word.rest))
		}
	}
	if len(w.ids) == 0 {
		return fmt.Errorf("tokenizer: none of the ids %d to %d can be decoded: %w", low, high-1, reason)
	}
	return nil
}

// scan looks at the ids from low up to high: which can be decoded, and which of
// those are whole words with a blank before them; it stops at most words. reason
// is why an id could not be decoded.
func (w *writer) scan(low, high, most int) (usable []int, words []word, reason error) {
	for id := low; id < high && len(words) < most; id++ {
		twice := []int{id, id}
		text, err := w.tokenizer.Decode(twice)
		if err != nil {
			reason = err // a gap in the vocabulary, or a NUL character
			continue
		}
		usable = append(usable, id)
		once, err := w.tokenizer.Decode(twice[:1])
		if err != nil || !strings.HasPrefix(text, once) || !strings.HasPrefix(text[len(once):], " ") {
			continue
		}
		again, err := w.tokenizer.Encode(text, false)
		if err == nil && slices.Equal(again, twice) {
			words = append(words, word{id: id, first: once, rest: text[len(once):]})
		}
	}
	return usable, words, reason
}

// appendWords appends n random words.
func (w *writer) appendWords(b []byte, rng *rand.Rand, n int) []byte {
	if n > 0 && len(b) == 0 {
		first := w.words
		if w.leads != nil {
			first = w.leads
		}
		b = append(b, first[rng.IntN(len(first))].first...)
		n--
	}
	for range n {
		b = append(b, w.words[rng.IntN(len(w.words))].rest...)
	}
	return b
}

// setPrefix makes a prefix of n tokens, those before a text included. A long one takes
// long: it ends early, with ctx's error, when ctx ends.
func (w *writer) setPrefix(ctx context.Context, n int) error {
	if n <= w.before {
		return fmt.Errorf("prefix: %d tokens are impossible: there are %d tokens before a text", n, w.before)
	}
	after := w.around - w.before
	var text strings.Builder
	// A token of the prefix stands for a part of filler, or for a few of them;
	// where much more text is no help, the vocabulary lacks its letters.
	for text.Len() <= 16*len(filler)*(n+16) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		text.WriteString(filler)
		ids, err := w.encode(text.String())
		if err != nil {
			return err
		}
		ids = ids[:len(ids)-after]
		// Where filler is more than one token, its last occurrence is cut.
		if len(ids) >= n {
			ids = ids[:n]
			decoded, err := w.tokenizer.Decode(ids[w.before:])
			if err != nil {
				return err
			}
			again, err := w.encode(decoded)
			if err != nil {
				return err
			}
			if !slices.Equal(again[:len(again)-after], ids) {
				return fmt.Errorf("prefix: no text of %d tokens made of %q was found with this tokenizer: try %d or %d", n, filler, n-1, n+1)
			}
			w.prefix, w.prefixIDs = decoded, ids
			return nil
		}
		// Long prefixes: come near at once.
		if short := n - len(ids); len(ids) > 0 && short > 2*len(ids) {
			text.WriteString(strings.Repeat(filler, short/(2*len(ids))))
		}
	}
	return fmt.Errorf("prefix: the tokenizer makes too few tokens of %q, of which prefixes are made: use no prefix with it", filler)
}

// groupPrefix is the text of n words that the prompts of a group begin with, and its ids
// with those before it.
func (w *writer) groupPrefix(group uint64, n int) (text string, ids []int, err error) {
	text = (&drawn{w: w, prefix: n, group: group}).string()
	if ids, err = w.encode(text); err != nil {
		return "", nil, err
	}
	return text, ids[:len(ids)-(w.around-w.before)], nil
}

// write makes the text of item index: n tokens, which begin with the writer's
// prefix, or with the prefix words of a group (0: none). It returns how many
// tokens it has: n, unless no such text was found. Texts that cannot be written again go into kept.
func (w *writer) write(kept *store, index uint64, n int, group uint64, prefix int) (text text, tokens int, err error) {
	body := n - w.around - prefix
	if w.prefix != "" {
		body = n - len(w.prefixIDs) - (w.around - w.before)
	}
	var first []int
	if w.words != nil {
		t := &drawn{w: w, index: index, body: body, group: group, prefix: prefix}
		if first, err = w.encode(t.string()); err != nil {
			return nil, 0, err
		}
		// A prefix of several words may only be seen to be whole by its ids; see correct.
		if len(first) == n && (w.prefix == "" || slices.Equal(first[:len(w.prefixIDs)], w.prefixIDs)) {
			return t, n, nil
		}
	}
	start, ids := w.prefix, w.prefixIDs
	if prefix > 0 {
		if start, ids, err = w.groupPrefix(group, prefix); err != nil {
			return nil, 0, err
		}
	}
	corrected, tokens, err := w.correct(seeded(w.seed, itemStream, index), start, ids, first, n)
	if err != nil {
		return nil, 0, err
	}
	text, err = kept.keepText(corrected)
	return text, tokens, err
}

// writeBlocks is write for a text of blocks of size tokens.
func (w *writer) writeBlocks(kept *store, index uint64, ids []int64, size, n int) (text text, tokens int, err error) {
	if w.words == nil {
		return nil, 0, errors.New("tokenizer: it has too few whole words to make prompts of blocks: use another one")
	}
	t := &blocks{w: w, index: index, ids: ids, size: size, words: n - w.around}
	whole := t.string()
	encoded, err := w.encode(whole)
	if err != nil {
		return nil, 0, err
	}
	if len(encoded) == n {
		return t, n, nil
	}
	// Whole blocks are to stay: only the end is corrected.
	t.words = min(len(ids), (t.words-1)/size) * size
	start := t.string()
	startIDs, err := w.encode(start)
	if err != nil {
		return nil, 0, err
	}
	startIDs = startIDs[:len(startIDs)-(w.around-w.before)]
	if len(startIDs) >= n { // nothing is left of the end
		start, startIDs = "", nil
	}
	corrected, tokens, err := w.correct(seeded(w.seed, itemStream, index), start, startIDs, encoded, n)
	if err != nil {
		return nil, 0, err
	}
	text, err = kept.keepText(corrected)
	return text, tokens, err
}

// correct returns a text of n tokens that starts with the text start, whose ids, with
// those before it, are startIDs. all are the ids of a first try; nil: there was none.
func (w *writer) correct(rng *rand.Rand, start string, startIDs, all []int, n int) (text string, tokens int, err error) {
	head, tail := w.before, w.around-w.before
	if start != "" {
		head = len(startIDs)
	}
	body := n - head - tail // random tokens
	whole := func(all []int) bool { return len(all) >= len(startIDs) && slices.Equal(all[:len(startIDs)], startIDs) }
	next := func(all []int) []int {
		if !whole(all) || len(all) < head+tail {
			return w.random(rng, nil, body) // with another first token, which may not merge with the start
		}
		return w.random(rng, all[head:len(all)-tail], body)
	}
	ids := next(all)
	for range maxRounds {
		part, err := w.tokenizer.Decode(ids)
		if err != nil {
			return "", 0, err
		}
		text := start + part
		all, err := w.encode(text)
		if err != nil {
			return "", 0, err
		}
		if len(all) == n && whole(all) {
			return text, n, nil
		}
		ids = next(all)
	}
	return w.fallback(start, n)
}

// random cuts ids, or extends them with random ones, to the length n.
func (w *writer) random(rng *rand.Rand, ids []int, n int) []int {
	ids = slices.Clone(ids[:min(n, len(ids))])
	for len(ids) < n {
		ids = append(ids, w.ids[rng.IntN(len(w.ids))])
	}
	return ids
}

// fallback is the text of last resort: the start, and as many "Hello" as give n
// tokens, or the least number above n.
func (w *writer) fallback(start string, n int) (text string, tokens int, err error) {
	// The number of tokens grows with the number of words: bisect.
	low, high := 0, n
	measure := func(words int) error {
		text = start + strings.Repeat(filler, words)
		ids, err := w.encode(text)
		tokens = len(ids)
		return err
	}
	for low < high {
		middle := (low + high) / 2
		if err := measure(middle); err != nil {
			return "", 0, err
		}
		if tokens < n {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if err := measure(high); err != nil {
		return "", 0, err
	}
	if tokens == 0 {
		return "", 0, errors.New("the tokenizer gives no tokens for ordinary text: is it whole?")
	}
	return text, tokens, nil
}
