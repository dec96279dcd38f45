package reader

import (
	"strconv"
	"time"
)

func fitsMooncake(r *record, _ *Options) []string {
	if r.get("output_length") == nil {
		// AIPerf's may leave the output length out, where there are ids.
		return present(r, "input_length", "hash_ids")
	}
	if fields := present(r, "timestamp", "input_length", "output_length"); fields != nil {
		return fields
	}
	for _, prompt := range []string{"input_length", "text_input", "input_text", "messages"} {
		if fields := present(r, prompt, "output_length"); fields != nil {
			return fields
		}
	}
	return nil
}

// mooncakeRows reads Mooncake's traces, and what AIPerf, AISBench and vLLM add to
// them.
func mooncakeRows(o *Options) func(*record, *batch) error {
	unit, block := o.unitOr(time.Millisecond), o.blockOr(512)
	turns := sessions{}
	return each(func(r *record, row *Row) error {
		if err := first(
			r.arrive("timestamp", unit, row), r.think("delay", unit, row), r.label("session_id", &row.Session), r.label("model", &row.Model),
			r.words("input_text", &row.Prompt), r.words("text_input", &row.Prompt),
			r.count("output_length", &row.OutputTokens),
		); err != nil {
			return err
		}
		messages := r.get("messages")
		if messages != nil {
			if _, err := r.list("messages"); err != nil {
				return err
			}
			if err := row.chat(messages); err != nil {
				return err
			}
		}
		// The length is needed where there is nothing else to send.
		read := r.count
		if row.Prompt == "" && messages == nil {
			read = r.need
		}
		if err := first(read("input_length", &row.PromptTokens), r.hashes("hash_ids", &row.HashIDs)); err != nil {
			return err
		}
		if r.get("output_length") != nil && row.OutputTokens == 0 {
			return reject(`"output_length" is 0`)
		}
		if err := row.blocks(block, false); err != nil {
			return err
		}
		turns.next(row)
		return nil
	})
}

// blocks checks that the ids cover the prompt: n blocks are for more than n−1 and at
// most n times the size. If open, the last tokens of the prompt may have no block.
func (row *Row) blocks(size int, open bool) error {
	n := len(row.HashIDs)
	if n == 0 {
		return nil
	}
	row.BlockSize = size
	full := row.PromptTokens / size
	if row.PromptTokens%size != 0 && n == full+1 || n == full && (open || row.PromptTokens%size == 0) {
		return nil
	}
	return reject("as many hash_ids do not fit a prompt of that length, with blocks of " + strconv.Itoa(size) + " tokens")
}

// bailianRows reads Bailian's traces, and finds out which requests are of one
// conversation.
func bailianRows(o *Options) func(*record, *batch) error {
	unit, block := o.unitOr(time.Second), o.blockOr(16)
	type place struct {
		root string
		turn int
	}
	places := map[string]place{} // of each chat so far
	return each(func(r *record, row *Row) error {
		var chat, parent string
		number := 0
		if err := first(
			r.label("chat_id", &chat), r.label("parent_chat_id", &parent), r.ordinal("turn", &number),
			r.arrive("timestamp", unit, row), r.label("type", &row.Kind),
			r.need("input_length", &row.PromptTokens), r.need("output_length", &row.OutputTokens), r.hashes("hash_ids", &row.HashIDs),
		); err != nil {
			return err
		}
		switch {
		case chat == "":
			return reject(`"chat_id" is missing`)
		case !row.Timed:
			return reject(`"timestamp" is missing`)
		}
		if err := row.blocks(block, true); err != nil {
			return err
		}
		at := place{root: chat}
		if parent != "" && parent != "-1" {
			at = place{parent, 1}
			if before, ok := places[parent]; ok {
				at = place{before.root, before.turn + 1}
			}
		}
		if number > 0 {
			at.turn = number - 1
		}
		places[chat] = at
		row.Session, row.Turn = at.root, at.turn
		return nil
	})
}

func burstRows(o *Options) func(*record, *batch) error {
	unit := o.unitOr(time.Second)
	turns := sessions{}
	return each(func(r *record, row *Row) error {
		if err := first(
			r.arrive("Timestamp", unit, row), r.label("Session ID", &row.Session), r.label("Model", &row.Model), r.label("Log Type", &row.Kind),
			r.need("Request tokens", &row.PromptTokens), r.count("Response tokens", &row.OutputTokens),
		); err != nil {
			return err
		}
		switch {
		case !row.Timed:
			return reject(`"Timestamp" is missing`)
		case row.OutputTokens == 0:
			return reject(`a request that failed: "Response tokens" is 0`)
		}
		turns.next(row)
		return nil
	})
}

func azureRows(o *Options) func(*record, *batch) error {
	unit := o.unitOr(time.Second)
	return each(func(r *record, row *Row) error {
		images := -1
		if err := first(
			r.arrive("TIMESTAMP", unit, row), r.ordinal("NumImages", &images),
			r.need("ContextTokens", &row.PromptTokens), r.need("GeneratedTokens", &row.OutputTokens),
		); err != nil {
			return err
		}
		switch {
		case !row.Timed:
			return reject(`"TIMESTAMP" is missing`)
		case images > 0:
			row.Kind = "image"
		case images == 0:
			row.Kind = "text"
		}
		return nil
	})
}
