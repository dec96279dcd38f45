package dataset

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"weir/runtime/script"
)

// maxCount bounds the number of items.
const maxCount = 10_000_000

// Tokenizer is what prompts need of a tokenizer. Its methods are called from
// several goroutines.
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
	Count     int      // items
	Input     Length   // of the prompts
	Output    Length   // to be asked for
	Like      *Dataset // instead of Input and Output: the lengths of its items, drawn in pairs
	Prefix    Prefix
	Seed      uint64 // equal seeds give equal prompts, on every machine
	Same      bool   // one prompt for all items
	// NoSpecialTokens leaves out of the length the special tokens that the
	// tokenizer puts around a text: for services that do not add them.
	NoSpecialTokens bool
	// Template makes the length that of the prompt in the tokenizer's chat template, as
	// the only message of a user, or after one of the System.
	Template bool
	System   string
}

// Prefix is what prompts have in common, at their start and within their length.
type Prefix struct {
	Tokens int // those before a text included; 0: no prefix
	// Groups is how many prefixes there are, of random words; 0: one, which is "Hello"
	// again and again (benchmark_parallel.py, --prefix-caching-num).
	Groups int
	// Share is the part of the items that have a prefix, 0 to 1; the others begin with
	// words of their own. An item's group is drawn, each as often as any other.
	Share float64
}

// Make makes the prompts on all cores. It ends early, with ctx's error, when
// ctx ends.
func (s Synthetic) Make(ctx context.Context) (*Dataset, error) { return s.make(ctx, new(atomic.Int64)) }

func (s Synthetic) make(ctx context.Context, done *atomic.Int64) (*Dataset, error) {
	w, err := s.prepare(ctx)
	if err != nil {
		return nil, fmt.Errorf("synthetic prompts: %w", err)
	}
	kept := newStore("prompts")
	entries := make([]entry, s.Count)
	distinct := s.Count
	if s.Same {
		distinct = 1
	}
	work := func(i int) error {
		rng := seeded(s.Seed, lengthStream, uint64(i))
		e := &entries[i]
		asked, output := s.lengths(rng)
		group, prefix := s.Prefix.draw(w, rng)
		text, tokens, err := w.write(kept, uint64(i), asked, group, prefix)
		if err != nil {
			return fmt.Errorf("synthetic prompts: item %d of %d tokens: %w", i, asked, err)
		}
		*e = entry{prompt: text, promptTokens: int32(tokens), outputTokens: int32(output), inexact: tokens != asked}
		if prefix > 0 {
			e.group = int32(group) + 1
		}
		return nil
	}
	if err := each(ctx, distinct, distinct, done, func() func(int) error { return work }); err != nil {
		return nil, err
	}
	for i := distinct; i < s.Count; i++ {
		entries[i] = entries[0]
		_, output := s.lengths(seeded(s.Seed, lengthStream, uint64(i)))
		entries[i].outputTokens = int32(output)
	}
	out := new(Dataset).of(entries)
	if s.Prefix.Tokens > 0 && s.Prefix.Groups > 0 {
		out.groups = &groups{w: w, words: s.Prefix.Tokens - w.before}
	}
	return out, nil
}

// lengths draws those of an item.
func (s *Synthetic) lengths(rng *rand.Rand) (input, output int) {
	if s.Like != nil {
		e := &s.Like.entries[rng.IntN(len(s.Like.entries))]
		input, output = int(e.promptTokens), int(e.outputTokens)
		return min(max(input, s.Input.Min), s.Input.Max), min(max(output, s.Output.Min), s.Output.Max)
	}
	return s.Input.draw(rng), s.Output.draw(rng)
}

// draw chooses an item's group: how many words it has in common with it.
func (p *Prefix) draw(w *writer, rng *rand.Rand) (group uint64, words int) {
	if p.Tokens == 0 || p.Groups == 0 {
		return 0, 0
	}
	group = uint64(rng.IntN(p.Groups))
	if rng.Float64() >= p.Share {
		return 0, 0
	}
	return group, p.Tokens - w.before
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
	if s.Prefix.Tokens < 0 {
		return nil, fmt.Errorf("prefix: %d tokens is out of range: use 0 for none", s.Prefix.Tokens)
	}
	if s.Prefix.Groups < 0 || s.Prefix.Groups > maxCount {
		return nil, fmt.Errorf("prefix: %d groups is out of range (1 to %d)", s.Prefix.Groups, maxCount)
	}
	if !(s.Prefix.Share >= 0 && s.Prefix.Share <= 1) {
		return nil, fmt.Errorf("prefix: a share of %v is out of range (0 to 1)", s.Prefix.Share)
	}
	if s.Like != nil {
		if s.Like.Len() == 0 {
			return nil, errors.New("like: the dataset has no items")
		}
		for i := range s.Like.entries {
			if e := &s.Like.entries[i]; e.promptTokens < 1 || e.outputTokens < 1 {
				return nil, fmt.Errorf("like: item %d has no lengths: read it with a tokenizer", i)
			}
		}
		s.Input, s.Output = Length{Law: Empirical, Values: []int{1}}, Length{Law: Empirical, Values: []int{1}}
	}
	var chat template
	if s.Template {
		var err error
		if chat, err = chatTemplate(s.Tokenizer, s.System); err != nil {
			return nil, fmt.Errorf("template: %w", err)
		}
	} else if s.System != "" {
		return nil, errors.New("system: a system message is only counted in a template")
	}
	w, err := newWriter(s.Tokenizer, s.Seed, !s.NoSpecialTokens, chat)
	if err != nil {
		return nil, err
	}

	least, why := w.around+1, ""
	if w.around > 0 {
		why = fmt.Sprintf(": the tokenizer adds %d special ones", w.around)
		if chat.used {
			why = fmt.Sprintf(": the chat template has %d", w.around)
		}
	}
	if s.Prefix.Tokens > 0 {
		// The tokens before a text are part of its prefix.
		least = s.Prefix.Tokens + w.around - w.before + 1
		why = fmt.Sprintf(": the prefix has %d and something must follow it", s.Prefix.Tokens)
	}
	if s.Input, err = s.Input.complete("input", least, why); err != nil {
		return nil, err
	}
	if s.Output, err = s.Output.complete("output", 1, ""); err != nil {
		return nil, err
	}
	switch {
	case s.Prefix.Tokens > 0 && s.Prefix.Groups == 0:
		err = w.setPrefix(ctx, s.Prefix.Tokens)
	case s.Prefix.Tokens > 0 && w.words == nil:
		err = errors.New("prefix: the tokenizer has too few whole words to make several prefixes of: use one without groups")
	case s.Prefix.Tokens > 0 && s.Prefix.Tokens <= w.before:
		err = fmt.Errorf("prefix: %d tokens are impossible: there are %d tokens before a text", s.Prefix.Tokens, w.before)
	}
	return w, err
}

// chatter is a Tokenizer that has a chat template.
type chatter interface {
	HasChatTemplate() bool
	// ChatPrompt renders messages, with what makes the model answer at the end.
	ChatPrompt(messages []map[string]any, addGenerationPrompt bool) (string, error)
}

// chatTemplate finds out what the tokenizer's template puts around a user's message.
func chatTemplate(t Tokenizer, system string) (template, error) {
	const mark = "weir7weir"
	chat, ok := t.(chatter)
	if !ok || !chat.HasChatTemplate() {
		return template{}, &script.ParamError{
			Message: "the tokenizer has no chat template",
			Hint:    "its folder needs a tokenizer_config.json with chat_template, or a chat_template.jinja",
		}
	}
	whole, err := chat.ChatPrompt(chatMessages(system, mark), true)
	if err != nil {
		return template{}, err
	}
	before, after, ok := cutOnce(whole, mark)
	if !ok {
		return template{}, errChanged
	}
	// Many templates take away the blanks around a message.
	const spaced = " " + mark + " "
	if whole, err = chat.ChatPrompt(chatMessages(system, spaced), true); err != nil {
		return template{}, err
	}
	switch whole {
	case before + spaced + after:
		return template{used: true, before: before, after: after}, nil
	case before + mark + after:
		return template{used: true, trims: true, before: before, after: after}, nil
	}
	return template{}, errChanged
}

var errChanged = errors.New("the chat template does not show the user's message once and as it is, so that prompts cannot be made to its length")

// chatMessages are a user's message, and before it that of the system if there is one.
func chatMessages(system, user string) []map[string]any {
	messages := []map[string]any{{"role": "user", "content": user}}
	if system != "" {
		messages = append([]map[string]any{{"role": "system", "content": system}}, messages...)
	}
	return messages
}

// cutOnce is strings.Cut for a mark that stands there exactly once.
func cutOnce(s, mark string) (before, after string, ok bool) {
	if strings.Count(s, mark) != 1 {
		return "", "", false
	}
	return strings.Cut(s, mark)
}
