package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// openAIResponses is POST /v1/responses as OpenAI speaks it:
// https://platform.openai.com/docs/api-reference/responses-streaming.
var openAIResponses = &dialect{
	name:        "openai-responses",
	paths:       []string{"/v1/responses"},
	contentType: eventStream,
	idPrefix:    "resp_",
	broken:      "event: response.output_text.delta\ndata: {\"type\": \"response.\n\n",
	parse:       parseResponses,
	open:        openResponse,
	first:       firstOfResponse,
	tokens:      appendResponseTokens,
	finish:      finishResponse,
	usage:       endResponse,
	whole:       appendResponseWhole,
	refuse:      appendOpenAIError,
	fail:        failResponse,
}

type responsesBody struct {
	Model        string       `json:"model"`
	Input        textOrChat   `json:"input"`
	Instructions string       `json:"instructions"`
	Stream       bool         `json:"stream"`
	MaxTokens    *int         `json:"max_output_tokens"`
	MinTokens    int          `json:"min_tokens"`
	IgnoreEOS    bool         `json:"ignore_eos"`
	Stop         stringOrList `json:"stop"`
	Seed         *int64       `json:"seed"`
}

// textOrChat is a JSON string or list of messages.
type textOrChat struct {
	text     *string
	messages *[]message
}

func (t *textOrChat) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &t.text); err == nil {
		return nil
	}
	t.text = nil
	if err := json.Unmarshal(data, &t.messages); err != nil {
		return errors.New("expected a string or a list of messages")
	}
	return nil
}

func parseResponses(in incoming, cfg *Config) (*request, error) {
	var b responsesBody
	if err := unmarshal(in.body, &b); err != nil {
		return nil, err
	}
	r := newRequest(b.Model, cfg)
	r.chat, r.stream, r.minTokens, r.ignoreEOS, r.stops = true, b.Stream, b.MinTokens, b.IgnoreEOS, b.Stop
	if err := r.limit("max_output_tokens", b.MaxTokens); err != nil {
		return nil, err
	}
	h := newHash()
	if b.Instructions != "" {
		r.role("system")
		r.count(b.Instructions, cfg)
		h.Write([]byte(b.Instructions))
	}
	if text := b.Input.text; text != nil {
		r.role("user")
		r.prompts = 1
		r.addText(*text, cfg)
		h.Write([]byte(*text))
	} else if err := r.readMessages("input", b.Input.messages, cfg, h); err != nil {
		return nil, err
	}
	if err := r.settle(cfg, h, b.Seed); err != nil {
		return nil, err
	}
	return r, nil
}

// Items of the output: the message, and the reasoning in front of it if there is some.

func (r *reply) messageItem() int { return min(1, r.choices[0].reasoning) }

func appendMessageID(dst []byte, r *reply) []byte {
	return append(append(dst, "msg_"...), r.key...)
}

func appendReasoningID(dst []byte, r *reply) []byte {
	return append(append(dst, "rs_"...), r.key...)
}

// appendResponseEvent begins an event; what comes behind it must end with "}\n\n".
func appendResponseEvent(dst []byte, r *reply, kind string) []byte {
	dst = append(dst, "event: "...)
	dst = append(dst, kind...)
	dst = append(dst, "\ndata: {\"type\":\""...)
	dst = append(dst, kind...)
	dst = append(dst, `","sequence_number":`...)
	dst = strconv.AppendInt(dst, int64(r.sequence), 10)
	r.sequence++
	return dst
}

// appendPartEvent begins an event for the message or the reasoning.
func appendPartEvent(dst []byte, r *reply, kind string, reasoning bool) []byte {
	dst = appendResponseEvent(dst, r, kind)
	dst = append(dst, `,"item_id":"`...)
	item := 0
	if reasoning {
		dst = appendReasoningID(dst, r)
	} else {
		dst = appendMessageID(dst, r)
		item = r.messageItem()
	}
	dst = append(dst, `","output_index":`...)
	dst = strconv.AppendInt(dst, int64(item), 10)
	return append(dst, `,"content_index":0`...)
}

// appendPart appends a content part with the tokens from (inclusive) to to (exclusive).
func appendPart(dst []byte, r *reply, reasoning bool, from, to int) []byte {
	if reasoning {
		dst = append(dst, `{"type":"reasoning_text","text":`...)
		dst = r.appendText(dst, &r.choices[0], from, to)
		return append(dst, '}')
	}
	dst = append(dst, `{"type":"output_text","annotations":[],"logprobs":[],"text":`...)
	dst = r.appendText(dst, &r.choices[0], from, to)
	return append(dst, '}')
}

// appendItem appends an output item: whole, or as it is at its beginning.
func appendItem(dst []byte, r *reply, reasoning, whole bool) []byte {
	c := &r.choices[0]
	from, to := c.reasoning, c.tokens
	status := r.status()
	if reasoning {
		from, to = 0, c.reasoning
		if to < c.tokens {
			status = "completed"
		}
		dst = append(dst, `{"id":"`...)
		dst = appendReasoningID(dst, r)
		dst = append(dst, `","type":"reasoning","summary":[],"status":"`...)
	} else {
		dst = append(dst, `{"id":"`...)
		dst = appendMessageID(dst, r)
		dst = append(dst, `","type":"message","role":"assistant","status":"`...)
	}
	if !whole {
		return append(dst, `in_progress","content":[]}`...)
	}
	dst = append(dst, status...)
	dst = append(dst, `","content":[`...)
	dst = appendPart(dst, r, reasoning, from, to)
	return append(dst, "]}"...)
}

// appendOutput appends all output items.
func appendOutput(dst []byte, r *reply) []byte {
	c := &r.choices[0]
	dst = append(dst, '[')
	if c.reasoning > 0 {
		dst = appendItem(dst, r, true, true)
	}
	if c.reasoning > 0 && c.reasoning < c.tokens {
		dst = append(dst, ',')
	}
	if c.reasoning < c.tokens {
		dst = appendItem(dst, r, false, true)
	}
	return append(dst, ']')
}

// status is that of a response at its end.
func (r *reply) status() string {
	if r.choices[0].finishReason == "length" {
		return "incomplete"
	}
	return "completed"
}

// appendResponse appends the object "response" in a state. At the end it has the
// output and the usage.
func appendResponse(dst []byte, r *reply, status string, failure *apiError) []byte {
	dst = append(dst, `{"id":"`...)
	dst = append(dst, r.id...)
	dst = append(dst, `","object":"response","created_at":`...)
	dst = strconv.AppendInt(dst, r.created, 10)
	dst = append(dst, `,"status":"`...)
	dst = append(dst, status...)
	dst = append(dst, `","error":`...)
	if failure == nil {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, `{"code":"server_error","message":`...)
		dst = appendQuoted(dst, failure.message)
		dst = append(dst, '}')
	}
	dst = append(dst, `,"incomplete_details":`...)
	if status == "incomplete" {
		dst = append(dst, `{"reason":"max_output_tokens"}`...)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"model":`...)
	dst = appendQuoted(dst, r.req.model)
	if status == "in_progress" || status == "failed" {
		return append(dst, `,"output":[],"usage":null}`...)
	}
	dst = append(dst, `,"output":`...)
	dst = appendOutput(dst, r)
	in, out, reasoning := r.req.promptTokens, r.total(), r.totalReasoning()
	return fmt.Appendf(dst, `,"usage":{"input_tokens":%d,"input_tokens_details":{"cached_tokens":%d},"output_tokens":%d,`+
		`"output_tokens_details":{"reasoning_tokens":%d},"total_tokens":%d}}`, in, r.cached, out, reasoning, in+out)
}

func openResponse(dst []byte, r *reply, _ int) []byte {
	for _, kind := range []string{"response.created", "response.in_progress"} {
		dst = appendResponseEvent(dst, r, kind)
		dst = append(dst, `,"response":`...)
		dst = appendResponse(dst, r, "in_progress", nil)
		dst = append(dst, "}\n\n"...)
	}
	return dst
}

func firstOfResponse(dst []byte, r *reply, _ int) []byte {
	return beginItem(dst, r, r.choices[0].reasoning > 0)
}

// beginItem appends what comes before the first delta of an item.
func beginItem(dst []byte, r *reply, reasoning bool) []byte {
	r.started = !reasoning
	dst = appendResponseEvent(dst, r, "response.output_item.added")
	item := 0
	if !reasoning {
		item = r.messageItem()
	}
	dst = fmt.Appendf(dst, `,"output_index":%d,"item":`, item)
	dst = appendItem(dst, r, reasoning, false)
	dst = append(dst, "}\n\n"...)
	dst = appendPartEvent(dst, r, "response.content_part.added", reasoning)
	dst = append(dst, `,"part":`...)
	dst = appendPart(dst, r, reasoning, 0, 0)
	return append(dst, "}\n\n"...)
}

// endItem appends what comes after the last delta of an item.
func endItem(dst []byte, r *reply, reasoning bool) []byte {
	c := &r.choices[0]
	kind, item, from, to := "response.output_text.done", r.messageItem(), c.reasoning, c.tokens
	if reasoning {
		kind, item, from, to = "response.reasoning_text.done", 0, 0, c.reasoning
	}
	dst = appendPartEvent(dst, r, kind, reasoning)
	dst = append(dst, `,"text":`...)
	dst = r.appendText(dst, c, from, to)
	dst = append(dst, "}\n\n"...)
	dst = appendPartEvent(dst, r, "response.content_part.done", reasoning)
	dst = append(dst, `,"part":`...)
	dst = appendPart(dst, r, reasoning, from, to)
	dst = append(dst, "}\n\n"...)
	dst = appendResponseEvent(dst, r, "response.output_item.done")
	dst = fmt.Appendf(dst, `,"output_index":%d,"item":`, item)
	dst = appendItem(dst, r, reasoning, true)
	return append(dst, "}\n\n"...)
}

func appendResponseTokens(dst []byte, r *reply, _, from, to int) []byte {
	c := &r.choices[0]
	if split := min(max(c.reasoning, from), to); split > from {
		dst = appendDelta(dst, r, true, from, split)
		from = split
	}
	if from == to {
		return dst
	}
	if !r.started {
		dst = endItem(dst, r, true)
		dst = beginItem(dst, r, false)
	}
	return appendDelta(dst, r, false, from, to)
}

func appendDelta(dst []byte, r *reply, reasoning bool, from, to int) []byte {
	kind := "response.output_text.delta"
	if reasoning {
		kind = "response.reasoning_text.delta"
	}
	dst = appendPartEvent(dst, r, kind, reasoning)
	dst = append(dst, `,"delta":`...)
	dst = r.appendText(dst, &r.choices[0], from, to)
	if !reasoning {
		dst = append(dst, `,"logprobs":[]`...)
	}
	return append(dst, "}\n\n"...)
}

func finishResponse(dst []byte, r *reply, _ int) []byte {
	return endItem(dst, r, !r.started)
}

func endResponse(dst []byte, r *reply, _ int) []byte {
	dst = appendResponseEvent(dst, r, "response."+r.status())
	dst = append(dst, `,"response":`...)
	dst = appendResponse(dst, r, r.status(), nil)
	return append(dst, "}\n\n"...)
}

func appendResponseWhole(dst []byte, r *reply) []byte {
	return appendResponse(dst, r, r.status(), nil)
}

// failResponse appends the error, and then the response that has failed of it.
func failResponse(dst []byte, r *reply, e *apiError) []byte {
	dst = appendResponseEvent(dst, r, "error")
	dst = append(dst, `,"code":"server_error","message":`...)
	dst = appendQuoted(dst, e.message)
	dst = append(dst, `,"param":null}`...)
	dst = append(dst, "\n\n"...)
	dst = appendResponseEvent(dst, r, "response.failed")
	dst = append(dst, `,"response":`...)
	dst = appendResponse(dst, r, "failed", e)
	return append(dst, "}\n\n"...)
}
