package doctor

import (
	"fmt"

	"weir/runtime/result"
)

// What weir itself takes of memory, bytes: a stream has buffers, its record and its
// share of the answers.
const (
	ownMemory    = 512 << 20
	streamMemory = 512 << 10
)

func memory(f Facts, need Need) result.Finding {
	c := Check{OfMachine, "memory"}
	free, which := of(f.Memory).Available, "%s of the machine's memory are free"
	if limit := of(f.Limits).Memory; limit != nil && (free == nil || *limit < *free) {
		free, which = limit, "the cgroup allows %s"
	}
	if free == nil {
		return c.Skip("the system does not tell how much memory is free")
	}
	needed := int64(ownMemory) + int64(need.Streams)*streamMemory
	what := fmt.Sprintf(which+"; for %s about %s are needed", gib(*free), plural(need.Streams, "stream"), gib(needed))
	const why = "without memory the kernel ends weir, or swaps it out: what was measured until then is kept, but not the case"
	const do = "end what takes it (top -o %MEM), or give the container more (docker run --memory, resources.limits.memory)"
	switch {
	case *free < needed/2:
		return c.Fail(why, do, "%s", what)
	case *free < needed:
		return c.Warn(why, do, "%s", what)
	}
	return c.OK("%s", what)
}

func swap(f Facts, swaps *int64) result.Finding {
	c := Check{OfMachine, "swap"}
	const why = "a page that has to come back from disk stops who needs it for milliseconds"
	m := of(f.Memory)
	switch {
	case m.SwapTotal == nil:
		return c.Skip("the system does not tell about swap")
	case swaps != nil && *swaps > 0:
		return c.Warn(why, "end what takes the memory (top -o %MEM), or swapoff -a (as root)", "the machine swaps now: %s in a second", plural(*swaps, "page"))
	case *m.SwapTotal == 0:
		return c.OK("there is none")
	case m.SwapFree != nil && *m.SwapFree < *m.SwapTotal/2:
		return c.Warn(why, "swapoff -a && swapon -a (as root) when there is memory enough", "%s of %s are in use, though nothing is swapped now", gib(*m.SwapTotal-*m.SwapFree), gib(*m.SwapTotal))
	}
	return c.OK("nothing is swapped")
}

const (
	slowNetwork   = 1000 // Mbit/s
	networkErrors = 1e-5 // of packets
)

// network judges the interface that leads to a service on another machine.
func network(f Facts, need Need) result.Finding {
	c := Check{OfMachine, "network"}
	var n *result.Network
	for i := range f.Networks {
		if f.Networks[i].Name == need.Network {
			n = &f.Networks[i]
		}
	}
	if n == nil {
		return c.Skip("it is not known which interface leads to the service")
	}
	what := n.Name
	if n.Speed != nil {
		what += fmt.Sprintf(", %d Mbit/s", *n.Speed)
	}
	switch {
	case of(n.Packets) > 0 && float64(of(n.Errors)) > networkErrors*float64(*n.Packets):
		return c.Warn("a packet that is lost is sent again after 200 ms or more, and the stream stands still so long",
			fmt.Sprintf("ethtool -S %s | grep -i err: a cable, a port or its duplex", n.Name), "%s: %d errors in %d packets since the machine started", what, *n.Errors, *n.Packets)
	case n.Speed != nil && *n.Speed < slowNetwork:
		return c.Warn("long prompts, images and many streams take time on the way that is in TTFT",
			"ethtool "+n.Name+": does it have a better speed, or the machine a better interface?", "%s", what)
	case n.Speed == nil:
		what += ", which does not tell its speed"
	}
	return c.OK("%s: %s in %s", what, plural(of(n.Errors), "error"), plural(of(n.Packets), "packet"))
}

// gib is a number of bytes as readers know it.
func gib(bytes int64) string {
	if bytes < 1<<30 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%.3g GiB", float64(bytes)/(1<<30))
}
