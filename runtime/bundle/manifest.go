package bundle

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Manifest is weir.json. Texts in it are by whoever made the bundle.
type Manifest struct {
	Schema      int               `json:"schema"`                // [Schema]
	Name        string            `json:"name"`                  // of the scenario
	Description string            `json:"description,omitempty"` // a line
	Weir        string            `json:"weir"`                  // version that wrote it
	Libraries   map[string]string `json:"libraries,omitempty"`   // versions of what runs scripts in that, by Go module
	Packages    []string          `json:"packages,omitempty"`    // of npm that are in the program, name@version, sorted
	Modules     []string          `json:"modules"`               // of weir that it imports, sorted
	Params      []Param           `json:"params,omitempty"`      // that were given a value, in order of declaration
	Left        map[string]string `json:"left_out,omitempty"`    // parameters that were given one which is not here, and why
	Files       []File            `json:"files"`                 // every entry but this, and files that are not inside; sorted by path
}

// Param is the value of a parameter.
type Param struct {
	Name  string `json:"name"`
	Value any    `json:"value"` // string, bool, number, or a list of these
	// Paths are the places in the list, 0 of a single value, that are paths in the bundle:
	// "named/tokenizer/qwen3".
	Paths []int `json:"paths,omitempty"`
}

// File is an entry, or a file that is not inside.
type File struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"` // in hex; "" only of a large file that is not inside
	Inside bool   `json:"inside"`
}

// IsData tells whether a file is one that the script reads, rather than a part of it.
func (f *File) IsData() bool {
	return strings.HasPrefix(f.Path, FilesDir+"/") || strings.HasPrefix(f.Path, NamedDir+"/")
}

// Lacking are the files that the script reads and that are not inside.
func (m *Manifest) Lacking() (files []File) {
	for _, f := range m.Files {
		if !f.Inside {
			files = append(files, f)
		}
	}
	return files
}

// Bytes is the size of what is inside.
func (m *Manifest) Bytes() (sum int64) {
	for _, f := range m.Files {
		if f.Inside {
			sum += f.Bytes
		}
	}
	return sum
}

var hexSum = regexp.MustCompile(`^[0-9a-f]{64}$`)

// readManifest reads a manifest that may be anybody's.
func readManifest(data []byte) (*Manifest, *Error) {
	wrong := func(entry, hint, format string, args ...any) *Error {
		return &Error{Entry: entry, Err: fmt.Errorf(format, args...), Hint: hint}
	}
	var version struct {
		Schema int    `json:"schema"`
		Weir   string `json:"weir"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return nil, wrong(ManifestName, "", "it is no manifest: %w", err)
	}
	if version.Schema > Schema {
		return nil, wrong(ManifestName, fmt.Sprintf("install a newer weir: the bundle was made by %.40q", version.Weir), "the bundle has format %d, and this weir reads %d", version.Schema, Schema)
	}
	if version.Schema < 1 {
		return nil, wrong(ManifestName, "", "it is no manifest: schema %d", version.Schema)
	}
	m := new(Manifest)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, wrong(ManifestName, "", "it is no manifest: %w", err)
	}
	for what, text := range map[string]string{"name": m.Name, "description": m.Description, "weir": m.Weir} {
		if !isLine(text) {
			return nil, wrong(ManifestName, "", "%s is too long or has control characters", what)
		}
	}
	names := slices.Concat(m.Modules, m.Packages, slices.Collect(maps.Keys(m.Left)), slices.Collect(maps.Values(m.Left)), slices.Collect(maps.Keys(m.Libraries)), slices.Collect(maps.Values(m.Libraries)))
	for _, p := range m.Params {
		names = append(names, p.Name)
	}
	for _, text := range names {
		if !isLine(text) {
			return nil, wrong(ManifestName, "", "%.80q is too long or has control characters", text)
		}
	}
	if m.Name == "" || strings.ContainsAny(m.Name, `/\`) {
		return nil, wrong(ManifestName, "", "name %q is no name of a scenario", m.Name)
	}
	if len(m.Files) > maxEntries {
		return nil, wrong(ManifestName, "", "it lists %d files, at most %d are possible", len(m.Files), maxEntries)
	}
	paths := newNames()
	var total int64
	for i, f := range m.Files {
		if err := paths.add(f.Path); err != nil {
			return nil, &Error{Entry: f.Path, Err: err}
		}
		switch {
		case i > 0 && m.Files[i-1].Path >= f.Path:
			return nil, wrong(f.Path, "", "the files of the manifest are not sorted")
		case f.Path == ManifestName:
			return nil, wrong(f.Path, "", "the manifest lists itself")
		case !known(f.Path):
			return nil, wrong(f.Path, "", "no bundle has such a file")
		case f.Bytes < 0 || f.Bytes > maxUnpacked:
			return nil, wrong(f.Path, "", "%d bytes are not possible", f.Bytes)
		case !hexSum.MatchString(f.SHA256) && (f.Inside || f.SHA256 != ""):
			return nil, wrong(f.Path, "", "%.80q is no SHA-256", f.SHA256)
		case !f.Inside && !f.IsData():
			return nil, wrong(f.Path, "", "only data may be left out of a bundle")
		case f.Inside && !f.IsData() && f.Bytes > maxScript:
			return nil, wrong(f.Path, "", "it has %d bytes, at most %d are possible", f.Bytes, maxScript)
		}
		if f.Inside {
			if total += f.Bytes; total > maxUnpacked {
				return nil, wrong(f.Path, "", "with it, the bundle has more than %d GiB", maxUnpacked>>30)
			}
		}
	}
	if !m.inside(ScriptName) || !m.inside(MapName) {
		return nil, wrong(ManifestName, "", "%s or %s is not listed", ScriptName, MapName)
	}
	return m, m.checkParams()
}

// isLine tells whether a text can be shown as part of a line, and then reads as it is written.
func isLine(text string) bool { return len(text) <= 4096 && !strings.ContainsFunc(text, isControl) }

// isControl tells whether a character does something to a line besides being in it, such as
// turning the direction of what follows.
func isControl(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// inside tells whether an entry is listed.
func (m *Manifest) inside(name string) bool {
	_, found := slices.BinarySearchFunc(m.Files, name, func(f File, name string) int { return strings.Compare(f.Path, name) })
	return found
}

// known tells whether an entry is one that bundles have.
func known(name string) bool {
	top, rest, below := strings.Cut(name, "/")
	switch top {
	case ScriptName, MapName:
		return !below
	case SourceDir, FilesDir:
		return rest != ""
	case NamedDir:
		param, rest, _ := strings.Cut(rest, "/")
		return param != "" && rest != ""
	}
	return false
}

// checkParams checks that values are of the types that parameters have, and that paths
// are those of files in the bundle.
func (m *Manifest) checkParams() *Error {
	seen := map[string]bool{}
	for _, p := range m.Params {
		wrong := func(format string, args ...any) *Error {
			return &Error{Entry: ManifestName, Err: fmt.Errorf("the parameter %.80q: "+format, append([]any{p.Name}, args...)...)}
		}
		if p.Name == "" || seen[p.Name] {
			return wrong("it has no name, or is there twice")
		}
		seen[p.Name] = true
		items, isList := p.Value.([]any)
		if !isList {
			items = []any{p.Value}
		}
		for _, item := range items {
			switch item.(type) {
			case string, bool, float64:
			default:
				return wrong("its value is none that a parameter can have")
			}
		}
		for _, at := range p.Paths {
			if at < 0 || at >= len(items) {
				return wrong("there is no value %d", at)
			}
			name, isText := items[at].(string)
			if !isText || !strings.HasPrefix(name, NamedDir+"/") || checkName(name) != nil {
				return wrong("%.80q is no path in the bundle", fmt.Sprint(items[at]))
			}
			if !slices.ContainsFunc(m.Files, func(f File) bool { return f.Path == name || strings.HasPrefix(f.Path, name+"/") }) {
				return wrong("no file of the bundle is in %q", name)
			}
		}
	}
	return nil
}

// Values are the parameters' values as a script takes them, with the paths in the bundle
// below the folder that it was unpacked to. Named are the paths among them.
func (m *Manifest) Values(dir string) (values map[string]any, named map[string][]string) {
	values, named = make(map[string]any, len(m.Params)), map[string][]string{}
	for _, p := range m.Params {
		items, isList := p.Value.([]any)
		items = slices.Clone(items)
		if !isList {
			items = []any{p.Value}
		}
		for _, at := range p.Paths {
			where := path.Join(dir, items[at].(string)) // checkParams has seen that it is one
			items[at] = where
			named[p.Name] = append(named[p.Name], where)
		}
		if isList {
			values[p.Name] = items
		} else {
			values[p.Name] = items[0]
		}
	}
	return values, named
}

// GivenFile is where a file that the script reads through a parameter is, when that has
// another value than in the bundle: a path, or a list with such; "" when it has none there.
func (m *Manifest) GivenFile(f File, value any) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(f.Path, NamedDir+"/"), "/")
	at := slices.IndexFunc(m.Params, func(p Param) bool { return p.Name == name })
	if at < 0 {
		return ""
	}
	was, isList := m.Params[at].Value.([]any)
	if !isList {
		was = []any{m.Params[at].Value}
	}
	is, isList := value.([]any)
	if !isList {
		is = []any{value}
	}
	for _, i := range m.Params[at].Paths {
		before, _ := was[i].(string)
		if i >= len(is) || !strings.HasPrefix(f.Path, path.Dir(before)+"/") {
			continue
		}
		now, isText := is[i].(string)
		switch rest, below := strings.CutPrefix(f.Path, before+"/"); {
		case !isText || now == "":
			return ""
		case f.Path == before:
			return now
		case below:
			return filepath.Join(now, filepath.FromSlash(rest))
		default: // beside it
			return filepath.Join(filepath.Dir(now), filepath.FromSlash(strings.TrimPrefix(f.Path, path.Dir(before)+"/")))
		}
	}
	return ""
}
