package cmd

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The garbage collector runs when so much has been allocated as is in use
// (GOGC=100). That suits neither of weir's states. With few streams in flight
// little is in use, and the collector would run many times a second, each time
// in the way of requests that must start on time; with thousands, the reserve
// would be as large as everything that is needed for them. So a small heap may
// always grow to a certain size, and a large one by a third of what is in use. (Go
// adds the same share of the goroutines' stacks.)
const (
	smallHeap    = 16 << 20 // bytes
	leastPercent = 33
	mostPercent  = 400
)

// tuneCollector sets that reserve after each collection, unless the user has said
// what it shall be (GOGC, GOMEMLIMIT).
func tuneCollector() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	// What a short run needs is there before the first collection is due.
	percent := mostPercent
	debug.SetGCPercent(percent)
	inUse := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	var watch func()
	watch = func() {
		// Of an object that nobody refers to the next collection tells.
		runtime.AddCleanup(new([64]byte), func(struct{}) {
			metrics.Read(inUse)
			live := max(int(inUse[0].Value.Uint64()), 1)
			wanted := min(max((smallHeap-live)*100/live, leastPercent), mostPercent)
			// Setting it stops the program for a moment: not for a trifle.
			if wanted > percent*5/4 || wanted < percent*4/5 {
				percent = wanted
				debug.SetGCPercent(percent)
			}
			watch()
		}, struct{}{})
	}
	watch()
}
