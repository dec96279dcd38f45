package script

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Program is a script that has been bundled before: what a scenario that came from
// elsewhere, or the one of an earlier run, is loaded from.
type Program struct {
	Name string // of the script: "sweep"
	Path string // as results show it: "sweep.weir"
	Dir  string // the script's folder, absolute
	Code []byte // one CommonJS program, as [Script.Source]
	Map  []byte // its source map, as [Script.Map]; nil: there is none

	// Given are values of parameters, by name: weaker than all that the run gives itself.
	Given map[string]any
	// From is where they come from, for messages and as [Param.From]: "bundle", or "result"
	// for those of a run that is repeated, which the environment does not change.
	From string
	// Left are parameters that had a value which was not kept, and why: the run has to give
	// them again.
	Left map[string]string
}

// The origins of values that a Program brings along.
const (
	FromBundle = "bundle"
	FromResult = "result"
)

// given takes a parameter's value of the program, when there is one.
func (p *Program) given(param *Param) *ParamError {
	if p == nil {
		return nil
	}
	v, found := p.Given[param.Name]
	if !found || v == nil {
		return nil
	}
	value, err := coerce(param.Type, paramValue(v))
	if err != nil {
		return param.wrong(fmt.Sprintf("%s in %s", param.Name, p.Path), show(v), err)
	}
	if p.From == FromResult && reflect.DeepEqual(value, param.Default) {
		return nil // a result has all parameters, also those that nobody gave
	}
	param.Value, param.From = value, p.From
	return nil
}

// lacks says that a parameter has to be given again, when it does.
func (p *Program) lacks(param *Param) *ParamError {
	if p == nil || param.From != "default" {
		return nil
	}
	why, left := p.Left[param.Name]
	if !left {
		return nil
	}
	return &ParamError{
		Message: fmt.Sprintf("--%s: its value is not in %s: %s", param.Flag, p.Path, why),
		Hint:    "give it again: --" + param.Flag + orVariable(param.Flag),
	}
}

// unknown lists the values that no parameter takes.
func (p *Program) unknown(params []Param) (problems []*ParamError) {
	if p == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(p.Given)) {
		if !slices.ContainsFunc(params, func(param Param) bool { return param.Name == name }) {
			problems = append(problems, &ParamError{Message: fmt.Sprintf("unknown parameter %q in %s", name, p.Path), Hint: "its values belong to another script"})
		}
	}
	return problems
}

// sourceMap is one of version 3.
type sourceMap struct {
	Version  int       `json:"version"`
	Sources  []string  `json:"sources"`
	Contents []*string `json:"sourcesContent,omitempty"`
	Names    []string  `json:"names"`
	Mappings string    `json:"mappings"`
}

// Sources are the texts that the script was bundled from, by their names relative to the
// script's folder; of weir's own, such as "builtin:static.ts".
func (s *Script) Sources() map[string]string {
	var m sourceMap
	if json.Unmarshal(s.Map, &m) != nil {
		return nil
	}
	all := make(map[string]string, len(m.Sources))
	for i, name := range m.Sources {
		if i < len(m.Contents) && m.Contents[i] != nil {
			all[filepath.ToSlash(name)] = *m.Contents[i]
		}
	}
	return all
}

// PlainMap is a source map without the texts of its sources.
func PlainMap(data []byte) ([]byte, error) {
	m, err := readSourceMap(data)
	if err != nil {
		return nil, err
	}
	m.Contents = nil
	return json.Marshal(m)
}

// withMap is code with its source map, adapted for goja, in its last line. dir and cwd are
// those of display names; without dir, the sources are named as they are.
func withMap(code, data []byte, dir, cwd string) ([]byte, error) {
	code = slices.Clip(code)
	if len(data) == 0 {
		return append(code, "\n// no source map"...), nil // and no comment of the program's own in the last line
	}
	m, err := readSourceMap(data)
	if err != nil {
		return nil, err
	}
	adapted, err := adaptSourceMap(m, dir, cwd)
	if err != nil {
		return nil, err
	}
	code = append(code, "\n//# sourceMappingURL=data:application/json;base64,"...)
	return base64.StdEncoding.AppendEncode(code, adapted), nil
}

const (
	maxSources    = 100_000
	maxSourceName = 4096
	maxPosition   = 1 << 30 // of lines and columns
)

// readSourceMap reads a source map and holds everything in it to be what its reader in
// goja takes for granted: it may come from anybody.
func readSourceMap(data []byte) (m sourceMap, err error) {
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("reading the source map: %w", err)
	}
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("reading the source map: "+format, args...)
	}
	if m.Version != 3 {
		return m, wrong("version %d, where 3 is expected", m.Version)
	}
	if len(m.Sources) > maxSources {
		return m, wrong("it names %d sources, at most %d are possible", len(m.Sources), maxSources)
	}
	for _, name := range m.Sources {
		if len(name) > maxSourceName || strings.ContainsFunc(name, unicode.IsControl) {
			return m, wrong("%.40q is no name of a source", name)
		}
	}
	m.Names = []string{}
	return m, checkMappings(m.Mappings, len(m.Sources))
}

// checkMappings checks the positions of a source map: four or five numbers a segment,
// which lead to a source, a line and a column that can be.
func checkMappings(mappings string, sources int) error {
	var original [3]int // source, line, column
	for line := range strings.SplitSeq(mappings, ";") {
		column := 0
		for segment := range strings.SplitSeq(line, ",") {
			if segment == "" && line == "" {
				continue
			}
			fields, ok := decodeVLQ(segment)
			if !ok || len(fields) != 1 && len(fields) != 4 && len(fields) != 5 {
				return fmt.Errorf("reading the source map: %.40q is no segment", segment)
			}
			column += fields[0]
			if column < 0 || column > maxPosition {
				return fmt.Errorf("reading the source map: a segment is at column %d", column)
			}
			for i := range original {
				if len(fields) > 1 {
					original[i] += fields[1+i]
				}
				if original[i] < 0 || original[i] > maxPosition || len(fields) > 1 && original[0] >= sources {
					return fmt.Errorf("reading the source map: a segment leads to line %d, column %d of source %d", original[1], original[2], original[0])
				}
			}
		}
	}
	return nil
}

var requireCall = regexp.MustCompile(`\brequire\("([^"\\]+)"\)`)

// Imports are the modules of weir that the script imports, sorted.
func (s *Script) Imports() []string {
	var all []string
	for _, m := range requireCall.FindAllSubmatch(s.Source, -1) {
		if path := string(m[1]); s.cfg.Modules[path] != nil && !slices.Contains(all, path) {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all
}
