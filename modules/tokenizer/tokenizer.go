package tokenizer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/daulet/tokenizers"
)

// maxText is the longest text that is encoded at once, in bytes. The library
// takes up to 5 s for a megabyte, whatever the text, and cannot be interrupted.
const maxText = 32 << 20

// longText is how long a text is that is encoded on a goroutine of its own, so
// that a context can end the wait for it. It takes tenths of a second.
const longText = 128 << 10

// ErrClosed is the error of every call on a closed Tokenizer.
var ErrClosed = errors.New("tokenizer is closed: its run has ended")

// Tokenizer is one loaded tokenizer. All methods may be called from several
// goroutines at the same time, and from different goroutines than Close.
type Tokenizer struct {
	source *source
	config config
	vocab  *vocabulary
	module *Module // that loaded it; nil when a caller of Load did
	chat   templates
	twins  twins

	mu    sync.Mutex // protects the fields below
	lib   *tokenizers.Tokenizer
	users int // calls of the library under way
	done  bool
}

// Path is what was loaded: the tokenizer.json, tokenizer.model or vocab.json, or
// "builtin".
func (t *Tokenizer) Path() string { return t.source.path }

// VocabSize is the number of tokens of the model itself, without added tokens:
// tokenizer.vocab_size of Hugging Face's transformers.
func (t *Tokenizer) VocabSize() int { return t.vocab.model }

// TotalVocabSize is the number of tokens with the added ones: len(tokenizer) of
// Hugging Face's transformers.
func (t *Tokenizer) TotalVocabSize() int { return t.vocab.total }

// Token returns the text of a token as the vocabulary has it, not decoded, such
// as "Ġthe" for " the"; ok is false when there is no such id.
func (t *Tokenizer) Token(id int) (text string, ok bool) {
	if !t.vocab.has(id) {
		return "", false
	}
	return t.vocab.tokens[id], true
}

// ID returns the id of a token's text as the vocabulary has it.
func (t *Tokenizer) ID(token string) (id int, ok bool) { return t.vocab.id(token) }

// Encode returns the token ids of text. With special it adds the tokens that
// the tokenizer puts around a text (such as one for its beginning). The text of
// a special token within text becomes that token's id either way.
//
// Invalid UTF-8 is encoded as U+FFFD. A text that is longer than 32 MiB is an
// error, and so is a NUL character where it cannot be encoded (see nul.go).
func (t *Tokenizer) Encode(text string, special bool) ([]int, error) {
	ids, err := t.encode(context.Background(), text, special)
	if err != nil {
		return nil, err
	}
	return ints(ids), nil
}

func ints(ids []uint32) []int {
	out := make([]int, len(ids))
	for i, id := range ids {
		out[i] = int(id)
	}
	return out
}

// Count is the number of tokens of text without the special tokens that Encode
// can add around it, as it is needed for the output of a model. Its errors are
// those of Encode.
func (t *Tokenizer) Count(text string) (int, error) {
	ids, err := t.encode(context.Background(), text, false)
	return len(ids), err
}

// encode is Encode that does not wait for a long text after the end of ctx.
func (t *Tokenizer) encode(ctx context.Context, text string, special bool) ([]uint32, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("encode with tokenizer %s: the text has %d bytes, more than %d: split it", t.Path(), len(text), maxText)
	}
	if text == "" && !special {
		return nil, nil
	}
	if len(text) < longText {
		return t.encodeNow(text, special)
	}
	type result struct {
		ids []uint32
		err error
	}
	done := make(chan result, 1)
	go func() {
		ids, err := t.encodeNow(text, special)
		done <- result{ids, err}
	}()
	select {
	case r := <-done:
		return r.ids, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("encode a text of %d bytes: %w", len(text), context.Cause(ctx))
	}
}

func (t *Tokenizer) encodeNow(text string, special bool) ([]uint32, error) {
	fail := func(err error) ([]uint32, error) {
		return nil, fmt.Errorf("encode with tokenizer %s: %w", t.Path(), err)
	}
	if err := t.use(); err != nil {
		return fail(err)
	}
	defer t.unuse()
	lib := t.lib
	if strings.IndexByte(text, 0) >= 0 {
		twin, replaced, err := t.withoutNUL(text)
		if err != nil {
			return fail(err)
		}
		lib, text = twin, replaced
	}
	// Ids alone: asking for the tokens' texts as well would double the time.
	e, err := lib.EncodeWithOptionsErr(text, special)
	if err != nil {
		return fail(fmt.Errorf("%w: try the text with Hugging Face's tokenizers to see whether the file is at fault", err))
	}
	return e.IDs, nil
}

// Decode returns the text of ids, special tokens included. Bytes that are not
// valid UTF-8, such as a character cut in half, become U+FFFD. An id that the
// vocabulary does not have is an error.
func (t *Tokenizer) Decode(ids []int) (string, error) { return t.decode(ids, false) }

func (t *Tokenizer) decode(ids []int, skipSpecial bool) (string, error) {
	fail := func(format string, args ...any) (string, error) {
		return "", fmt.Errorf("decode with tokenizer %s: %w", t.Path(), fmt.Errorf(format, args...))
	}
	raw := make([]uint32, len(ids))
	for i, id := range ids {
		// The library leaves unknown ids out without a word.
		if !t.vocab.has(id) {
			return fail("there is no token with id %d (item %d of %d): ids go from 0 to %d", id, i, len(ids), t.vocab.maxID())
		}
		raw[i] = uint32(id)
	}
	if err := t.use(); err != nil {
		return fail("%w", err)
	}
	defer t.unuse()
	text, err := t.lib.DecodeErr(raw, skipSpecial)
	if err != nil { // most likely a NUL in the text
		if text, err = t.decodeNUL(raw, skipSpecial); err != nil {
			return fail("the text of these %d ids cannot be returned: %w", len(ids), err)
		}
	}
	return text, nil
}

// use keeps the library's memory until unuse.
func (t *Tokenizer) use() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done {
		return ErrClosed
	}
	t.users++
	return nil
}

func (t *Tokenizer) unuse() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users--; t.users == 0 && t.done {
		t.free()
	}
}

// free is called with mu held when nobody uses the library any more.
func (t *Tokenizer) free() {
	_ = t.lib.Close() // never fails
	t.twins.free()
}

// Close frees the library's memory, as soon as the calls under way have ended;
// it does not wait for them. Later calls return ErrClosed.
func (t *Tokenizer) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done {
		return nil
	}
	t.done = true
	if t.users == 0 {
		t.free()
	}
	return nil
}
