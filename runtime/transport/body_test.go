package transport

import (
	"bytes"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
	"testing/iotest"
)

// content reads a body of a length in pieces of at most so many bytes.
func content(raw string, length, piece int) (string, bool, error) {
	b := newBody(length)
	src := io.Reader(strings.NewReader(raw))
	if piece == 1 {
		src = iotest.OneByteReader(src)
	}
	var all []byte
	p := make([]byte, piece)
	for {
		n, err := b.read(src, p)
		all = append(all, p[:n]...)
		if err != nil {
			return string(all), b.after, err
		}
	}
}

func TestBody(t *testing.T) {
	f := func(length int, raw, want string, after bool, wantErr error) {
		t.Helper()
		for _, piece := range []int{1, 2, 3, 7, 4096} {
			got, more, err := content(raw, length, piece)
			if got != want || err != wantErr || piece == 4096 && more != after {
				t.Errorf("%q in pieces of %d: %q, more %v, %v; want %q, %v, %v", raw, piece, got, more, err, want, after, wantErr)
			}
		}
	}
	f(0, "", "", false, io.EOF)
	f(5, "hello", "hello", false, io.EOF)
	f(5, "hello, world", "hello", true, io.EOF)
	f(5, "hel", "hel", false, io.ErrUnexpectedEOF)
	f(lengthUnknown, "hello", "hello", false, io.EOF)

	f(lengthChunked, "5\r\nhello\r\n0\r\n\r\n", "hello", false, io.EOF)
	f(lengthChunked, "5\r\nhello\r\n7;a=b;c\r\n, world\r\n0\r\nX: y\r\nZ: \r\n\r\n", "hello, world", false, io.EOF)
	f(lengthChunked, "00A  ;x\r\n0123456789\r\n000\r\n\r\n", "0123456789", false, io.EOF)
	f(lengthChunked, "0\r\n\r\nmore", "", true, io.EOF)
	for _, cut := range []string{"", "5", "5\r", "5\r\nhel", "5\r\nhello", "5\r\nhello\r", "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0\r\nX: y\r\n"} {
		_, data, _ := strings.Cut(cut, "\n")
		f(lengthChunked, cut, data[:min(len(data), 5)], false, io.ErrUnexpectedEOF)
	}
	for _, wrong := range []string{"x", "-1\r\n", "+1\r\n", "0x1\r\n", "\r\n", ";\r\n", "1 2\r\n", "1\n", "1\rx", "1;a\n", "8000000000000000\r\n", "10000000000000000\r\n", "0\r\nno field\r\n\r\n"} {
		f(lengthChunked, wrong, "", false, errChunks)
	}
	f(lengthChunked, "1\r\na\n", "a", false, errChunks)
	f(lengthChunked, "1\r\nab", "a", false, errChunks)
}

// However the bytes are cut, the content is the same, and that which net/http
// finds where both find one.
func FuzzBody(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n7;a=b;c\r\n, world\r\n0\r\nX: y\r\n\r\n"), 3)
	f.Add([]byte("fffffffffffffff\r\nx"), 1)
	f.Add([]byte("2\r\nab\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"), 2)
	f.Fuzz(func(t *testing.T, raw []byte, piece int) {
		got, _, err := content(string(raw), lengthChunked, 1+(piece&0xfff))
		again, _, errAgain := content(string(raw), lengthChunked, len(raw)+1)
		if got != again || err != errAgain {
			t.Fatalf("%q: %q, %v in pieces, %q, %v at once", raw, got, err, again, errAgain)
		}
		if theirs, theirErr := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(raw))); err == io.EOF && theirErr == nil && got != string(theirs) {
			t.Fatalf("%q: %q, net/http says %q", raw, got, theirs)
		}
	})
}
