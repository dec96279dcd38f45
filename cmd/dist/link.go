package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"weir/runtime/licenses"
)

// listFile is where the list that is embedded in a binary is kept meanwhile.
func listFile(work, arch string) string { return filepath.Join(work, arch, licenses.FileName) }

// archive builds the Rust half, and gives its folder.
func (t *tools) archive(ctx context.Context, arch string) (string, error) {
	return output(ctx, t.env(arch), "sh", "modules/tokenizer/build-libtokenizers.sh")
}

// licenses lists what is going to be linked, with what zig adds to it.
func (t *tools) licenses(ctx context.Context, work, arch string) (*licenses.List, error) {
	crate, err := t.archive(ctx, arch)
	if err != nil {
		return nil, err
	}
	// It runs here, whatever it lists.
	program := filepath.Join(work, "licenses")
	if _, err := output(ctx, nil, "go", "build", "-o", program, "./cmd/licenses"); err != nil {
		return nil, err
	}
	path := listFile(work, arch)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if _, err := output(ctx, t.env(arch), program, "-o", path, "-crate", crate); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	list, err := licenses.Read(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if err := t.addZig(list); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	return list, errors.Join(list.Write(&b), os.WriteFile(path, b.Bytes(), 0o644))
}

// addZig adds the libraries that every static binary has a part of.
func (t *tools) addZig(list *licenses.List) error {
	for _, lib := range []struct{ name, license, text string }{
		{"musl", "MIT", "libc/musl/COPYRIGHT"},
		{"LLVM libunwind", "Apache-2.0 WITH LLVM-exception", "libunwind/LICENSE.TXT"},
		{"Zig compiler-rt", "MIT", "../LICENSE"},
	} {
		text, err := os.ReadFile(filepath.Join(t.zigLib, lib.text))
		if err != nil {
			return fmt.Errorf("licence of %s: %w", lib.name, err)
		}
		sum := sha256.Sum256(text)
		key := hex.EncodeToString(sum[:6])
		list.Texts[key] = string(text)
		list.Dependencies = append(list.Dependencies, licenses.Dependency{
			Kind: "toolchain", Name: lib.name, Version: "of Zig " + zigVersion, License: lib.license, Texts: []string{key}})
	}
	return nil
}

// link makes the binary of a processor, and holds that it is static.
func (t *tools) link(ctx context.Context, r *release, arch string) (file, error) {
	crate, err := t.archive(ctx, arch)
	if err != nil {
		return file{}, err
	}
	// The list in the binary is that of this target, and not of the build before.
	embedded, err := filepath.Abs(filepath.Join("runtime/licenses/built", licenses.FileName))
	if err != nil {
		return file{}, err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{embedded: listFile(r.work, arch)}})
	if err != nil {
		return file{}, err
	}
	overlayFile := filepath.Join(r.work, arch, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o644); err != nil {
		return file{}, err
	}
	sum, err := os.ReadFile(filepath.Join(crate, "libtokenizers.a"))
	if err != nil {
		return file{}, err
	}
	path := filepath.Join(r.work, arch, "weir")
	env := append(t.env(arch), "CC="+t.cc(arch), "CXX="+t.cc(arch), "CGO_LDFLAGS=-L"+crate)
	_, err = output(ctx, env, "go", "build", "-trimpath", "-buildvcs=false", "-overlay", overlayFile,
		"-tags", "netgo,osusergo", // names are resolved without the C library
		"-ldflags", strings.Join([]string{"-s -w -buildid= -linkmode external -extldflags '-static -lunwind'",
			"-X weir/cmd.version=" + r.version, "-X weir/cmd.commit=" + r.commit,
			fmt.Sprintf("-X weir/cmd.libtokenizers=%x", sha256.Sum256(sum))}, " "), // see the Makefile
		"-o", path, "./cmd/weir")
	if err != nil {
		return file{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return file{}, err
	}
	if err := static(data, arch); err != nil {
		return file{}, fmt.Errorf("%s: %w", path, err)
	}
	return file{name: "weir", mode: 0o755, data: data}, nil
}

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// static holds that a binary is for a processor, and needs no loader and no library.
func static(binary []byte, arch string) error {
	f, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		return err
	}
	defer f.Close()
	if f.Machine != machines[arch] {
		return fmt.Errorf("it is for %v, not for %s", f.Machine, arch)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("it is not static: it names a loader")
		}
	}
	libs, err := f.ImportedLibraries()
	if err == nil && len(libs) > 0 {
		return fmt.Errorf("it is not static: it needs %s", strings.Join(libs, ", "))
	}
	return nil
}
