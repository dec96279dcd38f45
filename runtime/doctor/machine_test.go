package doctor_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"weir/runtime/doctor"
	"weir/runtime/machine"
	"weir/runtime/result"
)

func p[T any](v T) *T { return &v }

// fit is a machine that nothing is wrong with.
func fit() doctor.Facts {
	return doctor.Facts{Environment: result.Environment{
		CPUs: 16,
		CPU:  &result.CPU{Governors: map[string]int{"performance": 16}, Driver: "acpi-cpufreq", SMT: p(false)},
		Memory: &result.Memory{
			Total: p(int64(64 << 30)), Available: p(int64(32 << 30)), SwapTotal: p(int64(0)), SwapFree: p(int64(0)),
		},
		Networks: []result.Network{{Name: "eth0", State: "up", Speed: p(int64(25000)), Packets: p(int64(1e9)), Errors: p(int64(0))}},
		Limits:   &result.Limits{OpenFiles: p(int64(65536))},
		Clock:    &result.KernelClock{Source: "tsc", Available: []string{"tsc", "hpet", "acpi_pm"}, Synchronized: p(true), EstError: p(0.2)},
		TCP: &result.TCP{
			FirstPort: p(int64(32768)), LastPort: p(int64(60999)), TimeWait: p(int64(12)), Somaxconn: p(int64(4096)), TWReuse: p(int64(2)),
			SlowStartIdle: p(true), ReadBuffer: []int64{4096, 131072, 6291456}, WriteBuffer: []int64{4096, 16384, 4194304},
		},
	}}
}

// calm is what is measured on it.
func calm() *doctor.Measured {
	m := &doctor.Measured{
		Client: &result.Client{Wall: 1, Steal: &result.Usage{}, Others: &result.Usage{Avg: 0.02}, Throttled: p(0.0)},
		Step:   40, Call: 45, Stamps: &doctor.Stamps{Kernel: true}, Swaps: p(int64(0)),
	}
	for range 100 {
		m.Sleeps = append(m.Sleeps, 100*time.Microsecond)
	}
	return m
}

// find returns the finding of a check.
func find(t *testing.T, all []result.Finding, check string) result.Finding {
	t.Helper()
	for _, f := range all {
		if f.Check == check {
			return f
		}
	}
	t.Fatalf("no check is called %s", check)
	return result.Finding{}
}

// change is what is different from a machine that is fit.
type change func(f *doctor.Facts, m *doctor.Measured, n *doctor.Need)

func TestMachine(t *testing.T) {
	// f changes a fit machine: one check changes its status, and says so with numbers.
	f := func(check, status, what string, c change) {
		t.Helper()
		facts, measured, need := fit(), calm(), doctor.Need{Streams: 256, Network: "eth0"}
		if c != nil {
			c(&facts, measured, &need)
		}
		for _, found := range doctor.Machine(facts, measured, need) {
			switch {
			case found.Check != check:
				if found.Status != doctor.OK {
					t.Errorf("%s: another check, %s, is %s: %s", check, found.Check, found.Status, found.What)
				}
				continue
			case found.Status != status || !strings.Contains(found.What, what):
				t.Errorf("%s: %s: %s, want %s: …%s…", check, found.Status, found.What, status, what)
			}
			if wrong := status == doctor.Warn || status == doctor.Fail; wrong != (found.Why != "" && found.Do != "") {
				t.Errorf("%s: why %q, do %q", check, found.Why, found.Do)
			}
			if found.Group != doctor.OfMachine {
				t.Errorf("%s is of group %q", check, found.Group)
			}
		}
	}
	f("none of them", "", "", nil)

	f("open-files", "fail", "300 descriptors may be open; for 256 streams about 384 are needed", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Limits.OpenFiles = p(int64(300)) })
	f("open-files", "warn", "400 descriptors", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Limits.OpenFiles = p(int64(400)) })
	f("open-files", "ok", "any number", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Limits.OpenFiles = nil })
	f("open-files", "ok", "3000 streams", func(_ *doctor.Facts, _ *doctor.Measured, n *doctor.Need) { n.Streams = 3000 })

	f("ports", "fail", "10 local ports (1000–1009), 0 of them in TIME_WAIT: 10 are free, and 256 streams are planned", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) {
		f.TCP.FirstPort, f.TCP.LastPort, f.TCP.TimeWait = p(int64(1000)), p(int64(1009)), nil
	})
	f("ports", "warn", "20000 of them in TIME_WAIT", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.TCP.TimeWait = p(int64(20000)) })
	f("ports", "skip", "", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.TCP.FirstPort = nil })
	f("ports", "skip", "", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.TCP.FirstPort = p(int64(61000)) })

	f("backlog", "warn", "net.core.somaxconn is 128, and 256 streams are planned", func(f *doctor.Facts, _ *doctor.Measured, n *doctor.Need) {
		f.TCP.Somaxconn, n.Local = p(int64(128)), true
	})
	f("backlog", "ok", "service's machine", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.TCP.Somaxconn = p(int64(128)) })
	f("backlog", "skip", "", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.TCP.Somaxconn = nil })

	f("tcp", "warn", "with a round trip of 30 ms", func(_ *doctor.Facts, _ *doctor.Measured, n *doctor.Need) { n.RTT = 30 * time.Millisecond })
	f("tcp", "ok", "", func(f *doctor.Facts, _ *doctor.Measured, n *doctor.Need) {
		n.RTT, f.TCP.SlowStartIdle = 30*time.Millisecond, p(false)
	})
	f("tcp", "warn", "a send buffer has 65536 bytes at most", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) {
		f.TCP.WriteBuffer = []int64{4096, 16384, 65536}
	})
	f("tcp", "warn", "a receive buffer has 65536 bytes at most", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) {
		f.TCP.ReadBuffer = []int64{4096, 16384, 65536}
	})
	f("tcp", "warn", "ports in TIME_WAIT (9000) are not used again", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) {
		f.TCP.TWReuse, f.TCP.TimeWait = p(int64(0)), p(int64(9000))
	})

	f("cpus", "warn", "1 CPU may be used", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.CPUs = 1 })
	f("cpus", "ok", "every two of them share a core", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.CPU.SMT = p(true) })
	f("cpus", "fail", "a cgroup allows the time of 0.5", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Limits.CPUQuota = p(0.5) })
	f("cpus", "skip", "", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.CPUs = 0 })

	f("cpu-governor", "warn", "performance (12 CPUs), powersave (4 CPUs) by acpi-cpufreq", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) {
		f.CPU.Governors = map[string]int{"powersave": 4, "performance": 12}
	})
	f("cpu-governor", "ok", "powersave (16 CPUs) by intel_pstate", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) {
		f.CPU.Governors, f.CPU.Driver = map[string]int{"powersave": 16}, "intel_pstate"
	})
	f("cpu-governor", "skip", "virtual", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.CPU = nil })

	f("clock-source", "warn", "hpet, though tsc is there", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Clock.Source = "hpet" })
	f("clock-source", "warn", "xen", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) {
		f.Clock.Source, f.Clock.Available = "xen", []string{"xen"}
	})
	f("clock-source", "ok", "arch_sys_counter", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Clock.Source = "arch_sys_counter" })
	f("clock-source", "skip", "", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Clock.Source = "" })
	f("time-sync", "warn", "nothing keeps", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Clock.Synchronized = p(false) })
	f("time-sync", "ok", "to about 200 µs", func(*doctor.Facts, *doctor.Measured, *doctor.Need) {})
	f("time-sync", "skip", "", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Clock.Synchronized = nil })

	f("memory", "fail", "200 MiB of the machine's memory are free; for 256 streams about 640 MiB are needed", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) {
		f.Memory.Available = p(int64(200 << 20))
	})
	f("memory", "warn", "the cgroup allows 512 MiB", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Limits.Memory = p(int64(512 << 20)) })
	f("memory", "skip", "", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Memory.Available = nil })
	f("swap", "warn", "swaps now: 7 pages", func(f *doctor.Facts, m *doctor.Measured, _ *doctor.Need) { m.Swaps = p(int64(7)) })
	f("swap", "warn", "6 GiB of 8 GiB are in use", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) {
		f.Memory.SwapTotal, f.Memory.SwapFree = p(int64(8<<30)), p(int64(2<<30))
	})

	f("network", "warn", "eth0, 100 Mbit/s", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Networks[0].Speed = p(int64(100)) })
	f("network", "warn", "20000 errors in 1000000000 packets", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Networks[0].Errors = p(int64(20000)) })
	f("network", "ok", "does not tell its speed", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Networks[0].Speed = nil })
	f("network", "skip", "", func(_ *doctor.Facts, _ *doctor.Measured, n *doctor.Need) { n.Network = "" })

	f("steal", "warn", "3.0%", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) { m.Client.Steal.Avg = 0.03 })
	f("steal", "fail", "30.0%", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) { m.Client.Steal.Avg = 0.3 })
	f("steal", "skip", "", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) { m.Client.Steal = nil })
	f("other-load", "warn", "40%", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) { m.Client.Others.Avg = 0.4 })
	f("other-load", "fail", "90%", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) { m.Client.Others.Avg = 0.9 })
	f("throttling", "warn", "the time of 4 CPUs, and held its processes back for 120 ms in 1.0 s", func(f *doctor.Facts, m *doctor.Measured, _ *doctor.Need) {
		f.Limits.CPUQuota, m.Client.Throttled = p(4.0), p(0.12)
	})
	f("throttling", "ok", "did not hold back", func(f *doctor.Facts, _ *doctor.Measured, _ *doctor.Need) { f.Limits.CPUQuota = p(4.0) })
	f("kernel-timestamps", "warn", "does not stamp", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) { m.Stamps.Kernel = false })
	f("kernel-timestamps", "skip", "no sockets today", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) {
		m.Stamps.Err = errors.New("no sockets today")
	})
	f("clock", "fail", "stood still", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) { m.Step = 0 })
	f("clock", "warn", "in steps of 4 ms", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) { m.Step = 4 * time.Millisecond })
	f("clock", "warn", "takes 2.1 µs", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) { m.Call = 2100 })
	f("timer", "warn", "ends 4 ms late", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) {
		for i := range m.Sleeps {
			m.Sleeps[i] = 4 * time.Millisecond
		}
	})
	f("timer", "warn", "p99 40 ms", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) { m.Sleeps[99] = 40 * time.Millisecond })
	f("timer", "skip", "", func(_ *doctor.Facts, m *doctor.Measured, _ *doctor.Need) { m.Sleeps = nil })
}

// Of a system that tells nothing, nothing is claimed, whatever is looked at.
func TestNothingTold(t *testing.T) {
	for _, f := range doctor.Machine(doctor.Facts{}, &doctor.Measured{Step: 1, Call: 1}, doctor.Need{Streams: 1}) {
		if f.Status != doctor.Skip && f.Check != "throttling" && f.Check != "clock" {
			t.Errorf("%s: %s: %s", f.Check, f.Status, f.What)
		}
	}
}

// This machine can be looked at, and what is cheap is a part of all.
func TestHere(t *testing.T) {
	root := os.DirFS("/")
	facts := doctor.NewFacts(machine.Read(t.Context(), root))
	need := doctor.Need{Streams: 1, Local: true}
	m := doctor.Measure(t.Context(), root)
	all := doctor.Machine(facts, &m, need)
	for _, f := range append(doctor.Limits(facts, need), doctor.Certain(facts, doctor.TryStamps())...) {
		if find(t, all, f.Check).Group != f.Group {
			t.Errorf("%s: %+v", f.Check, f)
		}
	}
	if m.Client == nil || m.Client.Wall < 0.9 || len(m.Sleeps) == 0 || m.Step <= 0 || m.Call <= 0 || m.Stamps == nil || m.Stamps.Err != nil {
		t.Errorf("measured %+v", m)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if m := doctor.Measure(ctx, fstest.MapFS{}); m.Swaps != nil || len(m.Sleeps) != 0 {
		t.Errorf("measured %+v after the end", m)
	}
}

func TestWorst(t *testing.T) {
	f := func(want string, statuses ...string) {
		t.Helper()
		var all []result.Finding
		for _, s := range statuses {
			all = append(all, result.Finding{Status: s})
		}
		if got := doctor.Worst(all); got != want {
			t.Errorf("%v: %s, want %s", statuses, got, want)
		}
	}
	f("ok")
	f("ok", "skip")
	f("warn", "ok", "warn", "skip")
	f("fail", "warn", "fail", "ok")
}
