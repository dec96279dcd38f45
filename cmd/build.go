package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// builder is one weir build.
type builder struct {
	with     []string
	replaces []string
	output   string
	source   string
	race     bool
	trim     bool
	keep     bool
	verbose  bool

	added   []addition
	folder  string // of the program that is built, temporary
	goFlags string // the variable with those of the user, for every go; "": not read yet
	say     io.Writer
}

func buildCommand() *cobra.Command {
	b := new(builder)
	cmd := &cobra.Command{
		Use:   "build --with MODULE[@VERSION] [flags]",
		Short: "Compile a weir with modules of others, written in Go",
		Long: `Compile a weir that has further modules for scripts, written in Go: extensions. Each --with is a Go module (or a
package in one) that registers such modules; its version is the latest one unless it is named. MODULE=FOLDER, or a
FOLDER alone, takes one that is on this machine.

It needs weir's own source, Go, a C compiler and, the first time, Rust with cargo; what is missing is named.
GOFLAGS, GOPROXY, GOPRIVATE and the like work as with go build.`,
		Example: `  weir build --with example.com/weir-clock@v1.2.0
  weir build --with example.com/weir-clock=../weir-clock --output ./weir
  weir build --with ./weir-clock --with example.com/weir-other --replace example.com/lib=../lib`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("weir build takes no argument %q\n  hint: --with %s adds a module", args[0], args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.say = cmd.ErrOrStderr()
			ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer release()
			err := b.run(ctx, cmd.OutOrStdout())
			var exit *exitError
			switch {
			case err == nil:
				return nil
			case ctx.Err() != nil:
				return &exitError{exitInterrupted, errors.New("interrupted; nothing was built")}
			case errors.As(err, &exit):
				return err
			}
			return &exitError{exitFault, err}
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&b.with, "with", nil, "`module` to add: MODULE[@VERSION], MODULE=FOLDER, or FOLDER; as often as needed")
	fs.StringArrayVar(&b.replaces, "replace", nil, "take another `module`, or a folder, in place of one that is depended on: OLD=NEW")
	fs.StringVarP(&b.output, "output", "o", "weir", "`file` that is made")
	fs.StringVar(&b.source, "source", "", "`folder` with weir's source (default $"+sourceVariable+", or the checkout that this is in)")
	fs.BoolVar(&b.race, "race", false, "with Go's race detector, to test extensions")
	fs.BoolVar(&b.trim, "trimpath", true, "leave the paths of sources out; --trimpath=false is for debuggers")
	fs.BoolVar(&b.keep, "keep", false, "keep the temporary folder with the program that is compiled")
	fs.BoolVarP(&b.verbose, "verbose", "v", false, "show the commands, and the packages as they are compiled")
	return cmd
}

func (b *builder) run(ctx context.Context, out io.Writer) (err error) {
	began := time.Now()
	if err := b.check(ctx); err != nil {
		return &exitError{exitConfig, err}
	}
	if b.folder, err = os.MkdirTemp("", "weir-build-"); err != nil {
		return err
	}
	defer func() {
		if b.keep {
			fmt.Fprintf(b.say, "weir: kept %s\n", b.folder)
		} else {
			b.clean()
		}
	}()
	if err := b.libtokenizers(ctx); err != nil {
		return err
	}
	if err := b.write(ctx); err != nil {
		return err
	}
	if err := b.require(ctx); err != nil {
		return err
	}
	fmt.Fprintln(b.say, "weir: compiling (a minute or two when little of it was compiled before)")
	if err := b.compile(ctx, "", ""); err != nil {
		return err
	}
	made := filepath.Join(b.folder, "weir")
	if err := b.compile(ctx, made, b.licenses(ctx)); err != nil {
		return err
	}
	extensions, err := b.try(ctx, made)
	if err != nil {
		return err
	}
	size, err := install(made, b.output)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s (%d MB, %s)\n", b.output, size/1e6, time.Since(began).Round(time.Second))
	for _, e := range extensions {
		fmt.Fprintf(out, "with %s\n", e)
	}
	return nil
}

// check looks at everything that can be known before anything is done.
func (b *builder) check(ctx context.Context) (err error) {
	if len(b.with) == 0 {
		return errors.New("nothing is to be added\n  hint: weir build --with MODULE[@VERSION]; docs/extensions.md tells how one is written")
	}
	if _, err := exec.LookPath("go"); err != nil {
		return errors.New("go is not on PATH, which compiles weir\n  hint: install Go from https://go.dev/dl, the version in weir's go.mod or newer")
	}
	if b.source, err = findSource(b.source); err != nil {
		return err
	}
	if err := b.readGoFlags(ctx); err != nil {
		return err
	}
	if err := b.checkCompiler(ctx); err != nil {
		return err
	}
	for _, text := range b.with {
		a, err := b.parseWith(ctx, text)
		if err != nil {
			return fmt.Errorf("--with %s: %w", text, err)
		}
		if other := b.addedBefore(a); other != "" {
			return fmt.Errorf("--with %s: %s is added already, from %s\n  hint: one weir has one version of it", text, cmp.Or(a.module, a.path), other)
		}
		b.added = append(b.added, a)
	}
	for i, text := range b.replaces {
		if b.replaces[i], err = parseReplace(text); err != nil {
			return fmt.Errorf("--replace %s: %w", text, err)
		}
	}
	if info, err := os.Stat(b.output); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("--output %s: it is there, and no file\n  hint: name the file in it: %s", b.output, filepath.Join(b.output, "weir"))
	}
	return nil
}

// write makes the program: weir's command line, and the packages that register modules.
func (b *builder) write(ctx context.Context) error {
	var main strings.Builder
	main.WriteString("// Made by weir build.\npackage main\n\nimport (\n\t\"weir/cmd\"\n\n")
	for _, a := range b.added {
		fmt.Fprintf(&main, "\t_ %q\n", a.path)
	}
	main.WriteString(")\n\nfunc main() { cmd.Execute() }\n")
	if err := os.WriteFile(filepath.Join(b.folder, "main.go"), []byte(main.String()), 0o644); err != nil {
		return err
	}
	if err := b.tool(ctx, b.folder, "go", "mod", "init", "weir-build"); err != nil {
		return err
	}
	// What weir depends on is what it was tested with, and known by its sums.
	sums, err := os.ReadFile(filepath.Join(b.source, "go.sum"))
	if err == nil {
		err = os.WriteFile(filepath.Join(b.folder, "go.sum"), sums, 0o644)
	}
	if err != nil {
		return err
	}
	edits := []string{"mod", "edit", "-require=weir@" + noVersion, "-replace=weir=" + b.source}
	for _, a := range b.added {
		if a.folder != "" {
			edits = append(edits, "-require="+a.module+"@"+noVersion, "-replace="+a.module+"="+a.folder)
		}
	}
	for _, r := range b.replaces {
		edits = append(edits, "-replace="+r)
	}
	return b.tool(ctx, b.folder, "go", edits...)
}

// noVersion stands for a folder's state in a go.mod.
const noVersion = "v0.0.0-00010101000000-000000000000"

// require finds the versions of everything.
func (b *builder) require(ctx context.Context) error {
	for _, a := range b.added {
		if a.folder != "" {
			continue
		}
		fmt.Fprintf(b.say, "weir: fetching %s@%s\n", a.path, a.version)
		if err := b.tool(ctx, b.folder, "go", "get", a.path+"@"+a.version); err != nil {
			return fmt.Errorf("fetching %s@%s: %w\n  hint: is it there, and a Go module? One on this machine is --with %s=FOLDER; GOPRIVATE is for modules that no proxy has", a.path, a.version, err, a.path)
		}
	}
	// go mod tidy would also look for what tests of others need.
	if err := b.tool(ctx, b.folder, "go", "get", "."); err != nil {
		return fmt.Errorf("finding the versions of what is depended on: %w", err)
	}
	return nil
}

// licenses makes the list that weir version --licenses shows, and gives the file that lays
// it over weir's source. "": there is none.
func (b *builder) licenses(ctx context.Context) string {
	list, overlay := filepath.Join(b.folder, "licenses.json.zst"), filepath.Join(b.folder, "overlay.json")
	err := b.tool(ctx, b.source, "go", "run", "./cmd/licenses", "-unknown", "-dir", b.folder, "-package", ".", "-o", list)
	if err == nil {
		var text []byte
		text, err = json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(b.source, "runtime", "licenses", "built", "licenses.json.zst"): list}})
		if err == nil {
			err = os.WriteFile(overlay, text, 0o644)
		}
	}
	if err != nil {
		if ctx.Err() == nil {
			fmt.Fprintf(b.say, "weir: the list of licences will not be in it: %v\n", err)
		}
		return ""
	}
	return overlay
}

// compile builds the program as "make build" does; without made, only the packages that
// are added, whose mistakes come first so.
func (b *builder) compile(ctx context.Context, made, overlay string) error {
	args := []string{"build"}
	if b.trim {
		args = append(args, "-trimpath")
	}
	if b.race {
		args = append(args, "-race")
	}
	if b.verbose {
		args = append(args, "-v")
	}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	if made == "" {
		for _, a := range b.added {
			args = append(args, a.path)
		}
	} else {
		args = append(args, "-o", made, "-ldflags", b.linkerFlags(ctx), ".")
	}
	if err := b.tool(ctx, b.folder, "go", args...); err != nil {
		return fmt.Errorf("compiling: %w", err)
	}
	return nil
}

// tryLimit is how long a program may take to tell its version: a machine may be busy.
const tryLimit = time.Minute

// try starts the program, which shows whether its extensions can be together, and lists
// them.
func (b *builder) try(ctx context.Context, made string) ([]compiledIn, error) {
	trying, end := context.WithTimeout(ctx, tryLimit)
	defer end()
	text, err := b.ask(trying, b.folder, made, "version", "--json")
	switch {
	case trying.Err() != nil:
		return nil, fmt.Errorf("what was compiled has not told its version within %s\n  hint: does an init function of an extension wait for something?", tryLimit)
	case err != nil:
		return nil, fmt.Errorf("what was compiled does not start: %w", err)
	}
	var v programInfo
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, fmt.Errorf("what was compiled does not tell its version: %w", err)
	}
	for _, a := range b.added {
		if !a.registered(v.Extensions) {
			fmt.Fprintf(b.say, "weir: %s has registered no module for scripts\n  hint: a package does so with script.Register in its init function; is it the one that --with names, or below it?\n", a.path)
		}
	}
	return v.Extensions, nil
}

// install moves the program to where it is wanted, in one step, and gives its bytes.
func install(made, output string) (size int64, err error) {
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return 0, err
	}
	from, err := os.Open(made)
	if err != nil {
		return 0, err
	}
	defer from.Close()
	to, err := os.CreateTemp(filepath.Dir(output), "."+filepath.Base(output)+"-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(to.Name()) // when it was not renamed
	size, err = io.Copy(to, from)
	if err = errors.Join(err, to.Chmod(0o755), to.Close()); err != nil {
		return 0, fmt.Errorf("writing %s: %w", output, err)
	}
	return size, os.Rename(to.Name(), output)
}
