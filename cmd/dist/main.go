// Command dist makes what a release of weir consists of. For each processor it links one
// static binary, which needs no file of the machine that it runs on, not even a C
// library: Go, the Rust of modules/tokenizer, and musl, which zig brings along with a C
// compiler for every processor. Around the binary it puts
//
//	weir-VERSION-linux-ARCH.tar.gz      binary, licences, completions, man pages, types for editors
//	weir_VERSION_ARCH.deb               the same as a Debian package
//	weir-VERSION-linux-ARCH.cdx.json    what is linked into it (SBOM, CycloneDX)
//	weir-VERSION-container.tar.gz       a Containerfile and its files, for all processors
//	SHA256SUMS                          sums of them all
//
//	go run ./cmd/dist [-archs amd64,arm64] [-o dist] [-weir ./weir]
//
// The same commit gives the same bytes, with the same Go, Rust and Zig: times are those
// of the commit (or SOURCE_DATE_EPOCH), paths of this machine are in no file. What is
// missing on this machine is named with what to install; "make dist" calls it.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// nfpm makes the Debian packages. Later versions depend on modules that the module proxy lacks.
const nfpm = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4"

// release is one run of this program.
type release struct {
	version string // as git describes it, without a leading v
	commit  string
	// maintainer is who has made the commit, as git tells it: "Name <mail>".
	maintainer string
	time       time.Time // of every file
	out        string    // folder of what is shipped
	work       string    // folder of what is needed on the way
	weir       string    // a weir that runs here
}

func main() {
	archs := flag.String("archs", "amd64,arm64", "`processors`, in Go's names, separated by commas or spaces")
	out := flag.String("o", "dist", "`folder` to write to; what was in it is removed")
	weir := flag.String("weir", "./weir", "a weir of the same commit that runs on this machine: completions, man pages and types are its own")
	work := flag.String("work", ".build/dist", "`folder` for tools that are fetched, and files on the way")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, strings.FieldsFunc(*archs, func(r rune) bool { return r == ',' || r == ' ' }), *out, *work, *weir); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, archs []string, out, work, weir string) error {
	if len(archs) == 0 {
		return errors.New("-archs names no processor\n  hint: -archs amd64,arm64")
	}
	for _, arch := range archs {
		if _, ok := triples[arch]; !ok {
			return fmt.Errorf("-archs: there is no release for %q\n  hint: amd64 and arm64 have one", arch)
		}
	}
	r, err := newRelease(ctx, out, work, weir)
	if err != nil {
		return err
	}
	tools, err := findTools(ctx, r.work, archs)
	if err != nil {
		return err
	}
	common, err := r.common(ctx)
	if err != nil {
		return err
	}
	var images []file
	for _, arch := range archs {
		say("linking for %s", arch)
		list, err := tools.licenses(ctx, r.work, arch)
		if err != nil {
			return err
		}
		binary, err := tools.link(ctx, r, arch)
		if err != nil {
			return err
		}
		files := append([]file{binary, notices(list)}, common...)
		name := fmt.Sprintf("weir-%s-linux-%s", r.version, arch)
		if err := r.archive(name+".tar.gz", under(name, files)); err != nil {
			return err
		}
		if err := r.bom(name+".cdx.json", arch, list, binary.data, tools); err != nil {
			return err
		}
		if err := r.debian(ctx, arch, files, list); err != nil {
			return err
		}
		image, err := rootfs(r, arch, files)
		if err != nil {
			return err
		}
		images = append(images, image)
	}
	if err := r.container(images); err != nil {
		return err
	}
	return r.sums()
}

// newRelease finds out what is released, and empties the folder that it goes to.
func newRelease(ctx context.Context, out, work, weir string) (*release, error) {
	described, err := output(ctx, nil, "git", "describe", "--tags", "--always", "--dirty")
	if err != nil {
		return nil, err
	}
	commit, err := output(ctx, nil, "git", "rev-parse", "HEAD")
	if err != nil {
		return nil, err
	}
	maintainer, err := output(ctx, nil, "git", "log", "-1", "--format=%cn <%ce>")
	if err != nil {
		return nil, err
	}
	seconds := os.Getenv("SOURCE_DATE_EPOCH")
	if seconds == "" {
		if seconds, err = output(ctx, nil, "git", "log", "-1", "--format=%ct"); err != nil {
			return nil, err
		}
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("SOURCE_DATE_EPOCH: %w\n  hint: it is a number of seconds since 1970", err)
	}
	if weir, err = filepath.Abs(weir); err != nil {
		return nil, err
	}
	if _, err := os.Stat(weir); err != nil {
		return nil, fmt.Errorf("%w\n  hint: make build, or name one with -weir", err)
	}
	if work, err = filepath.Abs(work); err != nil {
		return nil, err
	}
	if err := errors.Join(emptied(out), os.MkdirAll(work, 0o755)); err != nil {
		return nil, err
	}
	return &release{version: strings.TrimPrefix(described, "v"), commit: commit, maintainer: maintainer, time: time.Unix(n, 0).UTC(), out: out, work: work, weir: weir}, nil
}

// emptied makes a folder, or removes what an earlier release has left in it. What is
// something else is somebody's and stays.
func emptied(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); e.IsDir() || !strings.HasPrefix(name, "weir") && name != sumsName {
			return fmt.Errorf("%s is of no release: nothing was removed\n  hint: name an empty folder with -o", filepath.Join(dir, name))
		}
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "dist: "+format+"\n", args...) }

// output runs a program, with env added to the environment, and gives what it prints,
// without the space around.
func output(ctx context.Context, env []string, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(append([]string{filepath.Base(name)}, args...), " "), err,
			cmp.Or(strings.TrimSpace(stderr.String()), strings.TrimSpace(string(out))))
	}
	return strings.TrimSpace(string(out)), nil
}
