package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// sourceVariable names the folder with weir's source.
const sourceVariable = "WEIR_SOURCE"

// ownModule is the line of weir's go.mod.
var ownModule = regexp.MustCompile(`(?m)^module weir\s*$`)

// findSource finds weir's source: where the user says, or around the working directory.
func findSource(named string) (string, error) {
	from := "--source"
	if named == "" {
		named, from = os.Getenv(sourceVariable), sourceVariable
	}
	if named != "" {
		dir, err := filepath.Abs(named)
		if err == nil && !isSource(dir) {
			err = fmt.Errorf("%s: %s is not weir's source: it has no go.mod with \"module weir\"", from, named)
		}
		return dir, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if isSource(dir) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("weir's source is needed, and this folder is in none\n  hint: check weir out in the version that you want, and name the folder with --source or %s", sourceVariable)
		}
	}
}

func isSource(dir string) bool {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && ownModule.Match(text)
}

// checkCompiler looks for the C compiler that Go would use, for this machine.
func (b *builder) checkCompiler(ctx context.Context) error {
	text, err := b.ask(ctx, b.source, "go", "env", "GOOS", "GOARCH", "CC", "CXX", "CGO_ENABLED")
	if err != nil {
		return err
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 5 {
		return fmt.Errorf("go env: %q", text)
	}
	if target, own := lines[0]+"/"+lines[1], runtime.GOOS+"/"+runtime.GOARCH; target != own {
		return fmt.Errorf("GOOS and GOARCH are those of %s, and what weir links is built for %s, this machine\n  hint: unset them, or run weir build on a machine of that kind", target, own)
	}
	for i, what := range []string{"a C compiler, which links weir", "a C++ compiler, whose library weir links"} {
		command := strings.Fields(lines[2+i])
		if len(command) == 0 {
			continue
		}
		if _, err := exec.LookPath(command[0]); err != nil {
			return fmt.Errorf("%s, %s, is missing\n  hint: install gcc and g++ (Debian: apt-get install gcc g++), or name others with CC and CXX", command[0], what)
		}
	}
	if lines[4] == "0" { // by itself Go says so without a compiler
		return errors.New("CGO_ENABLED is 0, and weir links a library in C's way\n  hint: unset it (go env -u CGO_ENABLED, if it is kept there)")
	}
	return nil
}

// libtokenizers builds what weir links, once for a source.
func (b *builder) libtokenizers(ctx context.Context) error {
	if _, err := os.Stat(b.archive()); err != nil {
		fmt.Fprintln(b.say, "weir: building the tokenizer library, once for this source; it takes some minutes")
	}
	if err := b.tool(ctx, b.source, "sh", filepath.Join("modules", "tokenizer", "build-libtokenizers.sh")); err != nil {
		return fmt.Errorf("building the tokenizer library: %w\n  hint: make -C %s libtokenizers does it alone", err, b.source)
	}
	return nil
}

func (b *builder) archive() string {
	return filepath.Join(b.source, ".build", "libtokenizers", "current", "libtokenizers.a")
}

// linkerFlags say which weir this is, as "make build" does. The Go linker does not see
// that the archive has changed; its checksum among the flags makes it look again.
func (b *builder) linkerFlags(ctx context.Context) string {
	flags := []string{}
	set := func(name, value string) {
		if value != "" && !strings.ContainsAny(value, " '\"") {
			flags = append(flags, "-X weir/cmd."+name+"="+value)
		}
	}
	built, head := version, "" // no checkout: the source that this weir came with
	if _, err := os.Stat(filepath.Join(b.source, ".git")); err == nil {
		if tag, err := b.ask(ctx, b.source, "git", "describe", "--tags", "--always", "--dirty"); err == nil {
			built = tag
			head, _ = b.ask(ctx, b.source, "git", "rev-parse", "--verify", "-q", "HEAD")
		}
	}
	set("version", built)
	set("commit", head)
	if f, err := os.Open(b.archive()); err == nil {
		defer f.Close()
		sum := crc32.NewIEEE()
		if _, err := io.Copy(sum, f); err == nil {
			set("libtokenizers", fmt.Sprint(sum.Sum32()))
		}
	}
	return strings.Join(flags, " ")
}

// clean removes the temporary folder, into which compilers may still write for a moment
// after Ctrl-C. What cannot be removed is the system's.
func (b *builder) clean() {
	for range 10 {
		if os.RemoveAll(b.folder) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// readGoFlags reads the flags that the user has kept for go (GOFLAGS), without those that say
// where modules come from: they are meant for modules of the user's.
func (b *builder) readGoFlags(ctx context.Context) error {
	text, err := b.ask(ctx, b.source, "go", "env", "GOFLAGS")
	flags := slices.DeleteFunc(strings.Fields(text), func(flag string) bool {
		name := strings.TrimLeft(flag, "-")
		return strings.HasPrefix(name, "mod=") || strings.HasPrefix(name, "modfile=")
	})
	b.goFlags = "GOFLAGS=" + strings.Join(flags, " ")
	return err
}

// modulesIn is the -mod for a folder: weir's go.mod stays as it is.
func (b *builder) modulesIn(dir string) string {
	if dir == b.folder {
		return "mod"
	}
	return "readonly"
}

// endLimit is how long a tool may take to tidy up after Ctrl-C.
const endLimit = 10 * time.Second

func (b *builder) command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "PWD="+dir)
	if b.goFlags != "" {
		cmd.Env = append(cmd.Env, b.goFlags+" -mod="+b.modulesIn(dir))
	}
	if b.folder != "" { // what go leaves behind when it is interrupted goes with it
		cmd.Env = append(cmd.Env, "GOTMPDIR="+b.folder)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = endLimit
	if b.verbose {
		fmt.Fprintf(b.say, "+ cd %s && %s\n", dir, strings.Join(append([]string{name}, args...), " "))
	}
	return cmd
}

// tool runs a program. What it says is shown when it fails, or all the time with -v.
func (b *builder) tool(ctx context.Context, dir, name string, args ...string) error {
	cmd := b.command(ctx, dir, name, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if b.verbose {
		cmd.Stdout, cmd.Stderr = b.say, b.say
	}
	err := cmd.Run()
	if text := strings.TrimSpace(said.String()); err != nil && ctx.Err() == nil && text != "" {
		return errors.New(text)
	}
	return err
}

// ask runs a program for what it prints.
func (b *builder) ask(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := b.command(ctx, dir, name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if text := strings.TrimSpace(stderr.String()); err != nil && text != "" {
		err = errors.New(text)
	}
	return strings.TrimSpace(string(out)), err
}
