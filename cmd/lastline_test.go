package cmd

import (
	"strings"
	"testing"
)

func TestLastLine(t *testing.T) {
	var out strings.Builder
	l := &lastLine{to: &out, width: 12}
	for _, part := range []string{"GET /a … ", "200 OK\n", "\n", "a long line that is cut\nnext"} {
		l.Write([]byte(part))
	}
	l.clear()
	const clear = "\r\x1b[K"
	want := clear + "GET /a …" + clear + "GET /a … 20" + clear + "a long line" + clear + "next" + clear
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
