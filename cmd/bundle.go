package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"weir/runtime"
	"weir/runtime/bundle"
	"weir/runtime/registry"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/transport"
	"weir/scripts"
)

// bundleFlags are weir's own flags of the bundle command. All others are the script's.
type bundleFlags struct {
	output      string
	noData      bool
	include     []string
	name        string
	description string
	force       bool
	json        bool
	params      string
	filesFrom   string
	registries  registryFlags
	help        bool
}

func (f *bundleFlags) set() *pflag.FlagSet {
	fs := pflag.NewFlagSet("bundle", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.StringVarP(&f.output, "output", "o", "", "`file` to write (default the scenario's name"+bundle.Ending+")")
	fs.BoolVar(&f.noData, "no-data", false, "leave out the files that the script reads, and keep their hashes")
	fs.StringArrayVar(&f.include, "include", nil, "`file` or folder below the script's folder to put inside besides what is found; may be given several times")
	fs.StringVar(&f.name, "name", "", "name of the scenario (default the script's)")
	fs.StringVar(&f.description, "description", "", "a line on what it does (default the script's first comment)")
	fs.StringVar(&f.params, "params", "", "JSON or YAML `file` with values for the script's parameters")
	fs.StringVar(&f.filesFrom, "files-from", "", "`folder` with the files that a bundle names and was made without (default its own)")
	f.registries.flags(fs)
	fs.BoolVar(&f.force, "force", false, "replace a file that exists")
	fs.BoolVar(&f.json, "json", false, "print what is in it as JSON")
	fs.BoolVarP(&f.help, "help", "h", false, "show this help")
	return fs
}

func bundleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bundle SCRIPT [script flags] [-o FILE" + bundle.Ending + "]",
		Short: "Write a scenario into one file that runs elsewhere, without a network",
		Long: `Write a scenario into one file: its program, the values of parameters that are given here, and the files that
it reads with them, found by a dry run. weir run FILE.weir repeats it on any machine, without the originals
and without a network. The same input gives the same bytes. Secrets, values from the environment and paths of
this machine do not get into it; who runs it is asked for them.`,
		Example: `  weir bundle sweep.ts -o sweep.weir
  weir bundle static --tokenizer /models/qwen3 --parallel-num 1 4 8 -o static-qwen3.weir
  weir bundle sweep.ts --dataset big.jsonl --no-data`,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			f := new(bundleFlags)
			fs := f.set()
			own, name, rest := splitArgs(fs, args)
			if err := fs.Parse(own); err != nil {
				return &exitError{exitConfig, err}
			}
			if f.help {
				return cmd.Help()
			}
			if name == "" {
				return noScript("bundle", fs, rest)
			}
			b := &bundling{flags: f, name: name, args: rest, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			return b.run(context.Background())
		},
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "%s\n\nUsage:\n  weir %s\n\nExamples:\n%s\n%s", cmd.Long, cmd.Use, cmd.Example, "\nFlags:\n"+flagHelp(new(bundleFlags).set(), width(out)))
	})
	return cmd
}

// bundling is one weir bundle.
type bundling struct {
	flags          *bundleFlags
	name           string
	args           []string
	stdout, stderr io.Writer
}

func (b *bundling) run(ctx context.Context) error {
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer release()
	found, err := findScenario(ctx, b.name, finding{say: b.stderr, filesFrom: b.flags.filesFrom, registries: b.flags.registries})
	if err != nil {
		return err
	}
	defer found.close()
	p, err := b.pack(ctx, found)
	if ctx.Err() != nil {
		return &exitError{exitInterrupted, errors.New("interrupted; no bundle was written")}
	}
	if err != nil {
		return err
	}
	c, err := p.contents()
	if err == nil {
		err = b.adjust(&c, p.loaded.Dir)
	}
	if err != nil {
		return &exitError{exitConfig, err}
	}
	written, file, err := b.write(ctx, c)
	if ctx.Err() != nil {
		return &exitError{exitInterrupted, errors.New("interrupted; no bundle was written")}
	}
	if err != nil {
		return err
	}
	for _, note := range p.notes {
		fmt.Fprintf(b.stderr, "weir: %s\n", note)
	}
	return b.show(written, file)
}

// pack loads the scenario and runs it dry, to see what it reads.
func (b *bundling) pack(ctx context.Context, found *scenario) (_ *packing, err error) {
	s := &session{stderr: b.stderr} // for the script's limits
	defer func() { err = s.contained(err) }()
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	stop := make(chan struct{})
	modules := newModules(clients, nil, &runFlags{runtimes: 1}, sync.OnceFunc(func() { close(stop) }))
	defer modules.close()
	found.rules.Dry = true
	loaded, allowed, err := found.load(script.Config{
		Limits:     new(limitFlags).limits(found.rules),
		Modules:    modules.table,
		Builtin:    scripts.Files,
		Args:       b.args,
		ParamsFile: b.flags.params,
		LookupEnv:  os.LookupEnv,
		Console:    io.Discard, // of a play that sends nothing
	})
	if err != nil {
		return nil, err
	}
	defer allowed.Close()
	clients.Limit(allowed)
	defer loaded.Guard(func(limit *script.Breach) {
		s.breach.Store(limit)
		cut()
	}, s.stuck)()
	runtimes, err := runtime.Init(ctx, loaded, 1)
	if err != nil {
		return nil, err
	}
	defer runtime.Close(runtimes)
	if err := found.checkGiven(ctx, loaded.Params()); err != nil {
		return nil, err
	}
	p := &packing{found: found, loaded: loaded, strict: true}
	planned, err := runtime.Dry(ctx, runtimes, runtime.DryConfig{Script: loaded, Custom: modules.custom, Profiling: modules.profiling, Stop: stop})
	switch {
	case planned == nil:
		return nil, err
	case err != nil:
		p.notes = append(p.notes, fmt.Sprintf("the plan could not be played to its end, and what it reads later is not in the bundle (--include adds it): %v", err))
	case planned.Ended != "":
		p.notes = append(p.notes, "what the plan reads later is not in the bundle (--include adds it): "+planned.Ended)
	}
	if planned.SetupSkipped && !isBuiltin(loaded.Path) {
		p.notes = append(p.notes, "setup() was not called: what it alone reads is not in the bundle (--include adds it)")
	}
	p.files = allowed.Files()
	return p, nil
}

// adjust does what flags say to what was found.
func (b *bundling) adjust(c *bundle.Contents, dir string) error {
	c.Manifest.Name = cmp.Or(b.flags.name, c.Manifest.Name)
	c.Manifest.Description = cmp.Or(b.flags.description, c.Manifest.Description)
	for _, name := range b.flags.include {
		if err := include(c, dir, name); err != nil {
			return err
		}
	}
	return nil
}

// include puts a file, or those of a folder, below the script's folder inside.
func include(c *bundle.Contents, dir, name string) error {
	where := name
	if !filepath.IsAbs(where) {
		if _, err := os.Stat(where); err != nil {
			where = filepath.Join(dir, name) // as the script would say it
		}
	}
	where, err := filepath.Abs(where)
	if err != nil {
		return err
	}
	return filepath.WalkDir(where, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("--include %s: %w", name, err)
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil || !filepath.IsLocal(rel) {
			return fmt.Errorf("--include %s: %s is not below the script's folder %s", name, file, dir)
		}
		inside := path.Join(bundle.FilesDir, filepath.ToSlash(rel))
		if entry.IsDir() || slices.ContainsFunc(c.Data, func(d bundle.Data) bool { return d.Name == inside }) {
			return nil
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("--include %s: %s is no regular file", name, file)
		}
		c.Data = append(c.Data, bundle.Data{Name: inside, Path: file})
		return nil
	})
}

// write writes the bundle's file.
func (b *bundling) write(ctx context.Context, c bundle.Contents) (written *bundle.Written, file string, err error) {
	file = cmp.Or(b.flags.output, c.Manifest.Name+bundle.Ending)
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return nil, "", &exitError{exitConfig, fmt.Errorf("%s is a folder\n  hint: name the file in it: -o %s", file, filepath.Join(file, c.Manifest.Name+bundle.Ending))}
	}
	if info, err := os.Lstat(file); err == nil && !b.flags.force && info.Mode().Type() != fs.ModeDevice|fs.ModeCharDevice {
		return nil, "", &exitError{exitConfig, fmt.Errorf("%s exists, and is not overwritten\n  hint: choose another name with -o, or give --force", file)}
	}
	var total int64
	for i := range c.Data {
		d := &c.Data[i]
		info, err := os.Stat(d.Path)
		if err != nil {
			return nil, "", &exitError{exitFault, fmt.Errorf("put %s into the bundle: %w", d.Name, err)}
		}
		total += info.Size()
		if b.flags.noData {
			if d.SHA256, err = hashFile(ctx, d.Path); err != nil {
				return nil, "", &exitError{exitFault, fmt.Errorf("the hash of %s: %w", d.Path, err)}
			}
			d.Path, d.Bytes = "", info.Size()
		}
	}
	if total > largeBundle && !b.flags.noData {
		c.Progress = everyShare(total, func(share int) {
			fmt.Fprintf(b.stderr, "weir: %d %% of %s\n", share, registry.Megabytes(total))
		})
	}
	err = result.ReplaceFileBy(file, 0o644, func(to io.Writer) error {
		written, err = bundle.Write(ctx, to, filepath.Dir(file), c)
		return err
	})
	if err != nil {
		return nil, "", &exitError{exitFault, err}
	}
	return written, file, nil
}

// show prints what was written.
func (b *bundling) show(w *bundle.Written, file string) error {
	if b.flags.json {
		e := json.NewEncoder(b.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			File     string          `json:"file"`
			Bytes    int64           `json:"bytes"`
			Digest   string          `json:"digest"`
			Manifest bundle.Manifest `json:"manifest"`
		}{file, w.Bytes, w.Digest, w.Manifest})
	}
	m := w.Manifest
	fmt.Fprintf(b.stdout, "%s  %s\n%s\n\n%s", file, registry.Megabytes(w.Bytes), w.Digest, m.Name)
	if m.Description != "" {
		fmt.Fprintf(b.stdout, ": %s", m.Description)
	}
	fmt.Fprintf(b.stdout, "\nimports %s\n", strings.Join(append(slices.Clone(m.Modules), m.Packages...), ", "))
	for _, p := range m.Params {
		value, _ := json.Marshal(p.Value) // it was written so
		fmt.Fprintf(b.stdout, "  parameter %s = %s\n", p.Name, value)
	}
	for _, p := range slices.Sorted(maps.Keys(m.Left)) {
		fmt.Fprintf(b.stdout, "  parameter %s is left out, and asked for again: %s\n", p, m.Left[p])
	}
	for _, f := range m.Files {
		switch {
		case !f.Inside:
			fmt.Fprintf(b.stdout, "  hash of   %s  %s\n", f.Path, registry.Megabytes(f.Bytes))
		case f.IsData():
			fmt.Fprintf(b.stdout, "  file      %s  %s\n", f.Path, registry.Megabytes(f.Bytes))
		}
	}
	return nil
}
