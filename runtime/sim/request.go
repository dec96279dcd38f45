package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"
)

// request is a checked completion request.
type request struct {
	chat            bool
	model           string
	stream          bool
	includeUsage    bool
	continuousUsage bool
	prompts         int // texts to complete, at least 1
	promptTokens    int // of all of them
	n               int // replies to each prompt, at least 1
	maxTokens       int // limit of each reply; 0 when the request has none
	minTokens       int
	ignoreEOS       bool
	stops           []string
	textSeed        uint64 // equal for equal prompts
}

// requestBody is the JSON of /v1/completions and /v1/chat/completions, as far as
// it has a meaning here. Unknown fields are ignored.
type requestBody struct {
	Model    string          `json:"model"`
	Messages json.RawMessage `json:"messages"`
	Prompt   json.RawMessage `json:"prompt"`
	Stream   bool            `json:"stream"`
	Options  *struct {
		IncludeUsage    bool `json:"include_usage"`
		ContinuousUsage bool `json:"continuous_usage_stats"`
	} `json:"stream_options"`
	N                   *int         `json:"n"`
	MaxTokens           *int         `json:"max_tokens"`
	MaxCompletionTokens *int         `json:"max_completion_tokens"`
	MinTokens           int          `json:"min_tokens"`
	IgnoreEOS           bool         `json:"ignore_eos"`
	Stop                stringOrList `json:"stop"`
	Seed                *int64       `json:"seed"`
}

// message is one message of a chat.
type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"` // a string, a list of parts, or null
}

type contentPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// maxChoices limits the replies to one request: prompts times n.
const maxChoices = 1024

// apiError is an error of the service in OpenAI's shape.
type apiError struct {
	status  int
	kind    string // OpenAI's "type"
	param   string // the field at fault; empty when there is none
	message string
}

func (e *apiError) Error() string { return e.message }

func badRequest(param, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: "BadRequestError", param: param, message: fmt.Sprintf(format, args...)}
}

// appendJSON appends {"error": …} as vLLM writes it.
func (e *apiError) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"error":{"message":`...)
	dst = appendQuoted(dst, e.message)
	dst = append(dst, `,"type":`...)
	dst = appendQuoted(dst, e.kind)
	dst = append(dst, `,"param":`...)
	if e.param == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendQuoted(dst, e.param)
	}
	return fmt.Appendf(dst, `,"code":%d}}`, e.status)
}

// parseRequest reads the body of a completion request. The error is always an *apiError.
func parseRequest(body []byte, chat bool, cfg *Config) (*request, error) {
	var b requestBody
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, jsonError(err)
	}
	r := &request{
		chat: chat, model: b.Model, stream: b.Stream, n: 1,
		minTokens: b.MinTokens, ignoreEOS: b.IgnoreEOS, stops: b.Stop,
	}
	if r.model == "" {
		r.model = cfg.Model
	}
	if b.Options != nil {
		if !b.Stream {
			return nil, badRequest("stream_options", "stream_options can only be given when stream is true")
		}
		r.includeUsage, r.continuousUsage = b.Options.IncludeUsage, b.Options.ContinuousUsage
	}

	limit := b.MaxTokens
	if b.MaxCompletionTokens != nil {
		limit = b.MaxCompletionTokens
	}
	if limit != nil {
		if *limit < 1 {
			return nil, badRequest("max_tokens", "max_tokens must be at least 1, got %d", *limit)
		}
		r.maxTokens = *limit
	}

	source := b.Prompt
	var err error
	if chat {
		source = b.Messages
		err = r.readMessages(b.Messages, cfg)
	} else {
		err = r.readPrompt(b.Prompt, cfg)
	}
	if err != nil {
		return nil, err
	}
	if b.N != nil {
		r.n = *b.N
	}
	if r.n < 1 || r.n > maxChoices || r.n*r.prompts > maxChoices {
		return nil, badRequest("n", "n must be at least 1 and ask for no more than %d replies, got %d for %d prompts", maxChoices, r.n, r.prompts)
	}
	if err := r.checkLength(cfg); err != nil {
		return nil, err
	}

	h := fnv.New64a()
	h.Write(source)
	if b.Seed != nil {
		fmt.Fprintf(h, "seed %d", *b.Seed)
	}
	r.textSeed = h.Sum64()
	return r, nil
}

// checkLength refuses what does not fit into the context.
func (r *request) checkLength(cfg *Config) error {
	if r.promptTokens/r.prompts >= cfg.MaxModelLen {
		return badRequest("input_tokens", "This model's maximum context length is %d tokens. However, your prompt contains "+
			"%d input tokens, which leaves no room for a reply. Please reduce the length of the input prompt.",
			cfg.MaxModelLen, r.promptTokens/r.prompts)
	}
	if want := r.promptTokens/r.prompts + r.maxTokens; want > cfg.MaxModelLen {
		return badRequest("max_tokens", "This model's maximum context length is %d tokens. However, you requested %d tokens "+
			"(%d in the prompt, %d for the reply). Please reduce one of them.",
			cfg.MaxModelLen, want, r.promptTokens/r.prompts, r.maxTokens)
	}
	return nil
}

func (r *request) readMessages(raw json.RawMessage, cfg *Config) error {
	if isNull(raw) {
		return badRequest("messages", "field messages is missing")
	}
	var messages []message
	if err := json.Unmarshal(raw, &messages); err != nil {
		return jsonError(err)
	}
	if len(messages) == 0 {
		return badRequest("messages", "messages is empty: expected at least one message")
	}
	r.prompts = 1
	for i, m := range messages {
		if m.Role == "" {
			return badRequest("messages", "messages[%d] has no role", i)
		}
		var text string
		var parts []contentPart
		switch {
		case isNull(m.Content): // an assistant's message that only calls tools
		case json.Unmarshal(m.Content, &text) == nil:
			r.promptTokens += cfg.CountTokens(text)
		case json.Unmarshal(m.Content, &parts) == nil:
			for _, p := range parts {
				if p.Type == "text" {
					r.promptTokens += cfg.CountTokens(p.Text)
				} else {
					r.promptTokens += cfg.MediaTokens
				}
			}
		default:
			return badRequest("messages", "messages[%d].content must be a string or a list of parts", i)
		}
	}
	return nil
}

// readPrompt takes a text, a list of texts, a list of token ids, or a list of such lists.
func (r *request) readPrompt(raw json.RawMessage, cfg *Config) error {
	if isNull(raw) {
		return badRequest("prompt", "field prompt is missing")
	}
	var text string
	var texts []string
	var ids []int
	var lists [][]int
	switch {
	case json.Unmarshal(raw, &text) == nil:
		r.prompts, r.promptTokens = 1, cfg.CountTokens(text)
	case json.Unmarshal(raw, &texts) == nil:
		r.prompts = len(texts)
		for _, t := range texts {
			r.promptTokens += cfg.CountTokens(t)
		}
	case json.Unmarshal(raw, &ids) == nil:
		r.prompts, r.promptTokens = 1, len(ids)
	case json.Unmarshal(raw, &lists) == nil:
		r.prompts = len(lists)
		for _, l := range lists {
			r.promptTokens += len(l)
		}
	default:
		return badRequest("prompt", "prompt must be a string, a list of strings, a list of token ids or a list of such lists")
	}
	if r.prompts == 0 {
		return badRequest("prompt", "prompt is an empty list")
	}
	return nil
}

func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(raw, []byte("null"))
}

func jsonError(err error) *apiError {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return badRequest("", "the body is not JSON: %v at byte %d", syntax, syntax.Offset)
	}
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return badRequest(wrongType.Field, "field %s has the wrong type: expected %s, got %s", wrongType.Field, wrongType.Type, wrongType.Value)
	}
	return badRequest("", "the body cannot be read: %v", err)
}

// stringOrList is a JSON string, list of strings, or null. Empty strings are left out.
type stringOrList []string

func (s *stringOrList) UnmarshalJSON(data []byte) error {
	var one *string
	if err := json.Unmarshal(data, &one); err == nil {
		if one != nil && *one != "" {
			*s = []string{*one}
		}
		return nil
	}
	var many []string
	if err := json.Unmarshal(data, &many); err != nil {
		return errors.New("expected a string or a list of strings")
	}
	for _, m := range many {
		if m != "" {
			*s = append(*s, m)
		}
	}
	return nil
}

// EstimateTokens guesses the number of tokens of a text without a tokenizer: one
// for every four bytes, and no fewer than it has words.
func EstimateTokens(text string) int {
	words := 0
	for range strings.FieldsSeq(text) {
		words++
	}
	return max(words, (len(text)+3)/4)
}
