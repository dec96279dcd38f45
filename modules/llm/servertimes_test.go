package llm_test

import (
	"fmt"
	"testing"
)

// Times that a service tells in the usage of its answer; what it tells that is no time is absent.
func TestServerTimes(t *testing.T) {
	f := func(usage, want string) {
		t.Helper()
		url := answer(t, []byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"+
			`data: {"choices":[{"text":"a","finish_reason":"stop"}]}`+"\n\n"+
			`data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1`+usage+`}}`+"\n\ndata: [DONE]\n\n"), 1<<20)
		got, _, thrown := play(t, fmt.Sprintf(`const r = await new Endpoint({ url: %q, backend: "openai" }).complete("x"); return JSON.stringify(r.serverTimes);`, url))
		if thrown != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", usage, got, thrown, want)
		}
	}
	f(``, `null`)
	f(`,"ttft":12.5,"tpot":3,"latency":1e2`, `{"latency":100,"tpot":3,"ttft":12.5}`)
	f(`,"ttft":0,"total_tokens":2`, `{"latency":null,"tpot":null,"ttft":0}`)
	f(`,"ttft":null,"tpot":"3","latency":-1`, `null`)
	f(`,"ttft":{"ms":1},"tpot":[1],"latency":1e999`, `null`)
}
