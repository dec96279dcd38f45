package reader

// roles are the tags of ShareGPT's and similar files.
var roles = map[string]string{
	"human": "user", "user": "user",
	"gpt": "assistant", "assistant": "assistant", "chatgpt": "assistant",
	"system":      "system",
	"observation": "tool", "tool": "tool", "function": "tool",
	"function_call": "function_call",
}

func fitsShareGPT(r *record, _ *Options) []string {
	if isArray(r.get("conversations")) {
		return []string{"conversations"}
	}
	return nil
}

func shareGPTRows(o *Options) func(*record, *batch) error {
	var turn object // reused
	return each(func(r *record, row *Row) error {
		conversation, err := r.list("conversations")
		if err != nil {
			return err
		}
		var turns []Turn
		err = elements(conversation, func(_ int, raw []byte) error {
			if o.FirstExchange && len(turns) == 2 {
				return nil
			}
			if !turn.parse(raw) {
				return reject("a turn is not an object")
			}
			tag, text := turn.get("from"), turn.get("value")
			if tag == nil {
				tag = turn.get("role")
			}
			if text == nil {
				text = turn.get("content")
			}
			if !isString(text) {
				return reject("a turn has no text")
			}
			said := Turn{Text: unquote(text)}
			if isString(tag) {
				said.Role = roles[unquote(tag)]
			}
			if said.Role == "" && !o.FirstExchange {
				return reject("a turn is of no known role: human, gpt, system, observation, function_call, user, assistant, chatgpt, tool")
			}
			turns = append(turns, said)
			return nil
		})
		if err != nil {
			return err
		}
		if o.FirstExchange {
			if len(turns) < 2 {
				return reject("fewer than two turns")
			}
			if turns[0].Text == "" {
				return reject("the first question is empty")
			}
			row.Prompt, row.Output = turns[0].Text, turns[1].Text
			return nil
		}
		if system := r.get("system"); isString(system) {
			row.System = unquote(system)
		}
		if len(turns) > 0 && turns[0].Role == "system" {
			row.System = turns[0].Text
			turns = turns[1:]
		}
		return row.converse(turns)
	})
}

// converse fills in a conversation, whose turns must be of user and assistant in
// turn, as ModelLink has it: results of tools stand where the user's questions do, and
// calls of tools where the answers do.
func (row *Row) converse(turns []Turn) error {
	switch {
	case len(turns) < 2:
		return reject("fewer than two turns")
	case len(turns)%2 != 0:
		return reject("an odd number of turns: the last one has no answer")
	}
	for i, turn := range turns {
		asks := turn.Role == "user" || turn.Role == "tool"
		answers := turn.Role == "assistant" || turn.Role == "function_call"
		if i%2 == 0 && !asks || i%2 == 1 && !answers {
			return reject("question and answer do not take turns")
		}
	}
	if turns[0].Text == "" {
		return reject("the first question is empty")
	}
	row.Prompt, row.Output = turns[0].Text, turns[1].Text
	if len(turns) > 2 || turns[0].Role != "user" || turns[1].Role != "assistant" {
		row.Turns = turns
	}
	return nil
}
