package nvidia

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"weir/runtime/device"
)

// Watch runs one nvidia-smi that prints again and again, which costs the driver far
// less than starting one for each reading.
func (s *Source) Watch(ctx context.Context, interval time.Duration, emit func(device.Reading)) error {
	// The first call tells which of the fields the driver knows.
	if _, _, err := s.query(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	rounds := rounds{emit: func(rows []row, unread []string, at time.Time) {
		emit(s.reading(rows, unread, at, 0))
	}}
	args := append(s.args(), "-lms", strconv.FormatInt(max(1, interval.Milliseconds()), 10))
	if err := s.tool.Lines(ctx, rounds.line, args...); err != nil {
		return fmt.Errorf("watch GPUs: %w", err)
	}
	return nil
}

// rounds makes readings of the lines that keep coming: the head once, then a line for
// each GPU, again and again.
type rounds struct {
	emit  func(rows []row, unread []string, at time.Time)
	table table
	rows  []row     // of the round that has begun
	first time.Time // when its first line came
	size  int       // GPUs that the last round had
}

func (r *rounds) line(text string) {
	this, ok := r.table.line(text)
	if !ok {
		return
	}
	if slices.ContainsFunc(r.rows, func(other row) bool { return other.index == this.index }) {
		r.end() // a GPU of the round that was awaited has not come
	}
	if len(r.rows) == 0 {
		r.first = time.Now()
	}
	r.rows = append(r.rows, this)
	// A round has as many lines as there are GPUs, or as the last one had.
	count, err := strconv.Atoi(this.text("count"))
	if err != nil {
		count = r.size
	}
	if len(r.rows) == count {
		r.end()
	}
}

func (r *rounds) end() {
	r.emit(r.rows, r.table.unread, r.first)
	r.size = len(r.rows)
	r.rows, r.table.unread = nil, nil
}
