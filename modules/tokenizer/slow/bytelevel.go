package slow

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// qwen2Words cuts a text for Qwen2Tokenizer.
const qwen2Words = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

// byteLevelClasses are those that FromVocabulary knows.
var byteLevelClasses = []string{"GPT2Tokenizer", "Qwen2Tokenizer"}

// FromVocabulary makes a tokenizer.json of the files vocab.json and merges.txt of
// a byte-level BPE. How texts are cut into words is not in the files: the class
// in the settings tells.
func FromVocabulary(vocabulary, merges []byte, s Settings) ([]byte, error) {
	if !slices.Contains(byteLevelClasses, s.Class) {
		named := "tokenizer_config.json does not name the tokenizer's class"
		if s.Class != "" {
			named = "tokenizer_config.json names the class " + s.Class
		}
		return nil, fmt.Errorf("%s; with vocab.json and merges.txt, %s can be read", named, strings.Join(byteLevelClasses, " and "))
	}
	var vocab map[string]int
	if err := json.Unmarshal(vocabulary, &vocab); err != nil {
		return nil, fmt.Errorf("vocab.json: not an object of tokens and their ids: %w", err)
	}
	if len(vocab) == 0 {
		return nil, fmt.Errorf("vocab.json: it has no tokens")
	}
	pairs, err := parseMerges(merges, vocab)
	if err != nil {
		return nil, err
	}

	added := &addedSet{vocab: vocab}
	if s.Class == "Qwen2Tokenizer" && s.Unk == "" {
		s.Special = append(s.Special, "<|endoftext|>") // its default for unk, eos and pad
	}
	if err := added.mark(&s); err != nil {
		return nil, err
	}
	prefix := s.AddPrefixSpace != nil && *s.AddPrefixSpace
	file := tokenizerFile{Version: "1.0", AddedTokens: added.list, Decoder: byteLevel(prefix, true)}
	model := object{
		"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": "", "end_of_word_suffix": "",
		"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": pairs,
	}
	file.Model = model
	if s.Class == "Qwen2Tokenizer" {
		file.Normalizer = object{"type": "NFC"}
		file.PreTokenizer = sequence("pretokenizers", []any{split(qwen2Words), byteLevel(prefix, false)})
	} else {
		file.PreTokenizer = byteLevel(prefix, true)
	}
	if file.PostProcessor, err = s.ends(added.find, false); err != nil {
		return nil, err
	}
	return json.Marshal(file)
}

// parseMerges reads a merges.txt: two tokens a line, in the order of their ranks.
func parseMerges(data []byte, vocab map[string]int) ([][2]string, error) {
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("merges.txt: it is not valid UTF-8")
	}
	pairs := [][2]string{}
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || i == 0 && strings.HasPrefix(line, "#version") {
			continue
		}
		left, right, ok := strings.Cut(line, " ")
		if !ok || left == "" || right == "" || strings.Contains(right, " ") {
			return nil, fmt.Errorf("merges.txt:%d: %q is not two tokens with a blank between", i+1, line)
		}
		for _, token := range []string{left, right, left + right} {
			if _, found := vocab[token]; !found {
				return nil, fmt.Errorf("merges.txt:%d: vocab.json does not have %q: are both files of one model?", i+1, token)
			}
		}
		pairs = append(pairs, [2]string{left, right})
	}
	return pairs, nil
}
