package dataset

import (
	"cmp"
	"slices"

	"weir/modules/dataset/reader"
)

// source is where the items of a dataset were read, and what was not taken.
type source struct {
	path     string
	format   string
	why      string // it is of this format
	rows     int    // that could be read
	looked   int    // rows whose lengths were looked at until a sample was full; 0: all
	rejected []reader.Rejection
}

// firstRejected is how many rows of each reason are shown.
const firstRejected = 3

func (s *source) clone() *source {
	if s == nil {
		return &source{}
	}
	out := *s
	out.rejected = slices.Clone(s.rejected)
	for i := range out.rejected {
		out.rejected[i].First = slices.Clone(out.rejected[i].First)
	}
	return &out
}

// reject counts a row that was dropped, or (with line 0) an item whose row is not known any more.
func (s *source) reject(reason, path string, line int, text string) {
	i := slices.IndexFunc(s.rejected, func(r reader.Rejection) bool { return r.Reason == reason })
	if i < 0 {
		i = len(s.rejected)
		s.rejected = append(s.rejected, reader.Rejection{Reason: reason})
	}
	r := &s.rejected[i]
	r.Count++
	if line > 0 && len(r.First) < firstRejected {
		r.First = append(r.First, reader.Rejected{Path: path, Line: line, Text: cut(text, 120)})
	}
}

// cut shortens a text to n characters.
func cut(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i] + "…"
		}
	}
	return text
}

// Source says what a dataset was read from; the zero Source of one that was made.
type Source struct {
	Path, Format, Why string
	Rows              int // that could be read
	// Looked is how many rows' lengths were looked at, where a sample was full before the
	// last one; otherwise 0.
	Looked int
	// Rejected are the rows that were not taken, by reason, most frequent first.
	Rejected []reader.Rejection
}

// Source is where the items come from.
func (d *Dataset) Source() Source {
	if d.source == nil {
		return Source{}
	}
	s := d.source.clone()
	slices.SortStableFunc(s.rejected, func(a, b reader.Rejection) int { return cmp.Compare(b.Count, a.Count) })
	return Source{Path: s.path, Format: s.format, Why: s.why, Rows: s.rows, Looked: s.looked, Rejected: s.rejected}
}
