package result_test

import (
	"testing"

	"weir/runtime/result"
)

// A shell takes the command line apart into what was given.
func TestCommandLine(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		if got := (&result.Result{Command: args}).CommandLine(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f("")
	f(`weir run 'it'\''s' 'a b' '' --x=1`, "weir", "run", "it's", "a b", "", "--x=1")
	f(`--key=… 'ttft:p(99)<500' '*' '~'`, "--key=…", "ttft:p(99)<500", "*", "~")
}
