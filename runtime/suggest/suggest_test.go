package suggest

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"constant-vus", "per-vu-iterations", "shared-iterations", "waves", "tpot", "ttft"}
	f := func(name, want string) {
		t.Helper()
		if got := Nearest(name, names); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
	f("wave", "waves")
	f("Waves", "waves")
	f("constant-vu", "constant-vus")
	f("shared-iteration", "shared-iterations")
	f("iterations", "")
	f("tftt", "ttft")
	f("waevs", "waves")
	f("x", "")
	f("", "")
}
