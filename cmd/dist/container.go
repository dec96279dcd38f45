package main

import (
	"bytes"
	_ "embed"
	"encoding/pem"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

//go:embed Containerfile
var containerfile string

// rootfs is the root folder of a container for one processor.
func rootfs(r *release, arch string, files []file) (file, error) {
	all := []file{
		// Whoever runs it may write here.
		{name: "tmp", mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{name: "work", mode: fs.ModeDir | 0o777},
		{name: "etc", mode: fs.ModeDir | 0o755}, {name: "etc/ssl", mode: fs.ModeDir | 0o755}, {name: "etc/ssl/certs", mode: fs.ModeDir | 0o755},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, roots()},
		{name: "usr", mode: fs.ModeDir | 0o755}, {name: "usr/bin", mode: fs.ModeDir | 0o755}, {name: "usr/share", mode: fs.ModeDir | 0o755},
		{name: "usr/share/doc", mode: fs.ModeDir | 0o755}, {name: "usr/share/doc/weir", mode: fs.ModeDir | 0o755},
	}
	for _, f := range files {
		switch f.name {
		case "weir":
			f.name = "usr/bin/weir"
		case "LICENSE", "THIRD_PARTY_NOTICES.txt":
			f.name = "usr/share/doc/weir/" + f.name
		default:
			continue
		}
		all = append(all, f)
	}
	data, err := tarball(all, r.time)
	return file{"rootfs-" + arch + ".tar.gz", 0o644, data}, err
}

// roots are the certificates of the authorities that Mozilla trusts without conditions.
func roots() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes all
		}
	}
	return b.Bytes()
}

// container writes the folder that an image is built in, for all processors.
func (r *release) container(images []file) error {
	name := "weir-" + r.version + "-container"
	text := strings.NewReplacer("${VERSION}", r.version, "${COMMIT}", r.commit, "${TIME}", r.time.Format(time.RFC3339)).Replace(containerfile)
	return r.archive(name+".tar.gz", under(name, append(images, file{"Containerfile", 0o644, []byte(text)})))
}
