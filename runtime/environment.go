package runtime

import (
	"bufio"
	"os"
	goruntime "runtime"
	"strings"

	"weir/runtime/result"
)

// Environment describes this machine, for the result.
func Environment(runtimes int) result.Environment {
	host, _ := os.Hostname()
	return result.Environment{
		OS:       goruntime.GOOS,
		Arch:     goruntime.GOARCH,
		Kernel:   firstLine("/proc/sys/kernel/osrelease"),
		CPUs:     goruntime.NumCPU(),
		CPUModel: cpuModel(),
		Hostname: host,
		Runtimes: runtimes,
	}
}

func firstLine(path string) string {
	b, _ := os.ReadFile(path)
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}

// cpuModel is the processor's name as Linux knows it: x86 calls it "model
// name", some arm64 kernels "Hardware" or nothing at all.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		switch strings.TrimSpace(name) {
		case "model name", "Hardware":
			return strings.TrimSpace(value)
		}
	}
	return ""
}
