package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/daulet/tokenizers"
)

// The library's C interface ends a text at the first NUL. So a text with a NUL is
// encoded with a twin of the tokenizer, in whose vocabulary NUL and another control
// character (a stand-in that the text does not have) have changed places, and with
// that character in place of NUL. The ids are the same: nothing in the tokenizer but
// the vocabulary tells the two apart, which is checked, and the vocabulary has been
// swapped with them. Decoding goes the other way.

// standIns are control characters of which most texts have none.
var standIns = []rune{1, 2, 3}

// twins are made when they are first needed.
type twins struct {
	mu   sync.Mutex // held while one is made
	made map[rune]*tokenizers.Tokenizer
	err  error // why there can be none
}

func (t *twins) free() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, lib := range t.made {
		_ = lib.Close() // never fails
	}
	t.made = nil
}

// withoutNUL returns the twin for a text with a NUL, and the text for it.
func (t *Tokenizer) withoutNUL(text string) (*tokenizers.Tokenizer, string, error) {
	at := strings.IndexByte(text, 0)
	for _, c := range standIns {
		if strings.ContainsRune(text, c) {
			continue
		}
		lib, err := t.twin(c)
		if err != nil {
			return nil, "", fmt.Errorf("the text has a NUL character at byte %d, which cannot be encoded with this tokenizer (%w): remove it", at, err)
		}
		return lib, strings.ReplaceAll(text, "\x00", string(c)), nil
	}
	return nil, "", fmt.Errorf("the text has a NUL character at byte %d and all of U+0001 to U+0003, with which it cannot be encoded: remove one of them", at)
}

// decodeNUL decodes ids whose text has a NUL.
func (t *Tokenizer) decodeNUL(ids []uint32, skipSpecial bool) (string, error) {
	for _, c := range standIns {
		lib, err := t.twin(c)
		if err != nil {
			return "", fmt.Errorf("it contains a NUL character (%w): leave that id out", err)
		}
		// It fails when the text has the stand-in, too.
		if text, err := lib.DecodeErr(ids, skipSpecial); err == nil {
			return strings.ReplaceAll(text, string(c), "\x00"), nil
		}
	}
	return "", errors.New("it contains a NUL character and all of U+0001 to U+0003: leave one of these ids out")
}

func (t *Tokenizer) twin(c rune) (*tokenizers.Tokenizer, error) {
	t.twins.mu.Lock()
	defer t.twins.mu.Unlock()
	if lib := t.twins.made[c]; lib != nil || t.twins.err != nil {
		return lib, t.twins.err
	}
	data, err := t.source.again()
	if err == nil {
		data, err = swapped(data, c)
	}
	var lib *tokenizers.Tokenizer
	if err == nil {
		lib, err = tokenizers.FromBytes(data)
	}
	if err != nil {
		t.twins.err = err
		return nil, err
	}
	if t.twins.made == nil {
		t.twins.made = map[rune]*tokenizers.Tokenizer{}
	}
	t.twins.made[c] = lib
	return lib, nil
}

// swapped returns a tokenizer.json in which NUL and c have changed places.
func swapped(data []byte, c rune) ([]byte, error) {
	var file map[string]json.RawMessage
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	if _, err := whole(data, file); err != nil {
		return nil, err
	}
	levels := false // of bytes: the vocabulary has other characters for them
	for _, part := range []string{"normalizer", "pre_tokenizer", "decoder"} {
		var v any
		if raw := file[part]; raw != nil {
			if err := json.Unmarshal(raw, &v); err != nil {
				return nil, err
			}
		}
		if err := neutral(v); err != nil {
			return nil, fmt.Errorf("its %s %w", part, err)
		}
		levels = levels || part != "decoder" && strings.Contains(string(file[part]), `"ByteLevel"`)
	}
	var added []addedToken
	if raw := file["added_tokens"]; raw != nil {
		if err := json.Unmarshal(raw, &added); err != nil {
			return nil, err
		}
	}
	for _, t := range added {
		if strings.ContainsAny(t.Content, "\x00\x01\x02\x03\u0100\u0101\u0102\u0103") {
			return nil, fmt.Errorf("its added token %q has such characters", t.Content)
		}
	}
	model, err := swapModel(file["model"], c, levels)
	if err != nil {
		return nil, err
	}
	file["model"] = model
	return json.Marshal(file)
}

// swapModel swaps the characters in a model's vocabulary and merges.
func swapModel(raw json.RawMessage, c rune, levels bool) (json.RawMessage, error) {
	var model map[string]json.RawMessage
	if err := json.Unmarshal(raw, &model); err != nil {
		return nil, err
	}
	if d := string(model["dropout"]); d != "" && d != "null" && d != "0.0" {
		return nil, errors.New("its merges are random (dropout)")
	}
	fallback := string(model["byte_fallback"]) == "true"
	rename := renamer(c, levels)
	token := func(s string) string {
		zero, other := "<0x00>", fmt.Sprintf("<0x%02X>", c)
		switch {
		case fallback && s == zero:
			return other
		case fallback && s == other:
			return zero
		}
		return rename(s)
	}
	var err error
	if model["vocab"], err = swapVocabulary(model["vocab"], token); err != nil {
		return nil, err
	}
	if merges := model["merges"]; merges != nil {
		var list any
		if err := json.Unmarshal(merges, &list); err != nil {
			return nil, err
		}
		if model["merges"], err = json.Marshal(mapStrings(list, rename)); err != nil {
			return nil, err
		}
	}
	return json.Marshal(model)
}

func swapVocabulary(raw json.RawMessage, token func(string) string) (json.RawMessage, error) {
	var ids map[string]int
	if json.Unmarshal(raw, &ids) == nil {
		renamed := make(map[string]int, len(ids))
		for text, id := range ids {
			renamed[token(text)] = id
		}
		return json.Marshal(renamed)
	}
	var list [][]any
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	for _, entry := range list {
		if text, ok := entry[0].(string); ok {
			entry[0] = token(text)
		}
	}
	return json.Marshal(list)
}

// renamer swaps NUL and c in a token's text.
func renamer(c rune, levels bool) func(string) string {
	zero := rune(0)
	if levels { // bytes below 33 are the characters from U+0100
		zero, c = 0x100, 0x100+c
	}
	return func(s string) string {
		if !strings.ContainsRune(s, zero) && !strings.ContainsRune(s, c) {
			return s
		}
		return strings.Map(func(r rune) rune {
			switch r {
			case zero:
				return c
			case c:
				return zero
			}
			return r
		}, s)
	}
}

func mapStrings(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		for i, item := range v {
			v[i] = mapStrings(item, f)
		}
	}
	return v
}

// neutralTypes treat all control characters below U+0009 alike, apart from texts
// and patterns in their settings.
var neutralTypes = []string{
	"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Prepend", "Replace", "Strip", "StripAccents", "BertNormalizer", "Sequence",
	"ByteLevel", "Split", "Metaspace", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits", "BertPreTokenizer", "CharDelimiterSplit",
	"ByteFallback", "Fuse", "WordPiece", "BPEDecoder",
}

// controls finds what could name a control character in a regular expression.
var controls = regexp.MustCompile(`\\[xucCMo0-9]|[\x00-\x08]`)

// neutral returns an error when a part of a tokenizer may tell NUL and a stand-in
// apart.
func neutral(v any) error {
	switch v := v.(type) {
	case string:
		if controls.MatchString(v) {
			return fmt.Errorf("has the text or pattern %q", v)
		}
	case []any:
		for _, item := range v {
			if err := neutral(item); err != nil {
				return err
			}
		}
	case map[string]any:
		if name, ok := v["type"].(string); ok && !slices.Contains(neutralTypes, name) {
			return fmt.Errorf("%s may treat it in its own way", name)
		}
		for _, item := range v {
			if err := neutral(item); err != nil {
				return err
			}
		}
	}
	return nil
}
