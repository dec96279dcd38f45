// Command licenses lists what is linked into weir, with versions, licences and their
// texts: Go modules, the Rust crates in libtokenizers, and the standard libraries of both
// languages. It asks go list and cargo metadata, and names the licences by their texts
// (Go) or by what the crate says (Rust). It downloads nothing that a build has not.
//
//	go run ./cmd/licenses                      prints the list as JSON, for a look at it
//	go run ./cmd/licenses -o FILE              writes it as package runtime/licenses reads it
//
// "make build" and weir build embed it, "weir version --licenses" shows it. GOOS, GOARCH
// and CARGO_BUILD_TARGET choose the target as in a build. What has no licence that can be
// told is an error without -unknown.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weir/runtime/licenses"
)

func main() {
	out := flag.String("o", "", "`file` to write the list to; default: JSON to the standard output")
	dir := flag.String("dir", ".", "`folder` of the Go module that the package is of")
	pkg := flag.String("package", "./cmd/weir", "the Go `package` of the program")
	crate := flag.String("crate", ".build/libtokenizers/current", "`folder` with Cargo.toml and Cargo.lock of libtokenizers")
	unknown := flag.Bool("unknown", false, "list also what has no licence that can be told")
	flag.Parse()
	if err := run(*out, *dir, *pkg, *crate, *unknown); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

func run(out, dir, pkg, crate string, unknown bool) error {
	l, err := collect(dir, pkg, crate)
	if err != nil {
		return err
	}
	if without := unlicensed(l); !unknown && len(without) > 0 {
		return fmt.Errorf("no licence can be told of %s\n  hint: look into its folder; do not link what has none", strings.Join(without, ", "))
	}
	if out == "" {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(l)
	}
	var b bytes.Buffer
	if err := l.Write(&b); err != nil {
		return err
	}
	// A file that is as it shall be keeps its time.
	if before, err := os.ReadFile(out); err == nil && bytes.Equal(before, b.Bytes()) {
		return nil
	}
	// Two builds at the same time do not disturb each other.
	f, err := os.CreateTemp(filepath.Dir(out), ".licenses-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // when it was not renamed
	_, err = f.Write(b.Bytes())
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), out)
}

// collect makes the list: toolchains first, then modules and crates by their names.
func collect(dir, pkg, crate string) (*licenses.List, error) {
	l := &licenses.List{Texts: map[string]string{}}
	err := golang(l, dir, pkg)
	if err == nil {
		err = rust(l, crate)
	}
	if err != nil {
		return nil, err
	}
	order := []string{"toolchain", "go", "rust"}
	slices.SortFunc(l.Dependencies, func(a, b licenses.Dependency) int {
		return cmp.Or(slices.Index(order, a.Kind)-slices.Index(order, b.Kind), strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	return l, nil
}

// unlicensed names what has no licence that can be told.
func unlicensed(l *licenses.List) (names []string) {
	for _, d := range l.Dependencies {
		if d.License == "" {
			names = append(names, strings.TrimSpace(d.Name+" "+d.Version))
		}
	}
	return names
}
