package wire

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"
)

// pair is a connection under test and its other end.
func pair(tb testing.TB) (*Conn, *net.TCPConn) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	other, err := l.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	w, err := New(c.(*net.TCPConn))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { w.Close(); other.Close() })
	warm(tb, w, other)
	return w, other.(*net.TCPConn)
}

// warm reads until the first stamp: the kernel begins to stamp a moment after
// it was first asked to.
func warm(tb testing.TB, w *Conn, other net.Conn) {
	tb.Helper()
	var b [8]byte // larger than what comes: a read that fills it would count with the next
	for range 1000 {
		if _, err := other.Write([]byte("x")); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Read(b[:]); err != nil {
			tb.Fatal(err)
		}
		if w.Arrival().Kernel {
			return
		}
		time.Sleep(time.Millisecond)
	}
	tb.Skip("the kernel gives no receive stamps here")
}

// However late the read is, the arrival is when the data was sent.
func TestLateReadKnowsTheArrival(t *testing.T) {
	w, other := pair(t)
	before := time.Now()
	if _, err := other.Write([]byte("token")); err != nil {
		t.Fatal(err)
	}
	after := time.Now()
	time.Sleep(30 * time.Millisecond)
	var b [100]byte
	n, err := w.Read(b[:])
	if err != nil || string(b[:n]) != "token" {
		t.Fatalf("read %q, %v", b[:n], err)
	}
	a := w.Arrival()
	switch {
	case !a.Kernel:
		t.Error("no kernel stamp")
	case a.At.Before(before.Add(-time.Millisecond)) || a.At.After(after.Add(20*time.Millisecond)):
		t.Errorf("arrived %v after the write began, which took %v", a.At.Sub(before), after.Sub(before))
	case a.Lag < 5*time.Millisecond:
		t.Errorf("lag %v for data that waited 30 ms", a.Lag)
	}
}

// Data of two writes that is read at once has the later one's time.
func TestSharedRead(t *testing.T) {
	w, other := pair(t)
	reads := w.Arrival().Read
	other.Write([]byte("one"))
	time.Sleep(20 * time.Millisecond)
	second := time.Now()
	other.Write([]byte("two"))
	time.Sleep(5 * time.Millisecond)
	var b [100]byte
	if n, err := w.Read(b[:]); err != nil || string(b[:n]) != "onetwo" {
		t.Fatalf("read %q, %v", b[:n], err)
	}
	a := w.Arrival()
	if a.Read != reads+1 {
		t.Errorf("read number %d after %d", a.Read, reads)
	}
	if a.At.Before(second.Add(-time.Millisecond)) {
		t.Errorf("arrived %v before the second write", second.Sub(a.At))
	}
}

// What is left of merged data by a read that fills its buffer comes with the
// next one: both have one number.
func TestContinuedRead(t *testing.T) {
	w, other := pair(t)
	for range 5 {
		other.Write(make([]byte, 1000))
		time.Sleep(5 * time.Millisecond)
	}
	b, numbers := make([]byte, 2048), map[uint64]int{}
	for got := 0; got < 5000; {
		n, err := w.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		got += n
		numbers[w.Arrival().Read]++
	}
	if len(numbers) != 1 {
		t.Errorf("reads by number: %v", numbers)
	}
	before := w.Arrival().Read
	other.Write([]byte("x"))
	w.Read(b)
	if after := w.Arrival().Read; after != before+1 {
		t.Errorf("the next read is number %d after %d", after, before)
	}
}

// tlsPair is a connection under test, and the TLS client on it; its other end says
// something.
func tlsPair(t *testing.T, say func(*tls.Conn)) (*Conn, *tls.Conn) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // for its certificate
	t.Cleanup(server.Close)
	w, other := pair(t)
	go func() { say(tls.Server(other, &tls.Config{Certificates: server.TLS.Certificates})) }()
	c := tls.Client(w, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return w, c
}

// Under TLS the connection sees the ciphertext, and the stamp is that of the
// read that brought it.
func TestUnderTLS(t *testing.T) {
	w, c := tlsPair(t, func(s *tls.Conn) { s.Write([]byte("token")) })
	time.Sleep(30 * time.Millisecond)
	var b [100]byte
	n, err := c.Read(b[:])
	if err != nil || string(b[:n]) != "token" {
		t.Fatalf("read %q, %v", b[:n], err)
	}
	if a := w.Arrival(); !a.Kernel {
		t.Error("no kernel stamp")
	}
}

func TestEndsOfReading(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(w *Conn, other *net.TCPConn)
		want func(error) bool
	}{
		{"the other end closes", func(_ *Conn, other *net.TCPConn) { other.Close() }, func(err error) bool { return err == io.EOF }},
		{"the other end resets", func(_ *Conn, other *net.TCPConn) { other.SetLinger(0); other.Close() }, func(err error) bool {
			return err.Error() != "" && bytes.Contains([]byte(err.Error()), []byte("connection reset by peer"))
		}},
		{"this end closes", func(w *Conn, _ *net.TCPConn) { w.Close() }, func(err error) bool {
			return bytes.Contains([]byte(err.Error()), []byte("use of closed network connection"))
		}},
		{"the deadline passes", func(w *Conn, _ *net.TCPConn) { w.SetReadDeadline(time.Now()) }, func(err error) bool {
			timeout, ok := err.(net.Error)
			return ok && timeout.Timeout()
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w, other := pair(t)
			arrival := w.Arrival()
			time.AfterFunc(5*time.Millisecond, func() { row.end(w, other) })
			var b [8]byte
			n, err := w.Read(b[:])
			if n != 0 || err == nil || !row.want(err) {
				t.Errorf("read %d bytes, %v", n, err)
			}
			if w.Arrival() != arrival {
				t.Error("a read without data changed the arrival")
			}
		})
	}
}

// What is sent is stamped between the beginning of the write and now, small or
// larger than the socket's buffer; unstamped writes leave nothing behind.
func TestSent(t *testing.T) {
	w, other := pair(t)
	go io.Copy(io.Discard, other)
	for _, size := range []int{1, 1000, 60_000, 8 << 20} {
		w.Write([]byte("unstamped"))
		begun := time.Now()
		if n, err := w.WriteStamped(make([]byte, size)); n != size || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, size, err)
		}
		at, ok := w.Sent(begun)
		switch {
		case !ok && size <= 1000:
			t.Errorf("%d bytes: no stamp", size)
		case ok && (at.Before(begun) || at.After(time.Now())):
			t.Errorf("%d bytes: stamped %v after the write began", size, at.Sub(begun))
		}
		if _, again := w.Sent(begun); again {
			t.Errorf("%d bytes: stamped twice", size)
		}
	}
	if n, ok := w.Retransmits(); !ok || n < 0 {
		t.Errorf("retransmits %d, %v", n, ok)
	}
}

// Reading with stamps must cost no more than reading without.
func TestReadAllocatesNothing(t *testing.T) {
	w, other := pair(t)
	message, b := []byte("data: token\n\n"), make([]byte, 100)
	if n := testing.AllocsPerRun(200, func() {
		other.Write(message)
		w.Read(b)
		_ = w.Arrival()
	}); n != 0 {
		t.Errorf("%v allocations a read", n)
	}
}

func FuzzTimestamp(f *testing.F) {
	w, other := pair(f)
	other.Write([]byte("x"))
	w.Read(make([]byte, 8))
	f.Add(bytes.Clone(w.control[:w.header.Controllen]))
	f.Add([]byte{})
	f.Add(make([]byte, 16))
	f.Fuzz(func(t *testing.T, control []byte) {
		// The kernel's buffers are aligned; so must these be.
		aligned := make([]byte, len(control))
		copy(aligned, control)
		timestamp(aligned)
	})
}

// BenchmarkRead compares a stamped read with a plain one.
func BenchmarkRead(b *testing.B) {
	for _, stamped := range []bool{false, true} {
		b.Run(map[bool]string{false: "plain", true: "stamped"}[stamped], func(b *testing.B) {
			w, other := pair(b)
			w.stamped.Store(stamped)
			message, buf := make([]byte, 250), make([]byte, 4096)
			b.ReportAllocs()
			for b.Loop() {
				other.Write(message)
				w.Read(buf)
			}
		})
	}
}
