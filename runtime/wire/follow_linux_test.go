package wire

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// collect follows a connection until its reads fail, and returns what has come.
func collect(follow func(func() bool), r io.Reader) (string, error) {
	var text strings.Builder
	var failed error
	b := make([]byte, 64)
	follow(func() (over bool) {
		for {
			n, err := r.Read(b)
			text.Write(b[:n])
			switch {
			case err == ErrNothing:
				return false
			case err != nil:
				failed = err
				return true
			}
		}
	})
	return text.String(), failed
}

func TestFollow(t *testing.T) {
	for _, row := range []struct {
		name string
		send func(w *Conn, other *net.TCPConn)
		text string
		want error
	}{
		{"data, then the end", func(_ *Conn, other *net.TCPConn) {
			for range 3 {
				other.Write([]byte("token "))
				time.Sleep(3 * time.Millisecond)
			}
			other.Close()
		}, "token token token ", io.EOF},
		{"data and the end at once", func(_ *Conn, other *net.TCPConn) {
			other.Write([]byte("token"))
			other.Close()
		}, "token", io.EOF},
		{"more than fits into the reader's buffer", func(_ *Conn, other *net.TCPConn) {
			other.Write([]byte(strings.Repeat("x", 10_000)))
			other.Close()
		}, strings.Repeat("x", 10_000), io.EOF},
		{"close", func(w *Conn, other *net.TCPConn) {
			other.Write([]byte("token"))
			time.Sleep(5 * time.Millisecond)
			w.Close()
		}, "token", net.ErrClosed},
		{"the deadline passes", func(w *Conn, other *net.TCPConn) {
			w.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			other.Write([]byte("token"))
		}, "token", os.ErrDeadlineExceeded},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, early := range []bool{false, true} { // before there is anybody who follows
				w, other := pair(t)
				if early {
					row.send(w, other)
				} else {
					go row.send(w, other)
				}
				text, err := collect(w.Follow, w)
				if row.want == net.ErrClosed && early {
					text = row.text // what is closed is not read any more
				}
				if text != row.text || !errors.Is(err, row.want) {
					t.Errorf("early %v: %d bytes %.20q, %v", early, len(text), text, err)
				}
			}
		})
	}
}

// A reset behind data is found although nothing else comes.
func TestFollowReset(t *testing.T) {
	for range 50 {
		w, other := pair(t)
		go func() {
			other.Write([]byte("token"))
			other.SetLinger(0)
			other.Close()
		}()
		if _, err := collect(w.Follow, w); err == nil || !strings.Contains(err.Error(), "reset by peer") {
			t.Fatal(err)
		}
	}
}

// TLS is followed as well: what it keeps of a read is not waited for, and finding
// nothing does not break it.
func TestFollowUnderTLS(t *testing.T) {
	w, c := tlsPair(t, func(s *tls.Conn) {
		for range 5 {
			s.Write([]byte(strings.Repeat("token", 40)))
			time.Sleep(3 * time.Millisecond)
		}
		s.Close()
	})
	if text, err := collect(w.Follow, c); text != strings.Repeat("token", 200) || err != io.EOF {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// A connection can be followed again, and read as any other in between.
func TestFollowAgain(t *testing.T) {
	w, other := pair(t)
	b := make([]byte, 64)
	for range 100 {
		other.Write([]byte("a"))
		w.Follow(func() bool {
			n, _ := w.Read(b)
			return n > 0
		})
		other.Write([]byte("b"))
		if n, err := w.Read(b); n != 1 || err != nil || b[0] != 'b' {
			t.Fatalf("%q, %v", b[:n], err)
		}
	}
}

// One who always has something to read leaves others their turn.
func TestFollowIsFair(t *testing.T) {
	flooded, source := pair(t)
	quiet, other := pair(t)
	var stop atomic.Bool
	var all sync.WaitGroup
	all.Go(func() {
		b := make([]byte, 4096)
		for !stop.Load() {
			source.Write(b)
		}
		source.Close()
	})
	all.Go(func() { collect(flooded.Follow, flooded) })
	all.Go(func() {
		for range 20 {
			other.Write([]byte("token"))
			time.Sleep(time.Millisecond)
		}
		other.Close()
	})
	if text, err := collect(quiet.Follow, quiet); len(text) != 100 || err != io.EOF {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	stop.Store(true)
	all.Wait()
}

// Many connections come and go, are closed by others while they are followed,
// and get each other's descriptors: everybody reads what was meant for him.
func TestFollowMany(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // an echo
				io.Copy(c, c)
				c.Close()
			}()
		}
	}()
	var all sync.WaitGroup
	for client := range 16 {
		all.Go(func() {
			mine := strings.Repeat(string(rune('a'+client)), 100)
			for turn := range 20 {
				raw, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				w, err := New(raw.(*net.TCPConn))
				if err != nil {
					t.Error(err)
					return
				}
				w.Write([]byte(mine))
				if turn%2 == 0 {
					go w.Close()
				} else {
					time.AfterFunc(2*time.Millisecond, func() { w.Close() })
				}
				if text, err := collect(w.Follow, w); strings.Trim(text, mine[:1]) != "" || !errors.Is(err, net.ErrClosed) {
					t.Errorf("%q, %v", text, err)
				}
			}
		})
	}
	all.Wait()
}

func TestFollowAllocatesNothing(t *testing.T) {
	w, other := pair(t)
	message, b := []byte("data: token\n\n"), make([]byte, 100)
	came := make(chan struct{}, 1)
	over := make(chan struct{})
	go func() {
		defer close(over)
		w.Follow(func() bool {
			for {
				n, err := w.Read(b)
				switch {
				case err == ErrNothing:
					return false
				case err != nil:
					return true
				case n > 0:
					came <- struct{}{}
				}
			}
		})
	}()
	if n := testing.AllocsPerRun(200, func() {
		other.Write(message)
		<-came
	}); n != 0 {
		t.Errorf("%v allocations a read", n)
	}
	other.Close()
	<-over
}

// A write waits for room, up to its deadline, and goes on when there is some.
func TestWriteWaits(t *testing.T) {
	w, other := pair(t)
	all := make([]byte, 16<<20)
	w.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := w.Write(all)
	if n == 0 || n == len(all) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("wrote %d bytes, %v", n, err)
	}
	w.SetWriteDeadline(time.Time{})
	got := make(chan int64)
	go func() {
		n, _ := io.Copy(io.Discard, other)
		got <- n
	}()
	if m, err := w.Write(all); m != len(all) || err != nil {
		t.Errorf("wrote %d bytes, %v", m, err)
	}
	w.Close()
	if m := <-got; m != int64(n+len(all)) {
		t.Errorf("%d bytes came, %d were written", m, n+len(all))
	}
	if err := w.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
}

// What ends reading is never missed, however it meets the beginning of Follow.
func TestFollowMeetsDeadline(t *testing.T) {
	w, _ := pair(t)
	b := make([]byte, 8)
	for try := range 3000 {
		w.SetReadDeadline(time.Now().Add(50 * time.Microsecond))
		w.Read(b) // finds nothing, and takes whatever there was to wake it
		w.SetReadDeadline(time.Time{})
		go w.SetReadDeadline(time.Unix(1, 0))
		over := make(chan error, 1)
		go func() {
			_, err := collect(w.Follow, w)
			over <- err
		}()
		select {
		case err := <-over:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("Follow does not end, try %d", try)
		}
	}
}

// An end that a read has found before is found again.
func TestFollowAfterTheEnd(t *testing.T) {
	w, other := pair(t)
	other.Close()
	if _, err := w.Read(make([]byte, 8)); err != io.EOF {
		t.Fatal(err)
	}
	if _, err := collect(w.Follow, w); err != io.EOF {
		t.Error(err)
	}
	w.Close()
	if _, err := collect(w.Follow, w); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// What came in one read while the reader was busy is known to have come after a time at
// which the connection was empty, and never later than it did.
func TestSpreadOfWhatWasLate(t *testing.T) {
	w, other := pair(t)
	late, lateOther := pair(t) // its reader keeps the poller busy
	for late.poller != w.poller {
		late, lateOther = pair(t)
	}
	var first []time.Time // of each pair, after it had been sent
	var all sync.WaitGroup
	all.Go(func() {
		defer other.Close()
		defer lateOther.Close()
		for range 12 {
			time.Sleep(25 * time.Millisecond)
			lateOther.Write([]byte("hold "))
			time.Sleep(time.Millisecond)
			other.Write([]byte("token "))
			first = append(first, time.Now())
			time.Sleep(4 * time.Millisecond)
			other.Write([]byte("token "))
		}
	})
	all.Go(func() {
		b := make([]byte, 64)
		late.Follow(func() bool {
			for {
				if _, err := late.Read(b); err != nil {
					return err != ErrNothing
				}
				time.Sleep(12 * time.Millisecond)
			}
		})
	})
	pairs := map[int]Arrival{} // that came in one read, by number
	tokens := 0
	all.Go(func() {
		b := make([]byte, 64)
		w.Follow(func() bool {
			for {
				n, err := w.Read(b)
				if err != nil {
					return err != ErrNothing
				}
				const token = len("token ")
				if tokens%2 == 0 && n == 2*token {
					pairs[tokens/2] = w.Arrival()
				}
				tokens += n / token
			}
		})
	})
	all.Wait()
	for i, a := range pairs {
		if empty := a.At.Add(-a.Spread); empty.After(first[i]) {
			t.Errorf("pair %d: it was not there %v after it had been sent", i, empty.Sub(first[i]))
		}
		if a.Spread < 4*time.Millisecond {
			t.Errorf("pair %d: came within %v, was sent 4 ms apart", i, a.Spread)
		}
	}
	if len(pairs) == 0 {
		t.Error("nothing was read late: the test shows nothing")
	}
}

// What a service sends in one piece to somebody who waits for it has come together.
func TestSpreadOfWhatCameTogether(t *testing.T) {
	w, other := pair(t)
	go func() {
		defer other.Close()
		for range 20 {
			time.Sleep(15 * time.Millisecond)
			other.Write([]byte("token token token "))
		}
	}()
	reads, together := 0, 0
	b := make([]byte, 64)
	w.Follow(func() bool {
		for {
			if _, err := w.Read(b); err != nil {
				return err != ErrNothing
			}
			reads++
			if spread := w.Arrival().Spread; spread > 0 && spread < time.Millisecond {
				together++
			}
		}
	})
	if reads == 0 || together == 0 {
		t.Errorf("of %d reads %d are known to have come together", reads, together)
	}
	t.Logf("%d of %d", together, reads)
}
