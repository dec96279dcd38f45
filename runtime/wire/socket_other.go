//go:build !linux

package wire

import (
	"net"
	"time"
)

// socket is a TCP connection as package net has it: stamps, and one goroutine
// that reads for all connections, are there on Linux only.
type socket struct{ *net.TCPConn }

func (s *socket) open(c *net.TCPConn) error {
	s.TCPConn = c
	return nil
}

// receiver reads without stamps.
type receiver struct{}

func (*receiver) open(*socket) {}

func (c *Conn) receive(p []byte) (n int, stamp int64, after time.Duration, err error) {
	n, err = c.TCPConn.Read(p)
	return n, 0, unknown, err
}

// Follow calls step until it returns true. Read waits for data in it.
func (c *Conn) Follow(step func() (over bool)) {
	for !step() {
	}
}

// Control calls f with the descriptor, which stays open until f returns.
func (s *socket) Control(f func(fd uintptr)) error {
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(f)
}

// WriteStamped is Write.
func (c *Conn) WriteStamped(p []byte) (int, error) { return c.Write(p) }

// Sent is false: there are no stamps.
func (c *Conn) Sent(time.Time) (time.Time, bool) { return time.Time{}, false }

// Retransmits is not known here.
func (c *Conn) Retransmits() (int, bool) { return 0, false }

// Processors is how many processors Go should use (GOMAXPROCS) where the machine
// has n: one more, so that somebody looks at the network when all are busy.
func Processors(n int) int { return n + 1 }
