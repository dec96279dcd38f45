package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// Pushed is what became of a push.
type Pushed struct {
	Pinned Reference // to pass on: with the digest
	Size   int64     // of the bundle, bytes
	Sent   bool      // false: the registry had the bundle already
	Tags   []Tagged
}

// Tagged is a tag that stands for what was pushed now.
type Tagged struct {
	Name  string
	Was   string // digest that it stood for before; "": there was no such tag
	Moved bool   // it was written: it is new, or stood for something else
}

// Push sends a bundle to where r says, under r's tag and others. What the registry has
// already is not sent again.
func (c *Client) Push(ctx context.Context, a Artifact, r Reference, tags ...string) (*Pushed, error) {
	doing := fmt.Sprintf("pushing %s to %s", a.File, r)
	if r.Digest != "" {
		return nil, &Error{Doing: doing, Problem: "a digest cannot be pushed to: it follows from what is pushed", Hint: "push to a tag: " + (Reference{Host: r.Host, Repository: r.Repository, Tag: "v1"}).String()}
	}
	for _, tag := range tags {
		if _, err := ParseReference(r.repository() + ":" + tag); err != nil {
			return nil, explain(err, doing, r.Host)
		}
	}
	pushed, err := c.push(ctx, a, r, append([]string{r.Tag}, tags...))
	if err != nil {
		return nil, explain(err, doing, r.Host)
	}
	return pushed, nil
}

func (c *Client) push(ctx context.Context, a Artifact, r Reference, tags []string) (*Pushed, error) {
	if len(a.Config) > maxConfig {
		return nil, &Error{Problem: fmt.Sprintf("its manifest has %d bytes, more than %d", len(a.Config), maxConfig), Hint: "it names too many files"}
	}
	file, err := os.Open(a.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	layer, err := describeFile(file)
	if err != nil {
		return nil, err
	}
	config := describe(ConfigType, a.Config)
	text, err := manifestOf(layer, config, a.About)
	if err != nil {
		return nil, err
	}
	manifest := describe(ocispec.MediaTypeImageManifest, text)

	repository, err := c.repository(r)
	if err != nil {
		return nil, err
	}
	ctx = auth.AppendRepositoryScope(ctx, repository.Reference, auth.ActionPull, auth.ActionPush)
	pushed := &Pushed{Pinned: r.Pinned(manifest.Digest.String()), Size: layer.Size}
	complete := false // the registry has all but tags
	for i, name := range tags {
		if slices.Contains(tags[:i], name) {
			continue
		}
		tag := Tagged{Name: name}
		asking, end := context.WithTimeout(ctx, askLimit)
		found, err := repository.Resolve(asking, name)
		end()
		switch {
		case err == nil:
			tag.Was = found.Digest.String()
		case !errors.Is(err, errdef.ErrNotFound):
			return nil, err
		}
		if tag.Was != manifest.Digest.String() {
			if !complete {
				if pushed.Sent, err = c.sendBlobs(ctx, repository, file, layer, config, a.Config); err != nil {
					return nil, err
				}
			}
			if err := repository.PushReference(ctx, manifest, bytes.NewReader(text), name); err != nil {
				return nil, err
			}
			tag.Moved = true
		}
		complete = true
		pushed.Tags = append(pushed.Tags, tag)
	}
	return pushed, nil
}

// sendBlobs sends what a manifest refers to; sent: the bundle was not there yet.
func (c *Client) sendBlobs(ctx context.Context, to *remote.Repository, file io.ReadSeeker, layer, config ocispec.Descriptor, configText []byte) (sent bool, err error) {
	there, err := to.Blobs().Exists(ctx, layer)
	if err != nil {
		return false, err
	}
	if !there {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return false, err
		}
		watched, through, release := c.watch(ctx)
		err := stalled(watched, to.Blobs().Push(watched, layer, through(file, layer.Size)))
		release()
		if err != nil {
			return false, err
		}
	}
	if configThere, err := to.Blobs().Exists(ctx, config); err != nil || configThere {
		return !there, err
	}
	return !there, to.Blobs().Push(ctx, config, bytes.NewReader(configText))
}

// describeFile is the descriptor of a bundle.
func describeFile(file io.ReadSeeker) (ocispec.Descriptor, error) {
	sum := digest.SHA256.Digester()
	size, err := io.Copy(sum.Hash(), file)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return ocispec.Descriptor{MediaType: BundleType, Digest: sum.Digest(), Size: size}, nil
}
