//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// goroutineFloor is a goroutine for each connection, which Go's poller wakes: what
// a simple client in Go could be. It looks for the content in what it reads.
func goroutineFloor(c floorConfig) error {
	conns := make([]*net.TCPConn, c.streams)
	for i := range conns {
		conn, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(c.addr))
		if err != nil {
			return fmt.Errorf("connect to %s: %w", c.addr, err)
		}
		if err := conn.SetDeadline(time.Now().Add(floorLimit)); err != nil {
			return err
		}
		conns[i] = conn
	}
	var number atomic.Int64
	errs := make([]error, len(conns))
	var all sync.WaitGroup
	for i, conn := range conns {
		all.Go(func() { errs[i] = follow(c, conn, &number) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// follow sends one stream's requests, one after another.
func follow(c floorConfig, conn *net.TCPConn, number *atomic.Int64) error {
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	if err := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPING, stampOptions)
	}); err != nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("ask for receive stamps: %w", err)
	}
	var end tail
	var in reader
	var data []byte
	var failed error
	once := func(fd uintptr) bool {
		data, failed = in.read(int(fd))
		return failed != syscall.EAGAIN
	}
	found := 0
	for range c.requests {
		if _, err := conn.Write(c.appendRequest(nil, int(number.Add(1)-1))); err != nil {
			return err
		}
		for ended := false; !ended; {
			if err := raw.Read(once); err != nil {
				return err
			}
			if failed != nil {
				return failed
			}
			if bytes.Contains(data, []byte(`"content":"`)) {
				found++
			}
			ended = end.ends(data)
		}
	}
	if found == 0 {
		return fmt.Errorf("no answer had content")
	}
	return nil
}
