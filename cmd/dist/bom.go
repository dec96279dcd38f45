package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"weir/runtime/licenses"
)

// A bill of materials in CycloneDX's JSON, https://cyclonedx.org/docs/1.6/json/.
type (
	bom struct {
		Format       string       `json:"bomFormat"`
		Spec         string       `json:"specVersion"`
		Serial       string       `json:"serialNumber"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Timestamp string     `json:"timestamp"`
		Component component  `json:"component"`
		Tools     components `json:"tools"`
	}
	components struct {
		Components []component `json:"components"`
	}
	component struct {
		Type     string    `json:"type"`
		Ref      string    `json:"bom-ref,omitempty"`
		Name     string    `json:"name"`
		Version  string    `json:"version,omitempty"`
		Licenses []license `json:"licenses,omitempty"`
		PURL     string    `json:"purl,omitempty"`
		Hashes   []hash    `json:"hashes,omitempty"`
	}
	license struct {
		Expression string `json:"expression"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	dependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
)

// bom writes what is linked into a binary.
func (r *release) bom(name, arch string, list *licenses.List, binary []byte, t *tools) error {
	b := newBOM(r.version, arch, list, binary, r.time)
	b.Metadata.Tools.Components = []component{
		{Type: "application", Name: "rustc", Version: strings.TrimPrefix(t.rust, "rustc ")},
		{Type: "application", Name: "zig", Version: zigVersion},
	}
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return r.write(name, append(text, '\n'))
}

func newBOM(version, arch string, list *licenses.List, binary []byte, at time.Time) *bom {
	sum := sha256.Sum256(binary)
	root := "pkg:generic/weir@" + url.PathEscape(version) + "?arch=" + arch + "&os=linux"
	b := &bom{Format: "CycloneDX", Spec: "1.6", Version: 1}
	// A UUID that is made of the binary's digest (version 8, RFC 9562): it is the same again.
	id := sum
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	b.Serial = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:16])
	b.Metadata.Timestamp = at.Format(time.RFC3339)
	b.Metadata.Component = component{Type: "application", Ref: root, Name: "weir", Version: version, PURL: root,
		Licenses: []license{{"Apache-2.0"}}, Hashes: []hash{{"SHA-256", fmt.Sprintf("%x", sum)}}}
	on := dependency{Ref: root}
	for _, d := range list.Dependencies {
		c := component{Type: "library", Ref: purl(d), Name: d.Name, Version: d.Version, PURL: purl(d)}
		if d.License != "" {
			c.Licenses = []license{{d.License}}
		}
		b.Components = append(b.Components, c)
		on.DependsOn = append(on.DependsOn, c.Ref)
	}
	b.Dependencies = []dependency{on}
	return b
}

// purl is a dependency's package URL, https://github.com/package-url/purl-spec.
func purl(d licenses.Dependency) string {
	version := ""
	if d.Version != "" {
		version = "@" + url.QueryEscape(d.Version)
	}
	switch d.Kind {
	case "go":
		return "pkg:golang/" + d.Name + version
	case "rust":
		return "pkg:cargo/" + d.Name + version
	}
	return "pkg:generic/" + url.PathEscape(strings.ToLower(strings.ReplaceAll(d.Name, " ", "-"))) + strings.ReplaceAll(version, "+", "%20")
}
