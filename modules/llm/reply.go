package llm

import (
	"time"

	"weir/runtime/metrics"
	"weir/runtime/script"
)

// reply is what the script gets of a request. Its fields become JavaScript
// values when they are read.
type reply struct {
	choices              [][]byte
	reasoning, toolCalls []byte
	finish               string
	id                   string
	status               int
	failed               *metrics.Error
	input, output        metrics.Count
	thought, cached      metrics.Count
	ttft, latency        time.Duration
	hasFirst             bool
	server               struct{ ttft, tpot, latency timing } // as the service tells them
	events, attempts     int
	model                string
	results, dimensions  int
	scores               []score
}

func newReply(x *exchange) *reply {
	rec := x.rec
	r := &reply{
		choices:   x.out.choices,
		reasoning: x.out.reasoning,
		toolCalls: x.out.toolCalls,
		finish:    rec.FinishReason,
		id:        x.out.id,
		status:    rec.Status,
		failed:    rec.Error,
		input:     rec.Input,
		output:    rec.Output,
		thought:   rec.Reasoning,
		cached:    rec.Cached,
		events:    len(rec.Events),
		model:     rec.Model,

		results: x.out.results, dimensions: x.out.dimensions, scores: x.out.scores,
	}
	u := &x.out.usage
	r.server.ttft, r.server.tpot, r.server.latency = u.ttft, u.tpot, u.latency
	if !rec.Started.IsZero() {
		r.latency = rec.End.Sub(rec.Started)
	}
	r.ttft, r.hasFirst = rec.TTFT()
	return r
}

func (r *reply) object(rt *script.Runtime) any { return rt.Instance(replyClass.Name, r) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// told is a count as the script gets it: null when the service did not tell it.
func told(c metrics.Count) any {
	if c.Source == metrics.CountNone {
		return nil
	}
	return c.N
}

// value is a time as the script gets it: null when the service did not tell it.
func (t timing) value() any {
	if !t.told {
		return nil
	}
	return t.ms
}

// text is that of the first choice.
func (r *reply) text() []byte {
	if len(r.choices) == 0 {
		return nil
	}
	return r.choices[0]
}

var replyClass = script.Class{
	Name: "Reply",
	Getters: map[string]func(any) any{
		"text": func(self any) any { return string(self.(*reply).text()) },
		"choices": func(self any) any {
			var texts []any
			for _, c := range self.(*reply).choices {
				texts = append(texts, string(c))
			}
			return texts
		},
		"reasoning": func(self any) any { return string(self.(*reply).reasoning) },
		"toolCalls": func(self any) any { return string(self.(*reply).toolCalls) },
		"finishReason": func(self any) any {
			if r := self.(*reply); r.finish != "" {
				return r.finish
			}
			return nil
		},
		"id":         func(self any) any { return self.(*reply).id },
		"status":     func(self any) any { return self.(*reply).status },
		"tokens":     func(self any) any { return self.(*reply).output.N },
		"events":     func(self any) any { return self.(*reply).events },
		"model":      func(self any) any { return self.(*reply).model },
		"attempts":   func(self any) any { return self.(*reply).attempts },
		"results":    func(self any) any { return self.(*reply).results },
		"dimensions": func(self any) any { return self.(*reply).dimensions },
		"scores": func(self any) any {
			r := self.(*reply)
			list := make([]any, len(r.scores))
			for i, s := range r.scores {
				list[i] = map[string]any{"index": s.index, "score": s.score}
			}
			return list
		},
		"latency": func(self any) any { return milliseconds(self.(*reply).latency) },
		"ttft": func(self any) any {
			if r := self.(*reply); r.hasFirst {
				return milliseconds(r.ttft)
			}
			return nil
		},
		"serverTimes": func(self any) any {
			s := self.(*reply).server
			if !s.ttft.told && !s.tpot.told && !s.latency.told {
				return nil
			}
			return map[string]any{"ttft": s.ttft.value(), "tpot": s.tpot.value(), "latency": s.latency.value()}
		},
		"usage": func(self any) any {
			r := self.(*reply)
			if r.output.Source != metrics.CountUsage && r.input.Source != metrics.CountUsage {
				return nil
			}
			return map[string]any{
				"inputTokens":     r.input.N,
				"outputTokens":    r.output.N,
				"totalTokens":     r.input.N + r.output.N,
				"reasoningTokens": told(r.thought),
				"cachedTokens":    told(r.cached),
			}
		},
		"error": func(self any) any {
			r := self.(*reply)
			if r.failed == nil {
				return nil
			}
			return map[string]any{"kind": r.failed.Kind, "status": r.failed.Status, "message": r.failed.Message}
		},
	},
}
