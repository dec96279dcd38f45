package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
)

// sources are the local addresses that connections are made from, in rotation.
// One address has some 28,000 ports for the connections to one service
// (net.ipv4.ip_local_port_range); each further one has as many again. Without
// any the system chooses. It may be used by several goroutines.
type sources struct {
	addrs []netip.Addr
	next  atomic.Uint64
}

// dial opens a TCP connection. An address whose ports have run out is skipped.
func (s *sources) dial(ctx context.Context, addr string) (*net.TCPConn, error) {
	var failed error
	for range max(len(s.addrs), 1) {
		c, err := s.dialer().DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.(*net.TCPConn), nil
		}
		failed = err
		if !errors.Is(err, syscall.EADDRNOTAVAIL) {
			break
		}
	}
	return nil, failed
}

func (s *sources) dialer() *net.Dialer {
	if len(s.addrs) == 0 {
		return new(net.Dialer)
	}
	from := s.addrs[(s.next.Add(1)-1)%uint64(len(s.addrs))]
	return &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0)), Control: latePort}
}

// CheckSources tells which of the addresses are none of this machine's, nil for
// none of them.
func CheckSources(addrs []netip.Addr) error {
	for _, a := range addrs {
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
		if err != nil {
			return fmt.Errorf("connections cannot be made from %s: %s; use an address that this machine has (ip address show)", a, plain(err))
		}
		l.Close()
	}
	return nil
}
