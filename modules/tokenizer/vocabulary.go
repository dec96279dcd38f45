package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// maxTokenID bounds the table of ids. The largest vocabularies known have fewer
// than 300,000 tokens.
const maxTokenID = 1 << 24

// vocabulary is what the library does not tell: which tokens there are, and how
// many of them are the model's.
type vocabulary struct {
	model   int // tokens of the model
	total   int // with the added tokens
	tokens  []string
	known   []uint64 // bit id is set when the id exists
	special map[int]bool
	bytes   bool // tokens such as <0x0A> are bytes

	once sync.Once // makes the field below
	ids  map[string]int
}

func (v *vocabulary) has(id int) bool {
	return id >= 0 && id < len(v.tokens) && v.known[id/64]>>(id%64)&1 == 1
}

func (v *vocabulary) maxID() int { return len(v.tokens) - 1 }

// id returns the id of a token's text.
func (v *vocabulary) id(text string) (int, bool) {
	v.once.Do(func() {
		v.ids = make(map[string]int, v.total)
		for id, token := range v.tokens {
			if v.has(id) {
				v.ids[token] = id
			}
		}
	})
	id, ok := v.ids[text]
	return id, ok
}

// isByte is true for the tokens of byte fallback, <0x00> to <0xFF>.
func (v *vocabulary) isByte(id int) bool {
	if !v.bytes {
		return false
	}
	t := v.tokens[id]
	return len(t) == 6 && strings.HasPrefix(t, "<0x") && t[5] == '>'
}

// specials are the ids of the special tokens in order.
func (v *vocabulary) specials() []int {
	ids := make([]int, 0, len(v.special))
	for id := range v.special {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (v *vocabulary) add(id int, text string) error {
	if id < 0 || id > maxTokenID {
		return fmt.Errorf("token id %d is out of range (0 to %d)", id, maxTokenID)
	}
	if grow := id + 1 - len(v.tokens); grow > 0 {
		v.tokens = append(v.tokens, make([]string, grow)...)
		v.known = append(v.known, make([]uint64, (id+64)/64-len(v.known))...)
	}
	v.known[id/64] |= 1 << (id % 64)
	v.tokens[id] = text
	return nil
}

type addedToken struct {
	ID      int    `json:"id"`
	Content string `json:"content"`
	Special bool   `json:"special"`
}

// checkFile returns the parts of a tokenizer.json after it has seen that it is
// safe to hand them to the library, which ends the process on some broken files.
func checkFile(data []byte) (map[string]json.RawMessage, error) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return nil, errors.New("the file is empty: copy the model's files again")
	}
	if bytes.HasPrefix(data, []byte("version https://git-lfs")) {
		return nil, errors.New("the file is a Git LFS pointer, not the tokenizer: run 'git lfs pull' in the model's directory")
	}
	file, err := members(data)
	if err != nil {
		if err := brokenJSON(data); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("not a Hugging Face tokenizer.json: %w", err)
	}
	if err := checkNUL(data); err != nil {
		return nil, err
	}
	return file, nil
}

// brokenJSON says where a file stops being JSON, nil when it is JSON.
func brokenJSON(data []byte) error {
	var any json.RawMessage
	err := json.Unmarshal(data, &any)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("broken JSON at byte %d of %d: %w: copy the model's files again", syntax.Offset, len(data), err)
	}
	return err
}

// readVocabulary returns the vocabulary of the parts of a tokenizer.json.
func readVocabulary(file map[string]json.RawMessage) (*vocabulary, error) {
	model, err := members(file["model"])
	vocab := model["vocab"]
	if err != nil || len(vocab) == 0 {
		return nil, errors.New("not a Hugging Face tokenizer.json: it has no model.vocab")
	}
	v := &vocabulary{special: map[int]bool{}, bytes: string(model["byte_fallback"]) == "true"}
	tokens, err := modelTokens(vocab)
	if err != nil {
		return nil, fmt.Errorf("not a Hugging Face tokenizer.json: model.vocab: %w", err)
	}
	v.model = len(tokens)
	for text, id := range tokens {
		if err := v.add(id, text); err != nil {
			return nil, fmt.Errorf("model.vocab: %w", err)
		}
	}
	var added []addedToken
	if raw := file["added_tokens"]; raw != nil {
		if err := json.Unmarshal(raw, &added); err != nil {
			return nil, fmt.Errorf("not a Hugging Face tokenizer.json: added_tokens: %w", err)
		}
	}
	for _, t := range added {
		id, listed := tokens[t.Content] // again, to mark it as special
		if !listed {
			id = t.ID
			if err := v.add(id, t.Content); err != nil {
				return nil, fmt.Errorf("added_tokens: %w", err)
			}
			tokens[t.Content] = id
		}
		if t.Special {
			v.special[id] = true
		}
	}
	v.total = len(tokens)
	if v.total == 0 {
		return nil, errors.New("not a usable tokenizer.json: its vocabulary is empty")
	}
	return v, nil
}

// modelTokens reads a vocabulary: an object from token to id (BPE, WordPiece,
// WordLevel), or a list of [token, score] in order of their ids (Unigram).
func modelTokens(raw json.RawMessage) (map[string]int, error) {
	if raw[0] != '[' {
		var tokens map[string]int
		if err := json.Unmarshal(raw, &tokens); err != nil {
			return nil, err
		}
		if tokens == nil {
			tokens = map[string]int{}
		}
		return tokens, nil
	}
	var list [][]any
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	tokens := make(map[string]int, len(list))
	for id, entry := range list {
		if len(entry) != 2 {
			return nil, fmt.Errorf("entry %d is not a pair of token and score", id)
		}
		token, ok := entry[0].(string)
		if _, number := entry[1].(float64); !ok || !number {
			return nil, fmt.Errorf("entry %d is not a pair of token and score", id)
		}
		tokens[token] = id
	}
	return tokens, nil
}

// checkNUL refuses NUL characters outside of the vocabulary's tokens. The
// library quotes what it does not understand in its error texts, and a NUL in
// an error text ends the process.
func checkNUL(data []byte) error {
	if !bytes.Contains(data, []byte(`\u0000`)) && bytes.IndexByte(data, 0) < 0 {
		return nil
	}
	var file map[string]any
	if err := json.Unmarshal(data, &file); err != nil {
		return brokenJSON(data)
	}
	if model, ok := file["model"].(map[string]any); ok {
		if raw, err := json.Marshal(model["vocab"]); err == nil && model["vocab"] != nil {
			if _, err := modelTokens(raw); err != nil { // nothing of a good one is quoted
				return fmt.Errorf("not a Hugging Face tokenizer.json: model.vocab: %w", err)
			}
		}
		delete(model, "vocab")
	}
	if place := placeOfNUL(file, ""); place != "" {
		return fmt.Errorf("%s contains a NUL character, which the tokenizer library cannot take: remove it from the file", place)
	}
	return nil
}

// placeOfNUL returns where in v a string contains a NUL, "" for nowhere.
func placeOfNUL(v any, place string) string {
	switch v := v.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return strings.TrimPrefix(place, ".")
		}
	case []any:
		for i, item := range v {
			if found := placeOfNUL(item, fmt.Sprintf("%s[%d]", place, i)); found != "" {
				return found
			}
		}
	case map[string]any:
		for key, item := range v {
			if strings.ContainsRune(key, 0) {
				return strings.TrimPrefix(fmt.Sprintf("%s: the key %q", place, key), ".")
			}
			if found := placeOfNUL(item, place+"."+key); found != "" {
				return found
			}
		}
	}
	return ""
}
