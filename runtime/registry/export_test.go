package registry

import (
	"context"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ReadManifest is what a manifest says of its bundle.
func ReadManifest(text []byte) (digest string, size int64, err error) {
	layer, _, err := readManifest(ocispec.MediaTypeImageManifest, text)
	return layer.Digest.String(), layer.Size, err
}

// Watch is the client's watch over an exchange, and why that failed.
func (c *Client) Watch(ctx context.Context) (context.Context, func(io.Reader, int64) io.Reader, func()) {
	return c.watch(ctx)
}

// Explain makes an *Error of what a library says.
func Explain(ctx context.Context, err error) error { return explain(stalled(ctx, err), "", "host") }
