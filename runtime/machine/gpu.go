package machine

import (
	"regexp"
	"slices"
)

// nvidia is the version of NVIDIA's kernel module:
// "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 …".
func nvidia(f files) string {
	if found := nvidiaVersion.FindStringSubmatch(f.line("proc/driver/nvidia/version")); found != nil {
		return found[1]
	}
	return f.line("sys/module/nvidia/version")
}

var nvidiaVersion = regexp.MustCompile(`\bKernel Module\b.*?\s(\d+(?:\.\d+)+)`)

// deviceFiles are those of accelerators that this process could open: in a container,
// those that it was given.
func deviceFiles(f files) []string {
	var all []string
	for _, prefix := range []string{"davinci", "nvidia"} {
		for _, name := range f.list("dev", prefix, maxDevs) {
			all = append(all, "/dev/"+name)
		}
	}
	for _, name := range f.list("dev/dri", "renderD", maxDevs) {
		all = append(all, "/dev/dri/"+name)
	}
	if f.exists("dev/kfd") {
		all = append(all, "/dev/kfd")
	}
	return slices.Clip(all[:min(len(all), maxDevs)])
}
