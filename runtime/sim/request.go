package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
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
	Model    string     `json:"model"`
	Messages *[]message `json:"messages"`
	Prompt   any        `json:"prompt"` // a string, or a list of strings, of token ids, or of lists of token ids
	Stream   bool       `json:"stream"`
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
	Role    string `json:"role"`
	Content any    `json:"content"` // a string, a list of parts, or null
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

	var err error
	h := fnv.New64a()
	if chat {
		err = r.readMessages(b.Messages, cfg, h)
	} else {
		err = r.readPrompt(b.Prompt, cfg, h)
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

// readMessages takes the messages of a chat, and adds them to a hash.
func (r *request) readMessages(messages *[]message, cfg *Config, h io.Writer) error {
	if messages == nil {
		return badRequest("messages", "field messages is missing")
	}
	if len(*messages) == 0 {
		return badRequest("messages", "messages is empty: expected at least one message")
	}
	r.prompts = 1
	for i, m := range *messages {
		if m.Role == "" {
			return badRequest("messages", "messages[%d] has no role", i)
		}
		io.WriteString(h, m.Role)
		switch content := m.Content.(type) {
		case nil: // an assistant's message that only calls tools
		case string:
			io.WriteString(h, content)
			r.promptTokens += cfg.CountTokens(content)
		default:
			text, _ := json.Marshal(content) // it was made from JSON
			h.Write(text)
			var parts []contentPart
			if err := json.Unmarshal(text, &parts); err != nil {
				return badRequest("messages", "messages[%d].content must be a string or a list of parts", i)
			}
			for _, p := range parts {
				if p.Type == "text" {
					r.promptTokens += cfg.CountTokens(p.Text)
				} else {
					r.promptTokens += cfg.MediaTokens
				}
			}
		}
	}
	return nil
}

// readPrompt takes a text, a list of texts, a list of token ids, or a list of
// such lists, and adds it to a hash.
func (r *request) readPrompt(prompt any, cfg *Config, h io.Writer) error {
	switch p := prompt.(type) {
	case nil:
		return badRequest("prompt", "field prompt is missing")
	case string:
		r.prompts, r.promptTokens = 1, cfg.CountTokens(p)
		io.WriteString(h, p)
		return nil
	case []any:
		if len(p) == 0 {
			return badRequest("prompt", "prompt is an empty list")
		}
		text, _ := json.Marshal(p) // it was made from JSON
		h.Write(text)
		if areIDs(p) {
			r.prompts, r.promptTokens = 1, len(p)
			return nil
		}
		r.prompts = len(p)
		_, texts := p[0].(string)
		for _, one := range p {
			switch one := one.(type) {
			case string:
				if texts {
					r.promptTokens += cfg.CountTokens(one)
					continue
				}
			case []any:
				if !texts && areIDs(one) {
					r.promptTokens += len(one)
					continue
				}
			}
			return errPrompt
		}
		return nil
	}
	return errPrompt
}

var errPrompt = badRequest("prompt", "prompt must be a string, a list of strings, a list of token ids or a list of such lists")

// areIDs says whether a list has nothing but whole numbers.
func areIDs(list []any) bool {
	for _, v := range list {
		if n, ok := v.(float64); !ok || n != math.Trunc(n) {
			return false
		}
	}
	return true
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
