package llm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/modules/llm"
	"weir/runtime/result"
	"weir/runtime/sim"
)

// simulator is a simulated service that speaks one protocol.
func simulator(t *testing.T, protocol string, edit func(*sim.Config)) *sim.Server {
	t.Helper()
	cfg := sim.Default()
	cfg.TTFT, cfg.ITL, cfg.PrefillRate, cfg.ITLSlope, cfg.Jitter = 20*time.Millisecond, 2*time.Millisecond, 0, 0, 0
	cfg.Speaks = []string{protocol}
	if edit != nil {
		edit(&cfg)
	}
	s, err := sim.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// silent are the protocols whose streams say neither what was counted nor why an
// answer ended; noEndMark those in which nothing need tell that it has; single those
// with one token in each event, whatever the service does.
var (
	silent    = []string{"vllm", "trt", "triton", "mindie-vllm", "base", "mindspore"}
	noEndMark = append([]string{"mindie-triton"}, silent...)
	single    = []string{"tgi", "llamacpp", "mindspore"}
)

// Every protocol, from the script to the simulated service and back: what was asked for,
// what came, when, and how it ended.
func TestEveryBackend(t *testing.T) {
	const tokens = 12
	for _, name := range llm.BackendNames() {
		if name == "embeddings" || name == "rerank" {
			continue
		}
		own := ""
		if name == "base" { // its limit is that of prompt and answer together
			own = ", promptTokens: 4"
		}
		send := func(t *testing.T, s *sim.Server, options string) (r reply, found *result.Case) {
			found = played(t, fmt.Sprintf(`
				const service = new Endpoint({ backend: %q, url: %q, model: "sim", timeout: "20s" });
				return JSON.stringify(await service.complete("Once upon a time", { maxTokens: %d, ignoreEos: true%s }));`, name, s.URL(), tokens, own+options), &r)
			return r, found
		}
		t.Run(name, func(t *testing.T) {
			s := simulator(t, name, nil)
			r, found := send(t, s, "")
			if r.Error != nil {
				t.Fatalf("%+v", r.Error)
			}
			if r.Tokens != tokens || found.TokenEvents.All != tokens || r.Text == "" {
				t.Errorf("%d tokens in %d events, want %d: %q", r.Tokens, found.TokenEvents.All, tokens, r.Text)
			}
			if counted := r.Usage != nil; counted == slices.Contains(silent, name) {
				t.Errorf("usage %+v", r.Usage)
			}
			if known := r.FinishReason != nil; known == slices.Contains(silent, name) || known && *r.FinishReason != "length" {
				t.Errorf("finish reason %v", r.FinishReason)
			}
			// The service's own log: the first token was sent then, and cannot have come before.
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := s.Log().Wait(ctx); err != nil {
				t.Fatal(err)
			}
			first := time.Duration(0)
			for _, e := range s.Log().Requests()[0].Events {
				if e.Tokens > 0 {
					first = e.Sent
					break
				}
			}
			if ms := float64(first) / 1e6; r.TTFT != nil && *r.TTFT < ms-0.1 {
				t.Errorf("TTFT %v ms, the first token was sent after %v ms", *r.TTFT, ms)
			}

			whole, _ := send(t, s, ", stream: false")
			if whole.Error != nil || whole.Text != r.Text || whole.TTFT != nil {
				t.Errorf("whole: %q, %+v; streamed: %q", whole.Text, whole.Error, r.Text)
			}
		})
		t.Run(name+", several tokens an event", func(t *testing.T) {
			if slices.Contains(single, name) {
				t.Skip("it has one token in each")
			}
			s := simulator(t, name, func(c *sim.Config) { c.TokensPerEvent = 4 })
			r, found := send(t, s, ", tokensPerEvent: 4")
			if events := found.TokenEvents.All; r.Error != nil || r.Tokens != tokens || events != 1+(tokens-1+3)/4 {
				t.Errorf("%d tokens in %d events, %+v", r.Tokens, events, r.Error)
			}
		})
		for _, row := range []struct{ fault, kind, message string }{
			{"500", "http_status", "nternal"},
			{"429", "rate_limited", "Retry-After: 1"},
			{"html", "not_a_stream", "text/html"},
			{"error-event", "stream_error", "the engine died"},
			{"bad-json", "malformed_event", ""},
			{"close", "truncated", ""},
			{"reset", "truncated", ""},
			{"truncate", "stream_incomplete", "without its end mark"},
		} {
			t.Run(name+", "+row.fault, func(t *testing.T) {
				s := simulator(t, name, func(c *sim.Config) { c.Fault, c.FaultRate = row.fault, 1 })
				r, found := send(t, s, "")
				if row.fault == "truncate" && slices.Contains(noEndMark, name) { // nothing tells
					if r.Error != nil || r.Tokens >= tokens {
						t.Errorf("%d tokens, %+v", r.Tokens, r.Error)
					}
					return
				}
				if r.Error == nil || r.Error.Kind != row.kind || !strings.Contains(r.Error.Message, row.message) || found.Counts.RequestsFailed != 1 {
					t.Errorf("%+v, want %s: %s", r.Error, row.kind, row.message)
				}
			})
		}
	}
}

// What a service does not tell of its cache is no sample, and null in the reply.
func TestUntoldCachedTokens(t *testing.T) {
	for cache, want := range map[bool]string{false: "null null", true: "0 null"} {
		s := simulator(t, "openai-chat", func(c *sim.Config) { c.PrefixCache = cache })
		got, found, thrown := play(t, fmt.Sprintf(`
			const { usage } = await new Endpoint({ backend: "openai-chat", url: %q, model: "sim", timeout: "20s" }).chat([{ role: "user", content: "Once" }], { maxTokens: 2 });
			return usage.cachedTokens + " " + usage.reasoningTokens;`, s.URL()))
		if thrown != nil {
			t.Fatal(thrown)
		}
		if m := found.Metrics["cached_tokens"]; got != want || (m != nil && m.N == 1) != cache {
			t.Errorf("prefix cache %v: told %s, want %s; %+v", cache, got, want, m)
		}
	}
}

// The services that make no tokens.
func TestEveryPoolingBackend(t *testing.T) {
	for name, call := range map[string]string{"embeddings": `embed(["Once upon", "a time"])`, "rerank": `rerank("Once", ["upon", "a time"])`} {
		s := simulator(t, name, nil)
		var r struct {
			Results, Tokens int
			Usage           *struct{ InputTokens int }
			Error           *struct{ Kind string }
			Latency         float64
		}
		text, _, thrown := play(t, fmt.Sprintf(`return JSON.stringify(await new Endpoint({ backend: %q, url: %q, model: "sim", timeout: "20s" }).%s);`, name, s.URL(), call))
		if thrown != nil {
			t.Fatal(thrown)
		}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if r.Error != nil || r.Results != 2 || r.Tokens != 0 || r.Usage == nil || r.Usage.InputTokens <= 0 || r.Latency < 10 {
			t.Errorf("%s: %+v %+v", name, r, r.Error)
		}
	}
}
