package machine

import (
	"strings"

	"weir/runtime/health"
	"weir/runtime/result"
)

// limits are those of this process; nil where the kernel tells none.
func limits(f files) *result.Limits {
	var l result.Limits
	rows := f.text("proc/self/limits")
	l.OpenFiles, l.OpenFilesHard = limit(rows, "Max open files")
	l.Processes, l.ProcessesHard = limit(rows, "Max processes")
	l.LockedMemory, _ = limit(rows, "Max locked memory")
	l.CPUSet = pairs(f.text("proc/self/status"), ":")["Cpus_allowed_list"]
	l.CPUQuota, l.Memory = health.Limits(f.root)
	return filled(l, rows == "" && l == result.Limits{})
}

// limit reads a row of /proc/self/limits, "Max open files  1024  524288  files": nil
// for what is unlimited, and for a row that is not there.
func limit(rows, name string) (soft, hard *int64) {
	for row := range strings.Lines(rows) {
		rest, ok := strings.CutPrefix(row, name+" ")
		if fields := strings.Fields(rest); ok && len(fields) >= 2 {
			return integer(fields[0]), integer(fields[1])
		}
	}
	return nil, nil
}
