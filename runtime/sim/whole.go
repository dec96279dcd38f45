package sim

import (
	"net/http"
	"strconv"
	"time"
)

// sendWhole sends an answer that is not streamed, when all its tokens are made.
// A fault that strikes streams in the middle strikes the body in the middle.
func (s *stream) sendWhole(due time.Duration) error {
	s.buf = s.reply.appendWhole(s.event())
	tokens := s.reply.total()
	switch s.fault.name {
	case faultErrorBody:
		failure := apiError{status: http.StatusInternalServerError, kind: "InternalServerError", message: "simulated: the engine died"}
		s.buf, tokens = failure.appendJSON(s.event()), 0
	case faultBadJSON, faultTruncate:
		s.buf, tokens = s.buf[:frame+(len(s.buf)-frame)/2], 0
	case faultRoleOnly:
		s.buf, tokens = s.event(), 0
	}
	body := s.buf[frame:]
	s.w.Header().Set("Content-Type", "application/json")
	s.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	s.w.WriteHeader(http.StatusOK)
	s.entry.set(func(r *Request) { r.Status = http.StatusOK })

	switch s.fault.name {
	case faultClose, faultReset, faultHang:
		if err := s.flush(body[:len(body)/2]); err != nil {
			return err
		}
		return s.strike(due)
	}
	if tokens > 0 {
		s.finish(0)
	}
	if len(body) > 0 {
		if err := s.send(Event{Kind: EventBody, Tokens: tokens, Due: due}); err != nil {
			return err
		}
	}
	if tokens == 0 {
		return errFault
	}
	return nil
}
