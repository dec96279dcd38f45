package llm

import "bytes"

// repeat recognises the events of a stream that differ from one decoded before
// in nothing but their text, which nearly all do: the rest need not be decoded
// again. It is right whatever the protocol: the same bytes around another text
// mean the same.
//
// It belongs to one stream; reset makes it ready for the next.
type repeat struct {
	known  bool
	missed int    // events since the last one that was recognised
	before []byte // up to the text's opening quote, inclusive
	after  []byte // from its closing quote on
	into   textPlace
}

// textPlace says where in an event its text stood, and where the text belongs.
type textPlace struct {
	texts     int  // how many texts the event had; the rest is of the last one
	from, to  int  // the inside of the string, in the event's data
	choice    int  // of the answer
	reasoning bool // it is reasoning, not a choice's text
}

func (r *repeat) reset() { r.known, r.missed = false, 0 }

// mostMissed is how many events may come without one that is recognised before the
// stream is taken for one whose events all differ, by a count or a time.
const mostMissed = 8

// learn keeps an event that has just been decoded, when its only effect was one
// piece of text.
func (r *repeat) learn(data []byte, o *output) {
	r.missed++
	at := o.place
	r.known = r.missed <= mostMissed && at.texts == 1 && at.to > at.from && !o.effects && !o.done && !o.whole && o.tokens == 0 && o.fail == nil
	if !r.known {
		return
	}
	r.into = at
	r.before = append(r.before[:0], data[:at.from]...)
	r.after = append(r.after[:0], data[at.to:]...)
}

// decode does what the backend's decoder would do with an event like the one
// that was learnt, and is false for any other.
func (r *repeat) decode(data []byte, o *output) bool {
	if !r.known || len(data) <= len(r.before)+len(r.after) ||
		!bytes.HasPrefix(data, r.before) || !bytes.HasSuffix(data, r.after) {
		return false
	}
	r.missed = 0
	text := data[len(r.before) : len(data)-len(r.after)]
	for _, b := range text {
		if b == '"' || b == '\\' || b < ' ' { // more than one string, or an escape: not as simple as that
			return false
		}
	}
	if r.into.reasoning {
		o.reasoning = append(o.reasoning, text...)
		o.more = true
		return true
	}
	into := o.choice(r.into.choice)
	*into = append(*into, text...)
	o.text = true
	return true
}
