package reader

import "time"

// fitsWeir fits weir's own traces, and the records of a run.
func fitsWeir(r *record, _ *Options) []string {
	if fields := present(r, "started_unix_ns", "case", "kind"); fields != nil {
		return fields
	}
	if fields := present(r, "timestamp_ms", "prompt_tokens"); fields != nil {
		return fields
	}
	if fields := present(r, "timestamp_ms"); fields != nil {
		return fields
	}
	return present(r, "prompt_tokens")
}

func weirRows(o *Options) func(*record, *batch) error {
	unit, block := o.unitOr(time.Millisecond), o.blockOr(512)
	turns := sessions{}
	return each(func(r *record, row *Row) error {
		if r.get("started_unix_ns") != nil {
			if o.TimeUnit > 0 || o.BlockSize > 0 {
				return wrong("leave them out", "%s:%d: timeUnit and blockSize are for traces, and this is a record of a run, which says its times in nanoseconds", r.path, r.line)
			}
			return recordRow(r, row)
		}
		size := block
		if err := first(
			r.arrive("timestamp_ms", unit, row), r.think("delay_ms", unit, row),
			r.words("prompt", &row.Prompt), r.words("system", &row.System), r.words("output", &row.Output),
			r.count("prompt_tokens", &row.PromptTokens), r.count("output_tokens", &row.OutputTokens),
			r.label("session", &row.Session), r.label("model", &row.Model), r.label("kind", &row.Kind),
			r.hashes("hash_ids", &row.HashIDs), r.count("block_size", &size),
		); err != nil {
			return err
		}
		switch {
		case row.Prompt == "" && row.PromptTokens == 0:
			return reject(`neither "prompt" nor "prompt_tokens"`)
		case size == 0:
			return reject(`"block_size" is 0`)
		}
		if err := row.blocks(size, true); err != nil {
			return err
		}
		turns.next(row)
		return r.ordinal("turn", &row.Turn)
	})
}

// recordRow reads a record of a run (docs/records.md): it arrived when it was to
// be sent, or else when it was.
func recordRow(r *record, row *Row) error {
	if kind := r.get("kind"); string(kind) != `"llm"` {
		return reject("a record of a request to no model")
	}
	if retried := r.get("retried"); string(retried) == "true" {
		return reject("an attempt that was repeated: the last one counts")
	}
	scheduled := Row{}
	if err := first(
		r.arrive("started_unix_ns", time.Nanosecond, row), r.arrive("scheduled_unix_ns", time.Nanosecond, &scheduled),
		r.label("model", &row.Model),
	); err != nil {
		return err
	}
	if scheduled.Timed {
		row.At = scheduled.At
	} else if row.At == 0 {
		return reject("a request that never started")
	}
	for field, to := range map[string]*int{"input_tokens": &row.PromptTokens, "output_tokens": &row.OutputTokens} {
		var n object
		if raw := r.get(field); raw != nil && n.parse(raw) {
			if err := (&record{object: n}).count("n", to); err != nil {
				return reject(`"` + field + `" has no number`)
			}
		}
	}
	if row.PromptTokens == 0 {
		return reject("the length of the prompt is not known")
	}
	return nil
}
