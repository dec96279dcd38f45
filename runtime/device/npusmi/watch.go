package npusmi

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	"weir/runtime/device"
)

const (
	leastDelay = time.Second // of npu-smi's watch, and what it does by itself
	mostDelay  = 100 * time.Second

	leastInterval = 100 * time.Millisecond
	quiet         = 250 * time.Millisecond // without another row: a round is over
	again         = time.Minute            // until the table is asked again, for what the rows have not
	againLimit    = 30 * time.Second       // of that
	hurried       = 3                      // rounds that come too soon, one after the other: they come in bursts
)

// Watching is a Source that can watch.
type Watching struct{ *Source }

// Watch runs `npu-smi info watch`, which prints a row a chip every interval, of whole
// seconds and 1 s at least: one process for the whole time, where each call of Read is
// one more that begins by initialising the driver's library. Shorter intervals are
// calls of Read.
//
// The rows have the memory as whole percents: memory_used_mib is that share of the
// capacity in the table, so it goes in steps of 1 %. On chips with both HBM and DDR
// (910A) the rows' share is that of the DDR, and is left out. Health comes from the
// newest table; it is asked for again every minute.
//
// Before the first reading, an error says that this npu-smi cannot watch; then Read can
// be called instead. One that keeps running and prints nothing is for the caller to end.
// A tool that holds its rows back and prints many at once would
// give them wrong times: then Watch itself reads the table at each interval.
func (s Watching) Watch(ctx context.Context, interval time.Duration, emit func(device.Reading)) error {
	interval = max(interval, leastInterval)
	if s.bursts || interval < leastDelay {
		return s.poll(ctx, interval, emit)
	}
	if len(s.last.Chips) == 0 {
		if _, err := s.table(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	running, end := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer end()

	delay := min(max(leastDelay, time.Duration(math.Ceil(interval.Seconds()))*time.Second), mostDelay)
	args := []string{"info", "watch"}
	if delay > leastDelay { // not every version knows -d
		args = append(args, "-d", strconv.Itoa(int(delay/time.Second)))
	}
	lines, ended := make(chan stamped), make(chan error, 1)
	wait.Go(func() {
		ended <- s.tool.Lines(running, func(line string) {
			select {
			case lines <- stamped{line, time.Now()}:
			case <-running.Done():
			}
		}, args...)
	})
	tables, due := make(chan Table, 1), time.NewTicker(again)
	defer due.Stop()

	w := newRounds(s.Source, s.last, delay, emit)
	over := time.NewTimer(quiet)
	defer over.Stop()
	for {
		select {
		case l := <-lines:
			if w.line(l); w.soon == hurried {
				end()
				wait.Wait()
				s.bursts = true
				return s.poll(ctx, interval, emit)
			}
			over.Reset(quiet)
		case <-over.C:
			w.flush()
		case err := <-ended:
			w.flush()
			if ctx.Err() != nil {
				return nil
			}
			if lines := w.rows.Unread(); w.count == 0 && len(lines) > 0 && err != nil {
				err = fmt.Errorf("%w (it printed %q)", err, lines[0])
			}
			return err
		case <-due.C:
			wait.Go(func() {
				limited, cancel := context.WithTimeout(running, againLimit)
				defer cancel()
				if out, err := s.tool.Run(limited, "info"); err == nil {
					select {
					case tables <- ParseTable(string(out)):
					case <-running.Done():
					}
				}
			})
		case t := <-tables:
			w.take(t)
		}
	}
}

// poll reads the table at each interval.
func (s *Source) poll(ctx context.Context, interval time.Duration, emit func(device.Reading)) error {
	due := time.NewTicker(interval)
	defer due.Stop()
	for {
		limited, cancel := context.WithTimeout(ctx, max(againLimit, 2*interval))
		r, err := s.Read(limited)
		cancel()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		emit(r)
		select {
		case <-ctx.Done():
			return nil
		case <-due.C:
		}
	}
}

// stamped is a line, and when it came.
type stamped struct {
	line string
	at   time.Time
}

// rounds makes readings of rows. A round of rows, one a chip, is a reading.
type rounds struct {
	source *Source
	rows   Rows
	chips  map[place]chip
	delay  time.Duration
	emit   func(device.Reading)

	began, ended time.Time // of the round
	round        []device.Values
	seen         []place
	count, soon  int // of rounds; soon: those that came too soon, one after the other
	told         int // unread lines that have been handed out
}

// chip is what the table tells of a chip and the rows do not.
type chip struct {
	index    int
	health   string
	totalMiB float64 // 0: not known
	ddr      bool    // the rows' share of memory is that of another memory
}

func newRounds(s *Source, t Table, delay time.Duration, emit func(device.Reading)) *rounds {
	w := &rounds{source: s, delay: delay, emit: emit}
	w.take(t)
	return w
}

// take keeps what a table tells. One that tells of no devices changes nothing.
func (w *rounds) take(t Table) {
	if len(t.Chips) == 0 {
		return
	}
	w.source.last = t
	index := w.source.indexes(t)
	w.chips = map[place]chip{}
	for i, c := range t.Chips {
		w.chips[placeOf(c.NPU, c.Chip)] = chip{index[i], c.Health, c.Values[device.MemoryTotal], c.both}
	}
}

// line takes a line of the tool.
func (w *rounds) line(l stamped) {
	row, ok := w.rows.Line(l.line)
	if !ok {
		return
	}
	at := placeOf(row.NPU, row.Chip)
	chip, known := w.chips[at]
	if !known { // it has come since the table was asked, or has vanished from there
		w.rows.unread.add(l.line)
		return
	}
	if slices.Contains(w.seen, at) {
		w.flush()
	}
	if len(w.seen) == 0 {
		if w.count > 0 && l.at.Sub(w.began) < w.delay/4 {
			w.soon++
		} else {
			w.soon = 0
		}
		w.began = l.at
	}
	v := device.Values{Kind: "npu", Index: chip.index, Health: chip.health, Of: row.Values}
	if chip.ddr {
		delete(v.Of, device.Memory)
		delete(v.Of, device.MemoryBandwidth)
	}
	if chip.totalMiB > 0 {
		v.Set(device.MemoryTotal, chip.totalMiB)
		if share, ok := v.Of[device.Memory]; ok {
			v.Set(device.MemoryUsed, chip.totalMiB*share/100)
		}
	}
	w.round, w.seen, w.ended = append(w.round, v), append(w.seen, at), l.at
	if len(w.seen) == len(w.chips) {
		w.flush()
	}
}

// flush emits the round, if any.
func (w *rounds) flush() {
	if len(w.round) == 0 {
		return
	}
	w.count++
	took := w.ended.Sub(w.began)
	r := device.Reading{
		Source: w.source.Name(), Host: w.source.tool.Host, At: w.began.Add(took / 2), Took: took, Devices: w.round,
		Unread: slices.Concat(w.rows.Unread()[w.told:], w.source.noted),
	}
	w.told, w.source.noted = len(w.rows.Unread()), nil
	w.round, w.seen = nil, nil
	w.emit(r)
}
