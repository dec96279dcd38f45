package http_test

import (
	"context"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"

	"weir/modules/http"
	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/transport"
)

// service answers what the table asks for.
func service(t *testing.T) string {
	mux := nethttp.NewServeMux()
	mux.HandleFunc("/echo", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Method", r.Method)
		fmt.Fprintf(w, "%s %s %q %s", r.Method, r.Header.Get("Content-Type"), body, r.Header.Get("X-Extra"))
	})
	// Another service than this one, for redirects.
	other := httptest.NewServer(mux)
	t.Cleanup(other.Close)
	mux.HandleFunc("/secrets", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		h := r.Header
		fmt.Fprintf(w, "%s %q %q %q %q %q", r.Method, h["Authorization"], h["Cookie"], h["X-Apig-Appcode"], h["Content-Type"], h["X-Extra"])
	})
	mux.HandleFunc("/here", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.Redirect(w, r, "/secrets", nethttp.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/away", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.Redirect(w, r, other.URL+"/secrets", nethttp.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/see", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.Redirect(w, r, "/secrets", nethttp.StatusSeeOther)
	})
	mux.HandleFunc("/long", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		n, _ := strconv.Atoi(r.URL.RawQuery)
		io.WriteString(w, strings.Repeat("x", n))
	})
	mux.HandleFunc("/json", func(w nethttp.ResponseWriter, r *nethttp.Request) { io.WriteString(w, `{"a":[1,2]}`) })
	mux.HandleFunc("/bytes", func(w nethttp.ResponseWriter, r *nethttp.Request) { w.Write([]byte{0, 255, 7}) })
	mux.HandleFunc("/down", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.WriteHeader(503)
		io.WriteString(w, "come back\nlater")
	})
	mux.HandleFunc("/moved", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.Redirect(w, r, "/echo", nethttp.StatusFound)
	})
	mux.HandleFunc("/kept", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.Redirect(w, r, "/echo", nethttp.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/round", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		nethttp.Redirect(w, r, "/round", nethttp.StatusFound)
	})
	mux.HandleFunc("/events", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "event: tick\nid: %d\ndata: n%d\n\n", i, i)
			w.(nethttp.Flusher).Flush()
		}
	})
	mux.HandleFunc("/lines", func(w nethttp.ResponseWriter, r *nethttp.Request) { io.WriteString(w, "{\"n\":1}\n\n{\"n\":2}\n") })
	mux.HandleFunc("/endless", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, "data: more\n\n"); err != nil {
				return
			}
			w.(nethttp.Flusher).Flush()
			time.Sleep(time.Millisecond)
		}
	})
	mux.HandleFunc("/cut", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		io.WriteString(w, "data: one\n\n")
		w.(nethttp.Flusher).Flush()
		panic(nethttp.ErrAbortHandler)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// run plays a script's default function; url is the service's. It returns what
// the function returned or threw, and the case.
func run(t *testing.T, url, body string) (string, *result.Case) {
	t.Helper()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	path := filepath.Join(t.TempDir(), "scenario.ts")
	source := `import http from "weir/http"; const url = "` + url + `"; export default async function () { ` + body + ` }`
	if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	m := http.New(clients, "weir/test")
	m.MaxBody = 5000
	s, err := script.Load(path, script.Config{
		Modules:   map[string]script.Module{"weir/http": m},
		LookupEnv: func(string) (string, bool) { return "", false },
		Console:   t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	rt, err := s.NewRuntime(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	recorder := metrics.NewRecorder(metrics.Options{})
	got := ""
	err = rt.Wait(script.Task{
		Op:    "iteration",
		Value: &metrics.Iteration{Recorder: recorder},
		Run: func(*goja.Runtime) (goja.Value, error) {
			f, _ := goja.AssertFunction(rt.Export("default"))
			return f(goja.Undefined())
		},
	}, func(v goja.Value) error { got = v.String(); return nil })
	if err != nil {
		got = err.Error()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := recorder.WaitClosed(ctx); err != nil {
		t.Fatal(err)
	}
	return got, recorder.Finish(result.Counts{Started: 1, Completed: 1}, nil, metrics.Rules{})
}

// Each row is the body of an iteration, what it returns, and how many requests
// it made and how many of them failed.
func TestRequests(t *testing.T) {
	url := service(t)
	f := func(body, want string, requests, failed int64) {
		t.Helper()
		got, c := run(t, url, body)
		if !strings.Contains(got, want) {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
		if c.Counts.Requests != requests || c.Counts.RequestsFailed != failed {
			t.Errorf("%s: %d requests, %d failed, want %d and %d", body, c.Counts.Requests, c.Counts.RequestsFailed, requests, failed)
		}
	}
	f(`const r = await http.get(url + "/echo"); return [r.status, r.ok, r.error, r.body, r.headers["X-Method"]].join("|")`, `200|true||GET  "" |GET`, 1, 0)
	f(`const r = await http.post(url + "/echo", "text", { headers: { "x-extra": "yes" } }); return r.body`, `POST  "text" yes`, 1, 0)
	f(`const r = await http.post(url + "/echo", { a: [1] }); return r.body`, `POST application/json "{\"a\":[1]}"`, 1, 0)
	f(`const r = await http.put(url + "/echo", new Uint8Array([104, 105])); return r.body`, `PUT  "hi"`, 1, 0)
	f(`const r = await http.request("patch", url + "/echo", "x"); return r.body`, `PATCH  "x"`, 1, 0)
	f(`const r = await http.del(url + "/echo"); return r.body`, `DELETE  ""`, 1, 0)
	f(`const r = await http.head(url + "/echo"); return r.status + "[" + r.body + "]"`, `200[]`, 1, 0)
	f(`const r = await http.get(url + "/json"); return r.json().a[1]`, `2`, 1, 0)
	f(`const r = await http.get(url + "/echo"); return r.json()`, `is not JSON: GET`, 1, 0)
	f(`const r = await http.get(url + "/bytes", { responseType: "binary" }); return new Uint8Array(r.body).join()`, `0,255,7`, 1, 0)
	f(`const r = await http.get(url + "/json"); const t = r.timings; return t.duration >= t.waiting && t.waiting > 0 && t.connecting > 0`, `true`, 1, 0)
	// A status of 400 and above fails the request, not the promise.
	f(`const r = await http.get(url + "/down"); return [r.status, r.ok, r.error.kind, r.error.message].join("|")`, `503|false|http_status|come back later`, 1, 1)
	f(`const r = await http.get("http://127.0.0.1:1/"); return [r.status, r.error.kind].join("|")`, `0|connect`, 1, 1)
	// Each redirect is a request of its own.
	f(`const r = await http.post(url + "/moved", "x"); return r.body + r.url.endsWith("/echo")`, `GET  "" true`, 2, 0)
	f(`const r = await http.post(url + "/kept", "x"); return r.body`, `POST  "x"`, 2, 0)
	f(`const r = await http.get(url + "/round", { redirects: 3 }); return r.status`, `302`, 4, 0)
	f(`const r = await http.get(url + "/moved", { redirects: 0 }); return r.status`, `302`, 1, 0)
	// Another service does not get the credentials, and a GET has no Content-Type.
	const secrets = `{ headers: { authorization: "a", Cookie: "b", "x-apig-appcode": "c", "Content-Type": "d", "x-extra": "e" } }`
	f(`const r = await http.post(url + "/here", "x", `+secrets+`); return r.body`, `POST ["a"] ["b"] ["c"] ["d"] ["e"]`, 2, 0)
	f(`const r = await http.post(url + "/away", "x", `+secrets+`); return r.body`, `POST [] [] [] ["d"] ["e"]`, 2, 0)
	f(`const r = await http.put(url + "/see", "x", `+secrets+`); return r.body`, `GET ["a"] ["b"] ["c"] [] ["e"]`, 2, 0)
	// A body up to the limit is whole, a longer one a failure.
	f(`const r = await http.get(url + "/long?5000"); return [r.ok, r.body.length].join("|")`, `true|5000`, 1, 0)
	f(`const r = await http.get(url + "/long?5001"); return [r.status, r.ok, r.body.length, r.error.kind, r.error.message].join("|")`, `200|false|5000|protocol|the body is longer than the limit of 5000 bytes`, 1, 1)
	// Misuse throws.
	f(`await http.get("nonsense")`, `it must begin with http:// or https://`, 0, 0)
	f(`await http.get(url, { timeuot: 1 })`, `unknown option "timeuot"; did you mean "timeout"?`, 0, 0)
	f(`await http.get(url, { timeout: "soon" })`, `option timeout: "soon" is not a duration`, 0, 0)
	f(`await http.get(url, { headers: { "a b": "c" } })`, `"a b" is not the name of a header`, 0, 0)
	f(`await http.get(url, { headers: { a: "b\r\nc: d" } })`, `the value of header a has a line end`, 0, 0)
	f(`await http.post(url, 5)`, `cannot be a body`, 0, 0)
}

func TestStreams(t *testing.T) {
	url := service(t)
	f := func(body, want string, failed int64) {
		t.Helper()
		got, c := run(t, url, body)
		if !strings.Contains(got, want) {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
		if c.Counts.Requests != 1 || c.Counts.RequestsFailed != failed {
			t.Errorf("%s: %+v, want 1 request, %d failed", body, c.Counts, failed)
		}
	}
	f(`const seen = []; let last = 0;
		for await (const e of http.stream(url + "/events")) { seen.push(e.event + e.id + e.data); if (e.at < last) throw "back in time"; last = e.at; }
		return seen.join()`, "tick0n0,tick1n1,tick2n2", 0)
	f(`const s = http.stream(url + "/events"); for await (const e of s) return [s.status, s.headers["Content-Type"], e.event].join()`, "200,text/event-stream,tick", 0)
	f(`let n = 0; for await (const e of http.stream(url + "/lines", { format: "lines" })) n += JSON.parse(e.data).n; return n`, "3", 0)
	// With a body it is a POST; leaving the loop closes the connection.
	f(`for await (const e of http.stream(url + "/endless", { body: { x: 1 } })) if (e.at > 0) break; return "left"`, "left", 0)
	f(`const s = http.stream(url + "/endless"); await s[Symbol.asyncIterator]().next(); await s.close(); return (await s.next()).done`, "true", 0)
	// A failure is thrown where the next event would have been.
	f(`const seen = []; try { for await (const e of http.stream(url + "/cut")) seen.push(e.data); } catch (e) { seen.push(String(e)); } return seen.join()`, "one,Error: truncated", 1)
	f(`try { for await (const e of http.stream(url + "/down")); } catch (e) { return String(e) }`, "http_status: come back later", 1)
	// Closing is never a failure, even after one.
	f(`const s = http.stream(url + "/cut"); let n = 0; try { for (;;) { await s.next(); n++; } } catch (e) { n = n + " " + e.name; }
		return n + JSON.stringify([await s.close(), await s.return(), await s.next()])`, `[{"done":true},{"done":true},{"done":true}]`, 1)
	f(`const s = http.stream("http://127.0.0.1:1/"); try { await s.next(); } catch { return (await s.return()).done }`, "true", 1)
	f(`for await (const e of http.stream("http://127.0.0.1:1/"));`, "connect: cannot connect to 127.0.0.1:1", 1)
}
