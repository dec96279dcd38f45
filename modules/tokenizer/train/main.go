// Command train makes weir's builtin tokenizer: a byte-level BPE in Hugging
// Face's tokenizer.json format, trained on the texts in this folder. Run it with
// "go generate" in modules/tokenizer after changing them; the same texts always
// give the same file.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

// vocabSize counts all tokens: 256 bytes, the merges, and endOfText.
const vocabSize = 4096

// endOfText is the only special token. It is never added around a text.
const endOfText = "<|endoftext|>"

func main() {
	out := flag.String("out", "builtin.json", "file to write")
	flag.Parse()
	data, err := tokenizerJSON(train(countPieces(), vocabSize-1-256))
	if err == nil {
		err = os.WriteFile(*out, data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
}

// tokenizerJSON writes the merges as a tokenizer.json.
func tokenizerJSON(merges []pair) ([]byte, error) {
	vocab := map[string]int{}
	for id, token := range alphabet() {
		vocab[token] = id
	}
	lines := []string{}
	for _, m := range merges {
		token := m.left + m.right
		if _, ok := vocab[token]; ok {
			return nil, fmt.Errorf("the merge %q %q makes a token that exists", m.left, m.right)
		}
		vocab[token] = len(vocab)
		lines = append(lines, m.left+" "+m.right)
	}
	if len(vocab)+1 != vocabSize {
		return nil, fmt.Errorf("the corpus is enough for %d tokens only, not %d", len(vocab)+1, vocabSize)
	}

	byteLevel := map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	file := map[string]any{
		"version":        "1.0",
		"truncation":     nil,
		"padding":        nil,
		"normalizer":     nil,
		"pre_tokenizer":  byteLevel,
		"post_processor": nil,
		"decoder":        byteLevel,
		"added_tokens": []any{map[string]any{
			"id": len(vocab), "content": endOfText, "special": true,
			"single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
		}},
		"model": map[string]any{
			"type": "BPE", "dropout": nil, "unk_token": nil,
			"continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
			"vocab": vocab, "merges": lines,
		},
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "")
	err := enc.Encode(file)
	return out.Bytes(), err
}
