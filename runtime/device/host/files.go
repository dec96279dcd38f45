package host

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// files are texts of files by their paths without the slash in front.
type files map[string]string

const (
	fileLimit = 1 << 20 // bytes of a file
	mostFiles = 2000    // that another host may tell
	mark      = "==> "  // goes before a path in what the script prints
)

// Sensors of others are left alone: some are slow to read, or wake up a disk.
var (
	cpuSensors = []string{"coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal"}
	meter      = "power_meter"
	counters   = "intel-rapl:" // of AMD's processors too
)

// script prints the files of another host. Of long ones the beginning is enough.
var script = `cd /
show() { for f; do test -r "$f" && echo "` + mark + `$f" && head -n 60 "$f"; done; }
{
show proc/stat proc/meminfo proc/cpuinfo
for d in sys/class/hwmon/hwmon*; do
case "$(cat "$d/name")" in
` + strings.Join(cpuSensors, "|") + `) show "$d/name" "$d/temp1_input";;
` + meter + `) show "$d/name" "$d/power1_average" "$d/power1_input";;
esac
done
for d in sys/class/powercap/` + counters + `*; do show "$d/name" "$d/energy_uj" "$d/max_energy_range_uj"; done
} 2>/dev/null
true
`

// parse reads what the script printed.
func parse(out string) files {
	f := make(files)
	name := ""
	var text strings.Builder
	keep := func() {
		if name != "" {
			f[name] = text.String()
		}
		text.Reset()
	}
	for line := range strings.Lines(out) {
		if path, ok := strings.CutPrefix(line, mark); ok {
			keep()
			if name = strings.TrimSpace(path); len(f) == mostFiles {
				return f
			}
			continue
		}
		text.WriteString(line)
	}
	keep()
	return f
}

// local reads the files of this machine. Those that are not there, or not for this user
// to read, are absent.
func local(root fs.FS) files {
	f := make(files)
	show := func(names ...string) {
		for _, name := range names {
			if text, ok := read(root, name); ok {
				f[name] = text
			}
		}
	}
	show("proc/stat", "proc/meminfo", "proc/cpuinfo")
	sensors, _ := fs.Glob(root, "sys/class/hwmon/hwmon*")
	for _, d := range sensors {
		name, _ := read(root, d+"/name")
		switch name = strings.TrimSpace(name); {
		case slices.Contains(cpuSensors, name):
			show(d+"/name", d+"/temp1_input")
		case name == meter:
			show(d+"/name", d+"/power1_average", d+"/power1_input")
		}
	}
	zones, _ := fs.Glob(root, path.Join("sys/class/powercap", counters+"*"))
	for _, d := range zones {
		show(d+"/name", d+"/energy_uj", d+"/max_energy_range_uj")
	}
	return f
}

func read(root fs.FS, name string) (string, bool) {
	file, err := root.Open(name)
	if err != nil {
		return "", false
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, fileLimit))
	return string(text), err == nil
}
