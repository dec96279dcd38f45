package health

import (
	"bytes"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// cgroup is a control group that may limit what this process uses of a resource.
type cgroup struct {
	dir string // from the root of the file system, without the leading slash
	v2  bool
}

// Limits are the least share of CPUs' time, in CPUs, and the least memory, in bytes,
// that the control groups of this process and all above them allow. Nil: they do not
// limit it. root is the root of the file system.
func Limits(root fs.FS) (cpus *float64, memory *int64) {
	for _, g := range cgroups(root, "cpu") {
		if quota, limited := g.quota(root); limited && (cpus == nil || quota < *cpus) {
			cpus = &quota
		}
	}
	for _, g := range cgroups(root, "memory") {
		if bytes, limited := g.memory(root); limited && (memory == nil || bytes < *memory) {
			memory = &bytes
		}
	}
	return cpus, memory
}

// cgroups are those of this process whose limits hold for it: its own and all
// above, of the hierarchy that has a controller, such as "cpu" (version 1), and of the
// unified one (version 2), as both may be there
// (https://man7.org/linux/man-pages/man7/cgroups.7.html).
func cgroups(root fs.FS, controller string) []cgroup {
	memberships, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	mounts, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return nil
	}
	var groups []cgroup
	for _, m := range parseMemberships(memberships, controller) {
		for _, mount := range parseMounts(mounts, controller) {
			if mount.v2 != m.v2 {
				continue
			}
			for _, dir := range upwards(mount, m.path) {
				groups = append(groups, cgroup{dir: dir, v2: m.v2})
			}
			break // the same hierarchy may be mounted again
		}
	}
	return groups
}

// quota is how many CPUs' time the group may use; false: as much as there is.
func (g cgroup) quota(root fs.FS) (cpus float64, limited bool) {
	if g.v2 {
		return parseQuota(g.read(root, "cpu.max"))
	}
	limit := append(g.read(root, "cpu.cfs_quota_us"), ' ')
	return parseQuota(append(limit, g.read(root, "cpu.cfs_period_us")...))
}

// memory is how many bytes the group may use; false: as many as there are.
func (g cgroup) memory(root fs.FS) (limit int64, limited bool) {
	name := "memory.limit_in_bytes"
	if g.v2 {
		name = "memory.max"
	}
	limit, err := strconv.ParseInt(string(bytes.TrimSpace(g.read(root, name))), 10, 64)
	// Version 1 writes "no limit" as the most whole pages that an int64 holds.
	const most = 1 << 62
	return limit, err == nil && limit > 0 && limit < most
}

// throttled is for how long the quotas of groups have held their tasks back, in
// seconds summed over CPUs; unknown when none of them tells.
func throttled(root fs.FS, groups []cgroup) float64 {
	sum, found := 0.0, false
	for _, g := range groups {
		if t, ok := parseThrottled(g.read(root, "cpu.stat")); ok {
			sum += t
			found = true
		}
	}
	if !found {
		return unknown
	}
	return sum
}

// read is the content of a file of the group; nil when it has none.
func (g cgroup) read(root fs.FS, name string) []byte {
	text, err := fs.ReadFile(root, path.Join(g.dir, name))
	if err != nil {
		return nil
	}
	return text
}

// membership is the group of a process in a hierarchy that may have a controller.
type membership struct {
	path string // within the hierarchy
	v2   bool
}

// parseMemberships reads /proc/PID/cgroup: "4:cpu,cpuacct:/path", and "0::/path"
// for version 2.
func parseMemberships(text []byte, controller string) []membership {
	var found []membership
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) != 3 {
			continue
		}
		v2 := parts[0] == "0" && parts[1] == ""
		if v2 || listed(controller, parts[1]) {
			found = append(found, membership{path: parts[2], v2: v2})
		}
	}
	return found
}

// cgroupMount is where a hierarchy that may have a controller is mounted.
type cgroupMount struct {
	root  string // the group that is seen at point
	point string
	v2    bool
}

// parseMounts reads /proc/PID/mountinfo
// (https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html):
// "36 35 98:0 /root /point options optional… - type source options".
func parseMounts(text []byte, controller string) []cgroupMount {
	var found []cgroupMount
	for line := range strings.Lines(string(text)) {
		mount, kind, ok := strings.Cut(line, " - ")
		place, system := strings.Fields(mount), strings.Fields(kind)
		if !ok || len(place) < 6 || len(system) < 3 {
			continue
		}
		v2 := system[0] == "cgroup2"
		if v2 || system[0] == "cgroup" && listed(controller, system[2]) {
			found = append(found, cgroupMount{root: unescape(place[3]), point: unescape(place[4]), v2: v2})
		}
	}
	return found
}

// upwards is the directories of a group and of all above it that can be seen,
// innermost first.
func upwards(m cgroupMount, group string) []string {
	point := strings.Trim(path.Clean("/"+m.point), "/")
	// A container sees its own group at the mount point, while the name of the
	// group may still be that on the host.
	inside, ok := strings.CutPrefix(path.Clean("/"+group)+"/", strings.TrimSuffix(path.Clean("/"+m.root), "/")+"/")
	if !ok {
		inside = ""
	}
	var dirs []string
	for inside = strings.Trim(inside, "/"); inside != "" && inside != "."; inside = path.Dir(inside) {
		dirs = append(dirs, path.Join(point, inside))
	}
	return append(dirs, path.Join(point, "."))
}

// parseQuota reads "quota period" in microseconds; a quota of "max" (version 2)
// or below 0 (version 1) is none.
func parseQuota(text []byte) (cpus float64, limited bool) {
	fields := bytes.Fields(text)
	if len(fields) != 2 {
		return 0, false
	}
	quota, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil || quota <= 0 {
		return 0, false
	}
	period, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil || period <= 0 {
		return 0, false
	}
	return float64(quota) / float64(period), true
}

// parseThrottled reads a group's cpu.stat: nanoseconds in version 1, microseconds
// in version 2.
func parseThrottled(text []byte) (seconds float64, ok bool) {
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) != 2 {
			continue
		}
		unit := 0.0
		switch string(fields[0]) {
		case "throttled_time":
			unit = 1e-9
		case "throttled_usec":
			unit = 1e-6
		default:
			continue
		}
		n, err := strconv.ParseUint(string(fields[1]), 10, 64)
		return float64(n) * unit, err == nil
	}
	return 0, false
}

// listed tells whether a list with commas has a name.
func listed(name, list string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if item == name {
			return true
		}
	}
	return false
}

// unescape undoes what mountinfo does to blanks and backslashes: \040.
func unescape(s string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, `\`)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		if len(after) >= 3 {
			if c, err := strconv.ParseUint(after[:3], 8, 8); err == nil {
				b.WriteByte(byte(c))
				s = after[3:]
				continue
			}
		}
		b.WriteByte('\\')
		s = after
	}
}
