//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// epollFloor is one thread that waits for all connections at once. It also notes
// how late it reads.
func epollFloor(c floorConfig) error {
	runtime.LockOSThread()
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("epoll_create1: %w", err)
	}
	type stream struct {
		tail
		left int // requests to send
	}
	streams := map[int]*stream{} // by descriptor; descriptors are small, a slice follows
	highest := 0
	for range c.streams {
		fd, err := dialRaw(c)
		if err != nil {
			return err
		}
		if err := unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return fmt.Errorf("epoll_ctl: %w", err)
		}
		streams[fd] = &stream{left: c.requests}
		highest = max(highest, fd)
	}
	byFD := make([]*stream, highest+1)
	for fd, s := range streams {
		byFD[fd] = s
	}

	var request []byte
	number := 0
	send := func(fd int, s *stream) error {
		s.left--
		request = c.appendRequest(request[:0], number)
		number++
		_, err := unix.Write(fd, request)
		return err
	}
	for fd, s := range byFD {
		if s != nil {
			if err := send(fd, s); err != nil {
				return err
			}
		}
	}

	var in reader
	late := lateness{lags: make([]float64, 0, c.streams*c.requests*(c.tokens+8))}
	ready := make([]unix.EpollEvent, 256)
	deadline := time.Now().Add(floorLimit)
	for open := c.streams; open > 0; {
		n, err := unix.EpollWait(poll, ready, int(floorLimit.Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		if n == 0 || time.Now().After(deadline) {
			return errors.New("the service does not end its streams")
		}
		for _, e := range ready[:n] {
			fd := int(e.Fd)
			data, err := in.read(fd)
			if err == unix.EAGAIN {
				continue
			}
			if err != nil {
				return err
			}
			late.note(data, in.stamp)
			s := byFD[fd]
			if !s.ends(data) {
				continue
			}
			if s.left == 0 {
				open--
				unix.Close(fd)
				continue
			}
			if err := send(fd, s); err != nil {
				return err
			}
		}
	}
	return late.report(os.Stdout)
}

// dialRaw opens a connection without Go's poller, and asks for stamps.
func dialRaw(c floorConfig) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(c.addr.Port()), Addr: c.addr.Addr().As4()}); err != nil {
		return 0, fmt.Errorf("connect to %s: %w", c.addr, err)
	}
	return fd, errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, stampOptions),
	)
}
