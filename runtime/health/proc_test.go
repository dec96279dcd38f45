package health

import (
	"math"
	"testing"
)

const (
	statText = `cpu  336808 12 49927 1594067 3546 0 3936 1475 0 0
cpu0 100 10 200 1000 50 5 35 25 7 0
cpu1 372503 0 54201 779902 10086 0 4666 1484 0 0
cpu10 1 0 0 100 0 0 0 0 0 0
intr 134 0 0
ctxt 73
`
	statOld  = "cpu  10 0 20 30\ncpu0 10 0 20 30\n"
	pressure = `some avg10=22.28 avg60=4.46 avg300=1.99 total=1766181701
full avg10=0.00 avg60=0.00 avg300=0.00 total=9
`
)

// set is the CPUs of a machine of 16 that are in the affinity mask.
func set(cpus ...int) cpuSet {
	s := make(cpuSet, 16)
	for _, cpu := range cpus {
		s[cpu] = true
	}
	return s
}

func TestParseStat(t *testing.T) {
	f := func(text string, cpus cpuSet, all, busy, steal float64) {
		t.Helper()
		got := parseStat([]byte(text), cpus)
		want := cpuTimes{all: all, busy: busy, steal: steal}
		for _, v := range [][2]float64{{got.all, all}, {got.busy, busy}, {got.steal, steal}} {
			if math.Abs(v[0]-v[1]) > 1e-9 || math.IsNaN(v[0]) != math.IsNaN(v[1]) {
				t.Errorf("CPUs %v: %+v, want %+v", cpus, got, want)
				break
			}
		}
	}
	f(statText, set(0), 14.25, 3.5, 0.25) // the guest's time is part of the user's
	f(statText, set(10), 1.01, 0.01, 0)   // and not taken for that of cpu1
	f(statText, set(0, 10), 15.26, 3.51, 0.25)
	f(statOld, set(0), 0.6, 0.3, 0)

	f("", set(0), unknown, unknown, unknown)
	f(statText, set(3), unknown, unknown, unknown) // offline
	f(statText, nil, unknown, unknown, unknown)
	f("cpu0 1 2 x 4\n", set(0), unknown, unknown, unknown)
	f("cpu0 1 2 -3 4\n", set(0), unknown, unknown, unknown)
	f("cpu0 1 2\ncpux 1 2 3 4\ncpu\n", set(0), unknown, unknown, unknown)
	f("cpu", set(0), unknown, unknown, unknown)
	f("intr 1\ncpu0 1 2 3 4\n", set(0), unknown, unknown, unknown)
}

func TestParseSchedstat(t *testing.T) {
	f := func(text string, ran, waited, turns float64, ok bool) {
		t.Helper()
		got, gotOK := parseSchedstat([]byte(text))
		if gotOK != ok || got != (runTimes{ran: ran, waited: waited, turns: turns}) {
			t.Errorf("%q: %+v, %v", text, got, gotOK)
		}
	}
	f("1507000000 1513000000 383\n", 1.507, 1.513, 383, true)
	f("0 0 1\n", 0, 0, 1, true)
	f("", 0, 0, 0, false)
	f("15 3\n", 0, 0, 0, false)
	f("x 1 2\n", 0, 0, 0, false)
	f("1 -1 2\n", 0, 0, 0, false)
	f("1 1 y\n", 0, 0, 0, false)
}

func TestParsePressure(t *testing.T) {
	f := func(text string, want float64) {
		t.Helper()
		if got := parsePressure([]byte(text)); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	f(pressure, 1766.181701)
	f("full total=3\n", unknown)
	f("some avg10=1.0\n", unknown)
	f("some avg10=1.0 total=x\n", unknown)
	f("", unknown)
}

func TestParseStatm(t *testing.T) {
	f := func(text string, pages int64, ok bool) {
		t.Helper()
		got, gotOK := parseStatm([]byte(text))
		if gotOK != ok || ok && got != pages {
			t.Errorf("%q: %v, %v", text, got, gotOK)
		}
	}
	f("5312 1201 800 300 0 900 0\n", 1201, true)
	f("5312\n", 0, false)
	f("5312 -1\n", 0, false)
	f("5312 9223372036854775807\n", 0, false)
	f("", 0, false)
}

func FuzzProc(f *testing.F) {
	for _, text := range []string{statText, statOld, pressure, "1507 1513 383\n", "5312 1201 800\n", "cpu0", "some total="} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		times := parseStat(text, set(0, 1, 2, 3))
		if times.all < 0 || times.busy+times.steal > times.all*(1+1e-9) || math.IsInf(times.all, 0) {
			t.Errorf("CPU times %+v", times)
		}
		if r, ok := parseSchedstat(text); min(r.ran, r.waited, r.turns) < 0 || !ok && r != (runTimes{}) {
			t.Errorf("run times %+v, %v", r, ok)
		}
		if p := parsePressure(text); p < 0 || math.IsInf(p, 0) {
			t.Errorf("pressure %v", p)
		}
		if pages, ok := parseStatm(text); ok && (pages < 0 || pages > 1<<40) {
			t.Errorf("%d pages", pages)
		}
	})
}
