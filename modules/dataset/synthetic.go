package dataset

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
)

// maxCount bounds the number of items.
const maxCount = 10_000_000

// Tokenizer is what synthetic prompts need of a tokenizer. Its methods are
// called from several goroutines.
type Tokenizer interface {
	// Encode returns the token ids of text, with special together with the
	// tokens that the tokenizer puts around a text.
	Encode(text string, special bool) ([]int, error)
	// Decode returns the text of ids.
	Decode(ids []int) (string, error)
	// VocabSize is the number of tokens without added ones.
	VocabSize() int
}

// Synthetic describes prompts of exact token length.
type Synthetic struct {
	Tokenizer Tokenizer
	Count     int    // items
	Input     Length // of the prompts
	Output    Length // to be asked for
	Prefix    int    // tokens that all prompts have in common, at their start and within their length
	Seed      uint64 // equal seeds give equal prompts, on every machine
	Same      bool   // one prompt for all items
	// NoSpecialTokens leaves out of the length the special tokens that the
	// tokenizer puts around a text: for services that do not add them.
	NoSpecialTokens bool
}

// Make makes the prompts on all cores. It ends early, with ctx's error, when
// ctx ends.
func (s Synthetic) Make(ctx context.Context) (*Dataset, error) { return s.make(ctx, new(atomic.Int64)) }

func (s Synthetic) make(ctx context.Context, done *atomic.Int64) (*Dataset, error) {
	w, err := s.prepare(ctx)
	if err != nil {
		return nil, fmt.Errorf("synthetic prompts: %w", err)
	}
	d := &Dataset{items: make([]Item, s.Count)}
	distinct := s.Count
	if s.Same {
		distinct = 1
	}
	var inexact atomic.Int64
	work := func(i int) error {
		// Each item has its own random numbers: which goroutine makes it does not matter.
		rng := rand.New(rand.NewPCG(s.Seed, uint64(i)))
		asked := s.Input.draw(rng)
		output := s.Output.draw(rng)
		text, tokens, err := w.write(rng, asked)
		if err != nil {
			return fmt.Errorf("synthetic prompts: item %d of %d tokens: %w", i, asked, err)
		}
		if tokens != asked {
			inexact.Add(1)
		}
		d.items[i] = Item{Prompt: text, PromptTokens: tokens, OutputTokens: output}
		return nil
	}
	if err := each(ctx, distinct, distinct, done, func() func(int) error { return work }); err != nil {
		return nil, err
	}
	d.inexact = int(inexact.Load())

	if s.Same {
		for i := 1; i < s.Count; i++ {
			rng := rand.New(rand.NewPCG(s.Seed, uint64(i)))
			s.Input.draw(rng) // its turn in the order of random numbers
			d.items[i] = Item{Prompt: d.items[0].Prompt, PromptTokens: d.items[0].PromptTokens, OutputTokens: s.Output.draw(rng)}
		}
		d.inexact *= s.Count
	}
	return d, nil
}

// prepare checks the description, fills in its limits, and prepares what all
// prompts share. It ends early, with ctx's error, when ctx ends.
func (s *Synthetic) prepare(ctx context.Context) (*writer, error) {
	if s.Tokenizer == nil {
		return nil, errors.New(`no tokenizer given: pass one, such as tokenizer: new Tokenizer("builtin")`)
	}
	if s.Count < 1 || s.Count > maxCount {
		return nil, fmt.Errorf("count: %d prompts is out of range (1 to %d)", s.Count, maxCount)
	}
	if s.Prefix < 0 {
		return nil, fmt.Errorf("prefix: %d tokens is out of range: use 0 for none", s.Prefix)
	}
	w, err := newWriter(s.Tokenizer, !s.NoSpecialTokens)
	if err != nil {
		return nil, err
	}

	least, why := w.around+1, ""
	if w.around > 0 {
		why = fmt.Sprintf(": the tokenizer adds %d special ones", w.around)
	}
	if s.Prefix > 0 {
		// The special tokens before a text are part of its prefix.
		least = s.Prefix + w.around - w.before + 1
		why = fmt.Sprintf(": the prefix has %d and something must follow it", s.Prefix)
	}
	if s.Input, err = s.Input.complete("input", least, why); err != nil {
		return nil, err
	}
	if s.Output, err = s.Output.complete("output", 1, ""); err != nil {
		return nil, err
	}
	if s.Prefix > 0 {
		err = w.setPrefix(ctx, s.Prefix)
	}
	return w, err
}
