//go:build unix

package transport_test

import (
	"context"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"weir/runtime/transport"
)

// deaf is a service that listens and never accepts, with no place left in its
// queue: connecting to it takes for ever.
func deaf(t *testing.T) (url string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 16 {
		c, err := net.DialTimeout("tcp", addr, 300*time.Millisecond)
		if err != nil {
			return "http://" + addr
		}
		t.Cleanup(func() { c.Close() })
	}
	t.Skip("this kernel does not let a queue of connections fill up")
	return ""
}

func TestConnectTimeout(t *testing.T) {
	url := deaf(t)
	_, _, failed := newUser(t).send(context.Background(), url, transport.Request{Limits: transport.Limits{Connect: 50 * time.Millisecond}})
	expect(t, failed, "connect_timeout", "no connection to "+url[len("http://"):]+" within 50ms")
}

func TestCancelWhileConnecting(t *testing.T) {
	url := deaf(t)
	request := transport.Request{Limits: transport.Limits{Connect: time.Minute}}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, _, failed := newUser(t).send(ctx, url, request)
	expect(t, failed, "interrupted", "")
}

// Running out of file descriptors is this machine's failure, not the service's.
func TestNoDescriptors(t *testing.T) {
	s := serve(t, always(withLength("x")))
	u := newUser(t)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := limit
	low.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Skip("the limit cannot be set:", err)
	}
	_, _, failed := u.send(context.Background(), s.url, transport.Request{})
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	expect(t, failed, "client_limit", "too many open files: this machine allows no more open files; raise the limit with ulimit -n")
	u.get(s.url, transport.Request{})
}
