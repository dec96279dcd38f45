package checkup

import "testing"

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
