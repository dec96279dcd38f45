package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
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
	in, err := reader.Open(ctx, r.Path, r.Reader)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b := &building{Reading: r, kept: newStore("prompts"), out: &source{path: r.Path, format: in.Format(), why: in.Why()}}
	var batch []candidate
	bytes := 0
	for n, end := 0, false; !end; n++ {
		var c candidate
		err := in.Next(&c.row)
		wanted := false
		switch {
		case err == io.EOF:
			end = true
		case err != nil:
			return nil, err
		default:
			wanted, end = b.near(&c.row)
		}
		if wanted {
			batch = append(batch, c)
			bytes += len(c.row.Prompt) + len(c.row.Output) + len(c.row.Messages) + len(c.row.System)
			for _, t := range c.row.Turns {
				bytes += len(t.Text)
			}
		}
		if n%batchRows == 0 {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			read, size := in.Progress()
			done.Store(read)
			all.Store(size)
		}
		if len(batch) == batchRows || bytes > batchBytes || end && len(batch) > 0 {
			if err := b.add(ctx, batch); err != nil {
				return nil, err
			}
			batch, bytes = batch[:0], 0
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
	case r.AtLeast != 0 && r.Sample == 0:
		return errors.New("atLeast is for a sample: how many of it there must be; give sample, too")
	case r.AtLeast < 0 || r.AtLeast > r.Sample:
		return fmt.Errorf("atLeast: %d items is out of range (1 to the sample's %d)", r.AtLeast, r.Sample)
	case r.Limit > 0 && r.Sample > 0:
		return errors.New("limit and sample: one takes the file's first rows, the other draws from all; give one of them")
	case r.Tokenizer == nil && (r.Filter.MinPrompt > 0 || r.Filter.MaxPrompt > 0 || r.Filter.MaxTotal > 0) && !r.NoPrompts:
		return errors.New("limits of lengths need a tokenizer, which counts the prompts: pass one")
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
	places  []place // of the entries that are counted later
	index   uint64  // of the next row
	span    span    // of the trace, as far as it was read; where a part is asked for
}

// span is what is known of the times of a trace's rows, kept or not.
type span struct {
	begun            bool          // there was a row
	first            time.Duration // time of the first row in the file
	earliest, latest time.Duration // of all
}

func (s *span) add(at time.Duration) {
	if !s.begun {
		*s = span{true, at, at, at}
	}
	s.earliest, s.latest = min(s.earliest, at), max(s.latest, at)
}

// lasted is how long the trace is.
func (s *span) lasted() time.Duration { return s.latest - s.earliest }

// place is where a row is.
type place struct {
	path string
	line int
}

// disorder is how far the rows of a trace may be from the order of their times where a
// part of it is asked for: records of requests stand in the order in which these ended.
const disorder = time.Hour

// later tells whether rows are only kept at first, because most of them may not be needed:
// when items are drawn from all, or are those of a part of the trace.
func (b *building) later() bool { return b.Sample > 0 || b.windowed() }

func (b *building) windowed() bool { return b.From != 0 || b.To != 0 }

// full tells whether nothing more has to be read.
func (b *building) full() bool { return !b.later() && b.Limit > 0 && len(b.entries) >= b.Limit }

// near tells whether a row may be in the part of the trace that is asked for, and whether
// no later one can be.
func (b *building) near(row *reader.Row) (in, over bool) {
	if !row.Timed || !b.windowed() {
		return true, false
	}
	b.span.add(row.At)
	at := row.At - b.span.first
	over = b.To != 0 && at > b.To+disorder
	return !over && at >= b.From-disorder, over
}

// add makes entries of rows.
func (b *building) add(ctx context.Context, batch []candidate) error {
	first := b.index
	b.index += uint64(len(batch))
	err := each(ctx, len(batch), len(batch), new(atomic.Int64), func() func(int) error {
		return func(i int) error {
			if err := b.entry(&batch[i]); err != nil {
				return fmt.Errorf("%s:%d: %w", batch[i].row.Path, batch[i].row.Line, err)
			}
			return nil
		}
	})
	if err != nil {
		return err
	}
	if !b.later() {
		if err := b.count(ctx, batch, func(i int) uint64 { return first + uint64(i) }); err != nil {
			return err
		}
	}
	for i := range batch {
		c := &batch[i]
		switch {
		case b.full():
			return nil
		case c.reason != "":
			b.out.reject(c.reason, c.row.Path, c.row.Line, c.entry.describe())
		case len(b.entries) == maxCount:
			return fmt.Errorf("%s has more than %d rows: take some of them with limit, or a part of a trace with from and to", b.Path, maxCount)
		default:
			b.entries = append(b.entries, c.entry)
			if b.later() {
				b.places = append(b.places, place{c.row.Path, c.row.Line})
			}
		}
	}
	return nil
}

// count finds out how long rows are, on all cores, makes prompts where there are none, and
// applies the filter. index is the number of a row in the file.
func (b *building) count(ctx context.Context, batch []candidate, index func(i int) uint64) error {
	if err := b.prepare(batch); err != nil {
		return err
	}
	return each(ctx, len(batch), len(batch), new(atomic.Int64), func() func(int) error {
		return func(i int) error {
			if err := b.countOne(&batch[i], index(i)); err != nil {
				return fmt.Errorf("%s:%d: %w", batch[i].row.Path, batch[i].row.Line, err)
			}
			return nil
		}
	})
}

// prepare gets ready to make the prompts of rows that have none.
func (b *building) prepare(batch []candidate) error {
	unwritten := func(c candidate) bool { _, ok := c.entry.prompt.(*unmade); return ok }
	if b.writer != nil || !slices.ContainsFunc(batch, unwritten) {
		return nil
	}
	if b.Tokenizer == nil {
		return fmt.Errorf(`%s: rows of this format (%s) have lengths and no texts, which a tokenizer makes: pass one, such as tokenizer: new Tokenizer("builtin"), or leave the prompts away with prompts: "none"`, b.Path, b.out.format)
	}
	w, err := newWriter(b.Tokenizer, b.Seed, !b.NoSpecialTokens, template{})
	if err != nil {
		return fmt.Errorf("%s: %w", b.Path, err)
	}
	b.writer = w
	return nil
}

// textless tells whether a row says how long a prompt is, but not what it is.
func textless(row *reader.Row) bool {
	return row.Prompt == "" && row.Messages == nil && row.PromptTokens > 0
}

// entry keeps a row's texts.
func (b *building) entry(c *candidate) error {
	row := &c.row
	c.entry = entry{promptTokens: int32(row.PromptTokens), outputTokens: int32(row.OutputTokens), timed: row.Timed, at: row.At}
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
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	list := make([]message, len(turns))
	for i, t := range turns {
		list[i] = message{t.Role, t.Text}
	}
	b, err := json.Marshal(list)
	return string(b), err
}

func (b *building) countOne(c *candidate, index uint64) error {
	e := &c.entry
	recorded := 0
	if err := b.lengths(e, &recorded); err != nil {
		var refused *refusal
		if errors.As(err, &refused) {
			c.reason = refused.Error()
			return nil
		}
		return err
	}
	if b.Output != nil {
		e.outputTokens = int32(b.Output.draw(seeded(b.Seed, lengthStream, index)))
	}
	if c.reason = b.Filter.apply(e, recorded); c.reason != "" {
		return nil
	}
	if u, ok := e.prompt.(*unmade); ok {
		return b.make(e, u, index)
	}
	return nil
}

// refusal is a text that the tokenizer does not take.
type refusal struct{ err error }

func (r *refusal) Error() string { return "a text that the tokenizer cannot take" }
func (r *refusal) Unwrap() error { return r.err }

// encoded is how many tokens a text has.
func (b *building) encoded(t text, special bool) (int, error) {
	s, err := t.read()
	if err != nil {
		return 0, err
	}
	return b.encodedString(s, special)
}

func (b *building) encodedString(s string, special bool) (int, error) {
	ids, err := b.Tokenizer.Encode(s, special)
	if err != nil {
		return 0, &refusal{err}
	}
	return len(ids), nil
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
		n, err := b.encoded(more.output, b.OutputSpecialTokens)
		if err != nil {
			return err
		}
		*recorded, more.length = n, n
		if e.outputTokens == 0 {
			e.outputTokens = int32(n)
		}
	}
	return nil
}

// promptTokens counts a prompt, with the system's message before it.
func (b *building) promptTokens(e *entry, more *details) (int, error) {
	if more.messages != nil {
		return b.messageTokens(more.messages)
	}
	n, err := b.encoded(e.prompt, !b.NoSpecialTokens)
	if err != nil || more.system == nil {
		return n, err
	}
	more.before, err = b.encoded(more.system, false)
	return n + more.before, err
}

// messageTokens counts chat messages in the tokenizer's template. Without one, or where it
// refuses them, their texts are counted.
func (b *building) messageTokens(messages text) (int, error) {
	raw, err := messages.read()
	if err != nil {
		return 0, err
	}
	var list []map[string]any
	if err := json.Unmarshal([]byte(raw), &list); err != nil {
		return 0, err // the reader has seen that it is a list
	}
	if chat, ok := b.Tokenizer.(chatter); ok && chat.HasChatTemplate() {
		if whole, err := chat.ChatPrompt(list, true); err == nil {
			return b.encodedString(whole, false)
		}
	}
	sum := 0
	for _, m := range list {
		for _, t := range textsOf(m["content"]) {
			n, err := b.encodedString(t, false)
			if err != nil {
				return 0, err
			}
			sum += n
		}
	}
	return sum, nil
}

// textsOf are the texts of a message's content: a text, or parts.
func textsOf(content any) (texts []string) {
	switch c := content.(type) {
	case string:
		return []string{c}
	case []any:
		for _, part := range c {
			if p, ok := part.(map[string]any); ok {
				if t, ok := p["text"].(string); ok {
					texts = append(texts, t)
				}
			}
		}
	}
	return texts
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
