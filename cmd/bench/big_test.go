//go:build linux

package main

import (
	"strings"
	"testing"
)

// The targets are those of the documented limit, and a quick run, which is far below it, has
// none to meet.
func TestBigTargets(t *testing.T) {
	measured := numbers{"peak_mb": 1600, "after_s": 4}
	whole := bigSection(measured, 250_000, 256, 4096, 64, false)
	if len(whole.Targets) != 2 || whole.Targets[0].Met || !whole.Targets[1].Met {
		t.Errorf("targets: %+v", whole.Targets)
	}
	for _, want := range []string{"64 tokens an event, so 16 million events", "builtin tokenizer"} {
		if !strings.Contains(whole.Note, want) {
			t.Errorf("the note does not say %q: %s", want, whole.Note)
		}
	}
	if quick := bigSection(measured, 2500, 256, 4096, 64, true); len(quick.Targets) > 0 || !strings.Contains(quick.Note, "0.16 million events") {
		t.Errorf("quick: %+v", quick)
	}
}
