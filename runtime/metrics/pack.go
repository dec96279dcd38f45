package metrics

import (
	"encoding/binary"
	"time"
)

// A packed request is a list of varints: its number, marks that tell which of the
// others follow, and these in the order of pack. Times are whole microseconds after the
// start, rounded; the start itself is in nanoseconds after the recorder's origin.
const (
	markKind = 3 // two bits: a Kind

	markStarted = 4 << iota
	markIteration
	markScheduled
	markLater // not its iteration's first
	markSent
	markHead
	markEnd
	markReused
	markRetried
	markResent
	markKernel // its Stamp
	markWhole
	markOutput
	markDial // dns, connect, tls
	markWait
	markRetransmits
	markEarly // its prefill began before its start, which may have been corrected
	markError
	markModel
	markHost
	markFinish
	markEvents
)

// An event is its gap, doubled, and 1 when what follows are its marks and its tokens;
// these are those of the event before otherwise. Then its lag, if it has one.
const (
	eventBack = 1 << iota // the gap is negative
	eventLags             // the lag follows

	packedMarks  = iota // bits before the event's four marks …
	packedTokens = packedMarks + 4
)

// pack appends a packed record.
func (k *keptShard) pack(to []byte, rec *Record, origin time.Time) []byte {
	marks := rec.marks()
	to = binary.AppendUvarint(to, uint64(rec.number))
	to = binary.AppendUvarint(to, marks)
	base := origin
	if marks&markStarted != 0 {
		base = rec.Started
		to = binary.AppendVarint(to, int64(base.Sub(origin)))
	}
	if it := rec.Iteration; it != nil {
		to = binary.AppendUvarint(to, uint64(k.sender(it)))
		to = binary.AppendVarint(to, int64(it.Index))
		to = binary.AppendVarint(to, int64(it.VU))
		if marks&markScheduled != 0 {
			to = appendMicros(to, it.Scheduled.Sub(base))
		}
	}
	for _, at := range [...]time.Time{rec.Sent, rec.HeadAt, rec.End} {
		if !at.IsZero() {
			to = appendMicros(to, at.Sub(base))
		}
	}
	to = binary.AppendVarint(to, rec.BytesOut)
	to = binary.AppendVarint(to, rec.BytesIn)
	to = binary.AppendVarint(to, int64(rec.Status))
	if marks&markDial != 0 {
		to = binary.AppendVarint(to, rec.DNS.Microseconds())
		to = binary.AppendVarint(to, rec.Connect.Microseconds())
		to = binary.AppendVarint(to, rec.TLS.Microseconds())
	}
	if marks&markWait != 0 {
		to = binary.AppendVarint(to, rec.PrefillWait.Microseconds())
	}
	if marks&markRetransmits != 0 {
		to = binary.AppendVarint(to, int64(rec.Retransmits))
	}
	if marks&markEarly != 0 {
		to = appendMicros(to, rec.Started.Sub(origin)-time.Duration(rec.prefill))
	}
	if marks&markError != 0 {
		to = k.text(to, errorKindText, rec.Error.Kind)
		to = k.text(to, errorText, rec.Error.Message)
	}
	if marks&markModel != 0 {
		to = k.text(to, modelText, rec.Model)
	}
	if marks&markHost != 0 {
		to = k.text(to, hostText, rec.Host)
	}
	if marks&markFinish != 0 {
		to = k.text(to, finishText, rec.FinishReason)
	}
	counts := [...]Count{rec.Input, rec.Output, rec.Reasoning, rec.Cached}
	source := byte(0)
	for i, c := range counts {
		source |= byte(c.Source) << (2 * i)
	}
	to = append(to, source)
	for _, c := range counts {
		if c.Source != CountNone {
			to = binary.AppendVarint(to, int64(c.N))
		}
	}
	if marks&markOutput != 0 {
		to = binary.AppendUvarint(to, uint64(rec.FirstOutput))
	}
	if marks&markEvents != 0 {
		to = packEvents(to, rec.Events)
	}
	return to
}

// marks tell what of a record is packed.
func (rec *Record) marks() uint64 {
	m := uint64(rec.Kind) & markKind
	set := func(mark uint64, is bool) {
		if is {
			m |= mark
		}
	}
	set(markStarted, !rec.Started.IsZero())
	if it := rec.Iteration; it != nil {
		m |= markIteration
		set(markScheduled, !it.Scheduled.IsZero())
		set(markLater, rec.Later())
	}
	set(markSent, !rec.Sent.IsZero())
	set(markHead, !rec.HeadAt.IsZero())
	set(markEnd, !rec.End.IsZero())
	set(markReused, rec.Reused)
	set(markRetried, rec.Retried)
	set(markResent, rec.Resent)
	set(markKernel, rec.Stamp == StampKernel)
	set(markWhole, rec.Whole)
	set(markOutput, rec.FirstOutput != 0)
	set(markDial, rec.DNS != 0 || rec.Connect != 0 || rec.TLS != 0)
	set(markWait, rec.PrefillWait != 0)
	set(markRetransmits, rec.Retransmits != 0)
	set(markEarly, rec.logged)
	set(markError, rec.Error != nil)
	set(markModel, rec.Model != "")
	set(markHost, rec.Host != "")
	set(markFinish, rec.FinishReason != "")
	set(markEvents, len(rec.Events) > 0)
	return m
}

func appendMicros(to []byte, d time.Duration) []byte {
	return binary.AppendVarint(to, d.Round(time.Microsecond).Microseconds())
}

// packEvents appends how many events there are, and these. Gaps are those between
// rounded times, so that their sums do not drift.
func packEvents(to []byte, events []Event) []byte {
	to = binary.AppendUvarint(to, uint64(len(events)))
	var before int64
	word, lags := uint64(0), false
	for i := range events {
		e := &events[i]
		// Rounded as Duration.Round does it.
		at := int64(e.At+time.Microsecond/2) / int64(time.Microsecond)
		if e.At < 0 {
			at = e.At.Round(time.Microsecond).Microseconds()
		}
		gap := at - before
		before = at
		own := uint64(e.tokens&eventTokens)<<packedTokens | uint64(e.tokens>>tokenBits)<<packedMarks
		lags = lags || e.lag != 0
		if lags {
			own |= eventLags
		}
		if gap < 0 {
			own |= eventBack
			gap = -gap
		}
		if own == word {
			to = binary.AppendUvarint(to, uint64(gap)<<1)
		} else {
			to = binary.AppendUvarint(to, uint64(gap)<<1|1)
			to = binary.AppendUvarint(to, own)
			word = own
		}
		if lags {
			to = binary.AppendUvarint(to, uint64(e.lag))
		}
	}
	return to
}

// decoder unpacks records, into the same one.
type decoder struct {
	most      int // token events that are wanted
	from      []byte
	rec       Record
	iteration Iteration
	fault     Error
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.from)
	d.from = d.from[n:]
	return v
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.from)
	d.from = d.from[n:]
	return v
}

func (d *decoder) micros() time.Duration { return micros(d.int()) }

func (d *decoder) text(k *keptShard) string {
	if ref := d.uint(); ref > 0 {
		return k.texts[ref-1]
	}
	n := d.uint()
	text := string(d.from[:n])
	d.from = d.from[n:]
	return text
}

// decode unpacks what pack has packed.
func (d *decoder) decode(packed []byte, k *keptShard, origin time.Time) *Record {
	d.from = packed
	rec := &d.rec
	*rec = Record{Events: rec.Events[:0], number: int64(d.uint())}
	marks := d.uint()
	has := func(mark uint64) bool { return marks&mark != 0 }
	rec.Kind = Kind(marks & markKind)
	rec.Reused, rec.Retried, rec.Resent, rec.Whole = has(markReused), has(markRetried), has(markResent), has(markWhole)
	if has(markKernel) {
		rec.Stamp = StampKernel
	}
	base := origin
	if has(markStarted) {
		rec.Started = origin.Add(time.Duration(d.int()))
		base = rec.Started
	}
	if has(markIteration) {
		s := k.senders[d.uint()]
		d.iteration = Iteration{Recorder: s.recorder, Scenario: s.scenario, Tags: s.tags, Index: int(d.int()), VU: int(d.int()), Begun: past}
		if has(markScheduled) {
			d.iteration.Scheduled = base.Add(d.micros())
		}
		rec.Iteration, rec.first = &d.iteration, !has(markLater)
	}
	for _, at := range [...]struct {
		mark uint64
		to   *time.Time
	}{{markSent, &rec.Sent}, {markHead, &rec.HeadAt}, {markEnd, &rec.End}} {
		if has(at.mark) {
			*at.to = base.Add(d.micros())
		}
	}
	rec.BytesOut, rec.BytesIn, rec.Status = d.int(), d.int(), int(d.int())
	if has(markDial) {
		rec.DNS, rec.Connect, rec.TLS = d.micros(), d.micros(), d.micros()
	}
	if has(markWait) {
		rec.PrefillWait = d.micros()
	}
	if has(markRetransmits) {
		rec.Retransmits = int(d.int())
	}
	if has(markEarly) {
		rec.early = d.micros()
	}
	if has(markError) {
		d.fault = Error{Kind: d.text(k), Message: d.text(k), Status: rec.Status}
		rec.Error = &d.fault
	}
	if has(markModel) {
		rec.Model = d.text(k)
	}
	if has(markHost) {
		rec.Host = d.text(k)
	}
	if has(markFinish) {
		rec.FinishReason = d.text(k)
	}
	source := d.from[0]
	d.from = d.from[1:]
	for i, c := range [...]*Count{&rec.Input, &rec.Output, &rec.Reasoning, &rec.Cached} {
		if c.Source = CountSource(source >> (2 * i) & 3); c.Source != CountNone {
			c.N = int(d.int())
		}
	}
	if has(markOutput) {
		rec.FirstOutput = int(d.uint())
	}
	if has(markEvents) {
		d.events()
	}
	return rec
}

func (d *decoder) events() {
	rec := &d.rec
	var at time.Duration
	word := uint64(0)
	for range min(d.uint(), uint64(d.most)) {
		gap := d.uint()
		if gap&1 != 0 {
			word = d.uint()
		}
		step := micros(int64(gap >> 1))
		if word&eventBack != 0 {
			step = -step
		}
		at += step
		e := Event{At: at, tokens: uint32(word>>packedTokens) | uint32(word>>packedMarks&15)<<tokenBits}
		if word&eventLags != 0 {
			e.lag = uint32(d.uint())
		}
		if e.Shared() {
			rec.Coalesced++
		}
		rec.Events = append(rec.Events, e)
	}
}
