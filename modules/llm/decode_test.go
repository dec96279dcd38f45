package llm

import (
	"encoding/json"
	"strings"
	"testing"
)

// tokenEvents are events of each protocol that bring a word, which is replaced: those in
// the middle of a stream, as services send them.
var tokenEvents = map[string][]string{
	"openai-chat":      {`{"id":"chatcmpl-98553512126d3c68","object":"chat.completion.chunk","created":1795528124,"model":"tiny","choices":[{"index":0,"delta":{"content":"WORD"},"logprobs":null,"finish_reason":null,"token_ids":null}]}`},
	"openai":           {`{"id":"cmpl-98553512126d3c68","object":"text_completion","created":1795528124,"model":"tiny","choices":[{"index":0,"text":"WORD","logprobs":null,"finish_reason":null,"stop_reason":null}],"usage":null}`},
	"openai-responses": {`{"type":"response.output_text.delta","item_id":"msg_1vhPLitqR6EQE5idXBgPKvvF6KySL3UV","output_index":0,"content_index":0,"delta":"WORD","sequence_number":12}`},
	"anthropic":        {`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"WORD"}}`},
	"vllm":             {`{"text": ["The prompt and all of the answer so far WORD"]}`, `{"text": ["The prompt and all of the answer so far WORD WORD"]}`},
	"sglang":           {`{"text": "all so far WORD", "output_ids": [1, 2, 3], "meta_info": {"id": "s1", "finish_reason": null, "prompt_tokens": 5, "completion_tokens": 3, "cached_tokens": 2, "e2e_latency": 0.5}}`, `{"text": "all so far WORD WORD", "output_ids": [1, 2, 3, 4], "meta_info": {"id": "s1", "finish_reason": null, "prompt_tokens": 5, "completion_tokens": 4, "cached_tokens": 2, "e2e_latency": 0.5}}`},
	"tgi":              {`{"index":1,"token":{"id":7,"text":"WORD","logprob":-0.34,"special":false},"generated_text":null,"details":null}`},
	"llamacpp":         {`{"index":0,"content":"WORD","tokens":[1381],"stop":false,"id_slot":-1,"tokens_predicted":1,"tokens_evaluated":4}`},
	"triton":           {`{"model_name":"tiny","model_version":"1","n":2,"text_output":"WORD"}`},
	"trt":              {`{"model_name":"ensemble","model_version":"1","sequence_end":false,"sequence_id":0,"sequence_start":false,"text_output":"WORD"}`},
	"mindie":           {`{"prefill_time":null,"decode_time":12,"token":{"id":[626],"text":"WORD"}}`},
	"mindie-vllm":      {`{"text":["WORD"]}`},
	"mindie-tgi":       {`{"token":{"id":1,"text":"WORD","logprob":null,"special":null},"generated_text":null,"details":null}`},
	"mindie-triton":    {`{"id":"a123","model_name":"llama","model_version":null,"text_output":"WORD"}`},
	"mindspore":        {`{"event":"message","retry":30000,"data":[{"details":null,"generated_text":"WORD","tokens":{"id":1,"logprob":0,"special":false,"text":"WORD"},"top_tokens":[{"id":1}]}]}`},
	"base":             {`{"text":"WORD"}`},
}

// streaming are the backends that send streams.
func streaming(t testing.TB, f func(b *backend, events [][]byte)) {
	for _, b := range backends {
		if b.decode == nil {
			continue
		}
		texts := tokenEvents[b.name]
		if len(texts) == 0 {
			t.Fatalf("there is no token event of %s", b.name)
		}
		var events [][]byte
		for _, text := range texts {
			events = append(events, []byte(strings.ReplaceAll(text, "WORD", " support")))
		}
		f(b, events)
	}
}

// restart forgets what has come, and keeps the room for it.
func (o *output) restart() {
	for i := range o.choices {
		o.choices[i] = o.choices[i][:0]
	}
	for i := range o.progress {
		o.progress[i] = progress{raw: o.progress[i].raw[:0]}
	}
	o.reasoning, o.toolCalls = o.reasoning[:0], o.toolCalls[:0]
}

// A token event brings text and costs no allocation once the buffers have grown,
// in every protocol.
func TestTokenEvents(t *testing.T) {
	streaming(t, func(b *backend, events [][]byte) {
		var o output
		decode := func(event []byte) {
			o.begin()
			if err := b.decode(event, &o); err != nil {
				t.Fatalf("%s: %v", b.name, err)
			}
		}
		for _, e := range events {
			decode(e)
			if !o.text || o.done || o.fail != nil {
				t.Errorf("%s: %s has brought %s", b.name, e, &o)
			}
		}
		last := events[len(events)-1]
		if n := testing.AllocsPerRun(100, func() {
			if len(events) == 1 {
				o.restart()
			} else { // each has all of the text so far: only what is new is to be taken
				o.choices[0] = o.choices[0][:len(" support")]
				o.progress[0].raw = o.progress[0].raw[:len(o.progress[0].raw)-len(" support")]
			}
			decode(last)
		}); n > 0 {
			t.Errorf("%s: %v allocations an event", b.name, n)
		}
	})
}

// What an event costs, beside encoding/json into the values that it has.
func BenchmarkDecode(b *testing.B) {
	streaming(b, func(backend *backend, events [][]byte) {
		event := events[0]
		b.Run(backend.name, func(b *testing.B) {
			var o output
			b.ReportAllocs()
			for b.Loop() {
				o.begin()
				o.restart()
				if err := backend.decode(event, &o); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(backend.name+"/encoding-json", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var v any
				if err := json.Unmarshal(event, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

// Whatever a service sends, decoders come to an end, take no more than was sent, and
// fail on what is no JSON.
func FuzzDecode(f *testing.F) {
	for _, texts := range tokenEvents {
		for _, text := range texts {
			f.Add([]byte(text), []byte(text))
		}
	}
	f.Add([]byte(`{"generated_text":"ab","finish_reason":"length","generated_tokens":2}`), []byte(`{"data":[{"generated_text":"a"}]}`))
	f.Add([]byte(`{"type":"response.completed","response":{"output":[{"type":"message","content":[{"text":"a"}]}],"usage":{"output_tokens":1}}}`), []byte(`{"type":"message_delta","delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":6}}`))
	f.Add([]byte(`{"data":[{"embedding":[0.1,2]}],"usage":{"prompt_tokens":7}}`), []byte(`[{"index":0,"score":0.5}]`))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		for _, b := range backends {
			for _, decode := range []func([]byte, *output) error{b.decode, b.decodeWhole} {
				if decode == nil {
					continue
				}
				o := output{prompt: "The prompt"}
				for _, event := range [][]byte{one, two, one} {
					o.begin()
					err := decode(event, &o)
					if err == nil && string(event) != "[DONE]" && !json.Valid(event) {
						t.Errorf("%s takes %q", b.name, event)
					}
				}
				size := len(o.reasoning) + len(o.toolCalls)
				for _, c := range o.choices {
					size += len(c)
				}
				if most := 3 * (2*len(one) + len(two)); size > most { // an invalid byte becomes three
					t.Errorf("%s has made %d bytes of %q and %q", b.name, size, one, two)
				}
			}
		}
	})
}
