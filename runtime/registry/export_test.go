package registry

import ocispec "github.com/opencontainers/image-spec/specs-go/v1"

// ReadManifest is what a manifest says of its bundle.
func ReadManifest(text []byte) (digest string, size int64, err error) {
	layer, _, err := readManifest(ocispec.MediaTypeImageManifest, text)
	return layer.Digest.String(), layer.Size, err
}
