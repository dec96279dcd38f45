package transport_test

import (
	"strings"
	"testing"

	"weir/runtime/transport"
)

func TestCheckHeader(t *testing.T) {
	f := func(name, value, want string) {
		t.Helper()
		err := transport.CheckHeader(name, value)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("CheckHeader(%q, %q): %v, want %q", name, value, err, want)
		}
	}
	f("X-Extra_1", "yes, really", "")
	f("x", "", "")
	f("x", "a\tb é", "")
	f("", "v", `"" is not the name of a header`)
	f("a b", "v", `"a b" is not the name`)
	f("a:", "v", `"a:" is not the name`)
	f("a\r\nb", "v", "is not the name")
	f("é", "v", `"é" is not the name`)
	f("a\xffb", "v", "is not the name")
	f("Authorization: Bearer sk-1", "", `"Authorization:…" is not the name`)
	f("x", "a\r\nEvil: 1", "the value of header x has a line end")
	f("x", "a\n", "line end")
	f("x", "a\x00", "control character")
}
