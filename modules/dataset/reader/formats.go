package reader

import "slices"

// FormatInfo describes a format for users. Trace: its rows are arrivals, most of
// them without texts.
type FormatInfo struct {
	Name  string
	Title string
	Trace bool
}

// Formats lists all formats.
func Formats() []FormatInfo {
	all := make([]FormatInfo, len(formats))
	for i := range formats {
		all[i] = formats[i].FormatInfo
	}
	return all
}

// format is one entry of the list below.
type format struct {
	FormatInfo
	layout layout   // csvTable, textLines, or jsonLines for all that is JSON
	folder bool     // files of a folder are read together, each being a conversation
	takes  []string // the options among particular that it has
	needs  string   // in words, for who has a file that does not fit
	// fits returns the fields by which a record is known to be of the format; none if
	// it is not.
	fits func(*record, *Options) []string
	// rows returns the function that makes rows of the records of one File.
	rows func(*Options) func(*record, *batch) error
}

// formats are in the order of how much a fit says: of two that fit, the first one
// is taken.
var formats = []format{
	{FormatInfo{"weir", "weir's own traces, and records.jsonl.zst of a run", true}, jsonLines, false, []string{"timeUnit", "blockSize"},
		`"prompt_tokens" or "timestamp_ms" (weir's own), or "started_unix_ns" and "case" (records of a run)`, fitsWeir, weirRows},
	{FormatInfo{"bailian", "Bailian (Qwen) usage traces: seconds, blocks of 16 tokens", true}, jsonLines, false, []string{"timeUnit", "blockSize"},
		`"chat_id", "timestamp", "input_length", "output_length"`, fitsAll("chat_id", "timestamp", "input_length", "output_length"), bailianRows},
	{FormatInfo{"mooncake", "Mooncake traces, also AIPerf's, AISBench's and vLLM's timed ones: milliseconds, blocks of 512 tokens", true}, jsonLines, false, []string{"timeUnit", "blockSize"},
		`"output_length", and one of "input_length", "text_input", "input_text", "messages"`, fitsMooncake, mooncakeRows},
	{FormatInfo{"weka", "agentic coding traces of Weka: a JSON object a conversation; seconds, blocks of 64 tokens", true}, jsonLines, true, []string{"timeUnit", "blockSize"},
		`"requests", a list of objects with "t", "in" and "out"`, fitsWeka, wekaRows},
	{FormatInfo{"burstgpt", "BurstGPT traces: seconds", true}, csvTable, false, []string{"timeUnit"},
		"the columns Timestamp, Request tokens, Response tokens", fitsAll("Timestamp", "Request tokens", "Response tokens"), burstRows},
	{FormatInfo{"azure", "Azure LLM and LMM inference traces", true}, csvTable, false, []string{"timeUnit"},
		"the columns TIMESTAMP, ContextTokens, GeneratedTokens", fitsAll("TIMESTAMP", "ContextTokens", "GeneratedTokens"), azureRows},
	{FormatInfo{"sharegpt", "ShareGPT conversations", false}, jsonLines, false, []string{"firstExchange"},
		`"conversations", a list of {"from", "value"}`, fitsShareGPT, shareGPTRows},
	{FormatInfo{"moss", "MOSS conversations (moss-002-sft and moss-003-sft)", false}, jsonLines, true, nil,
		`"chat", "plain_text", or "conversation", a list of {"human", "assistant"}`, fitsMoss, one(mossRow)},
	{FormatInfo{"openai", "chat messages of OpenAI's API, also bodies of a batch", false}, jsonLines, false, []string{"timeUnit"},
		`"messages", a list of {"role", "content"}, alone or in "body"`, fitsOpenAI, openAIRows},
	{FormatInfo{"human-eval", "HumanEval: code to be completed", false}, jsonLines, false, nil,
		`"prompt" and "canonical_solution"`, fitsAll("prompt", "canonical_solution"), one(humanEvalRow)},
	{FormatInfo{"custom", "the AscendCloud scripts' own: input and output; with fields, any others", false}, jsonLines, false, []string{"fields", "timeUnit"},
		`"input", and no "instruction" but "NA"`, fitsCustom, customRows},
	{FormatInfo{"alpaca", "Alpaca: instruction, input, output", false}, jsonLines, false, []string{"inputOnly"},
		`"instruction" and "output"`, fitsAlpaca, alpacaRows},
	{FormatInfo{"vllm-custom", "vLLM's custom dataset: prompt, perhaps output_tokens", false}, jsonLines, false, nil,
		`"prompt"`, fitsAll("prompt"), one(vllmCustomRow)},
	{FormatInfo{"csv", "CSV whose head names the columns", false}, csvTable, false, []string{"fields", "timeUnit"},
		"a column of prompts (prompt, input, question, text or instruction) or of their lengths (prompt_tokens), or fields that name one", fitsCSV, csvRows},
	{FormatInfo{"text", "text, one prompt a line", false}, textLines, false, nil,
		"nothing", nil, one(textRow)},
}

// named is the format with a name, nil if there is none.
func named(name string) *format {
	for i := range formats {
		if formats[i].Name == name {
			return &formats[i]
		}
	}
	return nil
}

func formatNames() []string {
	all := make([]string, len(formats))
	for i := range formats {
		all[i] = formats[i].Name
	}
	return all
}

// match is fits, for who does not know the format: fields that are named can
// only be those of two formats.
func (c *format) match(r *record, o *Options) []string {
	if len(o.Fields) > 0 && !slices.Contains(c.takes, "fields") {
		return nil
	}
	return c.fits(r, o)
}

// fitsAll fits records that have all these fields.
func fitsAll(fields ...string) func(*record, *Options) []string {
	return func(r *record, _ *Options) []string { return present(r, fields...) }
}

// present returns the fields if the record has all of them.
func present(r *record, fields ...string) []string {
	for _, field := range fields {
		if r.get(field) == nil {
			return nil
		}
	}
	return fields
}

// one is a format whose records are a row each.
func one(fill func(*record, *Row) error) func(*Options) func(*record, *batch) error {
	return func(*Options) func(*record, *batch) error { return each(fill) }
}

func each(fill func(*record, *Row) error) func(*record, *batch) error {
	return func(r *record, b *batch) error {
		err := fill(r, b.add(r))
		if err != nil {
			b.drop()
		}
		return err
	}
}
