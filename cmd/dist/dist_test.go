package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/runtime/licenses"
)

var commitTime = time.Date(2026, 11, 27, 1, 2, 3, 0, time.UTC)

func TestDebianVersion(t *testing.T) {
	f := func(described, want string) {
		t.Helper()
		if got := debianVersion(described, commitTime); got != want {
			t.Errorf("%s: %s, want %s", described, got, want)
		}
	}
	f("1.2.3", "1.2.3")
	f("1.2.3-rc1", "1.2.3~rc1") // dpkg: before 1.2.3
	f("1.2.3-rc.1", "1.2.3~rc1")
	f("1.2.3-14-gabcdef0", "1.2.3+14.gabcdef0") // after it
	f("1.2.3-rc1-14-gabcdef0", "1.2.3~rc1+14.gabcdef0")
	f("1.2.3-dirty", "1.2.3+dirty")
	f("1.2.3-14-gabcdef0-dirty", "1.2.3+14.gabcdef0+dirty")
	// Without a tag, before everything that has one, by time.
	f("abcdef0", "0~20261127010203.abcdef0")
	f("1234567", "0~20261127010203.1234567")
	f("abcdef0-dirty", "0~20261127010203.abcdef0+dirty")
}

func TestTarball(t *testing.T) {
	files := under("top", []file{{"b/x", 0o755, []byte("x")}, {"a", 0o644, []byte("alpha")}, {"b/c/y", 0o644, nil}})
	files = append(files, file{name: "tmp", mode: fs.ModeDir | fs.ModeSticky | 0o777})
	first, err := tarball(files, commitTime)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(files)
	second, err := tarball(files, commitTime)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("the same files in another order are other bytes (%v)", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r)
		got = append(got, fmt.Sprintf("%s %o %s", h.Name, h.Mode, text))
		if h.Uid != 0 || h.Uname != "" || !h.ModTime.Equal(commitTime) {
			t.Errorf("%s: of %d %q, %v", h.Name, h.Uid, h.Uname, h.ModTime)
		}
	}
	want := []string{"tmp/ 1777 ", "top/ 755 ", "top/a 644 alpha", "top/b/ 755 ", "top/b/c/ 755 ", "top/b/c/y 644 ", "top/b/x 755 x"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// binaryWith is an ELF file of one segment.
func binaryWith(machine elf.Machine, segment elf.ProgType) []byte {
	var b bytes.Buffer
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1}
	copy(h.Ident[:], "\x7fELF\x02\x01\x01")
	binary.Write(&b, binary.LittleEndian, h)
	binary.Write(&b, binary.LittleEndian, elf.Prog64{Type: uint32(segment), Off: 120})
	return b.Bytes()
}

func TestStatic(t *testing.T) {
	f := func(binary []byte, want string) {
		t.Helper()
		if err := static(binary, "arm64"); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f(binaryWith(elf.EM_AARCH64, elf.PT_LOAD), "")
	f(binaryWith(elf.EM_X86_64, elf.PT_LOAD), "not for arm64")
	f(binaryWith(elf.EM_AARCH64, elf.PT_INTERP), "names a loader")
	f([]byte("#!/bin/sh\necho a script, and no binary\n"), "bad magic number")
}

var list = &licenses.List{
	Dependencies: []licenses.Dependency{
		{Kind: "toolchain", Name: "LLVM libunwind", Version: "of Zig 1", License: "Apache-2.0 WITH LLVM-exception", Texts: []string{"a"}},
		{Kind: "go", Name: "example.com/x/v2", Version: "v2.1.0+incompatible", License: "MIT", Texts: []string{"b"}},
		{Kind: "rust", Name: "onig", Version: "6.5.1", Texts: []string{"b"}},
	},
	Texts: map[string]string{"a": "text A", "b": "text B"},
}

func TestBOM(t *testing.T) {
	b := newBOM("1.0.0", "arm64", list, []byte("binary"), commitTime)
	again := newBOM("1.0.0", "arm64", list, []byte("binary"), commitTime)
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := json.Marshal(again); !bytes.Equal(text, second) {
		t.Error("it is not the same again")
	}
	for _, want := range []string{
		`"purl":"pkg:golang/example.com/x/v2@v2.1.0%2Bincompatible"`, `"purl":"pkg:cargo/onig@6.5.1"`, `"purl":"pkg:generic/llvm-libunwind@of%20Zig%201"`,
		`{"expression":"Apache-2.0 WITH LLVM-exception"}`, `"timestamp":"2026-11-27T01:02:03Z"`,
		`"content":"9a3a45d01531a20e89ac6ae10b0b0beb0492acd7216a368aa062d1a5fecaf9cd"`, // sha256sum
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if b.Components[2].Licenses != nil {
		t.Error("onig has a licence that nobody has told")
	}
	if on := b.Dependencies[0].DependsOn; len(on) != 3 {
		t.Errorf("it depends on %q", on)
	}
}

func TestNotices(t *testing.T) {
	text := string(notices(list).data)
	for _, want := range []string{"text A", "text B", "example.com/x/v2 v2.1.0+incompatible\nonig 6.5.1\n"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, text)
		}
	}
}

func TestInstalled(t *testing.T) {
	files := []file{{"weir", 0o755, []byte("b")}, {"LICENSE", 0o644, nil}, {"man/man1/weir.1", 0o644, []byte(".TH")}, {"completions/_weir", 0o644, nil}, {"types/weir.d.ts", 0o644, nil}, {"README.md", 0o644, nil}}
	placed, err := installed(files, "1.0", "Ada <ada@example.com>", list, commitTime)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range placed {
		got = append(got, f.name)
	}
	want := []string{"usr/bin/weir", "usr/share/doc/weir/copyright", "usr/share/man/man1/weir.1.gz", "usr/share/zsh/vendor-completions/_weir", "usr/share/weir/types/weir.d.ts",
		"usr/share/doc/weir/README.md", "usr/share/doc/weir/changelog.gz", "usr/share/lintian/overrides/weir"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// TestRoots holds that a container has certificates that Go reads.
func TestRoots(t *testing.T) {
	n := 0
	for block, rest := pem.Decode(roots()); block != nil; block, rest = pem.Decode(rest) {
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			t.Error(err)
		}
		n++
	}
	if n < 50 {
		t.Errorf("%d certificates", n)
	}
}

func TestFindRust(t *testing.T) {
	// A Rust has its own target alone, or what is named besides.
	rust := func(has ...string) string {
		t.Helper()
		dir := t.TempDir()
		for _, path := range append(has, "lib/rustlib/x86_64-unknown-linux-gnu/lib") {
			if err := os.MkdirAll(filepath.Join(dir, path), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		rustc := "#!/bin/sh\ncase $1 in --version) echo rustc 1.99.0 ;; *) echo " + dir + " ;; esac\n"
		if err := errors.Join(os.WriteFile(filepath.Join(dir, "cargo"), []byte("#!/bin/sh\n"), 0o755), os.WriteFile(filepath.Join(dir, "rustc"), []byte(rustc), 0o755)); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, "cargo")
	}
	f := func(wantCargo string, wantBuildStd bool, wantErr string, cargos ...string) {
		t.Helper()
		got := &tools{bin: t.TempDir()}
		err := got.findRust(t.Context(), []string{"arm64"}, cargos...)
		if wantErr != "" {
			if err == nil || !strings.Contains(err.Error(), wantErr) || !strings.Contains(err.Error(), "rustup target add aarch64-unknown-linux-musl") {
				t.Errorf("%v, want %q and what to do", err, wantErr)
			}
			return
		}
		cargo, _ := os.Readlink(filepath.Join(got.bin, "cargo"))
		if err != nil || cargo != wantCargo || got.buildStd != wantBuildStd || got.rust != "rustc 1.99.0" {
			t.Errorf("%v, %s, %v, %s; want %s, %v", err, cargo, got.buildStd, got.rust, wantCargo, wantBuildStd)
		}
	}
	bare, target, source := rust(), rust("lib/rustlib/aarch64-unknown-linux-musl/lib"), rust("lib/rustlib/src/rust/library/Cargo.lock")
	other := rust("lib/rustlib/x86_64-unknown-linux-musl/lib")
	f(target, false, "", target, source)
	f(source, true, "", bare, other, source, target)
	f("", false, "found rustc 1.99.0 ("+filepath.Dir(bare), bare)
	f("", false, "there is no cargo", "/nonexistent/cargo")
}

func TestEmptied(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dist")
	write := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := emptied(dir); err != nil { // it is made
		t.Fatal(err)
	}
	write("weir-1-linux-arm64.tar.gz")
	write(sumsName)
	if err := emptied(dir); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	write("weir-1-linux-arm64.tar.gz")
	write("thesis.docx")
	if err := emptied(dir); err == nil || !strings.Contains(err.Error(), "thesis.docx is of no release") {
		t.Errorf("%v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}
