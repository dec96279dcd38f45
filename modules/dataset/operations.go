package dataset

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sort"
	"sync/atomic"
)

// Filter says which items are kept, by their lengths in tokens. 0 is no limit.
// An item whose length nobody knows is kept by a maximum, and dropped by a minimum.
type Filter struct {
	MinPrompt, MaxPrompt int
	MinOutput, MaxOutput int
	MaxTotal             int  // of prompt and output together
	Clamp                bool // shorten an output that is too long, instead of dropping the item
}

// apply tells why an item is dropped; "" when it is kept, perhaps with a shorter
// output. The rules go one after another in the order of benchmark_serving.py: too short
// a prompt or output, too long a prompt, too long together. recorded is the length of the
// recorded output, which the rules about outputs are held against; 0: there is none, and
// they are held against what is asked for.
func (f *Filter) apply(e *entry, recorded int) (reason string) {
	prompt, output := int(e.promptTokens), int(e.outputTokens)
	known := recorded
	if known == 0 {
		known = output
	}
	switch {
	case prompt == 0 && f.MinPrompt > 0:
		return "no prompt, or one of unknown length"
	case known == 0 && f.MinOutput > 0:
		return "no output, or one of unknown length"
	case prompt < f.MinPrompt:
		return fmt.Sprintf("prompt of fewer than %d tokens", f.MinPrompt)
	case known < f.MinOutput:
		return fmt.Sprintf("output of fewer than %d tokens", f.MinOutput)
	case f.MaxPrompt > 0 && prompt > f.MaxPrompt:
		return fmt.Sprintf("prompt of more than %d tokens", f.MaxPrompt)
	case f.MaxOutput > 0 && output > f.MaxOutput && !f.Clamp:
		return fmt.Sprintf("output of more than %d tokens", f.MaxOutput)
	}
	if f.MaxOutput > 0 {
		output = min(output, f.MaxOutput)
	}
	if f.MaxTotal > 0 && prompt+output > f.MaxTotal {
		if !f.Clamp || prompt >= f.MaxTotal {
			return fmt.Sprintf("prompt and output of more than %d tokens", f.MaxTotal)
		}
		output = f.MaxTotal - prompt
	}
	e.outputTokens = int32(output)
	return ""
}

func (f *Filter) check() error {
	for name, n := range map[string]int{"minPromptTokens": f.MinPrompt, "maxPromptTokens": f.MaxPrompt, "minOutputTokens": f.MinOutput, "maxOutputTokens": f.MaxOutput, "maxTotalTokens": f.MaxTotal} {
		if n < 0 || n > maxLength {
			return fmt.Errorf("%s: %d tokens is out of range (0 to %d)", name, n, maxLength)
		}
	}
	return nil
}

// Filter keeps the items that f lets pass. What it drops is in the result's Rejected.
func (d *Dataset) Filter(f Filter) *Dataset {
	var kept []entry
	s := d.source.clone()
	for _, e := range d.entries {
		recorded := 0
		if e.details != nil {
			recorded = e.details.length
		}
		if reason := f.apply(&e, recorded); reason != "" {
			s.reject(reason, "", 0, "")
			continue
		}
		kept = append(kept, e)
	}
	out := d.of(kept)
	out.source = s
	return out
}

// Slice is the items from..to-1; both are cut to what there is.
func (d *Dataset) Slice(from, to int) *Dataset {
	to = min(max(to, 0), len(d.entries))
	from = min(max(from, 0), to)
	return d.of(d.entries[from:to:to])
}

// Shuffle puts the items into another order: the same for equal seeds.
func (d *Dataset) Shuffle(seed uint64) *Dataset {
	return d.pick(permutation(seeded(seed, choiceStream, 0), len(d.entries), len(d.entries)))
}

// Sample draws n different items, in the order in which they are drawn: the first m of them
// are a sample of m.
func (d *Dataset) Sample(n int, seed uint64) (*Dataset, error) {
	if n < 0 || n > len(d.entries) {
		return nil, fmt.Errorf("sample: %d items cannot be drawn from %d: take fewer, or repeat the dataset first (cycle)", n, len(d.entries))
	}
	return d.pick(permutation(seeded(seed, choiceStream, 0), len(d.entries), n)), nil
}

// Cycle begins the dataset again and again until there are n items. Those of traces lose their times.
func (d *Dataset) Cycle(n int) (*Dataset, error) {
	if n < 0 || n > maxCount {
		return nil, fmt.Errorf("cycle: %d items is out of range (0 to %d)", n, maxCount)
	}
	if len(d.entries) == 0 && n > 0 {
		return nil, errors.New("cycle: the dataset has no items")
	}
	out := make([]entry, n)
	for i := range out {
		out[i] = d.entries[i%len(d.entries)]
		out[i].timed = false
	}
	cycled := d.of(out)
	cycled.repeats = true
	return cycled, nil
}

// pick is the items with these numbers.
func (d *Dataset) pick(numbers []int) *Dataset {
	out := make([]entry, len(numbers))
	for i, n := range numbers {
		out[i] = d.entries[n]
	}
	return d.of(out)
}

// permutation is n different numbers below all, in random order.
func permutation(rng *rand.Rand, all, n int) []int {
	numbers := make([]int, all)
	for i := range numbers {
		numbers[i] = i
	}
	for i := range n {
		j := i + rng.IntN(all-i)
		numbers[i], numbers[j] = numbers[j], numbers[i]
	}
	return numbers[:n]
}

// WithOutput asks for other lengths of outputs.
func (d *Dataset) WithOutput(l Length, seed uint64) (*Dataset, error) {
	l, err := l.complete("output", 1, "")
	if err != nil {
		return nil, err
	}
	out := make([]entry, len(d.entries))
	for i, e := range d.entries {
		e.outputTokens = int32(l.draw(seeded(seed, outputStream, uint64(i))))
		out[i] = e
	}
	return d.of(out), nil
}

// WithAnswers gives item i a recorded output, and its length: the prompt of item i of answers.
func (d *Dataset) WithAnswers(answers *Dataset) (*Dataset, error) {
	if len(answers.entries) != len(d.entries) {
		return nil, fmt.Errorf("withAnswers: there are %d answers for %d items", len(answers.entries), len(d.entries))
	}
	out := make([]entry, len(d.entries))
	for i, e := range d.entries {
		more := noDetails
		if e.details != nil {
			more = *e.details
		}
		answer := &answers.entries[i]
		more.output, more.length = answer.prompt, int(answer.promptTokens)
		e.details, e.outputTokens = &more, answer.promptTokens
		e.inexact = e.inexact || answer.inexact
		out[i] = e
	}
	return d.of(out), nil
}

// System describes messages of the system before prompts.
type System struct {
	Text      string    // one for all, "" for none; or:
	Tokens    int       // random words, as many tokens
	Groups    int       // how many such texts there are
	Share     float64   // part of the items that have one, 0 to 1
	Tokenizer Tokenizer // counts them; nil: what a prompt has more in tokens is not known
	Seed      uint64
}

// WithSystem puts messages of the system before the prompts, instead of those that they may
// have. Their tokens are added to the prompts', whose lengths are not known any more where
// there is no tokenizer to count them. Items that are lists of messages are refused. It ends early, with ctx's error, when ctx ends.
func (d *Dataset) WithSystem(ctx context.Context, s System) (*Dataset, error) {
	for i := range d.entries {
		if more := d.entries[i].details; more != nil && more.messages != nil {
			return nil, fmt.Errorf("withSystem: item %d is a list of messages, which has its own: leave it, or read another format", i)
		}
	}
	var w *writer
	if s.Tokens > 0 {
		if s.Tokenizer == nil {
			return nil, errors.New("withSystem: random texts need a tokenizer")
		}
		var err error
		if w, err = newWriter(s.Tokenizer, s.Seed^systemStream, false, template{}); err != nil {
			return nil, fmt.Errorf("withSystem: %w", err)
		}
	}
	counted := s.Tokenizer != nil || s.Text == "" // how many tokens each has is known
	texts, tokens := make([]text, max(1, s.Groups)), make([]int, max(1, s.Groups))
	kept := newStore("prompts")
	err := each(ctx, len(texts), len(texts), new(atomic.Int64), func() func(int) error {
		return func(i int) (err error) {
			if w != nil {
				texts[i], tokens[i], err = w.write(kept, uint64(i), s.Tokens, 0, 0)
				return err
			}
			if s.Text == "" {
				return nil // none
			}
			texts[i] = plain(s.Text)
			if s.Tokenizer != nil {
				ids, err := s.Tokenizer.Encode(s.Text, false)
				tokens[i] = len(ids)
				return err
			}
			return nil
		}
	})
	if err != nil {
		return nil, fmt.Errorf("withSystem: %w", err)
	}
	out := make([]entry, len(d.entries))
	for i, e := range d.entries {
		rng := seeded(s.Seed, systemStream, uint64(i))
		group := rng.IntN(len(texts))
		if rng.Float64() < s.Share {
			more := noDetails
			if e.details != nil {
				more = *e.details
			}
			switch {
			case e.promptTokens == 0:
			case counted && (more.system == nil || more.before > 0):
				e.promptTokens += int32(tokens[group] - more.before)
			default:
				e.promptTokens = 0
			}
			more.system, more.before = texts[group], tokens[group]
			e.details = &more
		}
		out[i] = e
	}
	return d.of(out), nil
}

// Part is one of the datasets of a mix.
type Part struct {
	Name   string
	Data   *Dataset
	Weight float64 // how often it is taken, in proportion to the others'
}

// Mix draws each of count items from one of the parts, by their weights. The items of a part
// come in their order, again and again. Those of traces lose their times.
func Mix(parts []Part, count int, seed uint64) (*Dataset, error) {
	if count < 1 || count > maxCount {
		return nil, fmt.Errorf("mix: count: %d items is out of range (1 to %d)", count, maxCount)
	}
	out := &Dataset{repeats: true}
	sums := make([]float64, len(parts))
	sum := 0.0
	for i, p := range parts {
		if !(p.Weight >= 0 && p.Weight <= 1e9) {
			return nil, fmt.Errorf("mix: the weight of %s is %v: it must be a number from 0 up", p.Name, p.Weight)
		}
		if p.Data.Len() == 0 && p.Weight > 0 {
			return nil, fmt.Errorf("mix: %s has no items", p.Name)
		}
		if p.Data.with != nil {
			return nil, fmt.Errorf("mix: %s has media: mix the prompts, and add the media then", p.Name)
		}
		sum += p.Weight
		sums[i] = sum
		out.parts = append(out.parts, p.Name)
	}
	if sum == 0 {
		return nil, errors.New("mix: all weights are 0")
	}
	next := make([]int, len(parts))
	entries := make([]entry, count)
	rng := seeded(seed, choiceStream, 0)
	for i := range entries {
		at := rng.Float64() * sum
		k := sort.Search(len(sums)-1, func(k int) bool { return sums[k] > at })
		p := parts[k].Data
		entries[i] = p.entries[next[k]%len(p.entries)]
		entries[i].part, entries[i].timed = int32(k), false
		next[k]++
	}
	return out.of(entries), nil
}
