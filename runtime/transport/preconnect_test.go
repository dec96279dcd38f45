package transport_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/runtime/transport"
)

func TestPreconnect(t *testing.T) {
	t.Run("requests find their connections ready", func(t *testing.T) {
		s := serve(t, always(withLength("x")))
		u := newUser(t)
		c, _, err := u.clients.Client(s.url, transport.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := u.clients.Preconnect(context.Background(), 5); err != nil {
			t.Fatal(err)
		}
		if connections, _ := s.counts(); connections != 0 {
			t.Errorf("%d connections to a service that keeps none", connections)
		}
		c.KeepsConnections(0)
		for range 2 { // the second time they are there already
			if err := u.clients.Preconnect(context.Background(), 5); err != nil {
				t.Fatal(err)
			}
		}
		for connections, _ := s.counts(); connections < 5; connections, _ = s.counts() {
			time.Sleep(time.Millisecond) // until they have been accepted
		}
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, rec := u.get(s.url, transport.Request{}); !rec.Reused {
					t.Error("a request has opened a connection of its own")
				}
			})
		}
		all.Wait()
		if connections, requests := s.counts(); connections != 5 || requests != 5 {
			t.Errorf("%d connections, %d requests", connections, requests)
		}
	})
	t.Run("a service that is not there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		u := newUser(t)
		c, _, err := u.clients.Client("http://"+l.Addr().String(), transport.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c.KeepsConnections(0)
		if err := u.clients.Preconnect(context.Background(), 100); err == nil || !strings.Contains(err.Error(), "100 of 100 connections") || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("cut off", func(t *testing.T) {
		s := serve(t, always(withLength("x")))
		u := newUser(t)
		c, _, err := u.clients.Client(s.url, transport.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c.KeepsConnections(0)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := u.clients.Preconnect(ctx, 100); err != nil {
			t.Error(err)
		}
	})
}

// Connections are made from the given addresses in turn.
func TestSources(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	from := make(chan string, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
			from <- host
			defer c.Close()
		}
	}()
	addrs := []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")}
	if err := transport.CheckSources(addrs); err != nil {
		t.Skip(err) // a system whose loopback has one address
	}
	clients := transport.NewClients(nil, addrs)
	defer clients.Close()
	c, _, err := clients.Client("http://"+l.Addr().String(), transport.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.KeepsConnections(0)
	if err := clients.Preconnect(context.Background(), 6); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for range 6 {
		seen[<-from]++
	}
	if seen["127.0.0.2"] != 3 || seen["127.0.0.3"] != 3 {
		t.Errorf("connections from %v", seen)
	}
	if err := transport.CheckSources([]netip.Addr{netip.MustParseAddr("192.0.2.1")}); err == nil || !strings.Contains(err.Error(), "192.0.2.1") {
		t.Errorf("an address that no machine has: %v", err)
	}
}
