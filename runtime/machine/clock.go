package machine

import (
	"io/fs"
	"strings"

	"weir/runtime/result"
)

// clock is where the kernel has its time from; nil where nothing tells.
func clock(f files) *result.KernelClock {
	const dir = "sys/devices/system/clocksource/clocksource0/"
	c := result.KernelClock{
		Source:   f.line(dir + "current_clocksource"),
		Timezone: timezone(f),
	}
	if all := strings.Fields(f.line(dir + "available_clocksource")); len(all) > 0 {
		c.Available = all
	}
	synchronized(&c)
	return filled(c, c.Source == "" && c.Synchronized == nil && c.Timezone == "")
}

// timezone is the machine's zone by its name in the time zone database.
func timezone(f files) string {
	if name := f.line("etc/timezone"); name != "" {
		return name
	}
	to, err := fs.ReadLink(f.root, "etc/localtime")
	if err != nil {
		return ""
	}
	_, name, _ := strings.Cut(to, "zoneinfo/")
	return clean(name)
}
