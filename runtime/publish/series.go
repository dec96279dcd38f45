package publish

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"
)

// kind is how a metric's values relate to each other.
type kind uint8

const (
	counter   kind = iota // only grows
	gauge                 // any value
	latencies             // a histogram
)

// metric is what is published under one name.
type metric struct {
	name   string // Prometheus'
	otel   string // OpenTelemetry's
	unit   string // UCUM, as OpenTelemetry has it
	kind   kind
	help   string
	bounds []float64 // of latencies: upper ones, of all buckets but the last, seconds
}

// label is a property of a series.
type label struct{ name, otel, value string }

// Bounds of what a script can make of its labels: a label is memory in the receiver for
// each of its values.
const (
	mostTags  = 16  // of a case; those that come first in the alphabet
	mostValue = 128 // bytes of a label's value
)

// text is a value as it may be sent.
func text(value string) string {
	value = strings.ToValidUTF8(value, "�")
	if len(value) <= mostValue {
		return value
	}
	cut := mostValue - len("…")
	for !utf8.RuneStart(value[cut]) {
		cut--
	}
	return value[:cut] + "…"
}

// tagLabels are a case's tags as labels: tag_rate, and weir.tag.rate in OpenTelemetry.
func tagLabels(tags map[string]any) (labels []label) {
	names := make([]string, 0, len(tags))
	for name := range tags {
		names = append(names, name)
	}
	slices.Sort(names)
	taken := map[string]bool{}
	for _, name := range names {
		to := "tag_" + strings.TrimLeft(model.EscapeName(text(name), model.UnderscoreEscaping), "_")
		if name == "" || taken[to] {
			continue
		}
		if len(labels) == mostTags {
			break
		}
		taken[to] = true
		labels = append(labels, label{to, "weir.tag." + text(name), text(fmt.Sprint(tags[name]))})
	}
	return labels
}

// scope is what has the same labels, and ends together.
type scope struct {
	labels []label
	begun  time.Time
	series map[string]*series
}

func newScope(begun time.Time, labels ...label) *scope {
	return &scope{labels: labels, begun: begun, series: map[string]*series{}}
}

// series is a metric with its labels. It belongs to the publisher, but for what does not
// change: metric, labels and begun.
type series struct {
	*metric
	labels []label
	begun  time.Time // since when a counter counts
	sent   bool      // it has been in a snapshot
	at     time.Time // of its last value, where that is not the snapshot's
	last   float64
}

// of is the series of a metric in a scope.
func (s *scope) of(m *metric, own ...label) *series {
	key := m.name
	for _, l := range own {
		key += "\x00" + l.value
	}
	v := s.series[key]
	if v == nil {
		v = &series{metric: m, labels: slices.Concat(s.labels, own), begun: s.begun}
		s.series[key] = v
	}
	return v
}

// sample is a series at a moment.
type sample struct {
	*series
	fresh bool      // it is the series' first
	at    time.Time // of the value; zero: the snapshot's
	value float64
	dist  *distribution // of latencies
}

// snapshot is what was seen at a moment. Nobody changes it.
type snapshot struct {
	at      time.Time
	before  time.Time // of the snapshot before; zero: there is none
	samples []sample
	ended   []*series // that have no values any more
	last    bool      // none follows
}

// add adds a value. A counter never falls.
func (s *snapshot) add(v *series, value float64) {
	if v.kind == counter && v.sent {
		value = max(value, v.last)
	}
	s.samples = append(s.samples, sample{series: v, fresh: !v.sent, value: value})
	v.sent, v.last = true, value
}

// addAt adds a value that was read at some other moment, unless it has been added before.
func (s *snapshot) addAt(v *series, at time.Time, value float64) {
	if v.sent && !at.After(v.at) {
		return
	}
	s.samples = append(s.samples, sample{series: v, at: at, value: value})
	v.sent, v.at = true, at
}

// endsAfter is how long after a snapshot its series that have ended do so: they may have
// a value in it.
const endsAfter = time.Millisecond

// end says that a scope has no values any more.
func (s *snapshot) end(of *scope) {
	if of == nil {
		return
	}
	for _, v := range of.series {
		if v.sent {
			s.ended = append(s.ended, v)
		}
	}
	clear(of.series)
}
