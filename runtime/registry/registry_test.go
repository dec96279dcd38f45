package registry_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	memory "github.com/google/go-containerregistry/pkg/registry"

	"weir/runtime/registry"
)

// server is an OCI registry in memory. before sees each request first, and true says that
// it has answered.
type server struct {
	*httptest.Server
	mu       sync.Mutex // protects the fields below
	requests []string   // "GET /v2/…"
	before   func(w http.ResponseWriter, r *http.Request) bool
}

func serve(t *testing.T) *server {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("HTTP_PROXY", "")
	handler := memory.New(memory.Logger(log.New(io.Discard, "", 0)))
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		before := s.before
		s.mu.Unlock()
		if before == nil || !before(w, r) {
			handler.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) host() string { return strings.TrimPrefix(s.URL, "http://") }

// took are the requests since the last time.
func (s *server) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.requests
	s.requests = nil
	return all
}

func (s *server) first(before func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = before
}

func (s *server) ref(t *testing.T, rest string) registry.Reference {
	t.Helper()
	return reference(t, "oci://"+s.host()+"/"+rest)
}

func reference(t *testing.T, text string) registry.Reference {
	t.Helper()
	r, err := registry.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// newClient has a cache of its own; what it says goes to said.
func newClient(t *testing.T, said *[]string) *registry.Client {
	say := func(line string) {
		if said != nil {
			*said = append(*said, line)
		}
	}
	c := &registry.Client{Cache: registry.OpenCache(t.TempDir(), say), UserAgent: "weir/test", MaxSize: 1 << 20}
	t.Cleanup(func() { c.Cache.Close() })
	return c
}

func artifact(t *testing.T, content string) registry.Artifact {
	t.Helper()
	file := filepath.Join(t.TempDir(), "chat.weir")
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return registry.Artifact{
		File: file, Config: []byte(`{"schema":1}`),
		About: registry.About{Title: "chat", Description: "Chats."},
	}
}

func push(t *testing.T, c *registry.Client, a registry.Artifact, r registry.Reference, tags ...string) *registry.Pushed {
	t.Helper()
	pushed, err := c.Push(t.Context(), a, r, tags...)
	if err != nil {
		t.Fatal(err)
	}
	return pushed
}

func pull(t *testing.T, c *registry.Client, r registry.Reference) *registry.Fetched {
	t.Helper()
	got, err := c.Pull(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// refused wants an *Error with all parts in its text.
func refused(t *testing.T, err error, parts ...string) *registry.Error {
	t.Helper()
	var e *registry.Error
	if !errors.As(err, &e) {
		t.Errorf("%v is no *Error", err)
		return &registry.Error{}
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	return e
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestPushAndPull(t *testing.T) {
	s, c := serve(t), newClient(t, nil)
	var moved []int64
	c.Moved = func(done, of int64) { moved = append(moved, done, of) }
	a := artifact(t, "the bundle")
	first := push(t, c, a, s.ref(t, "team/chat:v1"), "latest", "v1")
	if !first.Sent || first.Size != 10 || len(first.Tags) != 2 || !first.Tags[0].Moved || first.Tags[0].Was != "" {
		t.Errorf("%+v", first)
	}
	if len(moved) == 0 || moved[len(moved)-2] != 10 || moved[len(moved)-1] != 10 {
		t.Errorf("moved %v", moved)
	}
	s.took()

	again := push(t, c, a, s.ref(t, "team/chat:v1"))
	if again.Sent || again.Tags[0].Moved || again.Pinned != first.Pinned {
		t.Errorf("%+v", again)
	}
	if took := s.took(); len(took) != 1 {
		t.Errorf("the same once more took %v", took)
	}
	other := push(t, c, artifact(t, "another bundle"), s.ref(t, "team/chat:latest"))
	if tag := other.Tags[0]; !tag.Moved || tag.Was != first.Pinned.Digest {
		t.Errorf("%+v", other)
	}

	got := pull(t, c, s.ref(t, "team/chat:v1"))
	if got.Cached || read(t, got.File) != "the bundle" || got.Digest != first.Pinned.Digest || got.Bundle != digestOf("the bundle") ||
		got.Reference != first.Pinned.String() || got.About != a.About || got.Size != 10 {
		t.Errorf("%+v", got)
	}
	s.took()
	if got := pull(t, c, s.ref(t, "team/chat:v1")); !got.Cached || len(s.took()) != 1 {
		t.Errorf("the second time: %+v", got)
	}
	s.Close() // a digest needs nobody
	if got := pull(t, c, first.Pinned); !got.Cached || read(t, got.File) != "the bundle" || got.About != a.About {
		t.Errorf("by digest: %+v", got)
	}
	_, err := c.Pull(t.Context(), s.ref(t, "team/chat:v1"))
	e := refused(t, err, "nothing listens at "+s.host(), "weir run "+first.Pinned.String())
	if !e.Unreachable {
		t.Error("it is not known that nobody was reached")
	}
	_, err = c.Pull(t.Context(), s.ref(t, "team/chat:v2"))
	refused(t, err, "nothing listens at "+s.host(), "does the server run?")
}

// A manifest says what it is of, and no time.
func TestManifest(t *testing.T) {
	s, c := serve(t), newClient(t, nil)
	push(t, c, artifact(t, "x"), s.ref(t, "chat:v1"))
	response, err := http.Get(s.URL + "/v2/chat/manifests/v1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var m struct {
		ArtifactType string
		Config       struct{ MediaType string }
		Layers       []struct {
			MediaType   string
			Annotations map[string]string
		}
		Annotations map[string]string
	}
	if err := json.NewDecoder(response.Body).Decode(&m); err != nil {
		t.Fatal(err)
	}
	if m.ArtifactType != registry.ArtifactType || m.Config.MediaType != registry.ConfigType || len(m.Layers) != 1 ||
		m.Layers[0].MediaType != registry.BundleType || m.Layers[0].Annotations["org.opencontainers.image.title"] != "chat.weir" {
		t.Errorf("%+v", m)
	}
	want := map[string]string{
		"org.opencontainers.image.title": "chat", "org.opencontainers.image.description": "Chats.",
	}
	if !maps.Equal(m.Annotations, want) {
		t.Errorf("annotations %v, want %v", m.Annotations, want)
	}
}

func TestPushErrors(t *testing.T) {
	s, c := serve(t), newClient(t, nil)
	a := artifact(t, "x")
	_, err := c.Push(t.Context(), a, s.ref(t, "a@"+sum))
	refused(t, err, "pushing "+a.File, "a digest cannot be pushed to", "push to a tag: oci://"+s.host()+"/a:v1")
	_, err = c.Push(t.Context(), a, s.ref(t, "a:v1"), "no tag")
	refused(t, err, `"no tag" is no tag`)
	_, err = c.Push(t.Context(), registry.Artifact{File: "missing.weir"}, s.ref(t, "a:v1"))
	refused(t, err, "missing.weir", "no such file")

	f := func(status int, body string, want ...string) {
		t.Helper()
		s.first(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
				w.WriteHeader(status)
				io.WriteString(w, body)
				return true
			}
			return false
		})
		_, err := c.Push(t.Context(), a, s.ref(t, "a:v1"))
		refused(t, err, want...)
	}
	f(403, `{"errors":[{"code":"DENIED","message":"not a member\u001b[31m"}]}`, "this login may not do that: denied: not a member [31m", "weir login "+s.host())
	f(412, `{"errors":[{"code":"PRECONDITION","message":"tag v1 is immutable"}]}`, "tag v1 is immutable", "may protect this tag")
	f(404, `{"errors":[{"code":"NAME_UNKNOWN"}]}`, "does not know this repository", "has to be made there")
	f(413, "", "lower limit for sizes", "--no-data")
	f(405, "", "may it be written to?")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Push(ended, a, s.ref(t, "a:v2"))
	refused(t, err, "interrupted")
}

func TestPullErrors(t *testing.T) {
	s, c := serve(t), newClient(t, nil)
	for _, tag := range []string{"v1", "v2", "release"} {
		push(t, c, artifact(t, "x"), s.ref(t, "team/chat:"+tag))
	}
	large := push(t, c, artifact(t, strings.Repeat("x", 1<<20+1)), s.ref(t, "large:v1"))

	// put makes a manifest there by hand.
	put := func(name, mediaType, text string) {
		t.Helper()
		request, err := http.NewRequest(http.MethodPut, s.URL+"/v2/by/hand/manifests/"+name, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", mediaType)
		response, err := http.DefaultClient.Do(request)
		if err != nil || response.StatusCode != http.StatusCreated {
			t.Fatal(response, err)
		}
		response.Body.Close()
	}
	const image, index = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
	put("image", image, `{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json"}}`)
	put("docker", "application/vnd.docker.distribution.manifest.v2+json", `{}`)
	put("index", index, `{"manifests":[]}`)
	put("helm", image, `{"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json"}}`)
	put("newer", image, `{"artifactType":"application/vnd.weir.scenario.v2"}`)
	put("empty", image, `{"artifactType":"application/vnd.weir.scenario.v1"}`)
	put("other", image, `{"artifactType":"application/vnd.weir.scenario.v1","layers":[{"mediaType":"a/b"},{"mediaType":"c/d"}]}`)
	put("lost", image, `{"artifactType":"application/vnd.weir.scenario.v1","layers":[{"mediaType":"application/vnd.weir.bundle.v1+zip","digest":"`+sum+`","size":1}]}`)
	put("negative", image, `{"artifactType":"application/vnd.weir.scenario.v1","layers":[{"mediaType":"application/vnd.weir.bundle.v1+zip","digest":"`+sum+`","size":-1}]}`)
	put("digest", image, `{"artifactType":"application/vnd.weir.scenario.v1","layers":[{"mediaType":"application/vnd.weir.bundle.v1+zip","digest":"sha256:../../x","size":1}]}`)
	put("torn", image, `{"artifactType":`)
	put("huge", image, `{"artifactType":"`+strings.Repeat("x", 1<<20)+`"}`)

	f := func(rest string, want ...string) {
		t.Helper()
		r := s.ref(t, rest)
		_, err := c.Pull(t.Context(), r)
		refused(t, err, append(want, "pulling "+r.String())...)
	}
	f("team/chat:v3", "there is no tag v3", "did you mean v1? There are: release, v1, v2")
	f("team/chat:nightly", "there is no tag nightly", "there are: release, v1, v2")
	f("team/chat@"+sum, "nothing with this digest", "the tags in it: release, v1, v2")
	f("team/chart:v1", "there is no repository team/chart at "+s.host(), "weir login")
	f("large@"+large.Pinned.Digest, "it has 1.0 MB, and at most 1.0 MB are fetched", "weir pull --max-size")
	f("by/hand:image", "a container image, not a weir scenario", "weir push")
	f("by/hand:docker", "a container image, not a weir scenario")
	f("by/hand:index", "an index of container images")
	f("by/hand:helm", `of type "application/vnd.cncf.helm.config.v1+json"`)
	f("by/hand:newer", "a newer one may")
	f("by/hand:empty", "but none")
	f("by/hand:other", "but 2: a/b, c/d")
	f("by/hand:lost", "has its manifest, but not the bundle")
	f("by/hand:negative", "no proper digest and size")
	f("by/hand:digest", "no proper digest and size")
	f("by/hand:torn", "its manifest cannot be read")
	f("by/hand:huge", "its manifest has", "at most 1048576")
}

// A server that lies, breaks off, or is none.
func TestPullFromTheBad(t *testing.T) {
	s := serve(t)
	pushed := push(t, newClient(t, nil), artifact(t, "the bundle"), s.ref(t, "a:v1"))
	f := func(rest, match string, answer func(w http.ResponseWriter), want ...string) {
		t.Helper()
		s.first(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, match) {
				return false
			}
			answer(w)
			return true
		})
		c := newClient(t, nil)
		_, err := c.Pull(t.Context(), s.ref(t, rest))
		refused(t, err, want...)
		if all, err := c.Cache.Entries(); err != nil || len(all) != 0 {
			t.Errorf("%v, %v are in the cache", all, err)
		}
		if left, err := filepath.Glob(filepath.Join(c.Cache.Dir(), "blobs", "sha256", ".*")); err != nil || len(left) != 0 {
			t.Errorf("half a bundle is left: %v, %v", left, err)
		}
	}
	bundle := func(content string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { io.WriteString(w, content) }
	}
	f("a:v1", "/blobs/", bundle("the bandle"), "does not have the digest", "do not use it")
	f("a:v1", "/blobs/", bundle("the"), "less or more is there")
	f("a:v1", "/blobs/", bundle("the bundle and more"), "less or more is there")
	f("a:v1", "/blobs/", func(w http.ResponseWriter) {
		w.(http.Flusher).Flush() // no length: the size shows only at the end
		io.WriteString(w, "the bundle and more")
	}, "does not have the digest")
	f("a:v1", "/blobs/", func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "the")
	}, "ended early", "try again")
	manifest := func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		io.WriteString(w, text)
	}
	f("a@"+pushed.Pinned.Digest, "/manifests/", func(w http.ResponseWriter) { manifest(w, `{}`) }, "digest mismatch")
	f("a@"+pushed.Pinned.Digest, "/manifests/", func(w http.ResponseWriter) {
		w.Header().Set("Docker-Content-Digest", pushed.Pinned.Digest)
		manifest(w, `{}`)
	}, "does not have the digest")
	f("a:v1", "/v2/", func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<html>")
	}, `the answer is "text/html"`, "is there a registry at this host")
	f("a:v1", "/v2/", func(w http.ResponseWriter) { w.WriteHeader(400) }, s.host()+" answers with 400", "--plain-http=false")
}

func TestUnreachable(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	f := func(text string, plain bool, want ...string) {
		t.Helper()
		c := newClient(t, nil)
		c.PlainHTTP = &plain
		_, err := c.Pull(t.Context(), reference(t, text))
		if !refused(t, err, want...).Unreachable {
			t.Errorf("%s: not known to be unreachable", text)
		}
	}
	f("oci://no-such-host.invalid/a:v1", false, "no-such-host.invalid", "is there a network")
	f("oci://127.0.0.1:1/a:v1", true, "nothing listens at 127.0.0.1:1")
	f("oci://"+strings.TrimPrefix(secure.URL, "https://")+"/a:v1", false, "does not trust", "SSL_CERT_FILE")
	f("oci://"+strings.TrimPrefix(plain.URL, "http://")+"/a:v1", false, "does not speak TLS", "--plain-http")
}

func TestIsLoopback(t *testing.T) {
	f := func(host string, want bool) {
		t.Helper()
		if got := registry.IsLoopback(host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
	f("localhost", true)
	f("localhost:5000", true)
	f("registry.localhost:5000", true)
	f("127.0.0.1:5000", true)
	f("127.8.9.1", true)
	f("[::1]:5000", true)
	f("[::1]", true)
	f("10.0.0.1:5000", false)
	f("registry.example", false)
	f("localhost.example", false)
}

// Two at the same time want the same, and one gets it from the other or both from the
// registry.
func TestTogether(t *testing.T) {
	s := serve(t)
	pushed := push(t, newClient(t, nil), artifact(t, "the bundle"), s.ref(t, "a:v1"))
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			c := &registry.Client{Cache: registry.OpenCache(dir, nil)}
			got, err := c.Pull(t.Context(), s.ref(t, "a:v1"))
			if err != nil {
				t.Error(err)
				return
			}
			content, err := os.ReadFile(got.File)
			if err != nil || string(content) != "the bundle" || got.Digest != pushed.Pinned.Digest {
				t.Errorf("%+v: %q, %v", got, content, err)
			}
		})
	}
	all.Wait()
	blobs, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	if err != nil || len(blobs) != 2 {
		t.Errorf("the bundle and its manifest should be there: %v, %v", blobs, err)
	}
}

func FuzzManifest(f *testing.F) {
	for _, text := range []string{`{}`, `{"artifactType":"application/vnd.weir.scenario.v1","layers":[{"mediaType":"application/vnd.weir.bundle.v1+zip","digest":"` + sum + `","size":1}]}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		digest, size, err := registry.ReadManifest(text)
		if err == nil && (size <= 0 || !bytes.HasPrefix([]byte(digest), []byte("sha256:")) || len(digest) != 71) {
			t.Fatalf("%s: %s, %d", text, digest, size)
		}
	})
}
