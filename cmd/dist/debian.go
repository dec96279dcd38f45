package main

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"weir/runtime/licenses"
)

//go:embed nfpm.yaml
var nfpmConfig []byte

// debian makes the Debian package.
func (r *release) debian(ctx context.Context, arch string, files []file, list *licenses.List) error {
	version := debianVersion(r.version, r.time)
	root := filepath.Join(r.work, arch, "debian")
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	placed, err := installed(files, version, r.maintainer, list, r.time)
	if err != nil {
		return err
	}
	for _, f := range placed {
		to := filepath.Join(root, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, f.data, f.mode); err != nil {
			return err
		}
		if err := os.Chtimes(to, r.time, r.time); err != nil {
			return err
		}
	}
	// Folders of the tree carry their own times, and whoever makes a file in them changes those.
	err = filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		if err := os.Chmod(p, 0o755); err != nil { // whatever the umask is
			return err
		}
		return os.Chtimes(p, r.time, r.time)
	})
	if err != nil {
		return err
	}
	config := filepath.Join(r.work, arch, "nfpm.yaml")
	text := os.Expand(string(nfpmConfig), func(name string) string {
		return map[string]string{"ARCH": arch, "VERSION": version, "ROOT": root, "MTIME": r.time.Format(time.RFC3339), "MAINTAINER": r.maintainer}[name]
	})
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return err
	}
	name := fmt.Sprintf("weir_%s_%s.deb", version, arch)
	_, err = output(ctx, []string{"GOFLAGS=-mod=mod", "GOOS=", "GOARCH=", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.time.Unix())},
		"go", "run", nfpm, "package", "--packager", "deb", "--config", config, "--target", filepath.Join(r.out, name))
	if err != nil {
		return err
	}
	say("%s", name)
	return nil
}

// described is what git describe says: a tag, or tag-commits-gHASH, or a hash alone.
var described = regexp.MustCompile(`^(\d[0-9A-Za-z.+~]*)(?:-(rc|beta|alpha)\.?(\d+))?(?:-(\d+)-g([0-9a-f]+))?(-dirty)?$`)

// debianVersion is a version that dpkg orders as git does: a candidate before its
// release, commits after their tag. A repository without a tag has the time of the commit.
func debianVersion(version string, at time.Time) string {
	m := described.FindStringSubmatch(version)
	if m == nil || !strings.Contains(m[1], ".") {
		return "0~" + at.Format("20060102150405") + "." + strings.ReplaceAll(version, "-", "+")
	}
	v := m[1]
	if m[2] != "" {
		v += "~" + m[2] + m[3]
	}
	if m[4] != "" {
		v += "+" + m[4] + ".g" + m[5]
	}
	return v + strings.ReplaceAll(m[6], "-", "+")
}

// installed are the files where a Debian system has them.
func installed(files []file, version, maintainer string, list *licenses.List, at time.Time) ([]file, error) {
	var all []file
	for _, f := range files {
		dir, base := path.Split(f.name)
		switch {
		case f.name == "weir":
			f.name = "usr/bin/weir"
		case f.name == "completions/weir.bash":
			f.name = "usr/share/bash-completion/completions/weir"
		case f.name == "completions/_weir":
			f.name = "usr/share/zsh/vendor-completions/_weir"
		case f.name == "completions/weir.fish":
			f.name = "usr/share/fish/vendor_completions.d/weir.fish"
		case dir == "man/man1/":
			data, err := compressed(f.data)
			if err != nil {
				return nil, err
			}
			f.name, f.data = "usr/share/man/man1/"+base+".gz", data
		case dir == "types/":
			f.name = "usr/share/weir/" + f.name
		case f.name == "LICENSE":
			f.name, f.data = "usr/share/doc/weir/copyright", copyright(list, at.Year())
		case f.name == "THIRD_PARTY_NOTICES.txt":
			data, err := compressed(f.data)
			if err != nil {
				return nil, err
			}
			f.name, f.data = "usr/share/doc/weir/"+f.name+".gz", data
		default:
			f.name = "usr/share/doc/weir/" + f.name
		}
		all = append(all, f)
	}
	changes, err := compressed(fmt.Appendf(nil, "weir (%s) unstable; urgency=medium\n\n  * Release %s; what changed is in its notes.\n\n -- %s  %s\n",
		version, version, maintainer, at.Format(time.RFC1123Z)))
	if err != nil {
		return nil, err
	}
	return append(all,
		file{"usr/share/doc/weir/changelog.gz", 0o644, changes},
		file{"usr/share/lintian/overrides/weir", 0o644, []byte("# It has to run where there is no C library, or an old one.\nweir: statically-linked-binary\n" +
			"# What it is linked of is in THIRD_PARTY_NOTICES.txt.gz.\nweir: embedded-library\n")}), nil
}

// copyright says what Debian's policy wants to be told.
func copyright(list *licenses.List, year int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: weir\n\n"+
		"Files: *\nCopyright: %d The weir authors\nLicense: Apache-2.0\n On Debian systems, the full text is in /usr/share/common-licenses/Apache-2.0.\n"+
		"Comment: These are linked into /usr/bin/weir; their texts are in\n /usr/share/doc/weir/THIRD_PARTY_NOTICES.txt.gz\n .\n", year)
	for _, d := range list.Dependencies {
		fmt.Fprintf(&b, " %s: %s\n", strings.TrimSpace(d.Name+" "+d.Version), d.License)
	}
	return b.Bytes()
}

// compressed is gzip -9n.
func compressed(data []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
