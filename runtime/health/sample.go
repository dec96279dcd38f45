package health

import (
	"io/fs"
	"math"
	"os"
	"runtime"
	"time"
)

// unknown is the value of what the system does not tell. It makes whatever is
// computed from it unknown too.
var unknown = math.NaN()

// known is nil for unknown.
func known(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// sample is counters at one moment. They only grow; all but at are seconds, or
// unknown.
type sample struct {
	at        time.Time
	cpu       float64  // CPU time of this process
	machine   cpuTimes // of the CPUs that this process may use
	threads   runTimes // of this process, summed over its threads
	pressure  float64  // while some task of the machine waited for a CPU
	throttled float64  // by a quota of this process's cgroups
}

// system is where the counters are read. It is used by one goroutine at a time.
type system struct {
	root      fs.FS
	affinity  cpuSet // CPUs that this process may run on; nil: unknown
	groups    []cgroup
	threads   threads
	fileLimit *int64
}

func newSystem(root fs.FS) *system {
	return &system{
		root:      root,
		affinity:  affinity(),
		groups:    cgroups(root, "cpu"),
		fileLimit: fileLimit(),
	}
}

func (s *system) sample() sample {
	return sample{
		at:        time.Now(),
		cpu:       processTime(),
		machine:   s.machine(),
		threads:   s.threads.read(s.root),
		pressure:  s.pressure(),
		throttled: throttled(s.root, s.groups),
	}
}

// cpus is how many CPUs the process may run on.
func (s *system) cpus() int {
	if n := s.affinity.count(); n > 0 {
		return n
	}
	return runtime.NumCPU()
}

// cores is how many CPUs' time the process may use: a quota may be less than its
// CPUs.
func (s *system) cores() float64 {
	cores := float64(s.cpus())
	for _, g := range s.groups {
		if quota, ok := g.quota(s.root); ok {
			cores = min(cores, quota)
		}
	}
	return cores
}

func (s *system) machine() cpuTimes {
	if s.affinity == nil {
		return unknownTimes
	}
	text, err := fs.ReadFile(s.root, "proc/stat")
	if err != nil {
		return unknownTimes
	}
	return parseStat(text, s.affinity)
}

func (s *system) pressure() float64 {
	text, err := fs.ReadFile(s.root, "proc/pressure/cpu")
	if err != nil {
		return unknown
	}
	return parsePressure(text)
}

func (s *system) residentBytes() (int64, bool) {
	text, err := fs.ReadFile(s.root, "proc/self/statm")
	if err != nil {
		return 0, false
	}
	pages, ok := parseStatm(text)
	return pages * int64(os.Getpagesize()), ok
}

// openFiles is how many descriptors are open. Linux tells it as the size of a
// directory since 6.2; before, they have to be listed, which is only done if
// list is set.
func (s *system) openFiles(list bool) (int64, bool) {
	const dir = "proc/self/fd"
	info, err := fs.Stat(s.root, dir)
	if err != nil {
		return 0, false
	}
	if info.Size() > 0 {
		return info.Size(), true
	}
	if !list {
		return 0, false
	}
	entries, err := fs.ReadDir(s.root, dir)
	if err != nil {
		return 0, false
	}
	return int64(len(entries)) - 1, true // without the one that the listing itself opened
}

// threads sums the run times of all threads of this process, also of those that
// have ended: up to when they were last seen.
type threads struct {
	seen map[string]runTimes // by thread id
	sum  runTimes
}

func (t *threads) read(root fs.FS) runTimes {
	const dir = "proc/self/task"
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return unknownRunTimes
	}
	now := make(map[string]runTimes, len(entries))
	for _, e := range entries {
		text, err := fs.ReadFile(root, dir+"/"+e.Name()+"/schedstat")
		if err != nil {
			continue // it has ended, or the kernel keeps no such numbers
		}
		if r, ok := parseSchedstat(text); ok {
			now[e.Name()] = r
		}
	}
	if len(now) == 0 {
		return unknownRunTimes
	}
	for id, r := range now {
		before := t.seen[id]
		if r.ran < before.ran || r.turns < before.turns {
			before = runTimes{} // another thread by the same id
		}
		t.sum.ran += r.ran - before.ran
		t.sum.waited += r.waited - before.waited
		t.sum.turns += r.turns - before.turns
	}
	t.seen = now
	return t.sum
}
