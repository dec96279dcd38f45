package result_test

import (
	"fmt"
	"strings"
	"testing"

	"weir/runtime/result"
)

// Each rule stands once, with the message of the case that is worst off, which is named
// before the others.
func TestReasons(t *testing.T) {
	// Cases are written as rule:verdict pairs; a reason's message is the case's number.
	f := func(cases, want string) {
		t.Helper()
		var all []*result.Case
		for i, found := range strings.Split(cases, "|") {
			c := &result.Case{}
			for _, one := range strings.Fields(found) {
				rule, verdict, _ := strings.Cut(one, ":")
				c.Validity.Reasons = append(c.Validity.Reasons, result.Reason{Rule: rule, Verdict: result.Verdict(verdict), Message: fmt.Sprint(i)})
			}
			all = append(all, c)
		}
		var got []string
		for _, k := range result.Reasons(all) {
			got = append(got, fmt.Sprintf("%s %s of %s in %v", k.Label(), k.Rule, k.Message, k.Cases))
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("%q: got %q, want %q", cases, got, want)
		}
	}
	f("", "")
	f("a:VALID", "note a of 0 in [0]")
	f("|a:SUSPECT|a:SUSPECT", "SUSPECT a of 1 in [1 2]")
	f("a:SUSPECT|a:INVALID|a:VALID", "INVALID a of 1 in [1 0 2]")
	f("few:VALID a:SUSPECT|b:INVALID few:VALID", "INVALID b of 1 in [1], SUSPECT a of 0 in [0], note few of 0 in [0 1]")
	f("a:SUSPECT a:INVALID a:VALID|a:INVALID", "INVALID a of 0 in [0 1]")
}
