package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"

	"weir/runtime/suggest"
)

// Fetched is a scenario that is in the cache now.
type Fetched struct {
	Entry
	File   string // the .weir file; it is not to be changed
	Cached bool   // it was there already
}

// Pull fetches what r stands for. What a digest names is taken from the cache, if it is
// there; a tag is always asked for.
func (c *Client) Pull(ctx context.Context, r Reference) (*Fetched, error) {
	doing := "pulling " + r.String()
	if r.Digest != "" {
		found, err := c.cached(r)
		if err != nil {
			return nil, explain(err, doing, r.Host)
		}
		if found != nil {
			return found, nil
		}
	}
	found, err := c.pull(ctx, r)
	if err != nil {
		return nil, c.orCached(explain(err, doing, r.Host), r)
	}
	return found, nil
}

// orCached adds to why a tag could not be asked for what it was the last time.
func (c *Client) orCached(err error, r Reference) error {
	var e *Error
	if r.Digest != "" || !errors.As(err, &e) || !e.Unreachable {
		return err
	}
	if last, asked := c.Cache.lastDigest(r); last != "" {
		e.Hint = fmt.Sprintf("on %s this tag was %s, which is in the cache and runs without the network: weir run %s",
			asked.Local().Format("2006-01-02 15:04"), last, r.Pinned(last))
	}
	return err
}

// cached is what a digest names, if the cache has all of it.
func (c *Client) cached(r Reference) (*Fetched, error) {
	e, ok := c.Cache.find(r.Pinned(r.Digest).String())
	if !ok {
		return nil, nil
	}
	path, err := c.Cache.get(digest.Digest(r.Digest))
	if err != nil || path == "" {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	layer, about, err := readManifest(ocispec.MediaTypeImageManifest, text)
	if err != nil {
		return nil, err
	}
	file, err := c.Cache.get(layer.Digest)
	if err != nil || file == "" {
		return nil, err
	}
	e.Bundle, e.Size, e.About = layer.Digest.String(), layer.Size, about // the entry itself has no digest
	return &Fetched{Entry: e, File: file, Cached: true}, nil
}

func (c *Client) pull(ctx context.Context, r Reference) (*Fetched, error) {
	repository, err := c.repository(r)
	if err != nil {
		return nil, err
	}
	manifest, text, err := c.fetchManifest(ctx, repository, r)
	if err != nil {
		return nil, err
	}
	layer, about, err := readManifest(manifest.MediaType, text)
	if err != nil {
		return nil, err
	}
	file, err := c.Cache.get(layer.Digest)
	if err != nil {
		return nil, err
	}
	had := file != ""
	if !had {
		if err := c.checkSize(layer.Size); err != nil {
			return nil, err
		}
		if err := c.fetchBundle(ctx, repository, layer); err != nil {
			return nil, err
		}
	}
	if err := c.Cache.put(manifest, bytes.NewReader(text)); err != nil {
		return nil, err
	}
	now := time.Now()
	e := Entry{
		Reference: r.Pinned(manifest.Digest.String()).String(), Digest: manifest.Digest.String(),
		Bundle: layer.Digest.String(), Size: layer.Size, Fetched: now, Used: now, About: about,
	}
	if r.Tag != "" {
		e.Tags = []string{r.Tag}
	}
	if err := c.Cache.note(e); err != nil {
		return nil, err
	}
	if r.Digest == "" {
		tag := r.tagged().String()
		if err := c.Cache.writeJSON("tags", tag, tagNote{Reference: tag, Digest: e.Digest, Asked: now}); err != nil {
			return nil, err
		}
	}
	if !had {
		if file, err = c.Cache.get(layer.Digest); err != nil || file == "" {
			return nil, errors.Join(err, errors.New("what was fetched is no longer in the cache"))
		}
	}
	return &Fetched{Entry: e, File: file, Cached: had}, nil
}

// fetchManifest reads the manifest that r stands for.
func (c *Client) fetchManifest(ctx context.Context, repository *remote.Repository, r Reference) (ocispec.Descriptor, []byte, error) {
	ctx, end := context.WithTimeout(ctx, askLimit)
	defer end()
	name := r.Digest
	if name == "" {
		name = r.Tag
	}
	manifest, body, err := repository.Manifests().FetchReference(ctx, name)
	if errors.Is(err, errdef.ErrNotFound) {
		return manifest, nil, c.noSuch(ctx, repository, r)
	}
	if err != nil {
		return manifest, nil, err
	}
	defer body.Close()
	if manifest.Size > maxManifest {
		return manifest, nil, &Error{Problem: fmt.Sprintf("its manifest has %d bytes; that of a scenario has at most %d", manifest.Size, maxManifest), Hint: "a scenario gets into a registry by: weir push x.weir oci://…"}
	}
	text, err := content.ReadAll(body, manifest)
	return manifest, text, err
}

// noSuch tells that what r stands for is not there, and what is.
func (c *Client) noSuch(ctx context.Context, repository *remote.Repository, r Reference) error {
	var tags []string
	err := repository.Tags(ctx, "", func(page []string) error {
		tags = append(tags, page...)
		return nil
	})
	if err != nil && len(tags) == 0 {
		return &Error{
			Problem: fmt.Sprintf("there is no repository %s at %s, or it may not be seen with this login", r.Repository, r.Host),
			Hint:    "is its path right? " + loginHint(r.Host) + " logs in",
			cause:   err,
		}
	}
	if r.Digest != "" {
		return &Error{Problem: "nothing with this digest is in the repository", Hint: "it may have been removed there; the tags in it: " + some(tags)}
	}
	e := &Error{Problem: fmt.Sprintf("there is no tag %s in the repository", r.Tag)}
	if len(tags) == 0 {
		e.Hint = "there are no tags at all; those who pushed it may know the digest"
		return e
	}
	e.Hint = "there are: " + some(tags)
	if near := suggest.Nearest(r.Tag, tags); near != "" {
		e.Hint = fmt.Sprintf("did you mean %s? There are: %s", near, some(tags))
	}
	return e
}

// some lists tags, the last ones by name where there are many.
func some(tags []string) string {
	const most = 10
	tags = slices.Sorted(slices.Values(tags))
	if more := len(tags) - most; more > 0 {
		return fmt.Sprintf("%s, and %d others", strings.Join(tags[more:], ", "), more)
	}
	return strings.Join(tags, ", ")
}

// checkSize refuses what is too large before it is fetched.
func (c *Client) checkSize(size int64) error {
	if c.MaxSize <= 0 || size <= c.MaxSize {
		return nil
	}
	return tooLarge(fmt.Sprintf("it has %s", Megabytes(size)), c.MaxSize)
}

func tooLarge(what string, most int64) error {
	return &Error{
		Problem: fmt.Sprintf("%s, and at most %s are fetched", what, Megabytes(most)),
		Hint:    "if that is right, fetch it with a higher limit: weir pull --max-size; weir run then takes it from the cache by its digest",
	}
}

// Megabytes writes a size for people.
func Megabytes(size int64) string {
	switch {
	case size < 1000:
		return fmt.Sprintf("%d B", size)
	case size < 1e5:
		return fmt.Sprintf("%.1f kB", float64(size)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(size)/1e6)
}

// fetchBundle brings a bundle into the cache.
func (c *Client) fetchBundle(ctx context.Context, repository *remote.Repository, layer ocispec.Descriptor) error {
	watched, through, release := c.watch(ctx)
	defer release()
	body, err := repository.Blobs().Fetch(watched, layer)
	if errors.Is(err, errdef.ErrNotFound) {
		return &Error{Problem: "the registry has its manifest, but not the bundle that it names", Hint: "push it again"}
	}
	if err != nil {
		return stalled(watched, err)
	}
	defer body.Close()
	return stalled(watched, c.Cache.put(layer, through(body, layer.Size)))
}
