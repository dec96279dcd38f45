package checkup

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"weir/modules/llm"
	"weir/runtime/doctor"
	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/transport"
)

// streamTokens is how many tokens the stream that is looked at has.
const streamTokens = 64

// streamed is a stream, and what its head said.
type streamed struct {
	answer *llm.Answer
	header http.Header
	failed *metrics.Error // why there is none
}

// stream asks for a stream with a backend.
func (c *checker) stream(ctx context.Context, backend string) (s streamed) {
	c.say("a stream of %d tokens as %s … ", streamTokens, backend)
	ignore := c.service.IgnoreEOS
	q := c.question(backend, "Count from one to a hundred in words, one after another.", streamTokens)
	q.Stream, q.IgnoreEOS = true, ignore != nil && ignore.Works != nil && *ignore.Works
	q.Head = func(x *transport.Exchange) { s.header = header(x) }
	a, err := llm.Ask(ctx, c.clients, q)
	if err != nil { // the same question has been asked by package probe
		s.failed = &metrics.Error{Kind: "unsent", Message: err.Error()}
		return s
	}
	s.answer, s.failed = a, a.Error
	return s
}

// question is a request with a backend.
func (c *checker) question(backend, prompt string, tokens int) llm.Question {
	base, _, _ := c.cfg.At("") // Run has parsed it
	return llm.Question{
		Backend: backend, URL: base.String(), Options: c.cfg.Options, Signer: c.cfg.Signer, Header: c.cfg.Headers(backend),
		Limits: transport.Limits{Connect: c.cfg.Timeout, Total: c.cfg.Timeout},
		Model:  c.service.Model, Prompt: prompt, MaxTokens: tokens,
	}
}

// ttft is the time to the first token; 0: not known.
func (s streamed) ttft() time.Duration {
	if s.failed != nil || len(s.answer.At) == 0 {
		return 0
	}
	return s.answer.At[0].Sub(s.answer.Started)
}

const (
	fewEvents  = 8                      // from which on a stream shows how it comes
	shortTime  = 50 * time.Millisecond  // in which a fast service makes that stream: then nothing can be told
	atOnce     = 0.05                   // share of the whole time in which the events of a buffered stream come
	bunchedBy  = 4.0                    // events a read
	fastEvents = 100 * time.Microsecond // between events: no model makes them as fast, one at a time
	bunchedGap = 10 * time.Millisecond  // between the reads: less is how a busy network brings them
)

// streaming judges whether the events came as they were made, by the times at which
// they came: events that were taken from the connection together have the same.
func streaming(s streamed, other http.Header) result.Finding {
	k := of("streaming")
	if s.failed != nil {
		return k.Fail("no stream can be measured", "weir probe tells what the service says", "the stream failed: %s", s.failed.Message)
	}
	at := s.answer.At
	if len(at) < fewEvents {
		return k.Skip("only %d events with tokens came, which is too few to tell", len(at))
	}
	first, last := at[0].Sub(s.answer.Started), at[len(at)-1].Sub(s.answer.Started)
	gap := (last - first) / time.Duration(len(at)-1)
	reads := len(slices.Compact(slices.Clone(at)))
	what := fmt.Sprintf("%d events came in %s, the first after %s and the last after %s", len(at), map[bool]string{true: "1 read", false: fmt.Sprint(reads, " reads")}[reads == 1], doctor.Show(first), doctor.Show(last))
	const why = "TTFT is then the time of the whole answer, and the times between tokens are those of the buffer"
	do := unbuffer(through(s.header), through(other))
	switch {
	case last < shortTime:
		return k.OK("%s: too fast to tell whether something buffers them", what)
	case reads == 1, (float64(len(at)) >= bunchedBy*float64(reads) || gap < fastEvents) && float64(last-first) < atOnce*float64(last):
		return k.Fail(why, do, "something on the way holds the stream back until its end: %s", what)
	case float64(len(at)) >= bunchedBy*float64(reads) && (last-first)/time.Duration(max(1, reads-1)) > bunchedGap:
		return k.Warn("times between tokens are 0 within a bunch and long between two: percentiles of ITL say nothing, TTFT is that of the first bunch",
			do+"; or the service itself sends that rarely (vLLM --stream-interval, --num-scheduler-steps; SGLang --stream-interval)",
			"events come in bunches: %s", what)
	}
	return k.OK("%s", what)
}

// unbuffer is what to do about a buffer on the way.
func unbuffer(names ...[]string) string {
	all := strings.ToLower(strings.Join(slices.Concat(names...), " "))
	switch {
	case strings.Contains(all, "nginx"), strings.Contains(all, "openresty"), strings.Contains(all, "tengine"), strings.Contains(all, "kong"), strings.Contains(all, "apisix"):
		return "in the proxy (nginx): proxy_buffering off; gzip off; — or let the service send the header X-Accel-Buffering: no; or measure past the proxy"
	case all != "":
		return "turn buffering and compression of text/event-stream off in the proxy, or measure past it"
	}
	return "ask the service at its own port, on its own machine: if it streams there, a proxy or gateway on the way collects (nginx: proxy_buffering off); if not, the service does"
}

// compression judges whether the stream is compressed, which nobody has asked for.
func compression(s streamed) result.Finding {
	k := of("compression")
	switch coding := s.header.Get("Content-Encoding"); {
	case s.header == nil:
		return k.Skip("no stream came")
	case coding != "" && !strings.EqualFold(coding, "identity"):
		return k.Fail("a compressor collects events before it sends them, and weir, which asks for no compression, cannot read them",
			"turn it off for text/event-stream (nginx: gzip off; or gzip_types without it)", "streams are compressed (Content-Encoding: %s)", short(coding))
	}
	return k.OK("streams are not compressed")
}
