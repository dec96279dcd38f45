package reader

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

func fitsMoss(r *record, _ *Options) []string {
	switch {
	case isObject(r.get("chat")):
		return []string{"chat"}
	case isString(r.get("plain_text")):
		return []string{"plain_text"}
	case isArray(r.get("conversation")):
		return []string{"conversation"}
	}
	return nil
}

// mossRow reads the three forms: moss-003-sft with "chat" (turns by number) or
// "conversation" (a list), and moss-002-sft with "plain_text".
func mossRow(r *record, row *Row) error {
	if err := first(r.words("meta_instruction", &row.System), r.words("prefix", &row.System)); err != nil {
		return err
	}
	var turns []Turn
	var err error
	switch {
	case r.get("chat") != nil:
		turns, err = mossChat(r.get("chat"))
	case r.get("plain_text") != nil:
		var text string
		if err = r.words("plain_text", &text); err == nil {
			turns = mossPlain(text)
		}
	case r.get("conversation") != nil:
		var raw []byte
		if raw, err = r.list("conversation"); err == nil {
			turns, err = mossList(raw)
		}
	default:
		return reject(`neither "chat" nor "plain_text" nor "conversation"`)
	}
	if err != nil {
		return err
	}
	return row.converse(turns)
}

// mossChat reads {"turn_1": {"Human": …, "MOSS": …}, …}. Inner thoughts, commands and
// their results are left out.
func mossChat(raw []byte) ([]Turn, error) {
	var chat, turn object
	if !chat.parse(raw) {
		return nil, reject(`"chat" is not an object`)
	}
	number := func(m member) int {
		n, _ := strconv.Atoi(strings.TrimPrefix(string(m.name), "turn_"))
		return n
	}
	slices.SortStableFunc(chat, func(a, b member) int { return cmp.Compare(number(a), number(b)) })
	var turns []Turn
	for _, m := range chat {
		if !turn.parse(m.value) {
			return nil, reject("a turn is not an object")
		}
		human, moss := turn.get("Human"), turn.get("MOSS")
		if !isString(human) || !isString(moss) {
			return nil, reject(`a turn has no "Human" or no "MOSS"`)
		}
		turns = append(turns,
			Turn{Role: "user", Text: bareMoss(unquote(human), "<|Human|>:", "<eoh>")},
			Turn{Role: "assistant", Text: bareMoss(unquote(moss), "<|MOSS|>:", "<eom>")})
	}
	return turns, nil
}

// bareMoss takes the marks off a text.
func bareMoss(text, begin, end string) string {
	text = strings.TrimPrefix(strings.TrimSpace(text), begin)
	return strings.TrimSpace(strings.TrimSuffix(text, end))
}

// mossPlain reads "[Human]: …<eoh> [MOSS]: …<eoa> [Human]: …".
func mossPlain(text string) []Turn {
	var turns []Turn
	for text != "" {
		var said string
		said, text, _ = strings.Cut(text, "<eo")
		_, text, _ = strings.Cut(text, ">") // h> or a>
		said = strings.TrimSpace(said)
		if rest, ok := strings.CutPrefix(said, "[Human]:"); ok {
			turns = append(turns, Turn{Role: "user", Text: strings.TrimSpace(rest)})
		} else if rest, ok := strings.CutPrefix(said, "[MOSS]:"); ok {
			turns = append(turns, Turn{Role: "assistant", Text: strings.TrimSpace(rest)})
		} else if said != "" {
			turns = append(turns, Turn{Role: "", Text: said}) // is rejected
		}
	}
	return turns
}

// mossList reads [{"human": …, "assistant": …}, …].
func mossList(raw []byte) ([]Turn, error) {
	var turn object
	var turns []Turn
	err := elements(raw, func(_ int, value []byte) error {
		if !turn.parse(value) {
			return reject("a turn is not an object")
		}
		human, assistant := turn.get("human"), turn.get("assistant")
		if !isString(human) || !isString(assistant) {
			return reject(`a turn has no "human" or no "assistant"`)
		}
		turns = append(turns, Turn{Role: "user", Text: unquote(human)}, Turn{Role: "assistant", Text: unquote(assistant)})
		return nil
	})
	return turns, err
}
