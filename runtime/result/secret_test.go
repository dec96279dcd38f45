package result_test

import (
	"strings"
	"testing"

	"weir/runtime/result"
)

func TestSecretName(t *testing.T) {
	f := func(secret bool, names ...string) {
		t.Helper()
		for _, name := range names {
			if result.SecretName(name) != secret {
				t.Errorf("%s: secret %v", name, !secret)
			}
		}
	}
	f(true, "api_key", "apiKey", "API_KEY", "x-api-key", "apikey", "HF_TOKEN", "hf-token", "X-Auth-Token", "authToken", "ssl_keyfile_password", "password",
		"aws_secret_access_key", "AWS_ACCESS_KEY_ID", "Authorization", "credentials", "cookie", "vllm_env.VLLM_API_KEY", "token", "private_key_path", "accessKey", "appCode-signature")
	f(false, "", "max_tokens", "max_total_num_tokens", "tokenizer_path", "skip_tokenizer_init", "num_key_value_heads", "ssl_keyfile", "keep_alive", "monkey", "author",
		"bos_token", "eos_token", "chunked_prefill_size", "ASCEND_RT_VISIBLE_DEVICES", "GOGC", "日本", "\xff_x")
}

func TestHideLogin(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := result.HideLogin(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	f("http://proxy:8080", "http://proxy:8080")
	f("http://me:pass@proxy:8080/x?y=z@w", "http://…@proxy:8080/x?y=z@w")
	f("http://me:p@ss@proxy", "http://…@proxy")
	f("a=tcp://me@h1,b=tcp://you:pass@h2/x", "a=tcp://…@h1,b=tcp://…@h2/x")
	f("me@example.org", "me@example.org")
	f("://", "://")
	f("", "")
}

func FuzzHideLogin(f *testing.F) {
	f.Add("http://me:pass@host/x")
	f.Add("://@://a@b")
	f.Fuzz(func(t *testing.T, text string) {
		shown := result.HideLogin(text)
		if result.HideLogin(shown) != shown {
			t.Errorf("%q → %q → %q", text, shown, result.HideLogin(shown))
		}
		if strings.Contains(text, "://") != strings.Contains(shown, "://") {
			t.Errorf("%q → %q", text, shown)
		}
		result.SecretName(text)
	})
}

func TestHideAssigned(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := result.HideAssigned(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	f("serve --api-key x1 --tp 8", "serve --api-key … --tp 8")
	f("--api-key=x1 --hf-token x2", "--api-key=… --hf-token …")
	f("--api-key --tp 8", "--api-key --tp 8")
	f(`{"api_key": "x1", "a": {"token":"x2"}}`, `{"api_key": "…", "a": {"token":"…"}}`)
	f(`{\"api_key\": \"x1\"}`, `{\"api_key\": \"…\"}`)
	f("Config(api_key='x1', port=8000)", "Config(api_key='…', port=8000)")
	f("Authorization: Bearer x1, X-A: b", "Authorization: …, X-A: b")
	f("http://h/p?token=x1&a=b", "http://h/p?token=…&a=b")
	f("HF_TOKEN=x1", "HF_TOKEN=…")
	// no secrets
	f("max_tokens=64 eos_token=2 tokenizer_path: /m", "max_tokens=64 eos_token=2 tokenizer_path: /m")
	f("the key is here", "the key is here")
	f("/models/qwen3", "/models/qwen3")
	f("", "")
	f("--api-key", "--api-key")
}

func FuzzHideAssigned(f *testing.F) {
	f.Add("--api-key x --tp 8")
	f.Add(`{"token": "x"}`)
	f.Fuzz(func(t *testing.T, text string) {
		once := result.HideAssigned(text)
		if len(once) > len(text)*len(result.Hidden)+len(result.Hidden) {
			t.Errorf("%q became %q", text, once)
		}
	})
}
