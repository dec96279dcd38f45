package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"weir/runtime/terminal"
)

// Download fetches a bundle from a web server. Without a checksum it only finds out what
// that would be, and keeps nothing: whoever answers at the address could have made it.
func (c *Client) Download(ctx context.Context, l Link) (*Fetched, error) {
	doing, host := "fetching "+l.String(), l.url.Host
	if l.digest == "" {
		return nil, explain(c.unchecked(ctx, l), doing, host)
	}
	d := digest.Digest(l.digest)
	file, err := c.Cache.get(d)
	if err != nil {
		return nil, explain(err, doing, host)
	}
	if file != "" {
		if e, ok := c.Cache.find(l.pinned(l.digest)); ok {
			e.Bundle = l.digest // the entry itself has no digest
			return &Fetched{Entry: e, File: file, Cached: true}, nil
		}
	}
	had := file != ""
	if !had {
		if err := c.download(ctx, l); err != nil {
			return nil, explain(err, doing, host)
		}
		if file, err = c.Cache.get(d); err != nil || file == "" {
			return nil, explain(errors.Join(err, errors.New("what was fetched is no longer in the cache")), doing, host)
		}
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, explain(err, doing, host)
	}
	now := time.Now()
	e := Entry{
		Reference: l.pinned(l.digest), Digest: l.digest, Bundle: l.digest, Size: info.Size(), Fetched: now, Used: now,
		About: About{Title: strings.TrimSuffix(path.Base(l.url.Path), ".weir")},
	}
	if err := c.Cache.note(e); err != nil {
		return nil, explain(err, doing, host)
	}
	return &Fetched{Entry: e, File: file, Cached: had}, nil
}

// unchecked tells the checksum of what is at an address that came without one.
func (c *Client) unchecked(ctx context.Context, l Link) error {
	body, _, release, err := c.open(ctx, l)
	if err != nil {
		return err
	}
	defer release()
	sum := digest.SHA256.Digester()
	if _, err := io.Copy(sum.Hash(), body); err != nil {
		return err
	}
	found := sum.Digest().String()
	return &Error{
		Problem: "an address needs a checksum, and this one has none; what is there now was not run, and has " + found,
		Hint:    "compare that with what its author says, and if it is the same: " + l.pinned(found),
	}
}

// download brings what has the link's checksum into the cache.
func (c *Client) download(ctx context.Context, l Link) error {
	body, size, release, err := c.open(ctx, l)
	if err != nil {
		return err
	}
	defer release()
	if size < 0 { // the cache wants to know it, and checks it
		temp, err := os.CreateTemp("", "weir-fetched-")
		if err != nil {
			return err
		}
		defer os.Remove(temp.Name())
		defer temp.Close()
		if size, err = io.Copy(temp, body); err != nil {
			return err
		}
		if _, err := temp.Seek(0, io.SeekStart); err != nil {
			return err
		}
		body = temp
	}
	sum := digest.SHA256.Digester()
	err = c.Cache.put(ocispec.Descriptor{MediaType: BundleType, Digest: digest.Digest(l.digest), Size: size}, io.TeeReader(body, sum.Hash()))
	if found := sum.Digest().String(); isMismatch(err) && found != l.digest {
		return &Error{
			Problem: fmt.Sprintf("what is there has %s, not %s: it was changed since, or somebody changes it on the way; it was not run", found, l.digest),
			Hint:    "ask its author which one is right",
			cause:   err,
		}
	}
	return err
}

// open begins to read what is at an address: at most MaxSize bytes of it. size is -1 when
// the server does not say it.
func (c *Client) open(ctx context.Context, l Link) (body io.Reader, size int64, release func(), err error) {
	watched, through, cancel := c.watch(ctx)
	defer func() {
		if err != nil {
			err = stalled(watched, err)
			cancel()
		}
	}()
	request, err := http.NewRequestWithContext(watched, http.MethodGet, l.url.String(), nil)
	if err != nil {
		return nil, 0, nil, err
	}
	request.Header.Set("User-Agent", c.UserAgent)
	request.Header.Set("Accept-Encoding", "identity") // the checksum is of the file as it is
	response, err := httpClient().Do(request)
	if err != nil {
		return nil, 0, nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, 0, nil, notThere(response)
	}
	if err := c.checkSize(response.ContentLength); err != nil {
		response.Body.Close()
		return nil, 0, nil, err
	}
	body = through(response.Body, response.ContentLength)
	if c.MaxSize > 0 {
		body = &bounded{from: body, left: c.MaxSize, most: c.MaxSize}
	}
	return &explained{body, watched}, response.ContentLength, func() {
		response.Body.Close()
		cancel()
	}, nil
}

// notThere tells what a web server's answer that is an error means.
func notThere(r *http.Response) error {
	e := &Error{Problem: "the server answers with " + terminal.Harmless(r.Status), Unreachable: r.StatusCode >= 500}
	switch r.StatusCode {
	case http.StatusNotFound, http.StatusGone:
		e.Hint = "is the address right?"
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Hint = "an address may have a login in it: https://user:password@…; a signed one may have expired"
	}
	return e
}

// bounded reads so much, and refuses what comes after it.
type bounded struct {
	from       io.Reader
	left, most int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge("it is larger than that", b.most)
	}
	return n, err
}

// explained tells why an exchange was ended.
type explained struct {
	io.Reader
	ctx context.Context
}

func (e *explained) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = stalled(e.ctx, err)
	}
	return n, err
}
