package sim

import (
	"context"
	"errors"
	"net/http"
	"strconv"
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
	if st.from == 0 && s.reply.req.chat {
		for i := range s.reply.choices {
			s.buf = s.appendRole(s.event(), i)
			if err := s.send(Event{Kind: EventRole, Choice: i, Due: due}); err != nil {
				return err
			}
		}
	}
	if s.fault.name == faultRoleOnly {
		return errFault
	}
	for i := range s.reply.choices {
		c := &s.reply.choices[i]
		to := min(st.to, c.tokens)
		if st.from >= to {
			continue
		}
		// At the latest before the end of a text, so that it stays in mid-stream.
		if !s.struck && (s.tokenEvents >= s.fault.after || to == c.tokens) {
			s.struck = true
			if err := s.strike(due); err != nil {
				return err
			}
		}
		if to == c.tokens {
			s.finish(i)
		}
		s.buf = s.appendTokens(s.event(), i, st.from, to)
		if err := s.send(Event{Kind: EventTokens, Choice: i, Tokens: to - st.from, Due: due}); err != nil {
			return err
		}
		if to == c.tokens && s.reply.cfg.FinishChunk {
			s.buf = s.appendFinishChunk(s.event(), i)
			if err := s.send(Event{Kind: EventFinish, Choice: i, Due: due}); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish notes the finish reason that is about to be sent.
func (s *stream) finish(choice int) {
	if choice == 0 {
		s.entry.set(func(r *Request) { r.FinishReason = s.reply.choices[0].finishReason })
	}
}

// end sends what follows the last token, at its due time.
func (s *stream) end() error {
	s.wait = true
	due := s.due
	if s.reply.req.includeUsage {
		s.buf = s.appendUsageChunk(s.event())
		if err := s.send(Event{Kind: EventUsage, Due: due}); err != nil {
			return err
		}
	}
	s.buf = append(s.event(), "data: [DONE]\n\n"...)
	return s.send(Event{Kind: EventDone, Due: due})
}

// strike does what the fault wants in mid-stream. Errors end the stream.
func (s *stream) strike(due time.Duration) error {
	switch s.fault.name {
	case faultErrorBody:
		failure := apiError{status: http.StatusInternalServerError, kind: "InternalServerError", message: "simulated: the engine died"}
		s.buf = failure.appendJSON(append(s.event(), "data: "...))
		s.buf = append(s.buf, "\n\n"...)
		if err := s.send(Event{Kind: EventFault, Due: due}); err != nil {
			return err
		}
		s.buf = append(s.event(), "data: [DONE]\n\n"...)
		if err := s.send(Event{Kind: EventDone, Due: due}); err != nil {
			return err
		}
		return errFault
	case faultBadJSON:
		s.buf = append(s.event(), "data: {\"id\": \"chatcmpl-\n\n"...)
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

// send writes the event in buf, stamped just before.
func (s *stream) send(ev Event) error {
	if s.skip > 0 { // it was sent when the step was called before
		s.skip--
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

func (s *stream) appendChoice(dst []byte, choice int) []byte {
	dst = append(dst, s.reply.chunk...)
	dst = append(dst, `{"index":`...)
	return strconv.AppendInt(dst, int64(choice), 10)
}

func (s *stream) appendRole(dst []byte, choice int) []byte {
	dst = s.appendChoice(dst, choice)
	dst = append(dst, `,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]`...)
	return s.appendClose(dst, choice, 0)
}

func (s *stream) appendTokens(dst []byte, choice, from, to int) []byte {
	c := &s.reply.choices[choice]
	dst = s.appendChoice(dst, choice)
	if s.reply.req.chat {
		dst = append(dst, `,"delta":{`...)
		dst = s.reply.appendMessage(dst, c, from, to)
		dst = append(dst, `},"logprobs":null,`...)
	} else {
		dst = append(dst, `,"text":`...)
		dst = s.reply.appendText(dst, c, from, to)
		dst = append(dst, `,"logprobs":null,`...)
	}
	switch {
	case to == c.tokens && !s.reply.cfg.FinishChunk:
		dst = appendFinish(dst, c)
	case s.reply.req.chat:
		dst = append(dst, `"finish_reason":null`...)
	default:
		dst = append(dst, `"finish_reason":null,"stop_reason":null`...)
	}
	dst = append(dst, `,"token_ids":null}]`...)
	return s.appendClose(dst, choice, to)
}

func (s *stream) appendFinishChunk(dst []byte, choice int) []byte {
	c := &s.reply.choices[choice]
	dst = s.appendChoice(dst, choice)
	if s.reply.req.chat {
		dst = append(dst, `,"delta":{},"logprobs":null,`...)
	} else {
		dst = append(dst, `,"text":"","logprobs":null,`...)
	}
	dst = appendFinish(dst, c)
	dst = append(dst, "}]"...)
	return s.appendClose(dst, choice, c.tokens)
}

// appendClose ends a chunk, with the usage so far when it was asked for.
func (s *stream) appendClose(dst []byte, choice, made int) []byte {
	if s.reply.req.continuousUsage {
		dst = append(dst, `,"usage":`...)
		dst = s.reply.appendUsage(dst, made, min(made, s.reply.choices[choice].reasoning))
	}
	return append(dst, "}\n\n"...)
}

func (s *stream) appendUsageChunk(dst []byte) []byte {
	dst = append(dst, s.reply.chunk...)
	dst = append(dst, `],"usage":`...)
	dst = s.reply.appendUsage(dst, s.reply.total(), s.reply.reasoningMade(s.reply.total()))
	return append(dst, "}\n\n"...)
}
