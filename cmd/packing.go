package cmd

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"weir/runtime/access"
	"weir/runtime/bundle"
	"weir/runtime/script"
)

// packing makes the contents of a bundle of a scenario that was loaded.
type packing struct {
	found  *scenario
	loaded *script.Script
	files  []access.File // that it has read
	// strict: what cannot be brought along is an error; otherwise it is left out.
	strict bool
	notes  []string // what whoever gets the bundle has to know
}

// contents are those of the bundle, with the data on disk.
func (p *packing) contents() (c bundle.Contents, err error) {
	m := &c.Manifest
	m.Name, m.Weir, m.Libraries, m.Modules = p.loaded.Name, thisVersion().Version, lockedLibraries(p.loaded.Imports()), p.loaded.Imports()
	c.Script, c.Sources = p.loaded.Source, p.loaded.Sources()
	if c.Map, err = script.PlainMap(p.loaded.Map); err != nil {
		return c, err
	}
	m.Packages = npmPackages(p.loaded.Dir, c.Sources)
	if p.found.bundled != nil {
		c.Sources, m.Packages, m.Description = p.found.sources, p.found.bundled.Packages, p.found.bundled.Description
	}
	m.Description = cmp.Or(m.Description, headline(c.Sources, p.loaded.Path))
	m.Params, m.Left, c.Data = p.params()
	own, err := p.ownFiles()
	c.Data = append(c.Data, own...)
	p.lookForHome(c.Script)
	return c, err
}

// lockedModules are the Go modules that decide what a script means.
var lockedModules = []string{"github.com/dop251/goja", "github.com/evanw/esbuild", "github.com/daulet/tokenizers"}

// lockedLibraries are the versions of them that this weir was built with, and of the
// extensions that the script imports.
func lockedLibraries(imports []string) map[string]string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	all := map[string]string{}
	for _, dep := range info.Deps {
		if slices.Contains(lockedModules, dep.Path) {
			all[dep.Path] = dep.Version
		}
	}
	for _, e := range compiledInExtensions() {
		if slices.Contains(imports, e.Path) && e.Version != "" { // a folder's state has none
			all[e.Module] = e.Version
		}
	}
	return all
}

// npmPackages are those that sources are from: name@version, as their package.json says.
func npmPackages(dir string, sources map[string]string) (all []string) {
	const folder = "node_modules/"
	for name := range sources {
		at := strings.LastIndex(name, folder)
		if at < 0 {
			continue
		}
		parts := strings.SplitN(name[at+len(folder):], "/", 3)
		if len(parts) > 1 && strings.HasPrefix(parts[0], "@") {
			parts[0] += "/" + parts[1]
		}
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name[:at+len(folder)]+parts[0]), "package.json"))
		var about struct{ Version string }
		if err != nil || json.Unmarshal(text, &about) != nil || about.Version == "" {
			about.Version = "unknown"
		}
		if id := parts[0] + "@" + about.Version; !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

// params are the values of parameters that go into the bundle, those which do not and why,
// and the data that is read through them.
func (p *packing) params() (params []bundle.Param, left map[string]string, data []bundle.Data) {
	left = map[string]string{}
	for _, param := range p.loaded.Params() {
		if param.From == "default" || param.Value == nil {
			continue
		}
		_, isList := param.Value.([]any)
		items := slices.Clone(valuesIn(param.Value))
		given := bundle.Param{Name: param.Name}
		var through []bundle.Data
		why := ""
		switch {
		case param.Secret:
			why = "it is a secret"
		case param.From == "env":
			why = "it came from the environment"
		}
		for i := 0; i < len(items) && why == ""; i++ {
			text, isText := items[i].(string)
			if !isText {
				items[i] = plainNumber(items[i])
				continue
			}
			place := path.Join(bundle.NamedDir, param.Name)
			if isList {
				place = path.Join(place, fmt.Sprint(i))
			}
			if found := p.readThrough(param.Name, text, place); len(found) > 0 {
				items[i], given.Paths = path.Join(place, baseName(text)), append(given.Paths, i)
				through = append(through, found...)
				continue
			}
			why = whyLeft(text)
		}
		switch {
		case why != "":
			left[param.Name] = why
			continue
		case isList:
			given.Value = items
		default:
			given.Value = items[0]
		}
		params, data = append(params, given), append(data, through...)
	}
	return params, left, data
}

// readThrough are the files that were read through one value of a parameter: a folder with
// what is in it, or a file with what is beside it, below place in the bundle.
func (p *packing) readThrough(param, value, place string) (data []bundle.Data) {
	for _, f := range p.files {
		if f.Param != param || f.Value != value {
			continue
		}
		rel, err := filepath.Rel(f.Root, f.Path)
		if err != nil {
			continue
		}
		name := filepath.ToSlash(rel)
		if f.Root == f.Named {
			name = path.Join(baseName(value), name)
		}
		data = append(data, bundle.Data{Name: path.Join(place, name), Path: f.Path})
	}
	return data
}

// baseName is the last part of a path, which says nothing of where it is.
func baseName(value string) string {
	switch base := path.Base(filepath.ToSlash(filepath.Clean(value))); base {
	case ".", "..", "/":
		return "folder"
	default:
		return base
	}
}

// plainNumber is a number as JSON can have it.
func plainNumber(v any) any {
	if f, ok := v.(float64); ok && math.IsInf(f, 0) {
		return strings.TrimPrefix(strings.ToLower(fmt.Sprint(f)), "+")
	}
	return v
}

// whyLeft says why a text does not go into a bundle; "" when it does.
func whyLeft(text string) string {
	host, _ := os.Hostname()
	home, _ := os.UserHomeDir()
	switch {
	case shown(text) != text:
		return "it has a password or a key in it"
	case filepath.IsAbs(text) || strings.Contains(text, "file:///"):
		return "it is a path of the machine that the bundle was made on"
	case len(home) > 1 && strings.Contains(text, home):
		return "it has the home folder of whoever made the bundle in it"
	case host != "" && host != "localhost" && hasWord(text, host):
		return "it has the name of the machine that the bundle was made on in it"
	}
	return ""
}

// hasWord tells whether a text has a name in it that is not part of a longer one.
func hasWord(text, name string) bool {
	return regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(name) + `($|[^\w-])`).MatchString(text)
}

// ownFiles are the files that were read below the script's own folder.
func (p *packing) ownFiles() (data []bundle.Data, err error) {
	for _, f := range p.files {
		if f.Param != "" {
			continue
		}
		rel, err := filepath.Rel(p.loaded.Dir, f.Path)
		if err == nil && filepath.IsLocal(rel) {
			data = append(data, bundle.Data{Name: path.Join(bundle.FilesDir, filepath.ToSlash(rel)), Path: f.Path})
			continue
		}
		if p.strict {
			return nil, fmt.Errorf("the script reads %s, which is not below its folder %s\n  hint: name it as the value of a parameter, or copy it there", f.Path, p.loaded.Dir)
		}
		p.notes = append(p.notes, f.Path+" is not below the script's folder")
	}
	return data, nil
}

// lookForHome says when the program has the user's home folder in it, by what was written
// there or by an import from far away.
func (p *packing) lookForHome(program []byte) {
	home, err := os.UserHomeDir()
	if err == nil && len(home) > 1 && strings.Contains(string(program), strings.TrimPrefix(home, "/")+"/") {
		p.notes = append(p.notes, fmt.Sprintf("the program itself has %s in it: whoever gets the bundle sees that", home))
	}
}

// headline is the first sentence of the comment that a scenario begins with.
func headline(sources map[string]string, scriptPath string) string {
	name := filepath.Base(scriptPath)
	text := sources[name]
	if own, isOwn := strings.CutPrefix(scriptPath, "builtin:"); isOwn {
		text = sources["builtin:"+own+".ts"]
	}
	var words []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		isComment := strings.HasPrefix(line, "//") || strings.HasPrefix(line, "/*") || strings.HasPrefix(line, "*")
		plain := strings.TrimSpace(strings.TrimSuffix(strings.TrimLeft(line, "/*! "), "*/"))
		if !isComment || plain == "" && len(words) > 0 {
			break
		}
		if plain == "" {
			continue
		}
		words = append(words, plain)
		if strings.HasSuffix(plain, ".") || strings.HasSuffix(plain, ":") {
			break
		}
	}
	sentence, _, _ := strings.Cut(strings.Join(words, " "), ". ")
	const most = 200
	if runes := []rune(sentence); len(runes) > most {
		sentence = strings.TrimSpace(string(runes[:most-1])) + "…"
	}
	return strings.TrimRight(sentence, ".:")
}
