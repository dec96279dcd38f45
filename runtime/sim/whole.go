package sim

import (
	"net/http"
	"strconv"
	"time"
)

// sendWhole sends an answer that is not streamed, when all its tokens are made.
// A fault that strikes streams in the middle strikes the body in the middle.
func (s *stream) sendWhole(due time.Duration) error {
	s.buf = s.reply.appendWhole(s.buf[:0])
	tokens := s.reply.total()
	switch s.fault.name {
	case faultErrorBody:
		failure := apiError{status: http.StatusInternalServerError, kind: "InternalServerError", message: "simulated: the engine died"}
		s.buf, tokens = failure.appendJSON(s.buf[:0]), 0
	case faultBadJSON, faultTruncate:
		s.buf, tokens = s.buf[:len(s.buf)/2], 0
	case faultRoleOnly:
		s.buf, tokens = s.buf[:0], 0
	}
	s.w.Header().Set("Content-Type", "application/json")
	s.w.Header().Set("Content-Length", strconv.Itoa(len(s.buf)))
	s.w.WriteHeader(http.StatusOK)
	s.entry.set(func(r *Request) { r.Status = http.StatusOK })

	switch s.fault.name {
	case faultClose, faultReset, faultHang:
		if _, err := s.w.Write(s.buf[:len(s.buf)/2]); err != nil {
			return err
		}
		if err := s.flusher.Flush(); err != nil {
			return err
		}
		return s.strike(due)
	}
	if tokens > 0 {
		s.finish(0)
	}
	if len(s.buf) > 0 {
		s.counters.generationTokens.Add(int64(tokens))
		if err := s.send(Event{Kind: EventBody, Tokens: tokens, Due: due}); err != nil {
			return err
		}
	}
	if tokens == 0 {
		return errFault
	}
	return nil
}
