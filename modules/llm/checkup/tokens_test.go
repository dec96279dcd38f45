package checkup

import (
	"strings"
	"testing"
)

// How vLLM and SGLang, llama.cpp, MindIE and TGI answer.
func TestTokens(t *testing.T) {
	f := func(body string, want int) {
		t.Helper()
		if n, err := tokens([]byte(body)); n != want || (err != nil) != (want == 0) {
			t.Errorf("%s: %d, %v, want %d", body, n, err, want)
		}
	}
	f(`{"count":3,"max_model_len":4096,"tokens":[1,2,3],"token_strs":null}`, 3)
	f(`{"tokens":[1,2]}`, 2)
	f(`{"tokens":[{"id":1,"piece":"a"},{"id":2,"piece":[195]}]}`, 2)
	f(`{"token_number":4,"tokens":["a","b","c","d"]}`, 4)
	f(`[{"id":1,"text":"a","start":0,"stop":1}]`, 1)
	f(`{"error":{"message":"no"}}`, 0)
	f(`{"count":-3}`, 0)
	f(`{"count":"3"}`, 0)
	f(`[]`, 0)
	f(`not found`, 0)
	f(``, 0)
}

func FuzzTokens(f *testing.F) {
	for _, body := range []string{`{"count":3}`, `{"tokens":[1,2]}`, `[1]`, `{"token_number":1e99}`, `nul`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if n, err := tokens(body); n < 0 || (err == nil) != (n > 0) {
			t.Errorf("%q: %d, %v", body, n, err)
		}
	})
}

// What the counts of a service mean, beside those here.
func TestCompare(t *testing.T) {
	// f compares texts of there/plain/chat tokens each; special tokens are one more
	// than plain, and 0 for chat is that there is no template.
	f := func(status, text string, counts ...[3]int) {
		t.Helper()
		var all []counted
		for _, n := range counts {
			c := counted{name: "text", there: n[0], plain: n[1], whole: n[1] + 1}
			if n[2] > 0 {
				c.chat = &n[2]
			}
			all = append(all, c)
		}
		if got := compare("T", "how", all); got.Status != status || !strings.Contains(got.What+got.Why, text) {
			t.Errorf("%v: %+v, want %s with %q", counts, got, status, text)
		}
	}
	f("ok", "as the service does (how", [3]int{11, 10}, [3]int{21, 20})
	f("ok", "without special tokens", [3]int{10, 10}, [3]int{20, 20})
	f("ok", "adds 7 tokens", [3]int{17, 10}, [3]int{27, 20})
	f("ok", "with the chat template", [3]int{17, 10, 17}, [3]int{28, 20, 28})
	f("ok", "adds 30 tokens", [3]int{47, 10, 17}, [3]int{58, 20, 28}) // a system prompt of its own besides
	// wrong ones
	f("fail", "2048 tokens here have about 4096 there", [3]int{200, 100}, [3]int{400, 200}, [3]int{0, 0})
	f("fail", "2048 tokens here have about 1024 there", [3]int{50, 100}, [3]int{100, 200})
	f("fail", "text 47 instead of 10", [3]int{47, 10, 17}, [3]int{59, 20, 28})
}

// A template that takes the blanks around a text away leaves the samples as they are.
func TestSamples(t *testing.T) {
	for _, s := range samples {
		if strings.TrimSpace(s.text) != s.text {
			t.Errorf("%s has blanks around it", s.name)
		}
	}
}
