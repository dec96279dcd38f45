package sim

import (
	"context"
	"errors"
	"net/http"
	"time"

	"weir/runtime/pacer"
)

// errFault ends a stream that was cut on purpose.
var errFault = errors.New("cut on purpose")

// stream writes one answer; a streamed one has each event in a chunk of its own,
// which is one write to the socket.
type stream struct {
	ctx      context.Context // done when the client is gone or the server closes
	w        http.ResponseWriter
	flusher  *http.ResponseController
	chunks   *chunker // nil for an answer that is not streamed
	reply    *reply
	entry    *entry
	counters *counters
	fault    fault

	wait        bool            // writes may wait for the client
	buf         []byte          // of the event that is being written; see event
	due         time.Duration   // of the newest step
	tokenEvents int             // sent so far
	struck      bool            // the fault, if any, has had its moment
	lastSent    []time.Duration // of each choice's last token event, since receipt

	// What is kept when a step would have had to wait, until it is called again.
	written int    // events of the step that are done with
	skip    int    // of which the repeated step has still to pass this many
	held    Event  // the event that the client's buffer had no room for
	rest    []byte // of it; nil when nothing is held
	begun   bool   // some of it was sent
}

// event is the empty event in buf. The bytes in front are for the frame.
func (s *stream) event() []byte { return s.buf[:frame] }

// step sends what came out of one step of the engine. Without wait it returns
// errWouldWait when the client's buffer is full, and is to be called once more.
func (s *stream) step(st step, wait bool) error {
	due := st.due.Sub(s.entry.Received)
	s.wait, s.due = wait, due
	if s.rest == nil {
		s.written = 0
	} else if err := s.resume(); err != nil {
		return err
	}
	s.skip = s.written
	r, d := s.reply, s.reply.dialect
	r.tick(st.from, due)
	if st.from == 0 {
		for i := range r.choices {
			if err := s.put(Event{Kind: EventRole, Choice: i, Due: due}, d.first); err != nil {
				return err
			}
		}
	}
	if s.fault.name == faultRoleOnly {
		return errFault
	}
	if d.joint {
		return s.stepJoint(st)
	}
	for i := range r.choices {
		to := min(st.to, r.choices[i].tokens)
		if st.from >= to {
			continue
		}
		last := to == r.choices[i].tokens
		if err := s.putTokens(Event{Choice: i, Tokens: to - st.from}, st.from, to, last); err != nil {
			return err
		}
		if !last {
			continue
		}
		if err := s.put(Event{Kind: EventFinish, Choice: i, Due: due}, d.finish); err != nil {
			return err
		}
	}
	return nil
}

// stepJoint sends the tokens of all choices in one event.
func (s *stream) stepJoint(st step) error {
	tokens, last := 0, true
	for i := range s.reply.choices {
		c := &s.reply.choices[i]
		tokens += max(0, min(st.to, c.tokens)-st.from)
		last = last && st.to >= c.tokens
	}
	if tokens == 0 {
		return nil
	}
	return s.putTokens(Event{Tokens: tokens}, st.from, st.to, last)
}

// put sends the event that write makes, if any.
func (s *stream) put(ev Event, write func(dst []byte, r *reply, choice int) []byte) error {
	if write == nil || s.passed() {
		return nil
	}
	s.buf = write(s.event(), s.reply, ev.Choice)
	return s.send(ev)
}

// putTokens sends tokens of the newest step, and has the fault strike before them.
// last are those that end a text.
func (s *stream) putTokens(ev Event, from, to int, last bool) error {
	if s.passed() {
		return nil
	}
	ev.Kind, ev.Due = EventTokens, s.due
	// At the latest before the end of a text, so that it stays in mid-stream.
	if !s.struck && (s.tokenEvents >= s.fault.after || last) {
		s.struck = true
		if err := s.strike(s.due); err != nil {
			return err
		}
	}
	s.finish(ev.Choice, to)
	s.buf = s.reply.dialect.tokens(s.event(), s.reply, ev.Choice, from, to)
	return s.send(ev)
}

// passed says whether the next event was done with when the step was called before.
func (s *stream) passed() bool {
	if s.skip == 0 {
		return false
	}
	s.skip--
	return true
}

// finish notes the finish reason that is about to be sent with the last of the
// tokens of a choice, of which so many are made.
func (s *stream) finish(choice, made int) {
	if choice == 0 && made >= s.reply.choices[0].tokens {
		s.entry.set(func(r *Request) { r.FinishReason = s.reply.choices[0].finishReason })
	}
}

// open sends what comes at once, before the engine has begun.
func (s *stream) open() error {
	s.wait = true
	return s.put(Event{Kind: EventOpen}, s.reply.dialect.open)
}

// end sends what follows the last token, at its due time.
func (s *stream) end() error {
	s.wait = true
	if err := s.put(Event{Kind: EventUsage, Due: s.due}, s.reply.dialect.usage); err != nil {
		return err
	}
	return s.sendMark()
}

// sendMark sends the mark at the end of a stream, if there is one.
func (s *stream) sendMark() error {
	s.buf = append(s.event(), s.reply.dialect.mark...)
	return s.send(Event{Kind: EventDone, Due: s.due})
}

// strike does what the fault wants in mid-stream. Errors end the stream.
func (s *stream) strike(due time.Duration) error {
	switch s.fault.name {
	case faultErrorBody:
		s.buf = s.reply.dialect.fail(s.event(), s.reply, errEngine)
		if err := s.send(Event{Kind: EventFault, Due: due}); err != nil {
			return err
		}
		if err := s.sendMark(); err != nil {
			return err
		}
		return errFault
	case faultBadJSON:
		s.buf = append(s.event(), s.reply.dialect.broken...)
		return s.send(Event{Kind: EventFault, Due: due})
	case faultClose, faultReset:
		if err := hangUp(s.w, s.fault.name == faultReset); err != nil {
			return err
		}
		return errFault
	case faultTruncate:
		return errFault
	case faultHang:
		<-s.ctx.Done()
		return s.ctx.Err()
	}
	return nil
}

// send writes the event in buf, stamped just before, unless it is empty.
func (s *stream) send(ev Event) error {
	if len(s.buf) == frame {
		s.written++
		return nil
	}
	if s.chunks == nil {
		return s.sendBody(ev)
	}
	b := s.buf
	if s.fault.name == faultTrickle {
		if err := s.trickle(b[frame : len(b)-1]); err != nil {
			return err
		}
		b = append(b[:frame], b[len(b)-1])
	}
	b = s.chunks.chunk(b)
	if s.wait {
		sent := s.entry.sent(ev)
		if err := s.chunks.write(b); err != nil {
			return err
		}
		s.wrote(ev, sent)
		return nil
	}
	sent := s.entry.sent(ev)
	n, err := s.chunks.try(b)
	switch {
	case err != nil:
		return err
	case n < len(b):
		s.held, s.rest, s.begun = ev, b[n:], n > 0
		return errWouldWait
	}
	s.wrote(ev, sent)
	return nil
}

// resume writes what is left of the event that was held up.
func (s *stream) resume() error {
	ev, rest := s.held, s.rest
	s.rest = nil
	sent := s.entry.sentAgain(s.begun)
	if err := s.chunks.write(rest); err != nil {
		return err
	}
	s.wrote(ev, sent)
	return nil
}

// sendBody writes the whole or the rest of an answer that is not streamed.
func (s *stream) sendBody(ev Event) error {
	b := s.buf[frame:]
	if s.fault.name == faultTrickle {
		if err := s.trickle(b[:len(b)-1]); err != nil {
			return err
		}
		b = b[len(b)-1:]
	}
	sent := s.entry.sent(ev)
	if err := s.flush(b); err != nil {
		return err
	}
	s.wrote(ev, sent)
	return nil
}

// flush writes a part of an answer that is not streamed.
func (s *stream) flush(b []byte) error {
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.flusher.Flush()
}

// wrote takes note of an event that the kernel has taken.
func (s *stream) wrote(ev Event, sent time.Duration) {
	s.entry.written()
	s.written++
	if ev.Tokens == 0 {
		return
	}
	s.counters.generationTokens.Add(int64(ev.Tokens))
	s.counters.lateness.observe(sent - ev.Due)
	if ev.Kind != EventTokens {
		return
	}
	if before := s.lastSent[ev.Choice]; before > 0 {
		s.counters.itl.observe(sent - before)
	} else if s.tokenEvents == 0 {
		s.counters.ttft.observe(sent)
	}
	s.lastSent[ev.Choice] = sent
	s.tokenEvents++
}

// trickle writes b in single bytes with pauses.
func (s *stream) trickle(b []byte) error {
	chunk := make([]byte, frame, frame+3)
	for i := range b {
		var err error
		if s.chunks != nil {
			err = s.chunks.write(s.chunks.chunk(append(chunk, b[i])))
		} else {
			err = s.flush(b[i : i+1])
		}
		if err != nil {
			return err
		}
		if err := pacer.Sleep(s.ctx, time.Now().Add(s.reply.cfg.TrickleDelay)); err != nil {
			return err
		}
	}
	return nil
}

// hangUp closes the connection of a request, with a reset (RST) or as usual (FIN).
func hangUp(w http.ResponseWriter, reset bool) error {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	if lingerer, ok := conn.(interface{ SetLinger(sec int) error }); ok && reset {
		_ = lingerer.SetLinger(0) // fails only on a closed connection
	}
	return conn.Close()
}
