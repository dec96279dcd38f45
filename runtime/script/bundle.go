package script

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Some syntax is lowered because goja does not have it. Everything else,
// async/await above all, stays native: lowered code is slower.
var lowered = map[string]bool{
	"async-generator": false,
	"for-await":       false,
	"using":           false,
	"decorators":      false,
	"dynamic-import":  false,
	"import-meta":     false,
}

// The bundle is one function; the wrapper opens and closes it.
const (
	wrapperOpen  = "(function (module, exports, require) {"
	wrapperClose = "})"
)

// bundle makes one CommonJS program and its source map of a script and everything that
// it imports. Module paths of the table stay require() calls. Sources are named relative
// to dir, the script's folder, so that neither depends on where that is.
func bundle(entry, dir, cwd string, cfg Config) (code, sourceMap []byte, err error) {
	known := append(slices.Sorted(maps.Keys(cfg.Modules)), libraryNames(cfg.Builtin)...)
	found := newPackages()
	result := api.Build(api.BuildOptions{
		EntryPoints:    []string{entry},
		AbsWorkingDir:  dir,
		Outdir:         dir, // sources are named relative to it; nothing is written
		Write:          false,
		Bundle:         true,
		Format:         api.FormatCommonJS,
		Platform:       api.PlatformBrowser,
		MainFields:     packageFields,
		Conditions:     packageConditions,
		Define:         packageDefines,
		Target:         api.ESNext,
		Loader:         map[string]api.Loader{".css": api.LoaderNone}, // it would be an empty object
		Supported:      lowered,
		Charset:        api.CharsetUTF8,
		LegalComments:  api.LegalCommentsNone,
		Sourcemap:      api.SourceMapExternal,
		SourcesContent: api.SourcesContentInclude,
		Banner:         map[string]string{"js": wrapperOpen},
		Footer:         map[string]string{"js": wrapperClose},
		LogLevel:       api.LogLevelSilent,
		LogOverride: map[string]api.LogLevel{
			"empty-import-meta": api.LogLevelError,
		},
		Plugins: []api.Plugin{tablePlugin(cfg, known, found), builtinPlugin(cfg)},
	})
	if len(result.Errors) > 0 {
		return nil, nil, bundleErrors(result.Errors, dir, cwd, found, known)
	}
	for _, file := range result.OutputFiles {
		if strings.HasSuffix(file.Path, ".map") {
			sourceMap = file.Contents
		} else if strings.HasSuffix(file.Path, ".js") {
			code = file.Contents
		}
	}
	return code, sourceMap, nil
}

// tablePlugin leaves the modules of the table to require(), and finds weir/lib/NAME in
// cfg.Builtin. Other bare names are esbuild's to find, in node_modules.
func tablePlugin(cfg Config, known []string, found *packages) api.Plugin {
	return api.Plugin{Name: "weir", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^[^./]`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			switch {
			case args.Kind == api.ResolveEntryPoint:
				return api.OnResolveResult{}, nil
			case cfg.Modules[args.Path] != nil:
				return api.OnResolveResult{Path: args.Path, External: true}, nil
			case slices.Contains(known, args.Path):
				return api.OnResolveResult{Path: libraryFile(args.Path), Namespace: builtinScheme, SideEffects: api.SideEffectsFalse}, nil
			case args.Namespace == "file" && args.Path != "weir" && !strings.HasPrefix(args.Path, "weir/") && !strings.Contains(args.Path, "://"):
				found.imported(args.Path, args.Importer)
				return api.OnResolveResult{}, nil
			}
			return api.OnResolveResult{Errors: []api.Message{{
				Text:   fmt.Sprintf("unknown import %q", args.Path),
				Detail: importHint(args.Path, known),
			}}}, nil
		})
	}}
}

// importHint says what to import instead of a name that nobody knows.
func importHint(name string, known []string) string {
	if name == "k6" || strings.HasPrefix(name, "k6/") {
		if own := "weir" + strings.TrimPrefix(name, "k6"); slices.Contains(known, own) {
			return fmt.Sprintf("k6's names are in %q", own)
		}
	}
	if hint := libraryHint(name, known); hint != "" {
		return hint
	}
	if hint := didYouMean(name, known); hint != "" {
		return hint
	}
	if strings.Contains(name, "://") {
		return "nothing is fetched for a script: npm packages are taken from node_modules, other files from a folder"
	}
	if strings.HasPrefix(name, extensionFolder) {
		return "that is an extension, which this weir does not have: weir build --with MODULE makes one that has it"
	}
	if name == "weir" || strings.HasPrefix(name, "weir/") {
		return "there are " + strings.Join(known, ", ")
	}
	return fmt.Sprintf("npm packages are taken from node_modules next to the script: npm install %s (Node's own modules do not exist here)", name)
}

// builtinPlugin reads weir's own scripts, and what they import relatively, from cfg.Builtin.
func builtinPlugin(cfg Config) api.Plugin {
	return api.Plugin{Name: "weir-builtin", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: "^" + builtinScheme + ":"}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			if args.Kind != api.ResolveEntryPoint {
				return api.OnResolveResult{}, nil
			}
			return api.OnResolveResult{Path: strings.TrimPrefix(args.Path, builtinScheme+":"), Namespace: builtinScheme}, nil
		})
		build.OnResolve(api.OnResolveOptions{Filter: `^\.`, Namespace: builtinScheme}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			want := path.Join(path.Dir(args.Importer), args.Path)
			for _, candidate := range []string{want, want + ".ts", want + ".js", want + ".json", path.Join(want, "index.ts")} {
				if info, err := fs.Stat(cfg.Builtin, candidate); err == nil && !info.IsDir() {
					return api.OnResolveResult{Path: candidate, Namespace: builtinScheme}, nil
				}
			}
			return api.OnResolveResult{Errors: []api.Message{{Text: fmt.Sprintf("unknown import %q", args.Path)}}}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: builtinScheme}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			data, err := fs.ReadFile(cfg.Builtin, args.Path)
			if err != nil {
				return api.OnLoadResult{}, err
			}
			text := string(data)
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderDefault}, nil
		})
	}}
}

// bundleErrors makes one *Error of all that esbuild found.
func bundleErrors(messages []api.Message, dir, cwd string, found *packages, known []string) error {
	var all []*Error
	for _, m := range messages {
		e := cmp.Or(unresolvedImport(m, found, known), missingExport(m), loaderFault(m), &Error{Op: "bundle", Message: m.Text})
		switch hint, fromPlugin := m.Detail.(string); {
		case fromPlugin:
			e.Hint = hint
		case e.Hint != "" || e.Message != m.Text || e.needing != "":
		case strings.Contains(m.Text, "op-level await"):
			e.Message = "await is not possible outside of a function"
			e.Hint = "do it in an async setup() or in the iteration"
		case m.ID == "empty-import-meta":
			e.Message = "import.meta does not exist here"
			e.Hint = "open() and relative imports are resolved against the script's own folder"
		default:
			e.Message = "SyntaxError: " + m.Text
		}
		if at := m.Location; at != nil {
			e.File, e.Line, e.Column = displayName(at.File, dir, cwd), at.Line, columnOf(at.LineText, at.Column)
			e.excerpt = excerpt(at)
		}
		all = append(all, e)
	}
	slices.SortStableFunc(all, func(a, b *Error) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	all = joinNeeds(all)
	all[0].others = all[1:]
	return all[0]
}

// columnOf turns esbuild's column, in bytes from 0, into one in characters from 1.
func columnOf(line string, bytes int) int {
	return len([]rune(line[:min(bytes, len(line))])) + 1
}

// excerptWidth is how much of a long source line an excerpt shows.
const excerptWidth = 120

// excerpt is the source line with carets under the fault.
func excerpt(at *api.Location) string {
	if at.LineText == "" {
		return ""
	}
	line, start := []rune(strings.ReplaceAll(at.LineText, "\t", " ")), columnOf(at.LineText, at.Column)-1
	length := max(1, columnOf(at.LineText, at.Column+at.Length)-1-start)
	if len(line) > excerptWidth {
		from := max(0, min(start-excerptWidth/2, len(line)-excerptWidth))
		line, start = line[from:from+excerptWidth], start-from
	}
	length = max(1, min(length, len(line)-start))
	return "    " + string(line) + "\n    " + strings.Repeat(" ", start) + strings.Repeat("^", length)
}

// displayName shows a file, named relative to dir, as the user would: relative when it is
// below the working directory, else absolute.
func displayName(file, dir, cwd string) string {
	if library := libraryName(file); library != "" {
		return library
	}
	if file == "" || strings.HasPrefix(file, builtinScheme+":") {
		return file
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, filepath.FromSlash(file))
	}
	if rel, err := filepath.Rel(cwd, file); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return file
}

// adaptSourceMap names the sources for display and shifts the columns: goja
// counts columns from 1 and takes the map's columns, which count from 0, as they are.
// Without dir, the sources' names are displayed as they are.
func adaptSourceMap(m sourceMap, dir, cwd string) ([]byte, error) {
	for i, name := range m.Sources {
		if library := libraryName(name); library != "" {
			name = library
		} else if dir != "" {
			name = displayName(name, dir, cwd)
		}
		// Absolute names must be URLs, goja joins them to the bundle's name otherwise.
		if filepath.IsAbs(name) {
			m.Sources[i] = (&url.URL{Scheme: "file", Path: filepath.ToSlash(name)}).String()
		} else {
			m.Sources[i] = filepath.ToSlash(name)
		}
	}
	m.Contents = nil
	m.Mappings = shiftColumns(m.Mappings)
	return json.Marshal(m)
}

// shiftColumns adds 1 to every generated and every original column. Generated
// columns are deltas within a line, original ones deltas over the whole map,
// so one number a line changes, and one more in the first segment.
func shiftColumns(mappings string) string {
	lines := strings.Split(mappings, ";")
	first := true
	for i, line := range lines {
		if line == "" {
			continue
		}
		segment, rest, more := strings.Cut(line, ",")
		fields, _ := decodeVLQ(segment) // readSourceMap has checked them
		fields[0]++
		if first && len(fields) > 3 {
			fields[3]++
			first = false
		}
		lines[i] = encodeVLQ(fields)
		if more {
			lines[i] += "," + rest
		}
	}
	return strings.Join(lines, ";")
}

const vlqDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// decodeVLQ reads the numbers of one segment: groups of five bits, the lowest
// first, the lowest bit of a number its sign. False: it has none, or something else.
func decodeVLQ(segment string) (fields []int, ok bool) {
	value, shift := 0, 0
	for _, digit := range []byte(segment) {
		d := strings.IndexByte(vlqDigits, digit)
		if d < 0 || shift > 30 {
			return nil, false
		}
		value |= (d & 31) << shift
		shift += 5
		if d&32 != 0 {
			continue
		}
		if value&1 != 0 {
			fields = append(fields, -(value >> 1))
		} else {
			fields = append(fields, value>>1)
		}
		value, shift = 0, 0
	}
	return fields, shift == 0 && len(fields) > 0
}

func encodeVLQ(fields []int) string {
	var b strings.Builder
	for _, f := range fields {
		v := f << 1
		if f < 0 {
			v = -f<<1 | 1
		}
		for {
			d := v & 31
			v >>= 5
			if v > 0 {
				d |= 32
			}
			b.WriteByte(vlqDigits[d])
			if v == 0 {
				break
			}
		}
	}
	return b.String()
}
