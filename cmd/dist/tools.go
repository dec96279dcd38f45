package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// zigVersion is the C compiler's. Its C library, musl, is part of every binary.
const zigVersion = "0.17.1"

// triples are the Rust targets of the processors that there are releases for.
var triples = map[string]string{
	"amd64": "x86_64-unknown-linux-musl",
	"arm64": "aarch64-unknown-linux-musl",
}

// tools are the compilers for all targets.
type tools struct {
	bin      string   // folder with cargo, rustc, and ar and cc-ARCH of zig
	zig      []string // the command
	zigLib   string   // folder with the sources of its libraries
	rust     string   // what rustc says of itself
	buildStd bool     // Rust's standard library is built here, from its source
}

// findTools finds the compilers, or says what to install.
func findTools(ctx context.Context, work string, archs []string) (*tools, error) {
	t := &tools{bin: filepath.Join(work, "bin")}
	if err := errors.Join(os.RemoveAll(t.bin), os.MkdirAll(t.bin, 0o755)); err != nil {
		return nil, err
	}
	// Both are looked for before one of them complains: whoever has to install something
	// is told all of it.
	if err := errors.Join(t.findZig(ctx, work), t.findRust(ctx, archs, "cargo", "/usr/bin/cargo")); err != nil {
		return nil, err
	}
	// cargo's cc crate calls the targets by Rust's names, which zig does not know.
	for _, arch := range archs {
		target := strings.Replace(triples[arch], "-unknown", "", 1)
		cc := "#!/bin/sh\nfor a; do shift; case $a in --target=*) ;; *) set -- \"$@\" \"$a\" ;; esac; done\n" +
			"exec " + quoted(t.zig) + " cc -target " + target + " \"$@\"\n"
		if err := os.WriteFile(t.cc(arch), []byte(cc), 0o755); err != nil {
			return nil, err
		}
	}
	return t, os.WriteFile(filepath.Join(t.bin, "ar"), []byte("#!/bin/sh\nexec "+quoted(t.zig)+" ar \"$@\"\n"), 0o755)
}

func (t *tools) cc(arch string) string { return filepath.Join(t.bin, "cc-"+arch) }

func quoted(words []string) string {
	var all []string
	for _, w := range words {
		all = append(all, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
	}
	return strings.Join(all, " ")
}

// findZig finds zig on PATH if it is the right one, or gets it from PyPI into a folder of its own.
func (t *tools) findZig(ctx context.Context, work string) error {
	if path, err := exec.LookPath("zig"); err == nil {
		if v, err := output(ctx, nil, path, "version"); err == nil && v == zigVersion {
			t.zig = []string{path}
		}
	}
	if t.zig == nil {
		env := filepath.Join(work, "zig-"+zigVersion)
		python := filepath.Join(env, "bin", "python")
		if v, err := output(ctx, nil, python, "-m", "ziglang", "version"); err != nil || v != zigVersion {
			say("getting zig %s from PyPI", zigVersion)
			_, err := output(ctx, nil, "python3", "-m", "venv", env)
			if err == nil {
				_, err = output(ctx, nil, python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "ziglang=="+zigVersion)
			}
			if err != nil {
				return fmt.Errorf("zig, the C compiler of static binaries, is missing: %w\n"+
					"  hint: install zig %s (https://ziglang.org/download), or Python with pip (Debian: apt-get install python3-venv), which gets it from PyPI", err, zigVersion)
			}
		}
		t.zig = []string{python, "-m", "ziglang"}
	}
	about, err := output(ctx, nil, t.zig[0], append(t.zig[1:], "env")...)
	if err != nil {
		return err
	}
	found := libDir.FindStringSubmatch(about)
	if found == nil {
		return fmt.Errorf("zig env does not say where its libraries are:\n%s", about)
	}
	t.zigLib = found[1]
	return nil
}

// libDir is where zig's libraries are, in what zig env prints.
var libDir = regexp.MustCompile(`\.lib_dir = "([^"]+)"`)

// findRust finds the first Rust that has the standard library of the targets, or its
// source. That of Debian may be behind that of rustup.
func (t *tools) findRust(ctx context.Context, archs []string, cargos ...string) error {
	var seen []string
	for _, name := range cargos {
		cargo, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		rustc := filepath.Join(filepath.Dir(cargo), "rustc")
		version, err := output(ctx, nil, rustc, "--version")
		if err != nil {
			return err
		}
		sysroot, err := output(ctx, nil, rustc, "--print", "sysroot")
		if err != nil {
			return err
		}
		seen = append(seen, fmt.Sprintf("%s (%s)", version, rustc))
		lib := filepath.Join(sysroot, "lib", "rustlib")
		ready := true
		for _, arch := range archs {
			_, err := os.Stat(filepath.Join(lib, triples[arch], "lib"))
			ready = ready && err == nil
		}
		_, err = os.Stat(filepath.Join(lib, "src", "rust", "library", "Cargo.lock"))
		if !ready && err != nil {
			continue
		}
		t.rust, t.buildStd = version, !ready
		return errors.Join(os.Symlink(cargo, filepath.Join(t.bin, "cargo")), os.Symlink(rustc, filepath.Join(t.bin, "rustc")))
	}
	var targets []string
	for _, arch := range archs {
		targets = append(targets, triples[arch])
	}
	found := "there is no cargo"
	if seen != nil {
		found = "found " + strings.Join(seen, ", ") + " without it"
	}
	return fmt.Errorf("the standard library of Rust for %s is missing, and its source, too: %s\n"+
		"  hint: rustup target add %s; or, on Debian, apt-get install cargo-web rust-web-src", strings.Join(targets, " and "), found, strings.Join(targets, " "))
}

// env is the environment in which everything is built for a processor.
func (t *tools) env(arch string) []string {
	triple := triples[arch]
	lower := strings.ReplaceAll(triple, "-", "_")
	env := []string{
		"PATH=" + t.bin + string(os.PathListSeparator) + os.Getenv("PATH"),
		"CARGO_BUILD_TARGET=" + triple,
		"CC_" + lower + "=" + t.cc(arch),
		"AR_" + lower + "=" + filepath.Join(t.bin, "ar"),
		"CARGO_TARGET_" + strings.ToUpper(lower) + "_LINKER=" + t.cc(arch),
		"GOOS=linux", "GOARCH=" + arch, "GOAMD64=v1", "GOARM64=v8.0", "CGO_ENABLED=1",
	}
	if t.buildStd {
		// Rust's own way to say that an unstable option may be used.
		env = append(env, "RUSTC_BOOTSTRAP=1", "CARGO_UNSTABLE_BUILD_STD=std,panic_unwind")
	}
	return env
}
