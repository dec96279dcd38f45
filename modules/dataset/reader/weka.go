package reader

import (
	"bytes"
	"time"
)

// fitsWeka looks at the first request.
func fitsWeka(r *record, _ *Options) []string {
	var marks []string
	var request object
	_ = elements(r.get("requests"), func(_ int, raw []byte) error {
		if request.parse(raw) && (request.has("t", "in") || string(request.get("type")) == `"subagent"`) {
			marks = []string{"requests", "t", "in"}
		}
		return reject("one is enough")
	})
	return marks
}

// weka reads traces of coding agents: an object a conversation.
type weka struct {
	unit  time.Duration
	block int
	base  int64 // is added to hash ids, which each file counts from 1
	top   int64 // the highest one so far, of those that are counted
	lines lineCounter
}

const maxCounted = 1 << 40 // ids from here on are hashes, and not counted

// lineCounter tells lines of a record, in ascending order, in one pass.
type lineCounter struct {
	line, at int
}

func (l *lineCounter) of(raw []byte, at int) int {
	l.line += bytes.Count(raw[l.at:at], newline)
	l.at = at
	return l.line
}

func wekaRows(o *Options) func(*record, *batch) error {
	w := &weka{unit: o.unitOr(time.Second), block: o.BlockSize}
	return w.rows
}

func (w *weka) rows(r *record, b *batch) error {
	var session, scope, model string
	block := 0
	if err := first(r.label("id", &session), r.words("hash_id_scope", &scope), r.label("model", &model), r.count("block_size", &block)); err != nil {
		return err
	}
	switch {
	case block > 0:
	case w.block > 0:
		block = w.block
	default:
		block = 64
	}
	requests, err := r.list("requests")
	if err != nil {
		return err
	}
	if scope != "global" {
		w.base = w.top
		w.top++ // so that hashes, which are not counted, differ too
	}
	w.lines = lineCounter{line: r.line}
	return w.requests(r, b, requests, at{session: session, model: model, block: block, global: scope == "global"})
}

// at is where in a conversation requests are.
type at struct {
	session string
	model   string
	block   int
	global  bool
	since   time.Duration // when the agent was started, of a subagent
	sub     bool
}

// requests makes a row of each, and of those of subagents, which are sessions of
// their own.
func (w *weka) requests(r *record, b *batch, raw []byte, where at) error {
	from := offset(r.raw, raw)
	turn := 0
	var shift time.Duration
	return elements(raw, func(begin int, value []byte) error {
		request := record{path: r.path, line: w.lines.of(r.raw, from+begin), raw: value}
		if !request.object.parse(value) {
			b.reject(reject("a request is not an object"), request.path, request.line, value)
			return nil
		}
		if string(request.get("type")) == `"subagent"` {
			w.subagent(r, &request, b, where)
			return nil
		}
		row := b.add(&request)
		if err := w.request(&request, row, where); err != nil {
			b.drop()
			b.reject(err, request.path, request.line, value)
			return nil
		}
		// The times of a subagent's requests count from the begin of the conversation in
		// some files, and from its own in others.
		if where.sub && turn == 0 && row.At < where.since {
			shift = where.since
		}
		row.At += shift
		row.Turn = turn
		if turn == 0 {
			row.Delay, row.HasDelay = 0, false
		}
		turn++
		return nil
	})
}

func (w *weka) request(r *record, row *Row, where at) error {
	row.Session, row.Model = where.session, where.model
	if err := first(
		r.arrive("t", w.unit, row), r.think("think_time", w.unit, row), r.label("model", &row.Model), r.label("type", &row.Kind),
		r.need("in", &row.PromptTokens), r.need("out", &row.OutputTokens), r.hashes("hash_ids", &row.HashIDs),
	); err != nil {
		return err
	}
	if !row.Timed {
		return reject(`"t" is missing`)
	}
	if err := row.blocks(where.block, true); err != nil {
		return err
	}
	for i, id := range row.HashIDs {
		if !where.global {
			row.HashIDs[i] += w.base
		}
		if id >= 0 && id < maxCounted {
			w.top = max(w.top, row.HashIDs[i]+1)
		}
	}
	return nil
}

// subagent reads the requests of an agent that the conversation started.
func (w *weka) subagent(r, request *record, b *batch, where at) {
	var row Row
	name := ""
	err := first(request.arrive("t", w.unit, &row), request.label("agent_id", &name))
	inner, missing := request.list("requests")
	switch {
	case err != nil:
	case where.sub:
		err = reject("a subagent of a subagent")
	case missing != nil:
		err = missing
	default:
		where.sub, where.since = true, row.At
		where.session += "/" + name
		err = w.requests(r, b, inner, where)
	}
	if err != nil {
		b.reject(err, request.path, request.line, request.raw)
	}
}

// offset is where a part lies in whole, of which it is a slice.
func offset(whole, part []byte) int { return cap(whole) - cap(part) }
