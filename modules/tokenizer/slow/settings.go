package slow

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Settings are those of tokenizer_config.json and its companions that decide
// token ids. The zero value is that of a model without such files.
type Settings struct {
	Class          string // tokenizer_class, without "Fast"
	AddBOS, AddEOS *bool  // nil: not said
	BOS, EOS, Unk  string
	Legacy         *bool
	AddPrefixSpace *bool
	Added          []Added // added_tokens_decoder and added_tokens.json
	Special        []string
}

// AddedTokens reads the object added_tokens_decoder of a tokenizer_config.json.
func AddedTokens(decoder map[string]json.RawMessage) ([]Added, error) {
	var list []Added
	for key, raw := range decoder {
		id, err := strconv.Atoi(key)
		if err != nil {
			return nil, fmt.Errorf("added_tokens_decoder: %q is not a token id", key)
		}
		var t Added
		if err := json.Unmarshal(raw, &t); err != nil {
			return nil, fmt.Errorf("added_tokens_decoder: token %d: %w", id, err)
		}
		t.ID = id
		list = append(list, t)
	}
	return list, nil
}

// addBOS is whether a token for the beginning is put before each text.
func (s *Settings) addBOS(otherwise bool) bool {
	if s.AddBOS != nil {
		return *s.AddBOS
	}
	return otherwise
}

func (s *Settings) addEOS() bool { return s.AddEOS != nil && *s.AddEOS }

// ends are the tokens around a text.
func (s *Settings) ends(find func(text string) (Added, bool), bosByDefault bool) (any, error) {
	var before, after []Added
	add := func(wanted bool, text, name string, list *[]Added) error {
		if !wanted || text == "" {
			return nil
		}
		t, ok := find(text)
		if !ok {
			return fmt.Errorf("tokenizer_config.json says that the %s %q is put around texts, but the vocabulary does not have it", name, text)
		}
		*list = append(*list, t)
		return nil
	}
	if err := add(s.addBOS(bosByDefault), s.BOS, "bos_token", &before); err != nil {
		return nil, err
	}
	if err := add(s.addEOS(), s.EOS, "eos_token", &after); err != nil {
		return nil, err
	}
	return around(before, after), nil
}
