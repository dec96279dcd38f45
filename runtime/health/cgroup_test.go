package health

import (
	"math"
	"testing"
	"testing/fstest"
)

// A machine's files are given as "path": "content".
func files(content map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range content {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

const (
	mountV1 = "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n" +
		"34 31 0:31 / /sys/fs/cgroup/cpuset rw,nosuid shared:10 - cgroup cgroup rw,cpuset\n"
	mountV2 = "35 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
)

func TestCgroups(t *testing.T) {
	none := math.Inf(1)
	f := func(name string, content map[string]string, quota, throttled float64) {
		t.Helper()
		s := newSystem(files(content))
		s.affinity = make(cpuSet, 64)
		for cpu := range s.affinity {
			s.affinity[cpu] = true
		}
		if got, want := s.cores(), min(quota, 64); got != want {
			t.Errorf("%s: %v cores, want %v", name, got, want)
		}
		got := s.sample().throttled
		if got != throttled && !(math.IsNaN(got) && math.IsNaN(throttled)) {
			t.Errorf("%s: throttled for %v s, want %v", name, got, throttled)
		}
	}

	f("nothing at all", nil, none, unknown)
	f("version 2, no limit", map[string]string{
		"proc/self/cgroup":                       "0::/user.slice\n",
		"proc/self/mountinfo":                    mountV2,
		"sys/fs/cgroup/user.slice/cpu.max":       "max 100000\n",
		"sys/fs/cgroup/user.slice/cpu.stat":      "usage_usec 17\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
		"sys/fs/cgroup/cpu.stat":                 "usage_usec 178\nuser_usec 12\n", // the root is never throttled and does not tell
		"sys/fs/cgroup/user.slice/other/cpu.max": "1000 100000\n",
	}, none, 0)
	f("version 2, a limit of its own", map[string]string{
		"proc/self/cgroup":           "0::/app\n",
		"proc/self/mountinfo":        mountV2,
		"sys/fs/cgroup/app/cpu.max":  "150000 100000\n",
		"sys/fs/cgroup/app/cpu.stat": "usage_usec 17\nnr_periods 10\nnr_throttled 4\nthrottled_usec 2500000\n",
	}, 1.5, 2.5)
	f("version 2, the limit is that of a group above", map[string]string{
		"proc/self/cgroup":                      "0::/pod/container/inner\n",
		"proc/self/mountinfo":                   mountV2,
		"sys/fs/cgroup/pod/cpu.max":             "50000 100000\n",
		"sys/fs/cgroup/pod/container/cpu.max":   "400000 100000\n",
		"sys/fs/cgroup/pod/cpu.stat":            "throttled_usec 3000000\n",
		"sys/fs/cgroup/pod/container/cpu.stat":  "throttled_usec 500000\n",
		"sys/fs/cgroup/pod/container/inner/pid": "",
	}, 0.5, 3.5)
	f("version 2, a container that sees its own group as the root", map[string]string{
		"proc/self/cgroup":       "0::/\n",
		"proc/self/mountinfo":    mountV2,
		"sys/fs/cgroup/cpu.max":  "200000 100000\n",
		"sys/fs/cgroup/cpu.stat": "throttled_usec 0\n",
	}, 2, 0)
	f("version 2, outside of the root that it sees", map[string]string{
		"proc/self/cgroup":      "0::/../../else\n",
		"proc/self/mountinfo":   mountV2,
		"sys/fs/cgroup/cpu.max": "200000 100000\n",
	}, 2, unknown)
	f("version 1, no limit", map[string]string{
		"proc/self/cgroup":                            "4:cpu,cpuacct:/\n3:cpuset:/\n",
		"proc/self/mountinfo":                         mountV1,
		"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us":  "-1\n",
		"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
		"sys/fs/cgroup/cpu,cpuacct/cpu.stat":          "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n",
	}, none, 0)
	f("version 1, nested; cpuset is another hierarchy", map[string]string{
		"proc/self/cgroup":                                   "3:cpuset:/tight\n4:cpu,cpuacct:/a/b\n",
		"proc/self/mountinfo":                                mountV1,
		"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us":       "300000\n",
		"sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us":      "100000\n",
		"sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us":     "10000\n",
		"sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us":    "20000\n",
		"sys/fs/cgroup/cpu,cpuacct/a/b/cpu.stat":             "nr_periods 9\nnr_throttled 2\nthrottled_time 1250000000\n",
		"sys/fs/cgroup/cpuset/tight/cpu.cfs_quota_us":        "1\n",
		"sys/fs/cgroup/cpu,cpuacct/tight/cpu.cfs_quota_us":   "1\n",
		"sys/fs/cgroup/cpu,cpuacct/tight/cpu.cfs_period_us":  "100000\n",
		"sys/fs/cgroup/cpu,cpuacct/a/b/c/cpu.cfs_quota_us":   "1\n",
		"sys/fs/cgroup/cpu,cpuacct/a/b/c/cpu.cfs_period_us":  "100000\n",
		"sys/fs/cgroup/cpu,cpuacct/a/bee/cpu.cfs_quota_us":   "1\n",
		"sys/fs/cgroup/cpu,cpuacct/a/bee/cpu.cfs_period_us":  "100000\n",
		"sys/fs/cgroup/cpu,cpuacct/other/cpu.cfs_quota_us":   "1\n",
		"sys/fs/cgroup/cpu,cpuacct/other/cpu.cfs_period_us":  "100000\n",
		"sys/fs/cgroup/cpu,cpuacct/other/b/cpu.cfs_quota_us": "1\n",
	}, 0.5, 1.25)
	f("version 1, a container whose group is named as on the host", map[string]string{
		"proc/self/cgroup":                    "4:cpu:/docker/4f2a\n",
		"proc/self/mountinfo":                 "40 31 0:30 /docker/4f2a /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n",
		"sys/fs/cgroup/cpu/cpu.cfs_quota_us":  "250000\n",
		"sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
	}, 2.5, unknown)
	f("version 1 for the CPU beside version 2 for nothing", map[string]string{
		"proc/self/cgroup":                      "1:cpu:/x\n0::/x\n",
		"proc/self/mountinfo":                   "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
		"sys/fs/cgroup/cpu/x/cpu.cfs_quota_us":  "100000\n",
		"sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000\n",
		"sys/fs/cgroup/cpu/x/cpu.stat":          "throttled_time 4000000000\n",
		"sys/fs/cgroup/unified/x/cpu.stat":      "usage_usec 1\n",
	}, 1, 4)
	f("a mount point with a blank", map[string]string{
		"proc/self/cgroup":         "0::/\n",
		"proc/self/mountinfo":      `35 23 0:26 / /my\040groups rw - cgroup2 none rw` + "\n",
		"my groups/cpu.max":        "100000 100000\n",
		`my\040groups/cpu.max`:     "200000 100000\n",
		"sys/fs/cgroup/cpu.max":    "1 100000\n",
		"sys/fs/cgroup/u/cpu.stat": "throttled_usec 1\n",
	}, 1, unknown)
	f("more than there is", map[string]string{
		"proc/self/cgroup":      "0::/\n",
		"proc/self/mountinfo":   mountV2,
		"sys/fs/cgroup/cpu.max": "9000000 10000\n",
	}, none, unknown)

	// Garbage limits nothing.
	for _, garbage := range []string{"", "max", "100000", "0 100000", "-5 100000", "100000 0", "100000 -1", "1e5 100000", "1 2 3", "99999999999999999999 1"} {
		f("cpu.max "+garbage, map[string]string{
			"proc/self/cgroup":       "0::/\n",
			"proc/self/mountinfo":    mountV2,
			"sys/fs/cgroup/cpu.max":  garbage,
			"sys/fs/cgroup/cpu.stat": "throttled_usec -1\n",
		}, none, unknown)
	}
	for _, garbage := range []string{"", "0", "0::", "::", "x:cpu", "\n\n\n", "4:cpuset:/"} {
		f("membership "+garbage, map[string]string{
			"proc/self/cgroup":          garbage,
			"proc/self/mountinfo":       mountV1 + "\n - \n- cgroup2\n1 2 3 4 5 6 - cgroup2\n",
			"sys/fs/cgroup/cpu/cpu.max": "100000 100000",
		}, none, unknown)
	}
}

func FuzzCgroups(f *testing.F) {
	f.Add("0::/a/b\n", mountV2, "max 100000\n", "throttled_usec 12\n")
	f.Add("4:cpu,cpuacct:/../x\n", mountV1, "50000 100000", "throttled_time 12\n")
	f.Add("1:cpu:/a\n0::/\n", `1 2 3 / /sys/fs/cgroup\040\x\7 rw - cgroup2 a b`, "-1", "x y z\n")
	f.Fuzz(func(t *testing.T, memberships, mounts, limit, stat string) {
		s := newSystem(files(map[string]string{
			"proc/self/cgroup":                   memberships,
			"proc/self/mountinfo":                mounts,
			"sys/fs/cgroup/cpu.max":              limit,
			"sys/fs/cgroup/cpu.cfs_quota_us":     limit,
			"sys/fs/cgroup/cpu.cfs_period_us":    limit,
			"sys/fs/cgroup/cpu.stat":             stat,
			"sys/fs/cgroup/cpu,cpuacct/cpu.stat": stat,
		}))
		if cores := s.cores(); !(cores > 0 && cores <= float64(s.cpus())) {
			t.Errorf("%v cores of %d CPUs", cores, s.cpus())
		}
		if throttled := s.sample().throttled; throttled < 0 || math.IsInf(throttled, 0) {
			t.Errorf("throttled for %v s", throttled)
		}
	})
}
