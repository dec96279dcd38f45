package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/runtime/transport"
)

// The recorded answers of real servers give their events, whatever the pieces
// in which they come.
func TestCaptures(t *testing.T) {
	const folder = "../../testdata/streams"
	want := map[string]struct {
		status int
		events int
		last   string // beginning of the last event's data
		ends   string // kind of the error at the end; empty: the end is clean
	}{
		"llamacpp-chat-keepalive.http":     {200, 6, "[DONE]", ""},
		"llamacpp-chat-ping.http":          {200, 8, "[DONE]", ""},
		"llamacpp-chat-dirty-utf8.http":    {200, 61, "[DONE]", ""},
		"llamacpp-anthropic-messages.http": {200, 11, `{"type":"message_stop"}`, ""},
		"llamacpp-cut-off.http":            {200, 12, `{"choices":[{"text":" against"`, "truncated"},
		"llamacpp-too-long.http":           {400, 0, "", ""},
		"vllm-chat-usage.http":             {200, 27, "[DONE]", ""},
		"vllm-chat-interval4.http":         {200, 10, "[DONE]", ""},
		"triton-generate.http":             {200, 6, `{"model_name":"tiny"`, ""},
		"triton-killed.http":               {200, 1, `{"model_name":"tiny"`, "truncated"},
	}
	files, err := filepath.Glob(folder + "/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded streams in %s: %v", folder, err)
	}
	for name := range want {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
	for _, file := range files {
		c, ok := want[filepath.Base(file)]
		if !ok {
			continue // of another package's tests
		}
		answer, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, piece := range []int{1 << 20, 100, 7} {
			t.Run(filepath.Base(file), func(t *testing.T) {
				s := serve(t, func(p *peer) {
					p.request()
					for rest := answer; len(rest) > 0; {
						n := min(piece, len(rest))
						p.Write(rest[:n])
						rest = rest[n:]
					}
				})
				x, _, failed := newUser(t).send(context.Background(), s.url, transport.Request{})
				if failed != nil {
					t.Fatal(failed)
				}
				defer x.Close()
				if x.Status() != c.status {
					t.Errorf("status %d, want %d", x.Status(), c.status)
				}
				var events transport.Scanner
				events.Reset(x, transport.SSE)
				n, last := 0, []byte(nil)
				for {
					e, err := events.Next()
					if err != nil {
						if c.ends != "" {
							expect(t, err, c.ends, "")
						} else if !errors.Is(err, io.EOF) {
							t.Error(err)
						}
						break
					}
					n++
					last = bytes.Clone(e.Data)
				}
				if n != c.events || !strings.HasPrefix(string(last), c.last) {
					t.Errorf("%d events, the last %.60q; want %d and %q", n, last, c.events, c.last)
				}
			})
		}
	}
}
