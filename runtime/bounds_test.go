//go:build !race

package runtime_test

import (
	"strings"
	"testing"
)

func TestPlanWithoutEnd(t *testing.T) {
	p := bubble(t, `
		export function* plan() { for (let i = 1; ; i++) yield { name: "case " + i, iterations: 1 }; }
		export default () => {};`, nil)
	if p.Outcome.Err == nil || !strings.Contains(p.Outcome.Err.Error(), "plan has more than 10000 cases\n  hint: is there a loop without end in it?") || len(p.Cases) != 10_000 {
		t.Errorf("%d cases, %v", len(p.Cases), p.Outcome.Err)
	}
}
