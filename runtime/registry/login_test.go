package registry_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// basic lets only me:geheim in.
func basic(w http.ResponseWriter, r *http.Request) bool {
	if user, password, _ := r.BasicAuth(); user == "me" && password == "geheim" {
		return false
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
	w.WriteHeader(http.StatusUnauthorized)
	io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
	return true
}

// bearer lets only those in who have a token for what they do; me:geheim gets one that
// may do all, others one to pull.
func (s *server) bearer(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/token" {
		token := "pull"
		if user, password, ok := r.BasicAuth(); ok {
			if user != "me" || password != "geheim" {
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			if strings.Contains(r.URL.RawQuery, "push") {
				token = "push"
			}
		}
		json.NewEncoder(w).Encode(map[string]string{"token": token})
		return true
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if token == "push" || token == "pull" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return false
	}
	status := http.StatusUnauthorized
	if token != "" {
		status = http.StatusForbidden
	}
	w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="test",scope="repository:team/chat:pull"`, s.URL+"/token"))
	w.WriteHeader(status)
	return true
}

func TestLogin(t *testing.T) {
	s, c := serve(t), newClient(t, nil)
	s.first(basic)
	a := artifact(t, "the bundle")
	_, err := c.Push(t.Context(), a, s.ref(t, "team/chat:v1"))
	refused(t, err, s.host()+" wants a login, and there is none for it", "weir login "+s.host())

	_, err = c.Login(t.Context(), s.host(), "me", "falsch")
	refused(t, err, "does not accept this user and password", "docs/registry.md")
	file, err := c.Login(t.Context(), s.host(), "me", "geheim")
	if err != nil || file != filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json") {
		t.Fatalf("%s, %v", file, err)
	}
	push(t, c, a, s.ref(t, "team/chat:v1"))
	pull(t, newClient(t, nil), s.ref(t, "team/chat:v1"))

	if was, err := c.Logout(t.Context(), s.host()); err != nil || !was {
		t.Fatal(was, err)
	}
	_, err = newClient(t, nil).Pull(t.Context(), s.ref(t, "team/chat:v1"))
	refused(t, err, "wants a login")
	_, err = c.Login(t.Context(), "127.0.0.1:1", "me", "geheim")
	refused(t, err, "nothing listens at 127.0.0.1:1")
}

func TestTokens(t *testing.T) {
	s, c := serve(t), newClient(t, nil)
	s.first(s.bearer)
	a := artifact(t, "the bundle")
	_, err := c.Push(t.Context(), a, s.ref(t, "team/chat:v1"))
	refused(t, err, "answers with 403, this login may not do that", "weir login")
	if _, err = c.Login(t.Context(), s.host(), "me", "geheim"); err != nil {
		t.Fatal(err)
	}
	push(t, c, a, s.ref(t, "team/chat:v1"))
	if was, err := c.Logout(t.Context(), s.host()); err != nil || !was {
		t.Fatal(was, err)
	}
	pull(t, newClient(t, nil), s.ref(t, "team/chat:v1")) // anybody may
}

// helper makes a program that keeps credentials, and a configuration that names it.
func helper(t *testing.T, host, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-test"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	configure(t, fmt.Sprintf(`{"credHelpers":{%q:"test"}}`, host))
}

func configure(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCredentialHelpers(t *testing.T) {
	s, c := serve(t), newClient(t, nil)
	s.first(basic)
	r := s.ref(t, "team/chat:v1")

	helper(t, s.host(), `read host; [ "$1 $host" = "get `+s.host()+`" ] && echo '{"Username":"me","Secret":"geheim"}'`)
	push(t, c, artifact(t, "the bundle"), r)

	f := func(want ...string) {
		t.Helper()
		_, err := newClient(t, nil).Pull(t.Context(), r)
		refused(t, err, append(want, "pulling "+r.String())...)
	}
	helper(t, s.host(), `echo "credentials not found in native keychain"; exit 1`)
	f("wants a login, and there is none")
	helper(t, s.host(), `echo "the keychain is locked"; exit 1`)
	f("the credentials for "+s.host()+" cannot be looked up: the keychain is locked", "docker-credential-NAME")
	configure(t, fmt.Sprintf(`{"credsStore":%q}`, "missing"))
	f("docker-credential-missing", "credsStore in "+os.Getenv("DOCKER_CONFIG"))
	configure(t, `{"auths":`)
	f("config.json", "DOCKER_CONFIG")
	configure(t, fmt.Sprintf(`{"auths":{%q:{"auth":"bWU6Z2VoZWlt"}}}`, s.host())) // as docker login writes it
	pull(t, newClient(t, nil), r)
}
