package health

import (
	"os"

	"golang.org/x/sys/unix"
)

// affinity is the CPUs that this process may run on; nil: not known.
func affinity() cpuSet {
	var mask unix.CPUSet
	if err := unix.SchedGetaffinity(os.Getpid(), &mask); err != nil {
		return nil
	}
	set := make(cpuSet, len(mask)*64)
	for cpu := range set {
		set[cpu] = mask.IsSet(cpu)
	}
	return set
}
