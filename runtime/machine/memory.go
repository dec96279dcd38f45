package machine

import (
	"io/fs"
	"strings"

	"weir/runtime/health"
	"weir/runtime/result"
)

// memory is the machine's; nil where the kernel does not tell.
func memory(f files) *result.Memory {
	info := pairs(f.text("proc/meminfo"), ":")
	bytes := func(name string) *int64 {
		number, unit, _ := strings.Cut(info[name], " ")
		kib := integer(number)
		if kib == nil || strings.TrimSpace(unit) != "kB" || *kib < 0 || *kib > 1<<50 {
			return nil
		}
		return filled(*kib*1024, false)
	}
	m := result.Memory{
		Total: bytes("MemTotal"), Available: bytes("MemAvailable"),
		SwapTotal: bytes("SwapTotal"), SwapFree: bytes("SwapFree"),
		HugePages: hugePages(f),
	}
	// "always [madvise] never"
	if _, rest, ok := strings.Cut(f.line("sys/kernel/mm/transparent_hugepage/enabled"), "["); ok {
		m.TransparentHuge, _, _ = strings.Cut(rest, "]")
	}
	return filled(m, m.Total == nil && m.HugePages == nil && m.TransparentHuge == "")
}

// hugePages is how many pages of each size are set aside, when any are.
func hugePages(f files) map[string]int64 {
	const dir = "sys/kernel/mm/hugepages"
	entries, _ := fs.ReadDir(f.root, dir)
	var all map[string]int64
	for _, e := range entries {
		size, ok := strings.CutPrefix(e.Name(), "hugepages-")
		size, also := strings.CutSuffix(size, "kB")
		n := f.number(dir + "/" + e.Name() + "/nr_hugepages")
		if !ok || !also || integer(size) == nil || n == nil || *n <= 0 || len(all) == 16 {
			continue
		}
		if all == nil {
			all = make(map[string]int64)
		}
		all[size] = *n
	}
	return all
}

// Usable is how many bytes of memory this process may use at most: what the machine has, or
// less where a control group says so. 0: nobody tells.
func Usable(root fs.FS) uint64 {
	m := memory(files{root: root})
	_, group := health.Limits(root)
	var usable int64
	if m != nil && m.Total != nil {
		usable = *m.Total
	}
	if group != nil && (usable == 0 || *group < usable) {
		usable = *group
	}
	return uint64(max(usable, 0))
}
