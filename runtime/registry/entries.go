package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"weir/runtime/result"
	"weir/runtime/suggest"
)

// Entry is a scenario in the cache.
type Entry struct {
	Reference string    `json:"reference"`      // with its digest, as weir run takes it
	Tags      []string  `json:"tags,omitempty"` // that stood for it when they were last asked for
	Digest    string    `json:"digest"`         // of the manifest; of the file, where that came from a web server
	Bundle    string    `json:"bundle"`         // digest of the .weir file
	Size      int64     `json:"size"`           // of that file, bytes
	Fetched   time.Time `json:"fetched"`
	Used      time.Time `json:"used"` // last time
	About
}

// tagNote says which digest a tag stood for.
type tagNote struct {
	Reference string    `json:"reference"` // with the tag
	Digest    string    `json:"digest"`
	Asked     time.Time `json:"asked"`
}

// nameOf is the file of a reference in a folder of the cache.
func nameOf(reference string) string {
	sum := sha256.Sum256([]byte(reference))
	return hex.EncodeToString(sum[:]) + ".json"
}

// note keeps an entry.
func (c *Cache) note(e Entry) error {
	e.Tags = nil // they are in files of their own
	return c.writeJSON("entries", e.Reference, e)
}

func (c *Cache) writeJSON(folder, reference string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return c.writing(func(dir string) error {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o777); err != nil {
			return err
		}
		return result.ReplaceFile(filepath.Join(dir, folder, nameOf(reference)), text, 0o644)
	})
}

// find is the entry of a pinned reference. That it is used is noted, if that can be.
func (c *Cache) find(reference string) (Entry, bool) {
	for _, dir := range c.places() {
		path := filepath.Join(dir, "entries", nameOf(reference))
		if e, err := readEntry(path); err == nil && e.Reference == reference {
			now := time.Now()
			_ = os.Chtimes(path, now, now) // the cache may be another user's
			return e, true
		}
	}
	return Entry{}, false
}

// lastDigest is what a tag stood for when it was last asked for; "": it never was, or that
// is no longer in the cache.
func (c *Cache) lastDigest(r Reference) (digest string, asked time.Time) {
	for _, dir := range c.places() {
		var n tagNote
		if readJSON(filepath.Join(dir, "tags", nameOf(r.tagged().String())), &n) != nil || !isSHA256(n.Digest) {
			continue
		}
		if _, ok := c.find(r.Pinned(n.Digest).String()); ok {
			return n.Digest, n.Asked
		}
	}
	return "", time.Time{}
}

func readEntry(path string) (e Entry, err error) {
	if err := readJSON(path, &e); err != nil {
		return e, err
	}
	if !isSHA256(e.Digest) || !isSHA256(e.Bundle) {
		return e, errors.New("it has no proper digests")
	}
	info, err := os.Stat(path)
	if err == nil {
		e.Used = info.ModTime()
	}
	return e, err
}

func readJSON(path string, value any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, value)
}

// Entries are the scenarios in the cache, by their references. Files that cannot be
// read are left out.
func (c *Cache) Entries() ([]Entry, error) {
	if c.dir == "" {
		return nil, nil
	}
	tags := map[string][]string{}
	notes, err := filepath.Glob(filepath.Join(globEscaped(c.dir), "tags", "*.json"))
	if err != nil {
		return nil, err
	}
	for _, path := range notes {
		var n tagNote
		if readJSON(path, &n) != nil {
			continue
		}
		if r, err := ParseReference(n.Reference); err == nil {
			pinned := r.Pinned(n.Digest).String()
			tags[pinned] = append(tags[pinned], r.Tag)
		}
	}
	files, err := os.ReadDir(filepath.Join(c.dir, "entries"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the cache: %w", err)
	}
	var all []Entry
	for _, f := range files {
		if e, err := readEntry(filepath.Join(c.dir, "entries", f.Name())); err == nil && nameOf(e.Reference) == f.Name() {
			e.Tags = tags[e.Reference]
			slices.Sort(e.Tags)
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.Reference, b.Reference) })
	return all, nil
}

func globEscaped(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

// Freed is what was removed from the cache.
type Freed struct {
	Entries []Entry
	Bytes   int64
}

// Remove removes the entries that names stand for: references, with a tag or a digest, or
// the first digits of a digest.
func (c *Cache) Remove(names ...string) (Freed, error) {
	all, err := c.Entries()
	if err != nil {
		return Freed{}, err
	}
	var chosen []Entry
	for _, name := range names {
		found := slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return !e.is(name) })
		if len(found) == 0 {
			hint := "weir list shows what is in the cache"
			if near := suggest.Nearest(name, references(all)); near != "" {
				hint = "did you mean " + near + "?"
			}
			return Freed{}, &Error{Doing: "removing " + name + " from the cache", Problem: "it is not in there", Hint: hint}
		}
		chosen = append(chosen, found...)
	}
	return c.remove(all, chosen)
}

// is tells whether a name stands for the entry.
func (e Entry) is(name string) bool {
	const fewest = 8 // digits of a digest that are enough
	digits := strings.TrimPrefix(name, "sha256:")
	if len(digits) >= fewest && (strings.HasPrefix(e.Digest, "sha256:"+digits) || strings.HasPrefix(e.Bundle, "sha256:"+digits)) {
		return true
	}
	if e.Reference == name {
		return true
	}
	r, err := ParseReference(name)
	own, ownErr := ParseReference(e.Reference)
	if err != nil || ownErr != nil || r.repository() != own.repository() {
		return false
	}
	if r.Digest != "" {
		return r.Digest == e.Digest
	}
	return slices.Contains(e.Tags, r.Tag)
}

func references(all []Entry) (names []string) {
	for _, e := range all {
		names = append(names, e.Reference)
		if r, err := ParseReference(e.Reference); err == nil {
			for _, tag := range e.Tags {
				names = append(names, r.repository()+":"+tag)
			}
		}
	}
	return names
}

// Prune removes what was not used since a time, and what processes have left behind that
// were ended.
func (c *Cache) Prune(before time.Time) (Freed, error) {
	all, err := c.Entries()
	if err != nil {
		return Freed{}, err
	}
	return c.remove(all, slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return !e.Used.Before(before) }))
}

// remove removes some of all entries, with what only they have.
func (c *Cache) remove(all, chosen []Entry) (f Freed, err error) {
	gone := map[string]bool{} // references
	freeable := map[digest.Digest]bool{}
	for _, e := range chosen {
		if gone[e.Reference] {
			continue
		}
		gone[e.Reference] = true
		if err := os.Remove(filepath.Join(c.dir, "entries", nameOf(e.Reference))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return f, fmt.Errorf("removing %s from the cache: %w", e.Reference, err)
		}
		f.Entries = append(f.Entries, e)
		freeable[digest.Digest(e.Digest)], freeable[digest.Digest(e.Bundle)] = true, true
		if r, err := ParseReference(e.Reference); err == nil {
			for _, tag := range e.Tags {
				os.Remove(filepath.Join(c.dir, "tags", nameOf(r.repository()+":"+tag)))
			}
		}
	}
	needed := map[digest.Digest]bool{}
	for _, e := range all {
		if !gone[e.Reference] {
			needed[digest.Digest(e.Digest)], needed[digest.Digest(e.Bundle)] = true, true
		}
	}
	old := time.Now().Add(-leftover)
	blobs := filepath.Join(c.dir, "blobs", string(digest.SHA256))
	files, err := os.ReadDir(blobs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return f, fmt.Errorf("reading the cache: %w", err)
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			continue // somebody else has removed it
		}
		d := digest.Digest("sha256:" + file.Name())
		if needed[d] || !freeable[d] && info.ModTime().After(old) {
			continue
		}
		if err := os.Remove(filepath.Join(blobs, file.Name())); err == nil {
			f.Bytes += info.Size()
		}
	}
	return f, nil
}
