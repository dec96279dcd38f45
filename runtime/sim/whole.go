package sim

import (
	"net/http"
	"strconv"
	"time"
)

// sendWhole sends an answer that is not streamed, when all its tokens are made.
// A fault that strikes streams in the middle strikes the body in the middle.
func (s *stream) sendWhole(due time.Duration) error {
	d := s.reply.dialect
	s.buf = d.whole(s.event(), s.reply)
	tokens, spoilt, status := s.reply.total(), true, http.StatusOK
	switch s.fault.name {
	case faultErrorBody:
		failure := *errEngine
		if d.failed != 0 {
			failure.status, status = d.failed, d.failed
		}
		s.buf = d.refuse(s.event(), &failure)
	case faultBadJSON, faultTruncate:
		s.buf = s.buf[:frame+(len(s.buf)-frame)/2]
	case faultRoleOnly:
		s.buf = s.event()
	default:
		spoilt = false
	}
	if spoilt {
		tokens = 0
	}
	body := s.buf[frame:]
	s.w.Header().Set("Content-Type", "application/json")
	s.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	s.w.WriteHeader(status)
	s.entry.set(func(r *Request) { r.Status = status })

	switch s.fault.name {
	case faultClose, faultReset, faultHang:
		if err := s.flush(body[:len(body)/2]); err != nil {
			return err
		}
		return s.strike(due)
	}
	s.finish(0, tokens)
	if len(body) > 0 {
		if err := s.send(Event{Kind: EventBody, Tokens: tokens, Due: due}); err != nil {
			return err
		}
	}
	if spoilt {
		return errFault
	}
	return nil
}
