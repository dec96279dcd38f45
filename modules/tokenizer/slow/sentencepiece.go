package slow

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// plainClasses are the tokenizer classes that use the ids of a SentencePiece model
// as they are, and whether they put the token for the beginning before a text
// when nothing is said about it.
var plainClasses = map[string]bool{
	"":                    false,
	"PreTrainedTokenizer": false,
	"LlamaTokenizer":      true,
	"CodeLlamaTokenizer":  true,
	"GemmaTokenizer":      true,
	"YiTokenizer":         false,
	"BaichuanTokenizer":   true,
	"InternLMTokenizer":   true,
	"InternLM2Tokenizer":  true,
	"OrionTokenizer":      true,
	"AquilaTokenizer":     false,
	chatGLM:               false,
}

const chatGLM = "ChatGLMTokenizer"

// FromSentencePiece makes a tokenizer.json of a tokenizer.model.
func FromSentencePiece(data []byte, s Settings) ([]byte, error) {
	bos, known := plainClasses[s.Class]
	if !known {
		return nil, fmt.Errorf("tokenizer_config.json names the class %s, which changes the ids of the SentencePiece model by rules of its own", s.Class)
	}
	m, err := parseModel(data)
	if err != nil {
		return nil, fmt.Errorf("not a SentencePiece model: %w", err)
	}
	if m.suffix {
		return nil, errors.New("the SentencePiece model puts blanks behind words (treat_whitespace_as_suffix)")
	}
	vocab := make(map[string]int, len(m.pieces))
	for id, p := range m.pieces {
		if other, twice := vocab[p.text]; twice {
			return nil, fmt.Errorf("not a SentencePiece model: the pieces %d and %d are the same, %q", other, id, p.text)
		}
		vocab[p.text] = id
	}
	if m.unk < 0 || m.unk >= len(m.pieces) {
		return nil, fmt.Errorf("the SentencePiece model has no piece for unknown text (unk_id is %d)", m.unk)
	}

	added := &addedSet{vocab: vocab}
	for id, p := range m.pieces {
		// The code of ChatGLM does not look for these in texts.
		if s.Class != chatGLM && (p.kind == control || p.kind == unknown) {
			if err := added.put(Added{ID: id, Content: p.text, Special: true}); err != nil {
				return nil, err
			}
		}
	}
	var prefix []Added
	if s.Class == chatGLM {
		if prefix, err = chatGLMTokens(m, vocab, &s); err != nil {
			return nil, err
		}
	}
	if err := added.mark(&s); err != nil {
		return nil, err
	}
	ends, err := s.ends(added.find, bos)
	if err != nil {
		return nil, err
	}
	if len(prefix) > 0 {
		ends = around(prefix, nil)
	}
	file := tokenizerFile{Version: "1.0", AddedTokens: added.list, PostProcessor: ends}
	m.around(&file, s)
	switch m.algorithm {
	case bpe:
		file.Model = m.bpe(vocab)
	case unigram:
		file.Model = m.unigram()
	default:
		return nil, fmt.Errorf("the SentencePiece model is of type %d; BPE and Unigram can be read", m.algorithm)
	}
	return json.Marshal(file)
}

// around describes what happens to a text before and behind the model.
func (m *model) around(file *tokenizerFile, s Settings) {
	dummy := m.dummyPrefix && (s.AddPrefixSpace == nil || *s.AddPrefixSpace)
	legacy := s.Legacy == nil || *s.Legacy

	var normalizers, pre []any
	if len(m.charsmap) > 0 {
		normalizers = append(normalizers, object{"type": "Precompiled", "precompiled_charsmap": m.charsmap})
	}
	if m.squeeze {
		normalizers = append(normalizers, replace("Regex", `\A +| +\z`, ""), replace("Regex", ` {2,}`, " "))
	}
	if dummy && legacy { // before each part of a text between special tokens
		normalizers = append(normalizers, object{"type": "Prepend", "prepend": m.blank()})
	}
	if m.escape {
		normalizers = append(normalizers, replace("String", " ", "▁"))
	}
	if dummy && !legacy { // before the first part
		pre = append(pre, object{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false})
	}
	if pattern := m.userDefined(); pattern != "" {
		pre = append(pre, split(pattern))
		if m.byteFallback { // the text "<0x41>" is no byte, though whole words are looked up
			pre = append(pre, split(`\A<(?=0x[0-9A-F]{2}>\z)`))
		}
	}
	file.Normalizer = sequence("normalizers", normalizers)
	file.PreTokenizer = sequence("pretokenizers", pre)

	decoders := []any{replace("String", "▁", " ")}
	if m.byteFallback {
		decoders = append(decoders, object{"type": "ByteFallback"})
	}
	decoders = append(decoders, object{"type": "Fuse"})
	if dummy {
		decoders = append(decoders, object{"type": "Strip", "content": " ", "start": 1, "stop": 0})
	}
	file.Decoder = sequence("decoders", decoders)
}

func (m *model) blank() string {
	if m.escape {
		return "▁"
	}
	return " "
}

// userDefined is a pattern for the pieces that are found in a text before all
// others; the longest first.
func (m *model) userDefined() string {
	var found []string
	for _, p := range m.pieces {
		if p.kind == userDefined {
			found = append(found, regexp.QuoteMeta(p.text))
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return strings.Join(found, "|")
}

func (m *model) unkText() string { return m.pieces[m.unk].text }

func (m *model) bpe(vocab map[string]int) any {
	return object{
		"type": "BPE", "dropout": nil, "unk_token": m.unkText(), "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
		"fuse_unk": true, "byte_fallback": m.byteFallback, "ignore_merges": m.userDefined() != "",
		"vocab": vocab, "merges": m.merges(),
	}
}

// merges are all pairs of normal pieces that make a normal piece: the order of the
// pieces' scores is that in which SentencePiece joins them.
func (m *model) merges() [][2]string {
	normalPieces := make(map[string]bool, len(m.pieces))
	order := make([]int, 0, len(m.pieces))
	for id, p := range m.pieces {
		if p.kind == normal {
			normalPieces[p.text] = true
			order = append(order, id)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.pieces[b].score, m.pieces[a].score) })
	merges := [][2]string{}
	for _, id := range order {
		text := m.pieces[id].text
		first := len(merges)
		for i := range text {
			if i > 0 && normalPieces[text[:i]] && normalPieces[text[i:]] {
				merges = append(merges, [2]string{text[:i], text[i:]})
			}
		}
		slices.SortFunc(merges[first:], func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	}
	return merges
}

func (m *model) unigram() any {
	vocab := make([][2]any, len(m.pieces))
	for i, p := range m.pieces {
		vocab[i] = [2]any{p.text, p.unigramScore()}
	}
	return object{"type": "Unigram", "unk_id": m.unk, "byte_fallback": m.byteFallback, "vocab": vocab}
}

// unigramScore is the score as the library takes it. JSON knows no infinity.
func (p piece) unigramScore() float64 {
	if math.IsInf(float64(p.score), 0) {
		return math.Copysign(math.MaxFloat32, float64(p.score))
	}
	return float64(p.score)
}

// chatGLMTokens adds the special tokens of ChatGLM2 and ChatGLM3, whose program
// code numbers them behind the pieces, and returns the two that begin each text.
// They are put into the vocabulary, where no text finds them: as in that code,
// only those that the settings list are recognized within texts.
func chatGLMTokens(m *model, vocab map[string]int, s *Settings) ([]Added, error) {
	if m.algorithm != bpe {
		return nil, errors.New("the SentencePiece model is not the BPE of ChatGLM2 or ChatGLM3")
	}
	var begin []Added
	next := len(m.pieces)
	for _, text := range []string{"[MASK]", "[gMASK]", "[sMASK]", "sop", "eop", "<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"} {
		if _, there := vocab[text]; there {
			return nil, fmt.Errorf("the SentencePiece model of a ChatGLM has the token %s itself", text)
		}
		vocab[text] = next
		if text == "[gMASK]" || text == "sop" {
			begin = append(begin, Added{ID: next, Content: text, Special: true})
		}
		next++
	}
	for _, t := range s.Added {
		if utf8.RuneCountInString(t.Content) > 0 && vocab[t.Content] != t.ID {
			return nil, fmt.Errorf("tokenizer_config.json gives %q the id %d, ChatGLM3 gives it %d", t.Content, t.ID, vocab[t.Content])
		}
	}
	s.BOS, s.EOS, s.Unk, s.Special = "", "", "", nil
	return begin, nil
}
