package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"math"
	"net/http"
	"strings"
)

// request is a checked request, in whatever protocol it came.
type request struct {
	dialect      *dialect
	chat         bool // the reply may begin with reasoning
	model        string
	stream       bool
	prompts      int // texts to complete, at least 1
	promptTokens int // of all of them
	n            int // replies to each prompt, at least 1
	maxTokens    int // limit of each reply; 0 when the request has none
	minTokens    int
	ignoreEOS    bool
	stops        []string
	textSeed     uint64 // equal for equal prompts

	// What only some protocols have.
	id              string // that the client gave the request
	keepTexts       bool   // the prompts' texts are needed for the answer
	texts           []string
	includeUsage    bool
	continuousUsage bool
	echo            bool     // replies begin with the prompt
	tool            string   // function that is called; empty: none
	seed            *int64   // as it was given
	details         bool     // of TGI and those after its model
	fullText        bool     // the same: the last event has all of the text
	wrapped         bool     // events of MindSpore are objects of their own
	pooling         *pooling // not nil: no tokens are made

	sequences []*sequence // the prompts, when there is a prefix cache
}

// maxChoices limits the replies to one request: prompts times n.
const maxChoices = 1024

// apiError is an error of the service. How it looks is up to the dialect.
type apiError struct {
	status  int
	kind    string // OpenAI's "type"
	param   string // the field at fault; empty when there is none
	message string
	event   bool // the body is an event of a stream
}

func (e *apiError) Error() string { return e.message }

func badRequest(param, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: "BadRequestError", param: param, message: fmt.Sprintf(format, args...)}
}

// errEngine is what goes wrong in the midst of an answer.
var errEngine = &apiError{status: http.StatusInternalServerError, kind: "InternalServerError", message: "simulated: the engine died"}

// newRequest is a request for one reply to a model, the service's own when it names
// none.
func newRequest(model string, cfg *Config) *request {
	r := &request{model: model, n: 1}
	if r.model == "" {
		r.model = cfg.Model
	}
	r.newPrompt(cfg)
	return r
}

// unmarshal reads a body. The error is an *apiError.
func unmarshal(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return jsonError(err)
	}
	return nil
}

// limit takes the limit of the reply's length from the field of that name; nil:
// there is none.
func (r *request) limit(name string, most *int) error {
	if most == nil {
		return nil
	}
	if *most < 1 {
		return badRequest(name, "%s must be at least 1, got %d", name, *most)
	}
	r.maxTokens = *most
	return nil
}

// replies takes the number of replies to each prompt; nil: one.
func (r *request) replies(n *int) error {
	if n != nil {
		r.n = *n
	}
	if r.n < 1 || r.n > maxChoices || r.n*r.prompts > maxChoices {
		return badRequest("n", "n must be at least 1 and ask for no more than %d replies, got %d for %d prompts", maxChoices, r.n, r.prompts)
	}
	return nil
}

// settle checks the lengths, when all is read, and draws the texts.
func (r *request) settle(cfg *Config, h hash.Hash64, seed *int64) error {
	if err := r.checkLength(cfg); err != nil {
		return err
	}
	if seed != nil {
		fmt.Fprintf(h, "seed %d", *seed)
	}
	r.textSeed = h.Sum64()
	return nil
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

// newHash is what prompts are hashed with.
func newHash() hash.Hash64 { return fnv.New64a() }

// readPrompt takes a text, a list of texts, a list of token ids, or a list of such
// lists from the field of that name, and adds it to a hash.
func (r *request) readPrompt(name string, prompt any, cfg *Config, h io.Writer) error {
	switch p := prompt.(type) {
	case nil:
		return badRequest(name, "field %s is missing", name)
	case string:
		r.prompts = 1
		r.addText(p, cfg)
		io.WriteString(h, p)
		return nil
	case []any:
		if len(p) == 0 {
			return badRequest(name, "%s is an empty list", name)
		}
		text, _ := json.Marshal(p) // it was made from JSON
		h.Write(text)
		if areIDs(p) {
			r.prompts = 1
			r.addIDs(p, cfg)
			return nil
		}
		r.prompts = len(p)
		_, texts := p[0].(string)
		for i, one := range p {
			if i > 0 {
				r.newPrompt(cfg)
			}
			switch one := one.(type) {
			case string:
				if texts {
					r.addText(one, cfg)
					continue
				}
			case []any:
				if !texts && areIDs(one) {
					r.addIDs(one, cfg)
					continue
				}
			}
			return badPrompt(name)
		}
		return nil
	}
	return badPrompt(name)
}

func badPrompt(name string) *apiError {
	return badRequest(name, "%s must be a string, a list of strings, a list of token ids or a list of such lists", name)
}

// addText counts a prompt that is a text.
func (r *request) addText(text string, cfg *Config) {
	r.count(text, cfg)
	if r.keepTexts {
		r.texts = append(r.texts, text)
	}
}

// addIDs counts a prompt that is a list of token ids. Its text is made of the
// vocabulary, as those of replies are.
func (r *request) addIDs(ids []any, cfg *Config) {
	tokens := make([]int, len(ids))
	for i, id := range ids {
		tokens[i] = int(math.Mod(id.(float64), 1<<32))
	}
	r.addTokens(tokens)
	if !r.keepTexts {
		return
	}
	var text strings.Builder
	for _, id := range ids {
		k := int(math.Mod(math.Abs(id.(float64)), float64(len(cfg.Vocabulary))))
		text.WriteString(cfg.Vocabulary[k])
	}
	r.texts = append(r.texts, text.String())
}

// areIDs says whether a list has nothing but whole numbers.
func areIDs(list []any) bool {
	for _, v := range list {
		if n, ok := v.(float64); !ok || n != math.Trunc(n) {
			return false
		}
	}
	return true
}

// message is one message of a chat.
type message struct {
	Role    string `json:"role"`
	Type    string `json:"type"`    // of those that are no messages, in the Responses API
	Content any    `json:"content"` // a string, a list of parts, or null
}

type contentPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

// readMessages takes the messages of a chat from the field of that name, and adds
// them to a hash.
func (r *request) readMessages(name string, messages *[]message, cfg *Config, h io.Writer) error {
	if messages == nil {
		return badRequest(name, "field %s is missing", name)
	}
	if len(*messages) == 0 {
		return badRequest(name, "%s is empty: expected at least one message", name)
	}
	r.prompts = 1
	for i, m := range *messages {
		if m.Role == "" && (m.Type == "" || m.Type == "message") {
			return badRequest(name, "%s[%d] has no role", name, i)
		}
		io.WriteString(h, m.Role)
		r.role(m.Role)
		if err := r.readContent(m.Content, cfg, h); err != nil {
			return badRequest(name, "%s[%d].content must be a string or a list of parts", name, i)
		}
	}
	return nil
}

// readContent takes the content of a message, and adds it to a hash.
func (r *request) readContent(content any, cfg *Config, h io.Writer) error {
	switch content := content.(type) {
	case nil: // an assistant's message that only calls tools
	case string:
		io.WriteString(h, content)
		r.count(content, cfg)
	default:
		text, _ := json.Marshal(content) // it was made from JSON
		h.Write(text)
		var parts []contentPart
		if err := json.Unmarshal(text, &parts); err != nil {
			return err
		}
		for _, p := range parts {
			switch p.Type {
			case "text", "input_text", "output_text":
				r.count(p.Text, cfg)
			default:
				r.countMedia(text, cfg)
			}
		}
	}
	return nil
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
