package slow

// The parts of a tokenizer.json.

type object = map[string]any

// Added is an added token.
type Added struct {
	ID         int    `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	Lstrip     bool   `json:"lstrip"`
	Rstrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

type tokenizerFile struct {
	Version       string  `json:"version"`
	Truncation    any     `json:"truncation"`
	Padding       any     `json:"padding"`
	AddedTokens   []Added `json:"added_tokens"`
	Normalizer    any     `json:"normalizer"`
	PreTokenizer  any     `json:"pre_tokenizer"`
	PostProcessor any     `json:"post_processor"`
	Decoder       any     `json:"decoder"`
	Model         any     `json:"model"`
}

func sequence(of string, items []any) any {
	if len(items) == 0 {
		return nil
	}
	return object{"type": "Sequence", of: items}
}

func replace(kind, pattern, content string) any {
	return object{"type": "Replace", "pattern": object{kind: pattern}, "content": content}
}

func split(pattern string) any {
	return object{"type": "Split", "pattern": object{"Regex": pattern}, "behavior": "Isolated", "invert": false}
}

func byteLevel(addPrefixSpace, useRegex bool) any {
	return object{"type": "ByteLevel", "add_prefix_space": addPrefixSpace, "trim_offsets": false, "use_regex": useRegex}
}

// around puts tokens before and behind each text; nil when there are none.
func around(before, after []Added) any {
	if len(before)+len(after) == 0 {
		return nil
	}
	special := object{}
	part := func(t Added, sequence int) any {
		special[t.Content] = object{"id": t.Content, "ids": []int{t.ID}, "tokens": []string{t.Content}}
		return object{"SpecialToken": object{"id": t.Content, "type_id": sequence}}
	}
	text := func(name string, sequence int) (out []any) {
		for _, t := range before {
			out = append(out, part(t, sequence))
		}
		out = append(out, object{"Sequence": object{"id": name, "type_id": sequence}})
		for _, t := range after {
			out = append(out, part(t, sequence))
		}
		return out
	}
	single := text("A", 0)
	return object{"type": "TemplateProcessing", "single": single, "pair": append(text("A", 0), text("B", 1)...), "special_tokens": special}
}
