package nvidia

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"weir/runtime/device"
)

const (
	leastJudged = 100 * time.Millisecond // interval in which bursts can be told from a busy machine
	hurried     = 3                      // rounds that come too soon, one after the other: they come in bursts
)

// Watch runs one nvidia-smi that prints again and again, which costs the driver far
// less than starting one for each reading. One that holds its lines back and prints many
// at once would give them wrong times: then Watch starts one for each reading.
func (s *Source) Watch(ctx context.Context, interval time.Duration, emit func(device.Reading)) error {
	// The first call tells which of the fields the driver knows.
	if _, _, err := s.query(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if !s.bursts {
		running, end := context.WithCancel(ctx)
		defer end()
		rounds := rounds{interval: interval, emit: func(rows []row, unread []string, at time.Time) {
			emit(s.reading(rows, unread, at, 0))
		}}
		args := append(s.args(), "-lms", strconv.FormatInt(max(1, interval.Milliseconds()), 10))
		err := s.tool.Lines(running, func(line string) {
			if rounds.soon < hurried {
				rounds.line(line)
			} else {
				end()
			}
		}, args...)
		if err != nil {
			return fmt.Errorf("watch GPUs: %w", err)
		}
		s.bursts = rounds.soon >= hurried
	}
	return s.poll(ctx, interval, emit)
}

// poll starts an nvidia-smi at each interval until ctx ends.
func (s *Source) poll(ctx context.Context, interval time.Duration, emit func(device.Reading)) error {
	due := time.NewTicker(interval)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-due.C:
		}
		r, err := s.Read(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		emit(r)
	}
}

// rounds makes readings of the lines that keep coming: the head once, then a line for
// each GPU, again and again.
type rounds struct {
	interval time.Duration
	emit     func(rows []row, unread []string, at time.Time)
	table    table
	rows     []row     // of the round that has begun
	first    time.Time // when its first line came, or that of the last one
	size     int       // GPUs that the last round had
	soon     int       // rounds that came too soon, one after the other
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
		now := time.Now()
		if r.size > 0 && r.interval >= leastJudged && now.Sub(r.first) < r.interval/4 {
			r.soon++
		} else {
			r.soon = 0
		}
		r.first = now
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
