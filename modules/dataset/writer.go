package dataset

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

const (
	// maxRounds is how often a text is corrected and encoded again. Nearly
	// every text is exact after two or three rounds.
	maxRounds = 12

	// minWords is how many ids of words are enough to make different prompts of.
	minWords = 64

	// maxWords is how many are looked for outside of the usual range.
	maxWords = 4096

	// filler is what prefixes and the texts of last resort are made of: one
	// token in most vocabularies.
	filler = "Hello"
)

// writer writes texts of a given number of tokens. It may be used by several
// goroutines once its prefix is set.
//
// A text is made of random ids, decoded. Decoding and encoding again rarely
// gives the same ids: neighbours merge, and halves of characters fall apart. So
// the text is encoded, its ids are cut or extended to the length, decoded, and
// so on until the number of tokens is right. The ids come from [V/4, V/3) of a
// vocabulary of V: the start often holds bytes and special tokens, the end rare
// scripts. Of those, ids of whole words with a blank before them are taken if there
// are enough: they do not merge with their neighbours, so that most texts are
// right at once, which halves the time. A vocabulary that has too few of them
// there is searched from its start.
type writer struct {
	tokenizer Tokenizer
	special   bool  // lengths include the special tokens around a text
	around    int   // how many those are
	before    int   // how many of them come first
	ids       []int // random ids are taken from these

	prefix    string // text that starts each prompt
	prefixIDs []int  // its ids, with the special tokens before it
}

func newWriter(t Tokenizer, special bool) (*writer, error) {
	w := &writer{tokenizer: t, special: special}
	if err := w.chooseIDs(); err != nil {
		return nil, err
	}
	if !special {
		return w, nil
	}
	plain, err := t.Encode(filler, false)
	if err != nil {
		return nil, err
	}
	whole, err := t.Encode(filler, true)
	if err != nil {
		return nil, err
	}
	w.around = len(whole) - len(plain)
	for w.before < w.around && !slices.Equal(whole[w.before:w.before+len(plain)], plain) {
		w.before++
	}
	return w, nil
}

// chooseIDs finds the ids that random texts are made of.
func (w *writer) chooseIDs() error {
	size := w.tokenizer.VocabSize()
	low, high := size/4, size/3
	if high <= low {
		return fmt.Errorf("tokenizer: a vocabulary of %d tokens is too small to make prompts of: it takes at least 4", size)
	}
	usable, words, reason := w.scan(low, high, high-low)
	if len(words) < minWords {
		// A small vocabulary has its words elsewhere, and texts of bytes and parts
		// of words can rarely be made exact.
		if _, anywhere, _ := w.scan(0, size, maxWords); len(anywhere) >= minWords {
			words = anywhere
		}
	}
	w.ids = words
	if len(words) < minWords {
		w.ids = usable
	}
	if len(w.ids) == 0 {
		return fmt.Errorf("tokenizer: none of the ids %d to %d can be decoded: %w", low, high-1, reason)
	}
	return nil
}

// scan looks at the ids from low up to high: which can be decoded, and which of
// those are whole words with a blank before them; it stops at most words. reason
// is why an id could not be decoded.
func (w *writer) scan(low, high, most int) (usable, words []int, reason error) {
	for id := low; id < high && len(words) < most; id++ {
		twice := []int{id, id}
		text, err := w.tokenizer.Decode(twice)
		if err != nil {
			reason = err // a gap in the vocabulary, or a NUL character
			continue
		}
		usable = append(usable, id)
		once, err := w.tokenizer.Decode(twice[:1])
		if err != nil || !strings.HasPrefix(strings.TrimPrefix(text, once), " ") {
			continue
		}
		again, err := w.tokenizer.Encode(text, false)
		if err == nil && slices.Equal(again, twice) {
			words = append(words, id)
		}
	}
	return usable, words, reason
}

// setPrefix makes a prefix of n tokens, special ones included. A long one takes
// long: it ends early, with ctx's error, when ctx ends.
func (w *writer) setPrefix(ctx context.Context, n int) error {
	if n <= w.before {
		return fmt.Errorf("prefix: %d tokens are impossible: the tokenizer puts %d special tokens before a text", n, w.before)
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
		ids, err := w.tokenizer.Encode(text.String(), w.special)
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
			again, err := w.tokenizer.Encode(decoded, w.special)
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

// write returns a text of n tokens that starts with the prefix, and how many
// tokens it has: n, unless no such text was found.
func (w *writer) write(rng *rand.Rand, n int) (text string, tokens int, err error) {
	head, tail := w.before, w.around-w.before
	if w.prefix != "" {
		head = len(w.prefixIDs)
	}
	body := n - head - tail // random tokens

	ids := w.random(rng, nil, body)
	for range maxRounds {
		part, err := w.tokenizer.Decode(ids)
		if err != nil {
			return "", 0, err
		}
		text := w.prefix + part
		all, err := w.tokenizer.Encode(text, w.special)
		if err != nil {
			return "", 0, err
		}
		if !w.startsWithPrefix(all) {
			ids = w.random(rng, nil, body) // with another first token, which may not merge with the prefix
			continue
		}
		if len(all) == n {
			return text, n, nil
		}
		ids = all[head : len(all)-tail]
		if len(ids) > body {
			ids = ids[:body]
		} else {
			ids = w.random(rng, ids, body)
		}
	}
	return w.fallback(n)
}

// startsWithPrefix tells whether the prefix is still made of its own tokens in
// front of what was written after it.
func (w *writer) startsWithPrefix(ids []int) bool {
	return len(ids) >= len(w.prefixIDs) && slices.Equal(ids[:len(w.prefixIDs)], w.prefixIDs)
}

// random extends ids with random ones to the length n.
func (w *writer) random(rng *rand.Rand, ids []int, n int) []int {
	ids = slices.Clone(ids)
	for len(ids) < n {
		ids = append(ids, w.ids[rng.IntN(len(w.ids))])
	}
	return ids
}

// fallback is the text of last resort: the prefix, and as many "Hello" as give n
// tokens, or the least number above n.
func (w *writer) fallback(n int) (text string, tokens int, err error) {
	// The number of tokens grows with the number of words: bisect.
	low, high := 0, n
	measure := func(words int) error {
		text = w.prefix + strings.Repeat(filler, words)
		ids, err := w.tokenizer.Encode(text, w.special)
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
