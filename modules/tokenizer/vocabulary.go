package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxTokenID bounds the table of ids. The largest vocabularies known have fewer
// than 300,000 tokens.
const maxTokenID = 1 << 24

// vocabulary is what the library does not tell: how many tokens the model has
// without the added ones, and which ids exist.
type vocabulary struct {
	model int      // tokens of the model
	total int      // with the added tokens
	known []uint64 // bit id is set when the id exists
	top   int      // highest id
}

func (v *vocabulary) has(id int) bool {
	return id >= 0 && id <= v.top && v.known[id/64]>>(id%64)&1 == 1
}

func (v *vocabulary) maxID() int { return v.top }

func (v *vocabulary) add(id int) error {
	if id < 0 || id > maxTokenID {
		return fmt.Errorf("token id %d is out of range (0 to %d)", id, maxTokenID)
	}
	for id/64 >= len(v.known) {
		v.known = append(v.known, 0)
	}
	v.known[id/64] |= 1 << (id % 64)
	v.top = max(v.top, id)
	return nil
}

// tokenizerFile is the part of a tokenizer.json that is read here.
type tokenizerFile struct {
	AddedTokens []struct {
		ID      int    `json:"id"`
		Content string `json:"content"`
	} `json:"added_tokens"`
	Model *struct {
		Vocab json.RawMessage `json:"vocab"`
	} `json:"model"`
}

// readVocabulary checks that data is a tokenizer.json that is safe to hand to
// the library, and returns its vocabulary.
func readVocabulary(data []byte) (vocabulary, error) {
	var v vocabulary
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return v, errors.New("the file is empty: copy the model's files again")
	}
	if bytes.HasPrefix(data, []byte("version https://git-lfs")) {
		return v, errors.New("the file is a Git LFS pointer, not the tokenizer: run 'git lfs pull' in the model's directory")
	}
	var file tokenizerFile
	if err := json.Unmarshal(data, &file); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return v, fmt.Errorf("broken JSON at byte %d of %d: %w: copy the model's files again", syntax.Offset, len(data), err)
		}
		return v, fmt.Errorf("not a Hugging Face tokenizer.json: %w", err)
	}
	if file.Model == nil || len(file.Model.Vocab) == 0 {
		return v, errors.New("not a Hugging Face tokenizer.json: it has no model.vocab")
	}
	if err := checkNUL(data); err != nil {
		return v, err
	}
	tokens, err := modelTokens(file.Model.Vocab)
	if err != nil {
		return v, fmt.Errorf("not a Hugging Face tokenizer.json: model.vocab: %w", err)
	}
	v.model = len(tokens)
	for _, id := range tokens {
		if err := v.add(id); err != nil {
			return v, fmt.Errorf("model.vocab: %w", err)
		}
	}
	for _, t := range file.AddedTokens {
		if _, ok := tokens[t.Content]; ok {
			continue // listed again to mark it as special
		}
		if err := v.add(t.ID); err != nil {
			return v, fmt.Errorf("added_tokens: %w", err)
		}
		tokens[t.Content] = t.ID
	}
	v.total = len(tokens)
	if v.total == 0 {
		return v, errors.New("not a usable tokenizer.json: its vocabulary is empty")
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
	if !bytes.Contains(data, []byte(`\u0000`)) {
		return nil
	}
	var file map[string]any
	if err := json.Unmarshal(data, &file); err != nil {
		return err
	}
	if model, ok := file["model"].(map[string]any); ok {
		delete(model, "vocab") // its form is checked by modelTokens, so nothing of it is quoted
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
