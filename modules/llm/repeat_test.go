package llm

import (
	"bytes"
	"fmt"
	"testing"
)

// what an event has done to an output.
func (o *output) String() string {
	return fmt.Sprintf("choices %q reasoning %q tools %q finish %q id %q usage %+v text %v more %v done %v tokens %d whole %v fail %v",
		o.choices, o.reasoning, o.toolCalls, o.finish, o.id, o.usage, o.text, o.more, o.done, o.tokens, o.whole, o.fail)
}

// follow decodes two events, the second through what was learnt of the first if
// it can be, and tells whether it could.
func follow(b *backend, first, second []byte, short bool) (o output, taken bool, err error) {
	var r repeat
	o.begin()
	if err = b.decode(first, &o); err != nil {
		return o, false, err
	}
	r.learn(first, &o)
	o.begin()
	if short && r.decode(second, &o) {
		return o, true, nil
	}
	return o, false, b.decode(second, &o)
}

func TestRepeat(t *testing.T) {
	const plain = `{"id":"c","choices":[{"index":0,"delta":{"content":"one"},"finish_reason":null}]}`
	f := func(first, second string, taken bool) {
		t.Helper()
		got, short, err := follow(openAIChat, []byte(first), []byte(second), true)
		want, _, wantErr := follow(openAIChat, []byte(first), []byte(second), false)
		if short != taken || (err == nil) != (wantErr == nil) || got.String() != want.String() {
			t.Errorf("%s\n%s\ntaken %v, want %v\n got %s, %v\nwant %s, %v", first, second, short, taken, &got, err, &want, wantErr)
		}
	}
	f(plain, `{"id":"c","choices":[{"index":0,"delta":{"content":" two"},"finish_reason":null}]}`, true)
	f(plain, `{"id":"c","choices":[{"index":0,"delta":{"content":"zwölf 十二"},"finish_reason":null}]}`, true)
	f(`{"choices":[{"delta":{"reasoning":"a"},"index":0}]}`, `{"choices":[{"delta":{"reasoning":"b"},"index":0}]}`, true)
	f(`{"choices":[{"index":1,"text":"a"}]}`, `{"choices":[{"index":1,"text":"b"}]}`, true)
	// No text at all, escapes, and what only looks alike.
	f(plain, `{"id":"c","choices":[{"index":0,"delta":{"content":""},"finish_reason":null}]}`, false)
	f(plain, `{"id":"c","choices":[{"index":0,"delta":{"content":"\n"},"finish_reason":null}]}`, false)
	f(plain, `{"id":"c","choices":[{"index":0,"delta":{"content":"a","reasoning":"b"},"finish_reason":null}]}`, false)
	f(plain, `{"id":"c","choices":[{"index":0,"delta":{"content":"end"},"finish_reason":"stop"}]}`, false)
	f(plain, `[DONE]`, false)
	// Nothing is learnt of events that do more than add one text.
	f(`{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}`, `{"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}]}`, false)
	f(`{"choices":[{"delta":{"content":"a"}}],"usage":{"completion_tokens":1}}`, `{"choices":[{"delta":{"content":"b"}}],"usage":{"completion_tokens":1}}`, false)
	f(`{"choices":[{"index":0,"text":"a"},{"index":1,"text":"b"}]}`, `{"choices":[{"index":0,"text":"a"},{"index":1,"text":"c"}]}`, false)
	f(`{"choices":[{"delta":{"content":"a"}}],"error":{"message":"x"}}`, `{"choices":[{"delta":{"content":"b"}}],"error":{"message":"x"}}`, false)
}

// The short way and the long way must never differ.
func FuzzRepeat(f *testing.F) {
	f.Add([]byte(`{"choices":[{"index":0,"delta":{"content":"`), []byte("a"), []byte(`b`), []byte(`"},"finish_reason":null}]}`))
	f.Add([]byte(`{"choices":[{"text":"`), []byte(" "), []byte(`x","finish_reason":"stop`), []byte(`"}]}`))
	f.Add([]byte(`{"usage":{"completion_tokens":3},"choices":[{"delta":{"reasoning":"`), []byte("a"), []byte(`\u00e9`), []byte(`"}}]}`))
	for _, events := range tokenEvents {
		before, after, _ := bytes.Cut([]byte(events[0]), []byte("WORD"))
		f.Add(before, []byte("one"), []byte("two"), after)
	}
	f.Fuzz(func(t *testing.T, before, one, two, after []byte) {
		first, second := bytes.Join([][]byte{before, one, after}, nil), bytes.Join([][]byte{before, two, after}, nil)
		for _, b := range backends {
			if b.decode == nil {
				continue
			}
			got, _, err := follow(b, first, second, true)
			want, _, wantErr := follow(b, first, second, false)
			if (err == nil) != (wantErr == nil) || err == nil && got.String() != want.String() {
				t.Errorf("%s: %q then %q:\n got %s, %v\nwant %s, %v", b.name, first, second, &got, err, &want, wantErr)
			}
		}
	})
}

func BenchmarkRepeat(b *testing.B) {
	event := []byte(`{"id":"chatcmpl-98553512126d3c68","object":"chat.completion.chunk","created":1795528124,"model":"tiny","choices":[{"index":0,"delta":{"content":" support"},"logprobs":null,"finish_reason":null,"token_ids":null}]}`)
	var o output
	var r repeat
	o.begin()
	if err := decodeOpenAI(event, &o); err != nil {
		b.Fatal(err)
	}
	r.learn(event, &o)
	b.ReportAllocs()
	for b.Loop() {
		o.begin()
		o.choices[0] = o.choices[0][:0]
		if !r.decode(event, &o) {
			b.Fatal("not recognised")
		}
	}
}
