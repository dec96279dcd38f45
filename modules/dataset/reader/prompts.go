package reader

import (
	"maps"
	"time"
	"unicode/utf8"
)

func fitsAlpaca(r *record, _ *Options) []string { return present(r, "instruction", "output") }

func alpacaRows(o *Options) func(*record, *batch) error {
	return each(func(r *record, row *Row) error {
		var instruction, input string
		if err := first(
			r.words("instruction", &instruction), r.words("input", &input),
			r.words("output", &row.Output), r.words("system", &row.System),
		); err != nil {
			return err
		}
		row.Prompt = input
		if !o.InputOnly {
			row.Prompt = joined(instruction, input)
		}
		if row.Prompt == "" {
			if o.InputOnly {
				return reject(`"input" is empty`)
			}
			return reject(`"instruction" and "input" are empty`)
		}
		history := r.get("history")
		if history == nil || o.InputOnly {
			return nil
		}
		turns, err := exchanges(history)
		if err != nil || len(turns) == 0 {
			return err
		}
		return row.converse(append(turns, Turn{Role: "user", Text: row.Prompt}, Turn{Role: "assistant", Text: row.Output}))
	})
}

// joined puts a line break between two texts, unless one is empty.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

// exchanges are the turns of a list of questions and their answers.
func exchanges(history []byte) ([]Turn, error) {
	const bad = reject(`"history" is not a list of [question, answer]`)
	var turns []Turn
	err := elements(history, func(_ int, pair []byte) error {
		n := len(turns)
		err := elements(pair, func(_ int, text []byte) error {
			if !isString(text) {
				return bad
			}
			turns = append(turns, Turn{Role: []string{"user", "assistant"}[len(turns)%2], Text: unquote(text)})
			return nil
		})
		if err != nil || len(turns) != n+2 {
			return bad
		}
		return nil
	})
	if err != nil {
		return nil, bad
	}
	return turns, nil
}

// fitsCustom fits {"input", "output"}, where the instruction is missing or what
// generate_dataset.py writes; and any record if fields are named.
func fitsCustom(r *record, o *Options) []string {
	if len(o.Fields) > 0 {
		var marks []string
		for _, meaning := range Meanings {
			if name := o.Fields[meaning]; name != "" && r.get(name) != nil {
				marks = append(marks, name)
			}
		}
		return marks
	}
	if instruction := r.get("instruction"); instruction != nil && string(instruction) != `"NA"` {
		return nil
	}
	if fields := present(r, "input", "output"); fields != nil {
		return fields
	}
	return present(r, "input")
}

func customRows(o *Options) func(*record, *batch) error {
	fields := map[string]string{"prompt": "input", "output": "output"}
	maps.Copy(fields, o.Fields)
	turns := sessions{}
	return each(func(r *record, row *Row) error {
		return r.generic(row, o, turns, func(meaning string) string { return fields[meaning] })
	})
}

func fitsCSV(r *record, o *Options) []string {
	for _, meaning := range []string{"prompt", "prompt_tokens"} {
		if name := r.usual(meaning, o); name != "" {
			return []string{name}
		}
	}
	return nil
}

// usualNames are those that columns have, the more usual ones first.
var usualNames = map[string][]string{
	"prompt":        {"prompt", "input", "question", "text", "instruction"},
	"output":        {"output", "answer", "response", "completion"},
	"system":        {"system", "system_prompt"},
	"output_tokens": {"output_tokens", "output_length", "output_len", "max_tokens"},
	"prompt_tokens": {"prompt_tokens", "input_tokens", "input_length", "prompt_len", "input_len"},
	"timestamp":     {"timestamp", "time", "arrival_time"},
	"session":       {"session", "session_id", "conversation_id"},
	"delay":         {"delay"},
}

func csvRows(o *Options) func(*record, *batch) error {
	turns := sessions{}
	return each(func(r *record, row *Row) error {
		return r.generic(row, o, turns, func(meaning string) string { return r.usual(meaning, o) })
	})
}

// usual is the name of the column with a meaning: the one that was named, or the
// first usual one that there is; "" if there is none.
func (r *record) usual(meaning string, o *Options) string {
	if name := o.Fields[meaning]; name != "" {
		return name
	}
	for _, name := range usualNames[meaning] {
		if r.column(name) >= 0 {
			return name
		}
	}
	return ""
}

// generic makes a row of fields that name finds for a meaning, or "".
func (r *record) generic(row *Row, o *Options, turns sessions, name func(meaning string) string) error {
	unit := o.unitOr(time.Second)
	if err := first(
		r.words(name("prompt"), &row.Prompt), r.words(name("output"), &row.Output), r.words(name("system"), &row.System),
		r.count(name("output_tokens"), &row.OutputTokens), r.count(name("prompt_tokens"), &row.PromptTokens),
		r.arrive(name("timestamp"), unit, row), r.label(name("session"), &row.Session), r.think(name("delay"), unit, row),
	); err != nil {
		return err
	}
	switch {
	case row.Prompt != "" || row.PromptTokens > 0:
	case name("prompt") == "" || name("prompt_tokens") != "":
		return reject("neither a prompt nor its length")
	default:
		return reject(`"` + name("prompt") + `" is missing or empty`)
	}
	turns.next(row)
	return nil
}

func vllmCustomRow(r *record, row *Row) error {
	return first(r.prompt("prompt", &row.Prompt), r.count("output_tokens", &row.OutputTokens))
}

func humanEvalRow(r *record, row *Row) error {
	return first(r.prompt("prompt", &row.Prompt), r.prompt("canonical_solution", &row.Output))
}

func textRow(r *record, row *Row) error {
	if !utf8.Valid(r.raw) {
		return reject("not UTF-8")
	}
	row.Prompt = string(r.raw)
	return nil
}
