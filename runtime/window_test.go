//go:build !race

package runtime_test

import (
	"strings"
	"testing"

	"weir/runtime"
)

// The window of the command line goes before that of a case, and this before the
// script's. What plan receives, thresholds and the shares of scenarios are of it.
func TestWindow(t *testing.T) {
	const source = `
		export const options = { window: "steady", thresholds: { e2el: "count<100", "e2el{scenario:a}": "count<50" } };
		const load = { vus: 4, iterations: 100 };
		export function* plan() {
			const got = yield { name: "as the script says", ...load };
			const { steady, all } = got.windows;
			if (got.window === "steady" && !(steady.found && got.metrics.e2el.p(50) > 0 && got.metrics.e2el.n < 100 && all.metrics.e2el.n === 100)) throw new Error(JSON.stringify(got));
			yield { name: "as the case says", window: "all", ...load };
			yield { name: "scenarios", scenarios: { a: { vus: 2, iterations: 50 }, b: { vus: 2, iterations: 50 } } };
			yield { name: "in waves", vus: 4, waves: 25 };
		}
		export default () => request(10);`
	f := func(window string, want ...string) {
		t.Helper()
		p := bubble(t, source, func(c *runtime.Config) { c.Window = window })
		if p.Err != nil || len(p.Cases) != len(want) {
			t.Fatalf("%d cases, %v", len(p.Cases), p.Err)
		}
		for i, c := range p.Cases {
			n := c.Metrics["e2el"].N
			if c.Window != want[i] || (n < 100) != (want[i] == "steady") || c.Counts.Requests != 100 {
				t.Errorf("--window %q: %s: %s, %d samples, want %s; %s", window, c.Name, c.Window, n, want[i], c.Windows["steady"].Note)
			}
			for _, limit := range c.Thresholds {
				if limit.OK != (want[i] == "steady") {
					t.Errorf("--window %q: %s: %+v", window, c.Name, limit)
				}
			}
			for name, s := range c.Scenarios {
				if n := s.Metrics["e2el"].N; (n < 50) != (want[i] == "steady") || s.Counts.Requests != 50 {
					t.Errorf("--window %q: scenario %s has %d samples", window, name, n)
				}
			}
		}
	}
	f("", "steady", "all", "steady", "all")
	f("steady", "steady", "steady", "steady", "all")
	f("all", "all", "all", "all", "all")

	for option, want := range map[string]string{`"middle"`: "middle", `3`: "3"} {
		p := bubble(t, `export const options = { window: `+option+` }; export default () => {};`, nil)
		if p.Err == nil || !strings.Contains(p.Err.Error(), `window must be "all" or "steady", not `+want) {
			t.Errorf("%s: %v", option, p.Err)
		}
	}
}
