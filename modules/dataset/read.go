package dataset

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"weir/modules/dataset/reader"
)

const (
	// Rows are worked on together, on all cores: this many at most, or this many bytes.
	batchRows  = 512
	batchBytes = 8 << 20
)

// Reading describes a dataset that is read from a file or folder.
type Reading struct {
	Path   string
	Reader reader.Options
	// Tokenizer counts, and makes the prompts of traces. nil: lengths are what the file says.
	Tokenizer Tokenizer
	// Lengths of prompts, and of recorded outputs, without or with the special tokens that
	// the tokenizer puts around a text.
	NoSpecialTokens     bool
	OutputSpecialTokens bool
	Filter              Filter
	Output              *Length // of what is asked for, instead of the recorded outputs' lengths
	Limit               int     // items at most, in the file's order; 0: all
	Sample              int     // items that are drawn from all that the filter lets pass; 0: all
	AtLeast             int     // how many of the Sample there must be; 0: all of it
	Shuffle             bool
	Seed                uint64
	// From and To are the part of a trace that is taken; To 0: to its end. The times of the
	// items begin with 0 at From, without From at the first item.
	From, To time.Duration
	// NoPrompts leaves the prompts of a trace away: only its lengths and times are wanted.
	NoPrompts bool
}

// Read reads the dataset. It ends early, with ctx's error, when ctx ends.
func (r Reading) Read(ctx context.Context) (*Dataset, error) {
	return r.read(ctx, new(atomic.Int64), new(atomic.Int64))
}

// candidate is a row on its way into the dataset.
type candidate struct {
	row    reader.Row
	entry  entry
	reason string // why it is dropped
}

// read tells in done how much of all is read, in bytes.
func (r *Reading) read(ctx context.Context, done, all *atomic.Int64) (*Dataset, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	in, err := reader.Open(r.Path, r.Reader)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b := &building{Reading: r, kept: newStore("prompts"), out: &source{path: r.Path, format: in.Format(), why: in.Why()}}
	var batch []candidate
	bytes := 0
	for end := false; !end; {
		var c candidate
		err := in.Next(&c.row)
		wanted := false
		switch {
		case err == io.EOF:
			end = true
		case err != nil:
			return nil, err
		default:
			if wanted, end, err = b.window(&c.row); err != nil {
				return nil, err
			}
		}
		if wanted {
			batch = append(batch, c)
			bytes += len(c.row.Prompt) + len(c.row.Output) + len(c.row.Messages) + len(c.row.System)
			for _, t := range c.row.Turns {
				bytes += len(t.Text)
			}
		}
		if len(batch) == batchRows || bytes > batchBytes || end && len(batch) > 0 {
			if err := b.add(ctx, batch); err != nil {
				return nil, err
			}
			batch, bytes = batch[:0], 0
			read, size := in.Progress()
			done.Store(read)
			all.Store(size)
		}
		end = end || b.full()
	}
	b.out.rows = in.Rows()
	b.out.rejected = append(b.out.rejected, in.Rejected()...)
	return b.finish(ctx)
}

func (r *Reading) check() error {
	if err := r.Filter.check(); err != nil {
		return err
	}
	switch {
	case r.Limit < 0 || r.Limit > maxCount:
		return fmt.Errorf("limit: %d items is out of range (1 to %d; 0: all)", r.Limit, maxCount)
	case r.Sample < 0 || r.Sample > maxCount:
		return fmt.Errorf("sample: %d items is out of range (1 to %d; 0: all)", r.Sample, maxCount)
	case r.AtLeast < 0 || r.AtLeast > r.Sample:
		return fmt.Errorf("atLeast: %d items is out of range (1 to the sample's %d)", r.AtLeast, r.Sample)
	case r.To != 0 && r.To <= r.From:
		return fmt.Errorf("to: %v is not after from, %v", r.To, r.From)
	}
	if r.Output != nil {
		l, err := r.Output.complete("output", 1, "")
		if err != nil {
			return err
		}
		r.Output = &l
	}
	return nil
}

// building is a dataset that is being read.
type building struct {
	*Reading
	kept    *store
	out     *source
	writer  *writer // of a trace's prompts; nil: not needed yet
	entries []entry
	index   uint64        // of the next row
	begin   time.Duration // time of the first row
	last    time.Duration // of the newest one
	begun   bool
}

// later tells whether rows are only kept at first: when items are drawn from all, most of
// them need not be counted.
func (b *building) later() bool { return b.Sample > 0 }

// full tells whether nothing more has to be read.
func (b *building) full() bool { return !b.later() && b.Limit > 0 && len(b.entries) >= b.Limit }

// window says whether a row is in the part of the trace that is asked for, and whether all
// that follow are behind it. Rows without a time are always in it.
func (b *building) window(row *reader.Row) (in, over bool, err error) {
	if !row.Timed || b.From == 0 && b.To == 0 {
		return true, false, nil
	}
	if !b.begun {
		b.begin, b.last, b.begun = row.At, row.At, true
	}
	if row.At < b.last {
		return false, false, fmt.Errorf("%s:%d: the row is earlier than the one before it, so that the part from %v on cannot be found: sort the file by time, or leave from and to out", row.Path, row.Line, b.From)
	}
	b.last = row.At
	at := row.At - b.begin
	row.At = at - b.From
	return at >= b.From && (b.To == 0 || at < b.To), b.To != 0 && at >= b.To, nil
}

// add makes entries of rows.
func (b *building) add(ctx context.Context, batch []candidate) error {
	if b.writer == nil && !b.NoPrompts && slices.ContainsFunc(batch, func(c candidate) bool { return textless(&c.row) }) {
		if b.Tokenizer == nil {
			return fmt.Errorf(`%s: rows of this format (%s) have lengths and no texts, which a tokenizer makes: pass one, such as tokenizer: new Tokenizer("builtin"), or leave the prompts away with prompts: "none"`, b.Path, b.out.format)
		}
		w, err := newWriter(b.Tokenizer, b.Seed, !b.NoSpecialTokens, template{})
		if err != nil {
			return fmt.Errorf("%s: %w", b.Path, err)
		}
		b.writer = w
	}
	first := b.index
	b.index += uint64(len(batch))
	err := each(ctx, len(batch), len(batch), new(atomic.Int64), func() func(int) error {
		return func(i int) error {
			c := &batch[i]
			index := first + uint64(i)
			if err := b.entry(c, index); err != nil {
				return fmt.Errorf("%s:%d: %w", c.row.Path, c.row.Line, err)
			}
			if b.later() {
				return nil
			}
			return b.count(c, index)
		}
	})
	if err != nil {
		return err
	}
	for i := range batch {
		c := &batch[i]
		switch {
		case b.full():
			return nil
		case c.reason != "":
			b.out.reject(c.reason, c.row.Path, c.row.Line, firstText(&c.row))
		case len(b.entries) == maxCount:
			return fmt.Errorf("%s has more than %d rows: take some of them with limit, sample, or from and to", b.Path, maxCount)
		default:
			b.entries = append(b.entries, c.entry)
		}
	}
	return nil
}

// textless tells whether a row says how long a prompt is, but not what it is.
func textless(row *reader.Row) bool {
	return row.Prompt == "" && row.Messages == nil && row.PromptTokens > 0
}

func firstText(row *reader.Row) string {
	if row.Prompt != "" {
		return row.Prompt
	}
	return fmt.Sprintf("%d prompt tokens, %d output tokens", row.PromptTokens, row.OutputTokens)
}

// entry keeps a row's texts.
func (b *building) entry(c *candidate, index uint64) error {
	row := &c.row
	c.entry = entry{promptTokens: int32(min(row.PromptTokens, maxLength)), outputTokens: int32(min(row.OutputTokens, maxLength)), timed: row.Timed, at: row.At}
	if row.Output != "" || row.System != "" || row.Turns != nil || row.Messages != nil || row.Session != "" || row.HasDelay || row.Model != "" || row.Kind != "" || row.HashIDs != nil {
		more := &details{
			session: row.Session, turn: row.Turn, delay: row.Delay, hasDelay: row.HasDelay, model: row.Model, kind: row.Kind,
			hashes: row.HashIDs, blockSize: row.BlockSize,
		}
		turns := ""
		if row.Turns != nil {
			text, err := turnsJSON(row.Turns)
			if err != nil {
				return err
			}
			turns = text
		}
		for _, t := range []struct {
			into *text
			text string
		}{{&more.output, row.Output}, {&more.system, row.System}, {&more.turns, turns}, {&more.messages, string(row.Messages)}} {
			kept, err := b.kept.keepText(t.text)
			if err != nil {
				return err
			}
			if kept != nil {
				*t.into = kept
			}
		}
		c.entry.details = more
	}
	if textless(row) {
		if !b.NoPrompts {
			c.entry.prompt = &unmade{ids: row.HashIDs, size: row.BlockSize}
		}
		return nil
	}
	kept, err := b.kept.keepText(row.Prompt)
	if kept != nil {
		c.entry.prompt = kept
	}
	return err
}

// unmade stands for the prompt of a trace's row until it is made.
type unmade struct {
	ids  []int64
	size int
}

func (*unmade) read() (string, error) { return "", errors.New("a prompt was not made") }

// turnsJSON writes turns as the chat messages that scripts see.
func turnsJSON(turns []reader.Turn) (string, error) {
	type message struct {
		Role    string  `json:"role"`
		Content string  `json:"content"`
		Think   float64 `json:"think,omitempty"` // milliseconds
	}
	list := make([]message, len(turns))
	for i, t := range turns {
		list[i] = message{t.Role, t.Text, float64(t.Think) / float64(time.Millisecond)}
	}
	b, err := json.Marshal(list)
	return string(b), err
}

// count finds out how long a row is, makes its prompt if there is none, and applies the filter.
func (b *building) count(c *candidate, index uint64) error {
	e := &c.entry
	recorded := 0
	if err := b.lengths(e, &recorded); err != nil {
		return fmt.Errorf("%s:%d: %w", c.row.Path, c.row.Line, err)
	}
	if b.Output != nil {
		e.outputTokens = int32(b.Output.draw(seeded(b.Seed, lengthStream, index)))
	}
	if c.reason = b.Filter.apply(e, recorded); c.reason != "" {
		return nil
	}
	if u, ok := e.prompt.(*unmade); ok {
		if err := b.make(e, u, index); err != nil {
			return fmt.Errorf("%s:%d: %w", c.row.Path, c.row.Line, err)
		}
	}
	return nil
}

// lengths counts what the file does not say. With a tokenizer texts are always counted:
// it alone knows how long they are for its model.
func (b *building) lengths(e *entry, recorded *int) error {
	if b.Tokenizer == nil {
		return nil
	}
	more := &noDetails
	if e.details != nil {
		more = e.details
	}
	if _, made := e.prompt.(*unmade); !made && e.prompt != nil {
		n, err := b.promptTokens(e, more)
		if err != nil {
			return err
		}
		e.promptTokens = int32(n)
	}
	if more.output != nil {
		output, err := more.output.read()
		if err != nil {
			return err
		}
		ids, err := b.Tokenizer.Encode(clean(output), b.OutputSpecialTokens)
		if err != nil {
			return err
		}
		*recorded, more.length = len(ids), len(ids)
		if e.outputTokens == 0 {
			e.outputTokens = int32(len(ids))
		}
	}
	return nil
}

// promptTokens counts a prompt, with the system's message before it.
func (b *building) promptTokens(e *entry, more *details) (int, error) {
	if chat, ok := b.Tokenizer.(chatter); ok && more.messages != nil && chat.HasChatTemplate() {
		text, err := more.messages.read()
		if err != nil {
			return 0, err
		}
		var messages []map[string]any
		if json.Unmarshal([]byte(text), &messages) == nil {
			if whole, err := chat.ChatPrompt(messages, true); err == nil {
				ids, err := b.Tokenizer.Encode(clean(whole), false)
				return len(ids), err
			} // the template refuses the messages: their text is counted
		}
	}
	prompt, err := e.prompt.read()
	if err != nil {
		return 0, err
	}
	ids, err := b.Tokenizer.Encode(clean(prompt), !b.NoSpecialTokens)
	if err != nil || more.system == nil {
		return len(ids), err
	}
	system, err := more.system.read()
	if err != nil {
		return 0, err
	}
	before, err := b.Tokenizer.Encode(clean(system), false)
	more.before = len(before)
	return len(ids) + len(before), err
}

// clean takes NUL characters away, which tokenizers do not take and services hardly get.
func clean(s string) string {
	if strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(s, "\x00", "")
}

// make makes the prompt of a trace's row.
func (b *building) make(e *entry, u *unmade, index uint64) error {
	asked := max(int(e.promptTokens), b.writer.around+1)
	var made text
	var tokens int
	var err error
	if u.ids != nil && u.size > 0 {
		made, tokens, err = b.writer.writeBlocks(b.kept, index, u.ids, u.size, asked)
	} else {
		made, tokens, err = b.writer.write(b.kept, index, asked, 0, 0)
	}
	if err != nil {
		return err
	}
	e.prompt, e.inexact, e.promptTokens = made, tokens != int(e.promptTokens), int32(tokens)
	return nil
}

// finish draws and orders the items.
func (b *building) finish(ctx context.Context) (*Dataset, error) {
	rng := seeded(b.Seed, choiceStream, 0)
	switch {
	case b.later():
		if err := b.draw(ctx, permutation(rng, len(b.entries), len(b.entries))); err != nil {
			return nil, err
		}
	case b.Shuffle:
		order := permutation(rng, len(b.entries), len(b.entries))
		b.entries = (&Dataset{entries: b.entries}).pick(order).entries
	}
	if !b.Shuffle {
		inOrder(b.entries)
	}
	d := (&Dataset{source: b.out}).of(b.entries)
	if d.Len() == 0 {
		return nil, b.empty()
	}
	if needed := cmp.Or(b.AtLeast, b.Sample); needed > d.Len() {
		return nil, fmt.Errorf("%s: only %d of the %d items that are asked for are left: %s", b.Path, d.Len(), needed, describeRejected(d.Source().Rejected))
	}
	if d.entries[0].timed && b.From == 0 {
		first := d.entries[0].at
		for _, e := range d.entries {
			first = min(first, e.at)
		}
		for i := range d.entries {
			d.entries[i].at -= first
		}
	}
	return d, nil
}

// inOrder sorts entries by their times. Those without one stay behind the one that they follow.
func inOrder(entries []entry) {
	var last time.Duration
	for i := range entries {
		if e := &entries[i]; e.timed {
			last = e.at
		} else {
			e.at = last
		}
	}
	slices.SortStableFunc(entries, func(x, y entry) int { return cmp.Compare(x.at, y.at) })
}

// draw counts rows in a random order until enough of them pass the filter, which gives the
// same sample as to draw from all that pass.
func (b *building) draw(ctx context.Context, order []int) error {
	var drawn []entry
	for begin := 0; begin < len(order) && len(drawn) < b.Sample; {
		n := min(len(order)-begin, max(batchRows, b.Sample-len(drawn)))
		batch := make([]candidate, n)
		for i := range batch {
			batch[i] = candidate{entry: b.entries[order[begin+i]], row: reader.Row{Path: b.Path, Line: 0}}
		}
		err := each(ctx, n, n, new(atomic.Int64), func() func(int) error {
			return func(i int) error { return b.count(&batch[i], uint64(order[begin+i])) }
		})
		if err != nil {
			return err
		}
		for i := range batch {
			if batch[i].reason != "" {
				b.out.reject(batch[i].reason, "", 0, "")
			} else if len(drawn) < b.Sample {
				drawn = append(drawn, batch[i].entry)
			}
		}
		begin += n
	}
	b.entries = drawn
	return nil
}

// empty explains why a file gives no items.
func (b *building) empty() error {
	if b.out.rows == 0 && len(b.out.rejected) == 0 {
		return fmt.Errorf("%s (%s) has no rows", b.Path, b.out.format)
	}
	d := Dataset{source: b.out}
	return fmt.Errorf("%s (%s): none of its rows is left: %s", b.Path, b.out.format, describeRejected(d.Source().Rejected))
}

// describeRejected says in one line what was dropped and why.
func describeRejected(rejected []reader.Rejection) string {
	var parts []string
	for _, r := range rejected {
		part := fmt.Sprintf("%d × %s", r.Count, r.Reason)
		if len(r.First) > 0 && r.First[0].Line > 0 {
			part += fmt.Sprintf(" (first: line %d)", r.First[0].Line)
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return "nothing was dropped; the file has no more"
	}
	return strings.Join(parts, ", ")
}
