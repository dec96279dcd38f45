package sources

import (
	"context"
	"os"
	"slices"
	"strings"

	"weir/runtime/device"
	"weir/runtime/device/host"
)

// there are the names of the sources that a host has; "": this machine.
func there(ctx context.Context, place string) ([]string, error) {
	has := func(name string) bool { return device.Tool{Name: name}.There() }
	_, err := os.Stat("/proc/stat")
	linux := err == nil
	if place != "" {
		out, err := device.Tool{Name: "sh", Host: place}.Run(ctx, "-c", script())
		if err != nil {
			return nil, err
		}
		// A shell's greeting may be before them.
		names := strings.Fields(string(out))
		has = func(name string) bool { return slices.Contains(names, name) }
		linux = has("/proc/stat")
	}
	var all []string
	for _, t := range tools {
		known := func(n string) bool { return slices.Contains(same, n) }
		if has(t.name) && !(known(t.name) && slices.ContainsFunc(all, known)) {
			all = append(all, t.name)
		}
	}
	if linux {
		all = append(all, host.Name)
	}
	return all, nil
}

// script prints which of the tools a host has, and whether it is one of Linux, in one
// command.
func script() string {
	names := make([]string, len(tools))
	for i, t := range tools {
		names[i] = t.name
	}
	return "for t in " + strings.Join(names, " ") + "; do command -v $t >/dev/null 2>&1 && echo $t; done\n" +
		"test -r /proc/stat && echo /proc/stat\ntrue"
}
