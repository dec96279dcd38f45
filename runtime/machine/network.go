package machine

import (
	"io/fs"
	"strings"

	"weir/runtime/result"
)

// networks are the network interfaces that this process sees, besides the loopback.
func networks(f files) (all []result.Network) {
	const dir = "sys/class/net"
	entries, _ := fs.ReadDir(f.root, dir)
	for _, e := range entries {
		at := dir + "/" + e.Name()
		if e.Name() == "lo" || !f.exists(at+"/operstate") || len(all) == maxNICs {
			continue
		}
		n := result.Network{
			Name:   clean(e.Name()),
			State:  f.line(at + "/operstate"),
			MTU:    f.number(at + "/mtu"),
			Driver: f.link(at + "/device/driver"),
			Queues: count(len(f.list(at+"/queues", "rx-", maxCPUs))),
		}
		if speed := f.number(at + "/speed"); speed != nil && *speed > 0 { // -1: it does not know
			n.Speed = speed
			n.Duplex = f.line(at + "/duplex")
		}
		if node := f.number(at + "/device/numa_node"); node != nil && *node >= 0 {
			n.NUMA = filled(int(*node), false)
		}
		n.Packets = sum(f, at+"/statistics/", "rx_packets", "tx_packets")
		n.Errors = sum(f, at+"/statistics/", "rx_errors", "tx_errors")
		all = append(all, n)
	}
	return all
}

// sum adds up what files hold; nil when one of them holds no number.
func sum(f files, dir string, names ...string) *int64 {
	total := int64(0)
	for _, name := range names {
		n := f.number(dir + name)
		if n == nil {
			return nil
		}
		total += *n
	}
	return &total
}

// tcp is the kernel's settings for connections; nil where there are none.
func tcp(f files) *result.TCP {
	const core, ipv4 = "proc/sys/net/core/", "proc/sys/net/ipv4/"
	if !f.exists(ipv4+"ip_local_port_range") && !f.exists(core+"somaxconn") {
		return nil
	}
	t := result.TCP{
		Somaxconn:      f.number(core + "somaxconn"),
		SYNBacklog:     f.number(ipv4 + "tcp_max_syn_backlog"),
		TWReuse:        f.number(ipv4 + "tcp_tw_reuse"),
		FINTimeout:     f.number(ipv4 + "tcp_fin_timeout"),
		SlowStartIdle:  f.flag(ipv4 + "tcp_slow_start_after_idle"),
		Congestion:     f.line(ipv4 + "tcp_congestion_control"),
		QueueDisc:      f.line(core + "default_qdisc"),
		ReadBuffer:     three(f, ipv4+"tcp_rmem"),
		WriteBuffer:    three(f, ipv4+"tcp_wmem"),
		ReadBufferMax:  f.number(core + "rmem_max"),
		WriteBufferMax: f.number(core + "wmem_max"),
		Forward:        f.flag(ipv4 + "ip_forward"),
	}
	if ports := f.numbers(ipv4 + "ip_local_port_range"); len(ports) == 2 && ports[0] > 0 && ports[1] >= ports[0] {
		t.FirstPort, t.LastPort = &ports[0], &ports[1]
	}
	t.Sockets, t.TimeWait = sockets(f.text("proc/net/sockstat"))
	return &t
}

// three is the least, the default and the most that a file holds.
func three(f files, name string) []int64 {
	all := f.numbers(name)
	if len(all) != 3 {
		return nil
	}
	return all
}

// sockets reads /proc/net/sockstat: "TCP: inuse 1 orphan 0 tw 7 alloc 1 mem 0".
func sockets(text string) (used, timeWait *int64) {
	for row := range strings.Lines(text) {
		fields := strings.Fields(row)
		if len(fields) == 0 || fields[0] != "TCP:" {
			continue
		}
		for i := 1; i+1 < len(fields); i += 2 {
			switch fields[i] {
			case "inuse":
				used = integer(fields[i+1])
			case "tw":
				timeWait = integer(fields[i+1])
			}
		}
	}
	return used, timeWait
}
