package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weir/runtime/access"
	"weir/runtime/bundle"
	"weir/runtime/registry"
	"weir/runtime/script"
	"weir/runtime/suggest"
	"weir/runtime/terminal"
)

// scenario is what a SCRIPT on the command line stands for, found and ready to be
// loaded: a file, one of weir's own by its name, a bundle, or something that has to be
// fetched. Every command that takes a SCRIPT finds it here.
type scenario struct {
	name   string // for script.Load
	called string // what the script is called; "": as its file
	pinned string // reference, with its digest, that it was fetched by; "": it was not
	rules  access.Rules

	program *script.Program     // of what was bundled before; nil: name says all
	bundled *bundle.Manifest    // likewise
	sources map[string]string   // of program, when they are asked for
	named   map[string][]string // files that the program's own values of parameters name
	digest  string              // of the bundle that it came in; "": in none
	place   *bundle.Place       // where that is unpacked; nil: nothing is
}

// finding is how a scenario is found.
type finding struct {
	say        io.Writer // told what the user should know, a line at a time
	filesFrom  string    // folder of files that a bundle names and does not have; "": its own
	registries registryFlags
}

// findScenario finds what name stands for. ctx ends fetching and unpacking it. Whoever has
// it closes it.
func findScenario(ctx context.Context, name string, f finding) (*scenario, error) {
	if isFetched(name) {
		return f.fetch(ctx, name)
	}
	if isBundle(name) {
		return f.openBundle(ctx, name, name, "")
	}
	if s, err := inFolder(name); s != nil || err != nil {
		return s, err
	}
	return &scenario{name: name}, nil
}

// isBundle tells whether a name on the command line is that of a bundle's file.
func isBundle(name string) bool {
	if strings.HasSuffix(name, bundle.Ending) {
		return true
	}
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return false // opening a pipe waits for somebody
	}
	file, err := os.Open(name)
	if err != nil {
		return false
	}
	defer file.Close()
	var magic [4]byte
	_, err = io.ReadFull(file, magic[:])
	return err == nil && string(magic[:]) == "PK\x03\x04" // as every zip file begins; no script does
}

// openBundle unpacks a bundle that came from elsewhere. name is what the user calls it, and
// digest what the file has been checked against; "": it has not been.
func (f finding) openBundle(ctx context.Context, path, name, digest string) (_ *scenario, err error) {
	b, err := openBundleFile(path)
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	defer b.Close()
	b.Path = name
	s := &scenario{name: name, bundled: &b.Manifest, digest: digest}
	defer func() {
		if err != nil {
			s.close()
			code := exitConfig
			if ctx.Err() != nil {
				code = exitInterrupted
			}
			err = &exitError{code, err}
		}
	}()
	if s.digest == "" {
		if s.digest, err = b.Digest(); err != nil {
			return nil, err
		}
	}
	if err := s.unpack(ctx, b, f); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("interrupted while %s was unpacked; nothing was sent", name)
		}
		return nil, err
	}
	if err := s.readProgram(b, s.place.Dir); err != nil {
		return nil, err
	}
	if own := thisVersion().Version; b.Manifest.Weir != own {
		f.tell("%s was made by weir %s; this is weir %s", name, b.Manifest.Weir, own)
	}
	from := f.filesFrom
	if from == "" {
		from = filepath.Dir(path)
	}
	return s, s.fetchLacking(ctx, from, f.filesFrom != "")
}

// openBundleFile opens a bundle; where there is none, it says which one may be meant.
func openBundleFile(path string) (*bundle.Bundle, error) {
	b, err := bundle.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*"+bundle.Ending)) // a strange name has no neighbours
		if near := suggest.Nearest(path, found); near != "" {
			return nil, fmt.Errorf("%w\n  hint: did you mean %s?", err, near)
		}
	}
	return b, err
}

func (f finding) tell(format string, args ...any) {
	if f.say != nil {
		fmt.Fprintf(f.say, "weir: "+format+"\n", args...)
	}
}

// unpack puts the bundle's data where the script may read it.
func (s *scenario) unpack(ctx context.Context, b *bundle.Bundle, f finding) (err error) {
	cache, _ := registry.CacheDir() // without one, there is the folder for temporary files
	if s.place, err = bundle.NewPlace(cache); err != nil {
		return err
	}
	var progress func(int64)
	if size := b.Manifest.Bytes(); size > largeBundle {
		progress = everyShare(size, func(share int) { f.tell("unpacking %s: %d %% of %s", b.Path, share, registry.Megabytes(size)) })
	}
	if err := b.Unpack(ctx, s.place.Dir, progress); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(s.place.Dir, bundle.FilesDir), 0o755)
}

// readProgram makes the program of what is in the bundle, which is unpacked to dir.
func (s *scenario) readProgram(b *bundle.Bundle, dir string) (err error) {
	p := &script.Program{Name: b.Manifest.Name, Path: b.Path, Dir: filepath.Join(dir, bundle.FilesDir), From: script.FromBundle, Left: b.Manifest.Left}
	if p.Code, err = b.Text(bundle.ScriptName); err != nil {
		return err
	}
	if p.Map, err = b.Text(bundle.MapName); err != nil {
		return err
	}
	if s.sources, err = b.Sources(); err != nil {
		return err
	}
	p.Given, s.named = b.Manifest.Values(dir)
	s.program = p
	s.rules = access.Rules{Dir: p.Dir, Limited: true}
	return nil
}

// fetchLacking puts files that the bundle was made without (--no-data) where the script
// reads them: from a folder in which they lie as they did beside the script. Parameters
// whose files are lacking have to be given again.
// named: the user has said which folder.
func (s *scenario) fetchLacking(ctx context.Context, from string, named bool) error {
	for _, f := range s.bundled.Lacking() {
		if rel, ok := strings.CutPrefix(f.Path, bundle.FilesDir+"/"); ok {
			if f.SHA256 == "" && !named {
				return fmt.Errorf("%s was made without %s, and without its hash: nobody can tell whether a file beside it is the one that is meant\n  hint: name the folder that has it with --files-from", s.name, rel)
			}
			source := filepath.Join(from, filepath.FromSlash(rel))
			if err := checkFile(ctx, source, f); err != nil {
				return fmt.Errorf("%s was made without %s: %w\n  hint: put it there, or name the folder that has it with --files-from", s.name, rel, err)
			}
			if err := linkOrCopy(source, filepath.Join(s.place.Dir, filepath.FromSlash(f.Path))); err != nil {
				return err
			}
			continue
		}
		param := paramOfFile(f)
		if s.program.Left == nil {
			s.program.Left = map[string]string{}
		}
		s.program.Left[param] = fmt.Sprintf("the bundle was made without the file %s", strings.TrimPrefix(f.Path, bundle.NamedDir+"/"+param+"/"))
		delete(s.program.Given, param)
		delete(s.named, param)
	}
	return nil
}

// paramOfFile is the parameter through which the script reads a file.
func paramOfFile(f bundle.File) string {
	param, _, _ := strings.Cut(strings.TrimPrefix(f.Path, bundle.NamedDir+"/"), "/")
	return param
}

// load loads it. The access is that of the run, and is closed by the caller.
func (s *scenario) load(c script.Config) (*script.Script, *access.Access, error) {
	if s.program != nil {
		var missing []string
		for _, module := range s.bundled.Modules {
			if c.Modules[module] == nil {
				missing = append(missing, module)
			}
		}
		if len(missing) > 0 {
			return nil, nil, &exitError{exitConfig, fmt.Errorf("%s imports %s, which this weir does not have\n  hint: use the weir that it was made with (%s), or one with the same extensions (weir build)", s.name, strings.Join(missing, ", "), s.bundled.Weir)}
		}
	}
	if s.program != nil && s.rules.Trusted && !s.isOwn(c) {
		s.rules.Trusted = false
	}
	a := access.New(s.rules)
	for param, paths := range s.named {
		a.Name(param, paths...)
	}
	c.Access, c.Program, c.Console = a, s.program, s.speaks(c.Console)
	loaded, err := script.Load(s.name, c)
	if err == nil && s.called != "" {
		loaded.Name = s.called
	}
	return loaded, a, err
}

// isOwn tells whether the program is that of weir's own script whose name it has: a result
// may say so of any.
func (s *scenario) isOwn(c script.Config) bool {
	own, err := script.Load(s.name, script.Config{Modules: c.Modules, Builtin: c.Builtin})
	return err == nil && bytes.Equal(own.Source, s.program.Code)
}

// speaks is where what the script says is written: of one from elsewhere as text that does
// nothing to a terminal.
func (s *scenario) speaks(to io.Writer) io.Writer {
	if to == nil || !s.rules.Limited {
		return to
	}
	return harmless{to}
}

type harmless struct{ to io.Writer }

func (h harmless) Write(p []byte) (int, error) {
	if _, err := io.WriteString(h.to, terminal.HarmlessLines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// checkGiven holds what was given for a parameter, whose files the bundle was made without,
// against their hashes.
func (s *scenario) checkGiven(ctx context.Context, params []script.Param) error {
	if s.bundled == nil {
		return nil
	}
	for _, f := range s.bundled.Lacking() {
		name := paramOfFile(f)
		at := slices.IndexFunc(params, func(p script.Param) bool { return p.Name == name })
		if at < 0 || !strings.HasPrefix(f.Path, bundle.NamedDir+"/") {
			continue
		}
		if s.program.From == script.FromResult && params[at].From != script.FromResult {
			continue // another one is meant
		}
		given := s.bundled.GivenFile(f, params[at].Value)
		if err := checkFile(ctx, given, f); err != nil {
			hint := fmt.Sprintf("give the files that %s was made with, or run the script itself", s.name)
			if s.program.From == script.FromResult {
				hint = fmt.Sprintf("put it back as it was, or give what is to be read instead: --%s", params[at].Flag)
			}
			return &exitError{exitConfig, fmt.Errorf("--%s: %w\n  hint: %s", params[at].Flag, err, hint)}
		}
	}
	return nil
}

// checkFile holds a file against what a bundle says of it.
func checkFile(ctx context.Context, path string, want bundle.File) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file", path)
	case info.Size() != want.Bytes:
		return fmt.Errorf("%s is another file: it has %d bytes, expected %d", path, info.Size(), want.Bytes)
	case want.SHA256 == "":
		return nil // too large for a hash
	}
	sum, err := hashFile(ctx, path)
	if err != nil {
		return err
	}
	if sum != want.SHA256 {
		return fmt.Errorf("%s is another file: its SHA-256 is %s, expected %s", path, sum, want.SHA256)
	}
	return nil
}

// linkOrCopy gives a file a second name, or makes a copy where that is not possible.
func linkOrCopy(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(from); err == nil {
		from = real // the link would be one to the link
	}
	if os.Link(from, to) == nil {
		return nil
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	copied, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, source)
	return errors.Join(err, copied.Close())
}

// close removes what was unpacked.
func (s *scenario) close() error {
	if s.place == nil {
		return nil
	}
	place := s.place
	s.place = nil
	return place.Remove()
}

const largeBundle = 64 << 20 // bytes of data from which on progress is shown

// everyShare calls say whenever another tenth of size is done.
func everyShare(size int64, say func(share int)) func(done int64) {
	last := 0
	return func(done int64) {
		if tenth := int(done * 10 / size); tenth > last {
			last = tenth
			say(10 * tenth)
		}
	}
}
