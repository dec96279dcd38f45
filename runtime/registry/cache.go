package registry

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"

	"weir/runtime/result"
)

// Cache keeps what was fetched, in a folder that several processes may use at the same
// time:
//
//	blobs/sha256/HEX   bundles and manifests of registries, by their content
//	entries/HEX.json   an [Entry] each, by the hash of its reference
//	tags/HEX.json      which digest a tag stood for last
//
// Files appear whole, by a rename, and do not change. What is taken out is checked
// against its digest. Where the folder cannot be written, what is fetched goes to a
// temporary one, which Close removes. Its methods may be called by any goroutine, but
// for Close.
type Cache struct {
	dir string
	say func(line string)

	mu  sync.Mutex // protects tmp
	tmp string     // "": nothing had to go there
}

// CacheDir is the folder of the cache: WEIR_CACHE, or weir in the user's folder for caches.
func CacheDir() (string, error) {
	if dir := os.Getenv("WEIR_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", &Error{Doing: "looking for the folder of the cache", Problem: err.Error(), Hint: "name one in WEIR_CACHE", cause: err}
	}
	return filepath.Join(base, "weir"), nil
}

// OpenCache opens the cache in a folder, which need not be there yet; "": there is none,
// and all goes to a temporary one. say is told when it cannot be used as it should.
func OpenCache(dir string, say func(line string)) *Cache {
	return &Cache{dir: dir, say: say}
}

// Close removes what could not be kept.
func (c *Cache) Close() error {
	if tmp := c.temporary(); tmp != "" {
		return os.RemoveAll(tmp)
	}
	return nil
}

// Temporary tells that something could not be kept, and goes with Close.
func (c *Cache) Temporary() bool { return c.temporary() != "" }

func (c *Cache) temporary() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tmp
}

// Dir is its folder.
func (c *Cache) Dir() string { return c.dir }

// places are the folders in which something may be, the one that is written to first.
func (c *Cache) places() (all []string) {
	for _, dir := range []string{c.temporary(), c.dir} {
		if dir != "" {
			all = append(all, dir)
		}
	}
	return all
}

// writing calls f with the folder to write to; with a temporary one if the first cannot
// be written to.
func (c *Cache) writing(f func(dir string) error) error {
	var unwritable error
	if c.dir != "" && !c.Temporary() {
		err := f(c.dir)
		if !isUnwritable(err) {
			return err
		}
		unwritable = err
	}
	dir, err := c.makeTemporary(unwritable)
	if err != nil {
		return err
	}
	return f(dir)
}

// makeTemporary makes the temporary folder, unless it is there, and says why.
func (c *Cache) makeTemporary(why error) (dir string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tmp != "" {
		return c.tmp, nil
	}
	if why != nil && c.say != nil {
		c.say(fmt.Sprintf("what is fetched is not kept, the cache cannot be written to: %v\n  hint: name another folder in WEIR_CACHE", why))
	}
	c.tmp, err = os.MkdirTemp("", "weir-fetched-")
	return c.tmp, err
}

// isUnwritable tells of a folder that is not for this user, or not there to be made.
func isUnwritable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.Is(err, syscall.ENOTDIR)
}

// put keeps what d describes, checked against its digest and size while it comes. When
// that fails, nothing of it is left.
func (c *Cache) put(d ocispec.Descriptor, from io.Reader) error {
	return c.writing(func(dir string) error {
		path := blobPath(dir, d.Digest)
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		return result.ReplaceFileBy(path, 0o444, func(to io.Writer) error {
			checked := content.NewVerifyReader(from, d)
			if _, err := io.Copy(to, checked); err != nil {
				return err
			}
			return checked.Verify()
		})
	})
}

// get is the path of a blob that is there and has its digest; "": it is not there. One
// that has been damaged is removed.
func (c *Cache) get(d digest.Digest) (string, error) {
	for _, dir := range c.places() {
		path := blobPath(dir, d)
		file, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		if err != nil {
			return "", err
		}
		verifier := d.Verifier()
		_, err = io.Copy(verifier, file)
		file.Close()
		if err != nil {
			return "", err
		}
		if verifier.Verified() {
			return path, nil
		}
		if c.say != nil {
			c.say("in the cache, " + path + " is damaged; it is fetched again")
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", nil
}

func blobPath(dir string, d digest.Digest) string {
	return filepath.Join(dir, "blobs", string(d.Algorithm()), d.Encoded())
}

// leftover is how old what nobody refers to must be before it is removed: a process may
// be about to refer to it.
const leftover = time.Hour
