package cmd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"weir/runtime/access"
	"weir/runtime/bundle"
	"weir/runtime/result"
	"weir/runtime/script"
)

// hashingLimit is how long files are hashed at the end of a run, which the result has no
// hash of: more than it describes, or those that were read late.
const hashingLimit = 5 * time.Second

// keepBundle writes the run's bundle into its folder: what was run, and the hashes of the
// files that were read so far, but not the files.
func (s *session) keepBundle(loaded *script.Script, files []access.File) error {
	p := &packing{found: s.found, loaded: loaded, files: files}
	c, err := p.contents()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), hashingLimit)
	defer cancel()
	known := map[string]result.File{}
	if s.report != nil {
		for _, f := range s.report.Files {
			known[f.Path] = f
		}
	}
	data := c.Data[:0]
	for _, d := range c.Data {
		if f, found := known[d.Path]; found && f.SHA256 != "" {
			d.Bytes, d.SHA256 = f.Bytes, f.SHA256
		} else if info, err := os.Stat(d.Path); err != nil {
			continue // it is gone
		} else if d.Bytes = info.Size(); d.Bytes <= maxHashed {
			d.SHA256, _ = hashFile(ctx, d.Path) // without one, its size alone can be checked
		}
		d.Path = ""
		data = append(data, d)
	}
	c.Data = data
	var text bytes.Buffer
	if _, err := bundle.Write(ctx, &text, s.folder.Dir, c); err != nil {
		return fmt.Errorf("keep the bundle of the run: %w", err)
	}
	return s.folder.KeepBundle(text.Bytes())
}

// keepFiles writes the bundle again, now that it is known what was read.
func (s *session) keepFiles(loaded *script.Script, refused bool) {
	if refused {
		return
	}
	if err := s.keepBundle(loaded, loaded.Access().Files()); err != nil {
		fmt.Fprintf(s.stderr, "weir: %v\n", err)
	}
}

// shownPath is a path of a bundle that is unpacked for this run as what it is for others:
// one in the bundle.
func (s *scenario) shownPath(text string) string {
	if s.place == nil {
		return text
	}
	if rel, err := filepath.Rel(s.place.Dir, text); err == nil && filepath.IsAbs(text) && filepath.IsLocal(rel) {
		return filepath.Join(s.name, rel)
	}
	return text
}

// shownPaths is shownPath for a parameter's value, which may be a list.
func (s *scenario) shownPaths(v any) any {
	switch v := v.(type) {
	case string:
		return s.shownPath(v)
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = s.shownPaths(v[i])
		}
		return all
	}
	return v
}

func sha256Text(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }
