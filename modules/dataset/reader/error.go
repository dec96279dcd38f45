package reader

import (
	"fmt"
	"unicode/utf8"
)

// Error is a fault of a file, or of what was asked of it. Message begins with the
// path, and the line and column where they are known; Hint says what to try, and
// may be "".
type Error struct {
	Message string
	Hint    string
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "\n  hint: " + e.Hint
}

func wrong(hint, format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Hint: hint}
}

// Rejection is how many records were left out for one reason, and the first three.
type Rejection struct {
	Reason string
	Count  int
	First  []Rejected
}

// Rejected is a record that was left out. Text is how it begins, 120 characters at
// most.
type Rejected struct {
	Path string
	Line int
	Text string
}

// reject is why a record is left out. As an error it does not end the reading.
type reject string

func (r reject) Error() string { return string(r) }

const (
	keptRejected    = 3   // of each reason
	keptCharacters  = 120 // of a rejected record
	distinctReasons = 100 // more than there are; holds memory if one names what a file says
)

// rejections counts by reason.
type rejections struct {
	by map[string]*Rejection
}

func (r *rejections) add(reason, path string, line int, text []byte) {
	if r.by[reason] == nil && len(r.by) >= distinctReasons {
		reason = "other reasons"
	}
	kept := r.by[reason]
	if kept == nil {
		if r.by == nil {
			r.by = map[string]*Rejection{}
		}
		kept = &Rejection{Reason: reason}
		r.by[reason] = kept
	}
	kept.Count++
	if len(kept.First) < keptRejected {
		kept.First = append(kept.First, Rejected{path, line, cut(text)})
	}
}

// cut is how a text begins, on one line.
func cut(text []byte) string {
	var out []rune
	for len(text) > 0 && len(out) < keptCharacters {
		c, size := utf8.DecodeRune(text)
		text = text[size:]
		if c < ' ' {
			c = ' '
		}
		if c == ' ' && (len(out) == 0 || out[len(out)-1] == ' ') {
			continue
		}
		out = append(out, c)
	}
	return string(out)
}
