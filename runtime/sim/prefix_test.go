package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/runtime/sim"
)

// cached is a service with a prefix cache of 10 blocks of 4 tokens. A word is a token.
func cached() sim.Config {
	cfg := quick()
	cfg.PrefixCache, cfg.BlockSize, cfg.KVTokens = true, 4, 40
	cfg.Encode = func(text string) []int {
		var ids []int
		for word := range strings.FieldsSeq(text) {
			id := 0
			for _, b := range []byte(word) {
				id = id<<8 | int(b)
			}
			ids = append(ids, id)
		}
		return ids
	}
	cfg.Vocabulary = []string{" x"}
	return cfg
}

// words are different ones: a0 a1 a2 …
func words(letter string, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(letter, i)
	}
	return strings.Join(list, " ")
}

// What is found of prompts that are sent one after another.
func TestPrefixCache(t *testing.T) {
	prompt := func(text string) string { return fmt.Sprintf(`{"prompt":%q,"max_tokens":1}`, text) }
	chat := func(tokens int, turns ...string) string {
		var list []string
		for i, text := range turns {
			list = append(list, fmt.Sprintf(`{"role":%q,"content":%q}`, []string{"user", "assistant"}[i%2], text))
		}
		return fmt.Sprintf(`{"messages":[%s],"max_tokens":%d}`, strings.Join(list, ","), tokens)
	}
	type ask struct {
		path, body string
		want       int
	}
	for name, asks := range map[string][]ask{
		"whole blocks, and never the last token": {
			{"/v1/completions", prompt(words("a", 13)), 0},
			{"/v1/completions", prompt(words("a", 13)), 12},
			{"/v1/completions", prompt(words("a", 12)), 8},
			{"/v1/completions", prompt(words("a", 11)), 8},
			{"/v1/completions", prompt(words("a", 3)), 0},
			{"/v1/completions", prompt(words("a", 6) + " " + words("b", 20)), 4},
		},
		"the same tokens in another place are others": {
			{"/v1/completions", prompt(words("a", 9)), 0},
			{"/v1/completions", prompt("b c d e " + words("a", 9)), 0},
			{"/v1/completions", prompt(words("a", 4) + " " + words("a", 9)), 4},
		},
		"token ids": {
			{"/v1/completions", `{"prompt":[1,2,3,4,5,6],"max_tokens":1}`, 0},
			{"/v1/completions", `{"prompt":[1,2,3,4,5,7],"max_tokens":1}`, 4},
			{"/v1/completions", `{"prompt":[1,2,3,-4,5,7],"max_tokens":1}`, 0},
		},
		"several prompts": {
			{"/v1/completions", fmt.Sprintf(`{"prompt":[%q,%q],"max_tokens":1}`, words("a", 5), words("b", 5)), 0},
			{"/v1/completions", fmt.Sprintf(`{"prompt":[%q,%q],"max_tokens":1}`, words("b", 5), words("c", 5)), 4},
		},
		"another model": {
			{"/v1/completions", `{"model":"m","prompt":[1,2,3,4,5,6],"max_tokens":1}`, 0},
			{"/v1/completions", `{"model":"n","prompt":[1,2,3,4,5,6],"max_tokens":1}`, 0},
			{"/v1/completions", `{"model":"m","prompt":[1,2,3,4,5,6],"max_tokens":1}`, 4},
		},
		// 6 tokens and 7 of the reply are 3 blocks; then 6+7+3 are 4.
		"a conversation finds its replies": {
			{"/v1/chat/completions", chat(7, words("a", 6)), 0},
			{"/v1/chat/completions", chat(2, words("a", 6), strings.Repeat(" x", 7), words("b", 3)), 12},
			{"/v1/chat/completions", chat(2, words("a", 6), strings.Repeat(" x", 7), words("b", 3), " x x", words("c", 1)), 16},
			{"/v1/chat/completions", chat(2, words("a", 6), "y y y y y y y", words("b", 3)), 4},
		},
		"who said it": {
			{"/v1/chat/completions", chat(1, words("a", 9)), 0},
			{"/v1/chat/completions", `{"messages":[{"role":"system","content":"` + words("a", 9) + `"}],"max_tokens":1}`, 0},
		},
		"another image": {
			{"/v1/chat/completions", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"one"}},{"type":"text","text":"a"}]}],"max_tokens":1}`, 0},
			{"/v1/chat/completions", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"two"}},{"type":"text","text":"a"}]}],"max_tokens":1}`, 0},
			{"/v1/chat/completions", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"two"}},{"type":"text","text":"a"}]}],"max_tokens":1}`, 8},
		},
		// Ten blocks have room. What was used last stays, and of what goes, the end goes first.
		"what was not used for long makes room": {
			{"/v1/completions", prompt(words("a", 21)), 0}, // 5 blocks
			{"/v1/completions", prompt(words("b", 13)), 0}, // 3
			{"/v1/completions", prompt(words("a", 21)), 20},
			{"/v1/completions", prompt(words("c", 17)), 0}, // 4: two of b go
			{"/v1/completions", prompt(words("b", 13)), 4}, // two of a go
			{"/v1/completions", prompt(words("a", 21)), 12},
		},
		"more than there is room for": {
			{"/v1/completions", prompt(words("a", 101)), 0},
			{"/v1/completions", prompt(words("a", 101)), 40},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := cached()
			cfg.MediaTokens = 8
			server := start(t, cfg)
			queries, hits := 0, 0
			for i, a := range asks {
				_, body := answered(t, "POST", server.URL()+a.path, a.body)
				r := ended(t, server)[i]
				if want := fmt.Sprintf(`"prompt_tokens_details":{"cached_tokens":%d}`, a.want); r.CachedTokens != a.want || !strings.Contains(string(body), want) {
					t.Errorf("request %d: %d tokens were cached, want %d; the answer is %s", i, r.CachedTokens, a.want, body)
				}
				queries, hits = queries+r.PromptTokens, hits+r.CachedTokens
			}
			_, metrics := answered(t, "GET", server.URL()+"/metrics", "")
			for _, want := range []string{
				fmt.Sprintf("vllm:prefix_cache_queries_total{engine=\"0\",model_name=\"sim\"} %d\n", queries),
				fmt.Sprintf("vllm:prefix_cache_hits_total{engine=\"0\",model_name=\"sim\"} %d\n", hits),
			} {
				if !strings.Contains(string(metrics), want) {
					t.Errorf("/metrics lacks %s", want)
				}
			}
		})
	}
}

// Every protocol that can tells how much was cached.
func TestProtocolsTellWhatIsCached(t *testing.T) {
	text := words("a", 10)
	for _, test := range []struct{ path, body, want string }{
		{"/v1/chat/completions", `{"messages":[{"role":"user","content":"TEXT"}],"max_tokens":1,"stream":true,"stream_options":{"include_usage":true}}`, `"prompt_tokens_details":{"cached_tokens":8}`},
		{"/v1/responses", `{"input":"TEXT","instructions":"b c","max_output_tokens":1}`, `"input_tokens_details":{"cached_tokens":8}`},
		{"/v1/responses", `{"input":[{"role":"user","content":"TEXT"}],"max_output_tokens":1,"stream":true}`, `"input_tokens_details":{"cached_tokens":8}`},
		{"/v1/messages", `{"messages":[{"role":"user","content":"TEXT"}],"max_tokens":1}`, `{"input_tokens":2,"cache_creation_input_tokens":0,"cache_read_input_tokens":8,"output_tokens":1}`},
		{"/v1/messages", `{"system":"b","messages":[{"role":"user","content":"TEXT"}],"max_tokens":1,"stream":true}`, `{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":8,"output_tokens":0}`},
		{"/generate", `{"text":"TEXT","sampling_params":{"max_new_tokens":1},"stream":true}`, `"cached_tokens":8`},
		{"/completion", `{"prompt":"TEXT","n_predict":1}`, `"timings":{"cache_n":8,"prompt_n":2,`},
	} {
		server := start(t, cached())
		body := strings.ReplaceAll(test.body, "TEXT", text)
		answered(t, "POST", server.URL()+test.path, body)
		ended(t, server)
		if _, got := answered(t, "POST", server.URL()+test.path, body); !strings.Contains(string(got), test.want) {
			t.Errorf("%s %s: the second answer lacks %s:\n%s", test.path, body, test.want, got)
		}
	}
}

func TestPrefixCacheSavesPrefill(t *testing.T) {
	cfg := cached()
	cfg.TTFT, cfg.PrefillRate = 10*time.Millisecond, 1000
	server := start(t, cfg)
	for i, want := range []time.Duration{31 * time.Millisecond, 11 * time.Millisecond} {
		answered(t, "POST", server.URL()+"/v1/completions", fmt.Sprintf(`{"prompt":%q,"max_tokens":1}`, words("a", 21)))
		if r := ended(t, server)[i]; r.Events[0].Due-r.Queued != want {
			t.Errorf("request %d: the first token was due after %v, want %v", i, r.Events[0].Due-r.Queued, want)
		}
	}
}

// Embeddings are made of the whole text, and a text that is cut has another start.
func TestNothingElseIsCached(t *testing.T) {
	server := start(t, cached())
	for path, body := range map[string]string{
		"/v1/embeddings":   `{"input":"TEXT"}`,
		"/generate_stream": `{"inputs":"TEXT","parameters":{"max_new_tokens":1,"truncate":7}}`,
	} {
		for range 2 {
			answered(t, "POST", server.URL()+path, strings.ReplaceAll(body, "TEXT", words("a", 10)))
		}
	}
	for _, r := range ended(t, server) {
		if r.CachedTokens != 0 {
			t.Errorf("%s: %d tokens were cached", r.Path, r.CachedTokens)
		}
	}
}

func TestEstimateIDs(t *testing.T) {
	for _, text := range []string{"", "a", "a b c", "internationalization", "a  b\n", "你好", strings.Repeat("word ", 99)} {
		if got, want := len(sim.EstimateIDs(text)), sim.EstimateTokens(text); got != want {
			t.Errorf("%q: %d ids, want %d", text, got, want)
		}
	}
	long := strings.Repeat("word ", 99)
	a, b := sim.EstimateIDs(long+"one more"), sim.EstimateIDs(long+"two more")
	if a[0] != b[0] || a[100] != b[100] || a[len(a)-2] == b[len(b)-2] {
		t.Errorf("ids are %v and %v", a, b)
	}
}
