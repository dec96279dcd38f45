//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A floor is the least that a client can do for a stream: send a request, read
// what comes, see its end, send the next. Floors parse nothing and know nothing of
// HTTP but the last bytes of a chunked body.

// floorConfig is the load of a floor: a closed loop.
type floorConfig struct {
	addr     netip.AddrPort
	streams  int
	requests int // of each stream
	tokens   int
}

func floor(args []string) error {
	fs := flag.NewFlagSet("floor", flag.ContinueOnError)
	var c floorConfig
	fs.TextVar(&c.addr, "addr", netip.AddrPort{}, "")
	fs.IntVar(&c.streams, "streams", 1, "")
	fs.IntVar(&c.requests, "requests", 1, "")
	fs.IntVar(&c.tokens, "tokens", 1, "")
	if len(args) == 0 {
		return errors.New("which floor?")
	}
	if err := fs.Parse(args[1:]); err != nil {
		return err
	}
	switch args[0] {
	case "epoll":
		return epollFloor(c)
	case "goroutine":
		return goroutineFloor(c)
	}
	return fmt.Errorf("there is no floor %q", args[0])
}

// prompt is what all clients send.
const prompt = "Why is the sky blue?"

// appendRequest appends the request with a number, as weir would send it.
func (c *floorConfig) appendRequest(dst []byte, number int) []byte {
	body := fmt.Sprintf(`{"model":"sim","messages":[{"role":"user","content":%q}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":%d,"ignore_eos":true}`, prompt, c.tokens)
	dst = fmt.Appendf(dst, "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s: ", c.addr, len(body), requestIDHeader)
	dst = strconv.AppendInt(dst, int64(number), 10)
	return append(append(dst, "\r\n\r\n"...), body...)
}

// requestIDHeader is by what a client's request is found in the server's log.
const requestIDHeader = "X-Request-Id"

var lastChunk = []byte("\r\n0\r\n\r\n")

// tail remembers the last bytes of a stream across reads.
type tail struct {
	bytes [7]byte
}

// ends takes what was read, and tells whether the body ends with it.
func (t *tail) ends(p []byte) bool {
	if len(p) >= len(t.bytes) {
		copy(t.bytes[:], p[len(p)-len(t.bytes):])
	} else {
		copy(t.bytes[:], t.bytes[len(p):])
		copy(t.bytes[len(t.bytes)-len(p):], p)
	}
	return bytes.Equal(t.bytes[:], lastChunk)
}

// stampOptions ask for the software receive stamp of every read, as weir does.
const stampOptions = unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE

// reader is one recvmsg with room for a stamp.
type reader struct {
	header  unix.Msghdr
	vector  unix.Iovec
	control [64]byte
	buf     [4 << 10]byte
	stamp   int64 // arrival of what was read last, Unix ns; 0: not known
}

// read returns what has come; unix.EAGAIN when nothing has.
func (r *reader) read(fd int) ([]byte, error) {
	r.vector.Base = &r.buf[0]
	r.vector.SetLen(len(r.buf))
	r.header.Iov = &r.vector
	r.header.SetIovlen(1)
	r.header.Control = &r.control[0]
	r.header.SetControllen(len(r.control))
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.header)), unix.MSG_DONTWAIT)
	switch {
	case errno != 0:
		return nil, errno
	case n == 0:
		return nil, errors.New("the service has closed a connection")
	}
	r.stamp = 0
	if int(r.header.Controllen) >= unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) {
		r.stamp = (*unix.Timespec)(unsafe.Pointer(&r.control[unix.CmsgLen(0)])).Nano()
	}
	return r.buf[:n], nil
}

// lateness is how late a floor reads.
type lateness struct {
	lags   []float64 // of each read, ms from the arrival of what it took
	events int       // token events
	shared int       // of which so many came in one read with a later one
}

// note takes what has been read, and when it had arrived.
func (l *lateness) note(data []byte, stamp int64) {
	if stamp != 0 {
		l.lags = append(l.lags, ms(time.Now().UnixNano()-stamp))
	}
	if events := bytes.Count(data, eventStart); events > 0 {
		l.events += events
		l.shared += events - 1
	}
}

// eventStart is found in every token event of the service.
var eventStart = []byte(`{"content":`)

// report writes it down.
func (l *lateness) report(w io.Writer) error {
	n := numbers{"shared_percent": percent(l.shared, l.events)}
	n.figures("read_lag", l.lags)
	return json.NewEncoder(w).Encode(n)
}

// floorLimit ends a floor whose service does not answer.
const floorLimit = 5 * time.Minute
