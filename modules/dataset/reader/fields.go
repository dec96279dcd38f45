package reader

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
)

const maxTokens = 100_000_000 // of a prompt or an answer: ten times the longest context known

// count reads a number of tokens into *to. It leaves *to alone when the record
// has no such field. Numbers may be given as text.
func (r *record) count(name string, to *int) error {
	return r.number(name, maxTokens, "is more than 100000000 tokens", to)
}

// ordinal reads a number that is not of tokens, as count does.
func (r *record) ordinal(name string, to *int) error {
	return r.number(name, math.MaxInt32, "is out of range", to)
}

func (r *record) number(name string, most int64, above string, to *int) error {
	value := r.get(name)
	if value == nil {
		return nil
	}
	n, err := whole(r.plain(value))
	if err != nil {
		return reject(`"` + name + `" is not a whole number`)
	}
	switch {
	case n < 0:
		return reject(`"` + name + `" is negative`)
	case n > most:
		return reject(`"` + name + `" ` + above)
	}
	*to = int(n)
	return nil
}

// need reads a number of tokens that must be there and must not be 0.
func (r *record) need(name string, to *int) error {
	switch err := r.count(name, to); {
	case err != nil:
		return err
	case r.get(name) == nil:
		return reject(`"` + name + `" is missing`)
	case *to == 0:
		return reject(`"` + name + `" is 0`)
	}
	return nil
}

// first is the first error of some reads, which are all done.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// words reads a text that may be missing.
func (r *record) words(name string, to *string) error {
	text, missing, err := r.text(name)
	if err == nil && !missing {
		*to = text
	}
	return err
}

// prompt reads a text that must be there and not be empty.
func (r *record) prompt(name string, to *string) error {
	if err := r.words(name, to); err != nil {
		return err
	}
	switch {
	case r.get(name) == nil:
		return reject(`"` + name + `" is missing`)
	case *to == "":
		return reject(`"` + name + `" is empty`)
	}
	return nil
}

// label reads a name that may be given as a number, or be missing.
func (r *record) label(name string, to *string) error {
	value := r.get(name)
	switch {
	case value == nil:
		return nil
	case isArray(value) || isObject(value):
		return reject(`"` + name + `" is neither text nor a number`)
	}
	*to = r.plain(value)
	return nil
}

// duration reads a time since some begin, or of a pause, that must not be
// negative: a number of units, or a date if dates is set, which then counts from
// 1970. found is false when the record has no such field.
func (r *record) duration(name string, unit time.Duration, dates bool) (d time.Duration, found bool, err error) {
	value := r.get(name)
	if value == nil {
		return 0, false, nil
	}
	text := strings.TrimSpace(r.plain(value))
	if dates && len(text) >= len("2006-01-02 15:04:05") && text[4] == '-' {
		t, err := date(text)
		switch {
		case err != nil:
			return 0, false, reject(`"` + name + `" is neither a number nor a date`)
		case t.Year() < 1970 || t.Year() > 2200:
			return 0, false, reject(`"` + name + `" is out of range`)
		}
		return t.Sub(time.Unix(0, 0)), true, nil
	}
	// Exactly, where a float would round nanoseconds since 1970.
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil && whole >= 0 && whole <= math.MaxInt64/int64(unit) {
		return time.Duration(whole) * unit, true, nil
	}
	given, err := strconv.ParseFloat(text, 64)
	switch n := math.Round(given * float64(unit)); {
	case err != nil:
		return 0, false, reject(`"` + name + `" is not a time`)
	case n < 0:
		return 0, false, reject(`"` + name + `" is negative`)
	case !(n < math.MaxInt64):
		reason := `"` + name + `" is out of range`
		if finer := epoch(given, unit); dates && finer > 0 {
			reason += ": if it counts from 1970, say timeUnit \"" + finer.String() + `"`
		}
		return 0, false, reject(reason)
	default:
		return time.Duration(n), true, nil
	}
}

// epoch is the unit, finer than the one that was taken, in which a number is a time
// since 1970, some time after 1973; 0 if there is none.
func epoch(n float64, unit time.Duration) time.Duration {
	for _, finer := range []time.Duration{time.Millisecond, time.Microsecond, time.Nanosecond} {
		if s := n * finer.Seconds(); finer < unit && s > 1e8 && s < 1e10 {
			return finer
		}
	}
	return 0
}

// date reads times as 2006-01-02 15:04:05.9999999, with a T for the space, and with
// a zone or without one, which then is UTC.
func date(text string) (time.Time, error) {
	layout := "2006-01-02 15:04:05"
	if text[10] == 'T' {
		layout = "2006-01-02T15:04:05"
	}
	if strings.ContainsAny(text[19:], "Z+-") {
		layout += "Z07:00"
	}
	return time.Parse(layout, text)
}

// arrive reads the time of an arrival.
func (r *record) arrive(name string, unit time.Duration, to *Row) (err error) {
	to.At, to.Timed, err = r.duration(name, unit, true)
	return err
}

// think reads the pause after the answer before.
func (r *record) think(name string, unit time.Duration, to *Row) (err error) {
	to.Delay, to.HasDelay, err = r.duration(name, unit, false)
	return err
}

// hashes reads the ids of the blocks. They may be any 64 bits: those above the largest
// int64 become negative, and stay different.
func (r *record) hashes(name string, to *[]int64) error {
	value := r.get(name)
	if value == nil {
		return nil
	}
	var ids []int64
	if isArray(value) {
		ids = make([]int64, 0, 1+bytes.Count(value, []byte{','}))
	}
	if err := elements(value, func(_ int, element []byte) error {
		id := r.plain(element)
		n, err := whole(id)
		if err != nil {
			var unsigned uint64
			unsigned, err = strconv.ParseUint(id, 10, 64)
			n = int64(unsigned)
		}
		ids = append(ids, n)
		return err
	}); err != nil {
		return reject(`"` + name + `" is not a list of whole numbers`)
	}
	if len(ids) > 0 {
		*to = ids
	}
	return nil
}

// whole is a whole number.
func whole(text string) (int64, error) {
	text = strings.TrimSpace(text)
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		return n, nil
	}
	// 12.0 and 1e3 are whole, too.
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, err
	}
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, strconv.ErrSyntax
	}
	return int64(f), nil
}

// plain is a text without JSON's quotes, or the digits of a number.
func (r *record) plain(value []byte) string {
	if r.columns == nil && isString(value) {
		return unquote(value)
	}
	return string(value)
}

// unitOr is the unit that was asked for, or the format's own.
func (o *Options) unitOr(own time.Duration) time.Duration {
	if o.TimeUnit > 0 {
		return o.TimeUnit
	}
	return own
}

// blockOr is the block size that was asked for, or the format's own.
func (o *Options) blockOr(own int) int {
	if o.BlockSize > 0 {
		return o.BlockSize
	}
	return own
}
