package cmd

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"weir/runtime/registry"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/terminal"
)

// registryFlags say how registries are spoken with.
type registryFlags struct {
	plainHTTP *bool // nil: with those on this machine only
}

func (f *registryFlags) flags(fs *pflag.FlagSet) {
	fs.BoolFunc("plain-http", "speak with the registry without TLS (default only with one on this machine)", func(text string) error {
		plain, err := strconv.ParseBool(text)
		f.plainHTTP = &plain
		return err
	})
}

// client makes the client of registries. say is told what the user should know, and how
// far a large bundle is, which is doing.
func (f *registryFlags) client(say io.Writer, doing string) (*registry.Client, error) {
	dir, err := registry.CacheDir()
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	line := func(text string) { fmt.Fprintf(say, "weir: %s\n", text) }
	return &registry.Client{
		PlainHTTP: f.plainHTTP,
		UserAgent: "weir/" + version,
		MaxSize:   registry.DefaultMaxSize,
		Cache:     registry.OpenCache(dir, line),
		Moved:     everySeconds(doing, line),
	}, nil
}

// everySeconds tells how far something is that takes long.
func everySeconds(doing string, line func(string)) func(done, of int64) {
	const between = 5 * time.Second
	last := time.Now()
	return func(done, of int64) {
		if time.Since(last) < between {
			return
		}
		last = time.Now()
		if of > 0 {
			line(fmt.Sprintf("%s: %s of %s (%d %%)", doing, registry.Megabytes(done), registry.Megabytes(of), done*100/of))
		} else {
			line(fmt.Sprintf("%s: %s", doing, registry.Megabytes(done)))
		}
	}
}

// isFetched tells whether a name on the command line is that of a scenario elsewhere.
func isFetched(name string) bool { return strings.Contains(name, "://") }

// fetch fetches what name stands for, and unpacks it.
func (f finding) fetch(ctx context.Context, name string) (*scenario, error) {
	say := f.say
	if say == nil {
		say = io.Discard
	}
	client, err := f.registries.client(say, "fetching")
	if err != nil {
		return nil, err
	}
	defer client.Cache.Close()
	got, err := fetch(ctx, client, name)
	if err != nil {
		return nil, fetchFault(ctx, err)
	}
	shown := got.Reference
	if r, err := registry.ParseReference(name); err == nil {
		shown = name
		if r.Digest == "" {
			f.tell("%s is now %s", name, got.Reference)
		}
	}
	s, err := f.openBundle(ctx, got.File, shown, got.Bundle)
	if err != nil {
		return nil, err
	}
	s.pinned = got.Reference
	return s, nil
}

// fetch brings what name stands for into the client's cache.
func fetch(ctx context.Context, client *registry.Client, name string) (*registry.Fetched, error) {
	if registry.IsLink(name) {
		l, err := registry.ParseLink(name)
		if err != nil {
			return nil, &exitError{exitConfig, err}
		}
		return client.Download(ctx, l)
	}
	r, err := registry.ParseReference(name)
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	return client.Pull(ctx, r)
}

// fetchFault gives the exit code of what could not be fetched or sent.
func fetchFault(ctx context.Context, err error) error {
	var coded *exitError
	switch {
	case errors.As(err, &coded):
		return err
	case ctx.Err() != nil:
		return &exitError{exitInterrupted, err}
	}
	return &exitError{exitFault, err}
}

// inFolder is the scenario that a folder stands for; name is of none: nil.
func inFolder(name string) (*scenario, error) {
	if info, err := os.Stat(name); err != nil || !info.IsDir() || isBuiltin(name) {
		return nil, nil
	}
	file, err := scriptIn(name)
	if err != nil {
		return nil, err
	}
	s := &scenario{name: file}
	switch base := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)); base {
	case "index", "main": // says nothing
		if dir, err := filepath.Abs(name); err == nil && filepath.Base(dir) != string(filepath.Separator) {
			s.called = terminal.Harmless(filepath.Base(dir))
		}
	}
	return s, nil
}

// isBuiltin tells whether a name is of one of weir's own scenarios.
func isBuiltin(name string) bool {
	for _, own := range builtinScripts() {
		if name == own || name == "builtin:"+own {
			return true
		}
	}
	return false
}

// described is what a result says of the script.
func (s *scenario) described(loaded *script.Script) result.Script {
	d := result.Script{Name: loaded.Name, Path: loaded.Path, SHA256: fmt.Sprintf("%x", sha256.Sum256(loaded.Source)), Bundle: s.digest, Pinned: s.pinned}
	if s.program == nil && !isBuiltin(loaded.Path) {
		d.Commit = commitOf(loaded.Dir)
	}
	return d
}
