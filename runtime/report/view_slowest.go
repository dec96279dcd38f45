package report

import (
	"strconv"

	"weir/runtime/result"
)

// slowest is the table of single requests that a reader wants to look at, and a line
// that says which they are.
func slowest(c *result.Case, rows []Row, l Lang) (tables []table, note string) {
	if len(rows) == 0 {
		return nil, ""
	}
	ms := func(text, term string, of func(Row) *float64) requestColumn {
		return requestColumn{head: head{Text: text, Unit: "ms", Term: term}, cell: func(r Row) cell { return opt(of(r)) }}
	}
	tokens := func(key, term string, of func(Row) *int) requestColumn {
		return requestColumn{head: head{Text: l.T(key), Term: term}, cell: func(r Row) cell {
			if n := of(r); n != nil {
				return count(int64(*n))
			}
			return cell{Text: absent}
		}}
	}
	words := func(key string, of func(Row) string) requestColumn {
		return requestColumn{same: true, head: head{Text: l.T(key), Left: true}, cell: func(r Row) cell {
			if of(r) == "" {
				return cell{Text: absent, Left: true}
			}
			return text(of(r))
		}}
	}
	columns := []requestColumn{
		{head: head{Text: l.T("iteration")}, cell: func(r Row) cell { return cell{Text: strconv.Itoa(r.Iteration)} }},
		words("scenario name", func(r Row) string { return r.Scenario }),
		{head: head{Text: l.T("at"), Unit: "s"}, cell: func(r Row) cell { return cell{Text: strconv.FormatFloat(r.At, 'f', 3, 64), Title: moment(r.Wall)} }},
		ms("E2EL", "e2el", func(r Row) *float64 { return r.E2EL }),
		ms("TTFT", "ttft", func(r Row) *float64 { return r.TTFT }),
		ms("TPOT", "tpot", func(r Row) *float64 { return r.TPOT }),
		{head: head{Text: l.T("longest gap"), Unit: "ms", Term: "itl"}, cell: func(r Row) cell {
			k := opt(r.Gap)
			if r.Gap != nil && r.GapAt != nil {
				k.Title = number(*r.GapAt) + " s"
			}
			return k
		}},
		ms(l.T("lag"), "start_lag", func(r Row) *float64 { return r.Lag }),
		ms(l.T("took until the end"), "", func(r Row) *float64 {
			if r.E2EL != nil {
				return nil // there it tells the same, with what comes after the last token
			}
			return r.Took
		}),
		tokens("input tokens", "input_tokens", func(r Row) *int { return r.Input }),
		tokens("cached tokens", "cached_tokens", func(r Row) *int { return r.Cached }),
		tokens("output tokens", "output_tokens", func(r Row) *int { return r.Output }),
		{head: head{Text: l.T("status")}, cell: func(r Row) cell {
			if r.Status == 0 {
				return cell{Text: absent}
			}
			return cell{Text: strconv.Itoa(r.Status)}
		}},
		{head: head{Text: l.T("end"), Left: true}, cell: func(r Row) cell {
			switch {
			case r.Error != "":
				return cell{Text: r.Error, Mark: "bad", Note: r.Message, Left: true}
			case r.Finish != "":
				return text(r.Finish)
			}
			return cell{Text: absent, Left: true}
		}},
		words("model", func(r Row) string { return r.Model }),
		words("host", func(r Row) string { return r.Host }),
		{head: head{Text: l.T("why"), Left: true}, cell: func(r Row) cell {
			var all string
			for _, w := range r.Why {
				if all != "" {
					all += ", "
				}
				all += l.why(w)
			}
			return text(all)
		}},
	}
	t := table{Caption: l.T("slowest"), Sort: true, Search: true, Wide: true, Rows: make([][]cell, len(rows))}
	for _, column := range columns {
		cells := make([]cell, len(rows))
		there, differ := false, false
		for i, r := range rows {
			cells[i] = column.cell(r)
			there = there || cells[i].Text != absent
			differ = differ || cells[i].Text != cells[0].Text
		}
		if !there || column.same && !differ {
			continue
		}
		t.Head = append(t.Head, column.head)
		for i := range rows {
			t.Rows[i] = append(t.Rows[i], cells[i])
		}
	}
	return []table{t}, l.F("slowest of", len(rows), whole(c.Counts.Requests))
}

// requestColumn is a column of the table of requests.
type requestColumn struct {
	head head
	cell func(Row) cell
	same bool // it is left out where all rows have the same
}

// why says in a word why a request is in the table.
func (l Lang) why(w Why) string {
	switch w {
	case SlowE2EL:
		return "E2EL"
	case SlowTTFT:
		return "TTFT"
	case SlowGap:
		return l.T("longest gap")
	case SlowPlain:
		return l.T("took until the end")
	case Failed:
		return l.T("failed")
	}
	return string(w)
}
