package reader_test

import (
	"strings"
	"testing"
	"time"

	"weir/modules/dataset/reader"
)

// An option that does nothing for the format of a file is refused, whether the format was
// named or found out.
func TestUselessOptions(t *testing.T) {
	files := map[string]string{
		"weir":        `{"timestamp_ms": 1, "prompt_tokens": 8, "hash_ids": [1]}`,
		"bailian":     `{"chat_id": 1, "timestamp": 1, "input_length": 8, "output_length": 1}`,
		"mooncake":    `{"timestamp": 1, "input_length": 8, "output_length": 1}`,
		"weka":        `{"id": "a", "requests": [{"t": 1, "in": 8, "out": 1}]}`,
		"burstgpt":    "Timestamp,Request tokens,Response tokens\n1,8,1\n",
		"azure":       "TIMESTAMP,ContextTokens,GeneratedTokens\n1,8,1\n",
		"sharegpt":    `{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}`,
		"moss":        `{"plain_text": "[Human]: a<eoh> [MOSS]: b<eoa>"}`,
		"openai":      `{"messages": [{"role": "user", "content": "a"}]}`,
		"human-eval":  `{"prompt": "a", "canonical_solution": "b"}`,
		"custom":      `{"input": "a", "output": "b", "when": 1}`,
		"alpaca":      `{"instruction": "a", "input": "b", "output": "c"}`,
		"vllm-custom": `{"prompt": "a"}`,
		"csv":         "prompt,when\na,1\n",
		"text":        "a\n",
	}
	given := map[string]func(*reader.Options){
		"inputOnly":     func(o *reader.Options) { o.InputOnly = true },
		"firstExchange": func(o *reader.Options) { o.FirstExchange = true },
		"timeUnit":      func(o *reader.Options) { o.TimeUnit = time.Second },
		"blockSize":     func(o *reader.Options) { o.BlockSize = 16 },
		"fields":        func(o *reader.Options) { o.Fields = map[string]string{"timestamp": "when"} },
	}
	taken := map[string]string{
		"inputOnly":     "alpaca",
		"firstExchange": "sharegpt",
		"timeUnit":      "weir bailian mooncake weka burstgpt azure openai",
		"blockSize":     "weir bailian mooncake weka",
		"fields":        "custom csv",
	}
	if len(files) != len(reader.Formats()) {
		t.Errorf("%d files for %d formats", len(files), len(reader.Formats()))
	}
	for format, text := range files {
		path := write(t, "a.txt", []byte(text))
		for option, give := range given {
			o := reader.Options{Format: format}
			give(&o)
			_, err := reader.Open(t.Context(), path, o)
			want := " the format is " + format + " (as asked), for which " + option + " does nothing: it "
			if takes := strings.Contains(" "+taken[option]+" ", " "+format+" "); takes && err != nil || !takes && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s with %s: %v", format, option, err)
			}
		}
	}
	f := func(format string, o reader.Options, want string) {
		t.Helper()
		_, err := reader.Open(t.Context(), write(t, "a.txt", []byte(files[format])), o)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s, %+v: %v, not %q", format, o, err, want)
		}
	}
	f("alpaca", reader.Options{FirstExchange: true}, `the format is alpaca (JSONL whose records have "instruction", "output"), for which firstExchange does nothing: it takes the first two turns of ShareGPT's`)
	f("custom", reader.Options{Fields: map[string]string{"timestamp": "when"}, TimeUnit: time.Second}, "")
	f("custom", reader.Options{Fields: map[string]string{"output": "output"}, TimeUnit: time.Second}, "fields name neither a timestamp nor a delay")
	f("csv", reader.Options{Fields: map[string]string{"delay": "when"}, TimeUnit: time.Second}, "")
	f("csv", reader.Options{TimeUnit: time.Second}, `the columns are "prompt", "when"`)
}

// Records of a run say what their times are.
func TestOptionsOfRecords(t *testing.T) {
	f, err := reader.Open(t.Context(), samples+"/weir/records.jsonl", reader.Options{TimeUnit: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := count(f); rows != 0 || err == nil || !strings.Contains(err.Error(), "records.jsonl:1: timeUnit and blockSize are for traces") {
		t.Errorf("%d rows, then %v", rows, err)
	}
}
