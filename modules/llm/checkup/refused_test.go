package checkup_test

import (
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/modules/llm/checkup"
)

// Where no tokens are asked for, what refuses to name its models is not fit either.
func TestRefusedWithoutTokens(t *testing.T) {
	f := func(status int, want string) {
		t.Helper()
		s := httptest.NewServer(&fake{status: status})
		defer s.Close()
		found := look(t, s.URL, func(c *checkup.Config) { c.NoTokens = true })
		if got := found["backend"]; got.Status != want {
			t.Errorf("%d: %+v, want %q", status, got, want)
		}
	}
	f(401, "fail")
	f(403, "fail")
	f(0, "")
	f(404, "")
}

// A service whose streams are compressed speaks no protocol that makes tokens, but
// perhaps another, which is not.
func TestCompressedBesideEmbeddings(t *testing.T) {
	service := fake{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/embeddings":
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"data":[{"index":0,"embedding":[0.5,0.5]}],"usage":{"prompt_tokens":3,"total_tokens":3}}`))
		case "/v1/chat/completions", "/v1/completions":
			whole := httptest.NewRecorder()
			service.ServeHTTP(whole, r)
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(whole.Body.Bytes())
			z.Close()
		default:
			service.ServeHTTP(w, r)
		}
	}))
	defer s.Close()
	found := look(t, s.URL, nil)
	if got := found["server"]; !strings.Contains(got.What, "embeddings") {
		t.Errorf("%+v", got)
	}
	if got := found["compression"]; got.Status != "fail" || !strings.Contains(got.What, "gzip") {
		t.Errorf("%+v", got)
	}
}
