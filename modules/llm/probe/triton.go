package probe

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"

	"weir/modules/llm"
	"weir/runtime/metrics"
)

// A Triton's paths name its model. Backends triton and trt of weir/llm name
// "ensemble", which TensorRT-LLM's are called; others are asked here, by a path of
// their own, as they are by a run with the URL of the request.

// ownPath tells whether requests of a backend need a path of their own.
func (p *prober) ownPath(b *backend) bool {
	if b.name != "triton" && b.name != "trt" || p.result.Model == "" || p.result.Model == "ensemble" {
		return false
	}
	return p.at.model != "" || p.kind == kindOf("triton") && p.cfg.Model != "" && len(p.others) == 0 || len(p.others) > 0 && !slices.Contains(p.others, "ensemble")
}

func tritonPath(model string) string {
	return "/v2/models/" + url.PathEscape(model) + "/generate_stream"
}

// askTriton is ask for a model that is not called ensemble.
func (p *prober) askTriton(ctx context.Context, t *Trial, maxTokens int, ignoreEOS bool) *llm.Answer {
	parameters := map[string]any{"max_tokens": maxTokens, "stream": true, "bad_words": "", "stop_words": ""}
	if ignoreEOS {
		parameters["min_length"] = maxTokens
	}
	request := parameters
	if t.Backend == "trt" {
		request = map[string]any{"parameters": parameters}
		if ignoreEOS {
			parameters["ignore_eos"] = true
		}
	}
	request["text_input"] = prompt
	body, err := json.Marshal(request)
	if err != nil {
		return &llm.Answer{Error: &metrics.Error{Kind: "protocol", Message: err.Error()}}
	}

	out := &llm.Answer{}
	take := func(data []byte) {
		var e struct {
			Text  *string         `json:"text_output"`
			Error json.RawMessage `json:"error"`
		}
		switch json.Unmarshal(data, &e); {
		case e.Error != nil:
			out.Error = &metrics.Error{Kind: "stream_error", Status: 200, Message: message(data)}
		case e.Text != nil && *e.Text != "":
			out.Events++
			out.Text += *e.Text
		}
	}
	a := p.send(ctx, "POST", t.Path, body, take)
	switch {
	case a.failed != nil:
		out.Error = &metrics.Error{Kind: a.failed.Kind, Status: a.failed.Status, Message: a.failed.Message}
	case a.status != 200:
		out.Error = &metrics.Error{Kind: "http_status", Status: a.status, Message: message(a.body)}
	case out.Error == nil && out.Events == 0:
		out.Error = &metrics.Error{Kind: "no_output", Status: 200, Message: "the answer ended without a token"}
	}
	out.Tokens = metrics.Count{N: out.Events, Source: metrics.CountEvents}
	return out
}
