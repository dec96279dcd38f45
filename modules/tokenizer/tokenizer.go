package tokenizer

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/daulet/tokenizers"
)

// maxText is the longest text that is encoded at once, in bytes. The library
// needs up to 6 s for a megabyte and cannot be interrupted.
const maxText = 32 << 20

// ErrClosed is the error of every call on a closed Tokenizer.
var ErrClosed = errors.New("tokenizer is closed: its run has ended")

// Tokenizer is one loaded tokenizer.json. All methods may be called from several
// goroutines at the same time, and from different goroutines than Close.
type Tokenizer struct {
	path   string
	vocab  vocabulary
	module *Module // that loaded it; nil when a caller of Load did

	mu   sync.RWMutex // held for reading while the library works, so that Close waits for it
	lib  *tokenizers.Tokenizer
	done bool
}

// Path is what was loaded: the tokenizer.json, or "builtin".
func (t *Tokenizer) Path() string { return t.path }

// VocabSize is the number of tokens of the model itself, without added tokens:
// tokenizer.vocab_size of Hugging Face's transformers.
func (t *Tokenizer) VocabSize() int { return t.vocab.model }

// TotalVocabSize is the number of tokens with the added ones: len(tokenizer) of
// Hugging Face's transformers.
func (t *Tokenizer) TotalVocabSize() int { return t.vocab.total }

// Encode returns the token ids of text. With special it adds the tokens that
// the tokenizer puts around a text (such as one for its beginning). The text of
// a special token within text becomes that token's id either way.
//
// Invalid UTF-8 is encoded as U+FFFD. A text that contains a NUL character or is
// longer than 32 MiB is an error.
func (t *Tokenizer) Encode(text string, special bool) ([]int, error) {
	ids, err := t.encode(text, special)
	if err != nil {
		return nil, err
	}
	out := make([]int, len(ids))
	for i, id := range ids {
		out[i] = int(id)
	}
	return out, nil
}

// Count is the number of tokens of text without the special tokens that Encode
// can add around it, as it is needed for the output of a model. Its errors are
// those of Encode.
func (t *Tokenizer) Count(text string) (int, error) {
	ids, err := t.encode(text, false)
	return len(ids), err
}

func (t *Tokenizer) encode(text string, special bool) ([]uint32, error) {
	// The library takes C strings, which end at the first NUL.
	if at := strings.IndexByte(text, 0); at >= 0 {
		return nil, fmt.Errorf("encode with tokenizer %s: the text has a NUL character at byte %d, which cannot be encoded: remove it", t.path, at)
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("encode with tokenizer %s: the text has %d bytes, more than %d: split it", t.path, len(text), maxText)
	}
	if text == "" && !special {
		return nil, nil
	}

	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.done {
		return nil, fmt.Errorf("encode with tokenizer %s: %w", t.path, ErrClosed)
	}
	// Ids alone: asking for the tokens' texts as well would double the time.
	e, err := t.lib.EncodeWithOptionsErr(text, special)
	if err != nil {
		return nil, fmt.Errorf("encode with tokenizer %s: %w: try the text with Hugging Face's tokenizers to see whether the file is at fault", t.path, err)
	}
	return e.IDs, nil
}

// Decode returns the text of ids, special tokens included. Bytes that are not
// valid UTF-8, such as a character cut in half, become U+FFFD. An id that the
// vocabulary does not have, and a text that would contain a NUL character, are
// errors.
func (t *Tokenizer) Decode(ids []int) (string, error) { return t.decode(ids, false) }

func (t *Tokenizer) decode(ids []int, skipSpecial bool) (string, error) {
	raw := make([]uint32, len(ids))
	for i, id := range ids {
		// The library leaves unknown ids out without a word.
		if !t.vocab.has(id) {
			return "", fmt.Errorf("decode with tokenizer %s: there is no token with id %d (item %d of %d): ids go from 0 to %d", t.path, id, i, len(ids), t.vocab.maxID())
		}
		raw[i] = uint32(id)
	}

	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.done {
		return "", fmt.Errorf("decode with tokenizer %s: %w", t.path, ErrClosed)
	}
	text, err := t.lib.DecodeErr(raw, skipSpecial)
	if err != nil {
		return "", fmt.Errorf("decode with tokenizer %s: the text of these %d ids cannot be returned, most likely because it contains a NUL character: leave that id out", t.path, len(ids))
	}
	return text, nil
}

// Close frees the library's memory after the calls under way have ended. Later
// calls return ErrClosed.
func (t *Tokenizer) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done {
		return nil
	}
	t.done = true
	return t.lib.Close()
}
