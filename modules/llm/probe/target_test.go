package probe

import (
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	f := func(raw, base, path, backends, model string) {
		t.Helper()
		at, err := parseTarget(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			return
		}
		if at.shown() != base || at.path != path || strings.Join(at.backends, " ") != backends || at.model != model {
			t.Errorf("%s: base %s, path %q, backends %q, model %q", raw, at.shown(), at.path, at.backends, at.model)
		}
	}
	f("http://h:8000", "http://h:8000", "", "", "")
	f("http://h:8000/", "http://h:8000", "", "", "")
	f(" h:8000 ", "http://h:8000", "", "", "")
	f("[::1]:8000/v1", "http://[::1]:8000", "", "", "")
	f("http://h/v1/", "http://h", "", "", "")
	f("http://h/v1/chat/completions", "http://h", "/v1/chat/completions", "openai-chat", "")
	f("https://h/team/a/v1/completions?x=1#y", "https://h/team/a", "/v1/completions", "openai", "")
	f("http://h/generate", "http://h", "/generate", "sglang vllm mindie-vllm tgi mindie-tgi", "")
	f("http://h/v1/generate", "http://h", "/v1/generate", "base", "")
	f("http://h/models/llama2/generate", "http://h", "/models/llama2/generate", "mindspore", "")
	f("http://h/v2/models/tiny/generate_stream", "http://h", "/v2/models/tiny/generate_stream", "triton trt mindie-triton", "tiny")
	f("http://h/v2/models/tiny/versions/1/generate", "http://h", "/v2/models/tiny/versions/1/generate", "triton trt mindie-triton", "tiny")
	f("http://h/metrics", "http://h", "/metrics", "", "")
	f("http://h/gateway", "http://h/gateway", "", "", "")
}

func TestTargetURI(t *testing.T) {
	f := func(raw, want string) {
		t.Helper()
		at, err := parseTarget(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := at.uri("/v1/models"); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
	f("http://h", "/v1/models")
	f("http://h/v1", "/v1/models")
	f("http://h/team?key=1", "/team/v1/models?key=1")
}
