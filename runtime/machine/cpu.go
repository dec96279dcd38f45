package machine

import (
	"slices"
	"strconv"
	"strings"

	"weir/runtime/result"
)

const cpuDir = "sys/devices/system/cpu"

// model is what the first processor of /proc/cpuinfo is.
type model struct {
	name       string
	flags      bool // it lists features, as x86 does: then the next says all
	hypervisor bool // the processor says that it runs under one
}

// readModel reads the begin of /proc/cpuinfo: of hundreds of processors, one is enough.
func readModel(f files) model { return parseModel(f.text("proc/cpuinfo")) }

// CPUModel is the name of the processors of a machine, from its /proc/cpuinfo; "": it
// tells none that is known.
func CPUModel(cpuinfo string) string { return parseModel(cpuinfo).name }

func parseModel(cpuinfo string) model {
	first, _, _ := strings.Cut(cpuinfo, "\n\n")
	p := pairs(first, ":")
	var m model
	if flags, ok := field(first, "flags"); ok {
		m.flags = true
		m.hypervisor = slices.Contains(strings.Fields(flags), "hypervisor")
	}
	// x86 calls it "model name", as arm64 does where the distribution has added it;
	// POWER and LoongArch "cpu" and "Model Name".
	for _, name := range []string{"model name", "Model Name", "cpu model", "cpu"} {
		if v := p[name]; v != "" && integer(v) == nil {
			m.name = v
			return m
		}
	}
	if m.name = armName(p["CPU implementer"], p["CPU part"]); m.name == "" {
		m.name = p["Hardware"]
	}
	return m
}

// field is the whole value of a name, which clean would shorten.
func field(text, name string) (string, bool) {
	for row := range strings.Lines(text) {
		if n, value, ok := strings.Cut(row, ":"); ok && strings.TrimSpace(n) == name {
			return value, true
		}
	}
	return "", false
}

// armName names a processor by the numbers of Arm's MIDR_EL1; "" when there are none.
func armName(implementer, part string) string {
	i, err := strconv.ParseUint(implementer, 0, 8)
	p, alsoErr := strconv.ParseUint(part, 0, 12)
	if err != nil || alsoErr != nil {
		return ""
	}
	if name := armParts[uint64(i)<<12|p]; name != "" {
		return name
	}
	maker := armMakers[i]
	if maker == "" {
		maker = "implementer " + implementer
	}
	return maker + " part " + part
}

// armMakers are implementers, armParts those of their processors that servers have, by
// implementer<<12 | part: as arch/arm64/include/asm/cputype.h of Linux has them.
var (
	armMakers = map[uint64]string{
		0x41: "Arm", 0x42: "Broadcom", 0x43: "Cavium", 0x46: "Fujitsu", 0x48: "HiSilicon", 0x4e: "NVIDIA", 0x50: "APM",
		0x51: "Qualcomm", 0x53: "Samsung", 0x56: "Marvell", 0x61: "Apple", 0x6d: "Microsoft", 0x70: "Phytium", 0xc0: "Ampere",
	}
	armParts = map[uint64]string{
		0x41d03: "Arm Cortex-A53", 0x41d05: "Arm Cortex-A55", 0x41d07: "Arm Cortex-A57", 0x41d08: "Arm Cortex-A72",
		0x41d09: "Arm Cortex-A73", 0x41d0a: "Arm Cortex-A75", 0x41d0b: "Arm Cortex-A76", 0x41d0c: "Arm Neoverse N1",
		0x41d40: "Arm Neoverse V1", 0x41d49: "Arm Neoverse N2", 0x41d4a: "Arm Neoverse E1", 0x41d4f: "Arm Neoverse V2",
		0x41d83: "Arm Neoverse V3AE", 0x41d84: "Arm Neoverse V3", 0x41d8e: "Arm Neoverse N3",
		0x430a1: "Cavium ThunderX", 0x430af: "Cavium ThunderX2",
		0x46001: "Fujitsu A64FX",
		0x48d01: "HiSilicon Kunpeng 920 (TaiShan v110)", 0x48d02: "HiSilicon Kunpeng HIP09 (TaiShan v120)", 0x48d06: "HiSilicon Kunpeng HIP12",
		0x4e004: "NVIDIA Carmel", 0x4e010: "NVIDIA Olympus",
		0x50000: "APM X-Gene",
		0x6dd49: "Microsoft Azure Cobalt 100",
		0x70660: "Phytium FTC660", 0x70661: "Phytium FTC661", 0x70662: "Phytium FTC662", 0x70663: "Phytium FTC663",
		0x70664: "Phytium FTC664", 0x70862: "Phytium FTC862",
		0xc0ac3: "AmpereOne", 0xc0ac4: "AmpereOne A", 0xc0ac5: "AmpereOne B",
	}
)

// cpu is the processors of the machine; nil where the kernel tells nothing.
func cpu(f files) *result.CPU {
	c := result.CPU{
		SMT:    f.flag(cpuDir + "/smt/active"),
		Driver: f.line(cpuDir + "/cpu0/cpufreq/scaling_driver"),
	}
	online := parseCPUs(f.line(cpuDir + "/online"))
	c.Online = count(len(online))
	c.NUMANodes = count(len(f.list("sys/devices/system/node", "node", maxCPUs)))
	c.Cores = count(groups(f, online, "core_cpus_list", "thread_siblings_list"))
	c.Sockets = count(groups(f, online, "package_cpus_list", "core_siblings_list"))
	if c.Cores != nil && len(online)%*c.Cores == 0 {
		c.Threads = count(len(online) / *c.Cores)
	}
	frequencies(f, &c)
	return filled(c, empty(c))
}

func empty(c result.CPU) bool {
	return c.SMT == nil && c.Driver == "" && c.Online == nil && c.NUMANodes == nil && c.Governors == nil && c.MaxMHz == nil && c.MinMHz == nil
}

// count is a number of things, nil for none: there is no machine without any of them.
func count(n int) *int { return filled(n, n == 0) }

// groups is how many groups of CPUs there are that share something, such as a core: a
// file of each CPU's topology lists those that share it with this one. It has another
// name in kernels before 5.10. 0: not known.
func groups(f files, online []int, file, before string) int {
	seen := make(map[int]bool, len(online))
	n := 0
	for _, id := range online {
		if seen[id] {
			continue
		}
		dir := cpuDir + "/cpu" + strconv.Itoa(id) + "/topology/"
		list := f.line(dir + file)
		if list == "" {
			list = f.line(dir + before)
		}
		members := parseCPUs(list)
		if len(members) == 0 {
			return 0
		}
		for _, m := range members {
			seen[m] = true
		}
		seen[id] = true
		n++
	}
	return n
}

// parseCPUs reads a list such as "0-3,8,10-11"; nil when it is none. CPUs past maxCPUs
// are left out.
func parseCPUs(list string) (ids []int) {
	for part := range strings.SplitSeq(list, ",") {
		from, to, ranged := strings.Cut(strings.TrimSpace(part), "-")
		first, err := strconv.Atoi(from)
		last := first
		if ranged && err == nil {
			last, err = strconv.Atoi(to)
		}
		if err != nil || first < 0 || last < first {
			return nil
		}
		for id := first; id <= min(last, maxCPUs-1) && len(ids) < maxCPUs; id++ {
			ids = append(ids, id)
		}
	}
	return ids
}

// frequencies notes how fast the CPUs may be, and who decides on it. A policy of the
// kernel holds for one CPU, or for several that share a clock. What a frequency is now
// is not asked: on some machines that takes milliseconds a CPU.
func frequencies(f files, c *result.CPU) {
	const dir = cpuDir + "/cpufreq"
	for _, policy := range f.list(dir, "policy", maxCPUs) {
		at := dir + "/" + policy
		if governor := f.line(at + "/scaling_governor"); governor != "" {
			if c.Governors == nil {
				c.Governors = make(map[string]int)
			}
			if _, had := c.Governors[governor]; had || len(c.Governors) < 16 {
				c.Governors[governor] += max(1, len(f.numbers(at+"/affected_cpus")))
			}
		}
		if khz := f.number(at + "/cpuinfo_max_freq"); khz != nil && *khz > 0 {
			if mhz := float64(*khz) / 1000; c.MaxMHz == nil || mhz > *c.MaxMHz {
				c.MaxMHz = &mhz
			}
		}
		if khz := f.number(at + "/cpuinfo_min_freq"); khz != nil && *khz > 0 {
			if mhz := float64(*khz) / 1000; c.MinMHz == nil || mhz < *c.MinMHz {
				c.MinMHz = &mhz
			}
		}
	}
}
