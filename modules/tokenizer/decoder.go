package tokenizer

import "strings"

// Decoder decodes ids that come one after another. What Push and End return,
// joined, is what Decode returns for all ids. It belongs to one goroutine.
type Decoder struct {
	t           *Tokenizer
	skipSpecial bool
	ids         []int // from a few tokens before what comes next
	clean       int   // of ids: how many had been decoded when the text last ended with a whole character
	done        int   // bytes of the text of ids that have been returned
}

// window is how many ids may stand before the next one. More than a few are
// needed only while a character is cut.
const window = 32

// NewDecoder returns a decoder; skipSpecial leaves special tokens out.
func (t *Tokenizer) NewDecoder(skipSpecial bool) *Decoder {
	return &Decoder{t: t, skipSpecial: skipSpecial}
}

// Push returns the text that ids complete. A character whose bytes are not all
// there yet, and a run of byte tokens (<0xE4>) that may go on, wait for the
// next Push. An unknown id is an error.
func (d *Decoder) Push(ids ...int) (string, error) {
	for _, id := range ids {
		if d.skipSpecial && d.t.vocab.special[id] {
			continue // as if it were not there: bytes on both sides may make a character
		}
		d.ids = append(d.ids, id)
	}
	return d.take(false)
}

// End returns what is left: a cut character becomes U+FFFD. The decoder then
// begins anew.
func (d *Decoder) End() (string, error) {
	text, err := d.take(true)
	d.ids, d.clean, d.done = nil, 0, 0
	return text, err
}

func (d *Decoder) take(last bool) (string, error) {
	n := len(d.ids)
	for !last && n > 0 && d.t.vocab.has(d.ids[n-1]) && d.t.vocab.isByte(d.ids[n-1]) {
		n-- // one wrong byte spoils the characters of its run
	}
	if n == 0 || n == d.clean && n == len(d.ids) {
		return "", nil
	}
	text, err := d.t.decode(d.ids[:n], false)
	if err != nil {
		return "", err
	}
	whole := text
	if !last { // a character that is cut is one U+FFFD at the end
		whole = strings.TrimSuffix(text, "\uFFFD")
	}
	if len(whole) < d.done {
		return "", nil
	}
	fresh := whole[d.done:]
	d.done = len(whole)
	if len(whole) == len(text) {
		return fresh, d.forget(n)
	}
	return fresh, d.forgetBroken(n)
}

// forget lets the ids go whose text no longer matters: n of them have been
// decoded, to whole characters. Some must stay, since the first ones of a text may
// decode to something else than later ones: SentencePiece drops a blank there.
func (d *Decoder) forget(n int) error {
	if n > window && d.clean > 0 {
		text, err := d.t.decode(d.ids[d.clean:n], false)
		if err != nil {
			return err
		}
		if text != "" && strings.TrimLeft(text, " ") != "" {
			d.ids = append([]int(nil), d.ids[d.clean:]...)
			d.done = len(text)
			n -= d.clean
		}
	}
	d.clean = n
	return nil
}

// forgetBroken lets ids go when all that comes are bytes that make no character:
// everything but the last few, if the text falls apart there.
func (d *Decoder) forgetBroken(n int) error {
	if n < 2*window {
		return nil
	}
	all, err := d.t.decode(d.ids[:n], false)
	if err != nil {
		return err
	}
	for cut := n - 4; cut < n; cut++ {
		before, err1 := d.t.decode(d.ids[:cut], false)
		behind, err2 := d.t.decode(d.ids[cut:n], false)
		if err1 == nil && err2 == nil && behind != "" && before+behind == all && d.done >= len(before) {
			d.ids = append([]int(nil), d.ids[cut:]...)
			d.done -= len(before)
			d.clean = 0
			return nil
		}
	}
	return nil
}
