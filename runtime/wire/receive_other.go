//go:build !linux

package wire

import "net"

// receiver reads without stamps: only Linux gives them.
type receiver struct{}

func (*receiver) open(*net.TCPConn) {}

func (*receiver) receive(c *net.TCPConn, p []byte) (n int, stamp int64, err error) {
	n, err = c.Read(p)
	return n, 0, err
}
