package registry_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"weir/runtime/registry"
)

func link(t *testing.T, text string) registry.Link {
	t.Helper()
	l, err := registry.ParseLink(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestDownload(t *testing.T) {
	files := http.NewServeMux()
	s := httptest.NewServer(files)
	t.Cleanup(s.Close)
	files.HandleFunc("/chat.weir", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") != "weir/test" || r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("asked with %v", r.Header)
		}
		io.WriteString(w, "the bundle")
	})
	files.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "the ")
		w.(http.Flusher).Flush()
		io.WriteString(w, "bundle")
	})
	files.HandleFunc("/private", func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "geheim" || r.URL.RawQuery != "Signature=geheim" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		io.WriteString(w, "the bundle")
	})
	files.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "the")
	})
	files.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("x", 1<<20+1))
	})
	files.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
				return
			}
		}
	})
	checksum := "#sha256=" + strings.TrimPrefix(digestOf("the bundle"), "sha256:")
	host := strings.TrimPrefix(s.URL, "http://")

	f := func(text, reference, title string) {
		t.Helper()
		c := newClient(t, nil)
		got, err := c.Download(t.Context(), link(t, text))
		if err != nil {
			t.Error(err)
			return
		}
		if got.Cached || read(t, got.File) != "the bundle" || got.Reference != reference || got.Digest != digestOf("the bundle") || got.Title != title {
			t.Errorf("%s: %+v", text, got)
		}
		again, err := c.Download(t.Context(), link(t, text))
		if err != nil || !again.Cached || again.File != got.File {
			t.Errorf("%s: again %+v, %v", text, again, err)
		}
		if all, err := c.Cache.Entries(); err != nil || len(all) != 1 || all[0].Reference != reference {
			t.Errorf("%s: %+v, %v", text, all, err)
		}
		if freed, err := c.Cache.Remove(reference); err != nil || len(freed.Entries) != 1 || freed.Bytes != 10 {
			t.Errorf("%s: %+v, %v", text, freed, err)
		}
	}
	f(s.URL+"/chat.weir"+checksum, s.URL+"/chat.weir"+checksum, "chat")
	f(s.URL+"/stream"+checksum, s.URL+"/stream"+checksum, "stream")
	f("http://me:geheim@"+host+"/private?Signature=geheim"+checksum, s.URL+"/private"+checksum, "private")

	fails := func(text string, want ...string) {
		t.Helper()
		c := newClient(t, nil)
		_, err := c.Download(t.Context(), link(t, text))
		if e := refused(t, err, want...); strings.Contains(e.Error(), "geheim") {
			t.Errorf("%v shows what is secret", e)
		}
		if all, err := c.Cache.Entries(); err != nil || len(all) != 0 || len(blobs(t, c.Cache)) != 0 {
			t.Errorf("%s: something is in the cache: %+v, %v", text, all, err)
		}
	}
	fails(s.URL+"/chat.weir", "this one has none", "not run, and has "+digestOf("the bundle"), s.URL+"/chat.weir"+checksum)
	wrong := "#sha256=" + strings.TrimPrefix(sum, "sha256:")
	fails(s.URL+"/chat.weir"+wrong, "has "+digestOf("the bundle")+", not "+sum, "not run", "ask its author")
	fails(s.URL+"/stream"+wrong, "has "+digestOf("the bundle")+", not "+sum)
	fails(s.URL+"/cut"+checksum, "ended early")
	fails(s.URL+"/cut", "ended early")
	fails(s.URL+"/large"+checksum, "at most 1.0 MB are fetched")
	fails(s.URL+"/endless"+checksum, "larger than that", "at most 1.0 MB are fetched")
	fails(s.URL+"/endless", "at most 1.0 MB are fetched")
	fails(s.URL+"/missing"+checksum, "404", "is the address right?")
	fails("http://me:geheim@"+host+"/private?Signature=wrong-geheim"+checksum, "403", "may have expired")
	fails("http://127.0.0.1:1/x?geheim"+checksum, "nothing listens at 127.0.0.1:1")
	fails("https://"+host+"/x?geheim"+checksum, "does not speak TLS")
}
