package script

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// builtinScheme marks weir's own scripts in paths and stacks.
const builtinScheme = "builtin"

// scriptEndings are the endings that a script's file may have.
var scriptEndings = []string{".ts", ".js", ".mts", ".mjs", ".cts", ".cjs", ".tsx", ".jsx"}

// Load finds, bundles and compiles a script: a path, or the name of a built-in
// one. With cfg.Program, that is what name stands for. Syntax errors and unknown imports
// are reported together (*Error).
func Load(name string, cfg Config) (*Script, error) {
	cwd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("loading script %q: %w", name, err)
	}
	go preludes() // while the bundler is at work
	s := &Script{cfg: cfg, console: newConsole(cfg.Console), loaded: time.Now()}
	s.values = sync.OnceValues(func() (*paramsFile, error) { return readParamsFile(cfg.ParamsFile) })
	shownDir := ""
	if p := cfg.Program; p != nil {
		s.Name, s.Path, s.Dir, s.Source, s.Map = p.Name, p.Path, p.Dir, p.Code, p.Map
		cfg.Access.Script("", s.Dir)
	} else {
		entry, err := s.find(name, cwd)
		if err != nil {
			return nil, err
		}
		shownDir = s.Dir
		if s.Source, s.Map, err = bundle(entry, s.Dir, cwd, cfg); err != nil {
			return nil, err
		}
	}
	mapped, err := withMap(s.Source, s.Map, shownDir, cwd)
	if err != nil {
		return nil, &Error{Op: "bundle", Message: fmt.Sprintf("script %q: %v", name, err)}
	}
	limitMatches(cfg.Limits)
	if s.program, err = compile(mapped); err != nil {
		return nil, err
	}
	return s, nil
}

// find says what is meant by name and fills in the script's names. It returns
// the entry for the bundler.
func (s *Script) find(name, cwd string) (entry string, err error) {
	bare, isBuiltin := strings.CutPrefix(name, builtinScheme+":")
	if isBuiltin || (!strings.ContainsAny(name, `/\`) && filepath.Ext(name) == "") {
		if file := builtinFile(s.cfg.Builtin, bare); file != "" {
			s.Name, s.Path, s.Dir = bare, builtinScheme+":"+bare, cwd
			s.cfg.Access.Builtin(s.Dir)
			return builtinScheme + ":" + file, nil
		}
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return "", &Error{Op: "bundle", Message: fmt.Sprintf("script %q is a folder", name), Hint: "name the file in it, such as " + filepath.Join(name, "main.ts")}
	case err == nil && !info.Mode().IsRegular():
		return "", &Error{Op: "bundle", Message: fmt.Sprintf("script %q is no regular file (%s)", name, info.Mode().Type()), Hint: "write it to a file first: what it imports is looked for beside it"}
	case err != nil:
		reason := "there is no such file or built-in script"
		if !errors.Is(err, fs.ErrNotExist) {
			reason = err.Error()
		}
		return "", &Error{Op: "bundle", Message: fmt.Sprintf("script %q: %s", name, reason), Hint: s.similarScript(name)}
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return "", fmt.Errorf("loading script %q: %w", name, err)
	}
	s.Name, s.Path, s.Dir = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), name, filepath.Dir(path)
	s.cfg.Access.Script(path, s.Dir)
	return path, nil
}

// similarScript is the hint for a script that does not exist.
func (s *Script) similarScript(name string) string {
	builtins := BuiltinNames(s.cfg.Builtin)
	candidates := slices.Clone(builtins)
	dir := filepath.Dir(name)
	entries, _ := os.ReadDir(dir) // a folder that does not exist has no candidates
	for _, e := range entries {
		if slices.Contains(scriptEndings, filepath.Ext(e.Name())) {
			file := filepath.Join(dir, e.Name())
			if strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())) == filepath.Base(name) {
				return "did you mean " + quote(file) + "?"
			}
			candidates = append(candidates, file)
		}
	}
	if hint := didYouMean(name, candidates); hint != "" {
		return hint
	}
	if len(builtins) == 0 {
		return ""
	}
	return "built-in scripts: " + strings.Join(builtins, ", ")
}

// BuiltinNames lists the scripts in the top folder of fsys, without endings.
func BuiltinNames(fsys fs.FS) []string {
	if fsys == nil {
		return nil
	}
	entries, _ := fs.ReadDir(fsys, ".") // an unreadable folder has no scripts
	var names []string
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && IsScript(name) {
			names = append(names, strings.TrimSuffix(name, filepath.Ext(name)))
		}
	}
	return names
}

// IsScript tells whether a file of this name is a script. Files that start with "_" are
// parts of scripts, and are none.
func IsScript(name string) bool {
	return !strings.HasPrefix(name, "_") && !strings.HasSuffix(name, ".d.ts") && slices.Contains(scriptEndings, filepath.Ext(name))
}

func builtinFile(fsys fs.FS, name string) string {
	if fsys == nil || name == "" {
		return ""
	}
	for _, ending := range append([]string{""}, scriptEndings...) {
		if ending == "" && filepath.Ext(name) == "" {
			continue
		}
		if info, err := fs.Stat(fsys, name+ending); err == nil && !info.IsDir() {
			return name + ending
		}
	}
	return ""
}

// bundleName is the file name of code that comes from no file of the user's,
// such as esbuild's helper functions; stacks leave it out.
const bundleName = "weir-bundle"

// compile makes the program that all runtimes share. esbuild has accepted the
// source, so what fails here is syntax that goja does not know.
func compile(source []byte) (program *goja.Program, err error) {
	// goja's parser and compiler are fed whatever users write.
	defer func() {
		if x := recover(); x != nil {
			program, err = nil, &Error{Op: "bundle", Message: fmt.Sprintf("the script engine cannot compile this: %v", x)}
		}
	}()
	tree, err := goja.Parse(bundleName, string(source))
	if err != nil {
		return nil, parseError(err)
	}
	if program, err = goja.CompileAST(tree, false); err != nil {
		return nil, parseError(err)
	}
	return program, nil
}

func parseError(err error) error {
	const hint = "the script engine does not support this; write it another way"
	var list parser.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		e := &Error{Op: "bundle", Message: "SyntaxError: " + list[0].Message, Hint: hint}
		e.at(frame{file: list[0].Position.Filename, line: list[0].Position.Line, column: list[0].Position.Column})
		return e
	}
	var syntax *goja.CompilerSyntaxError
	if errors.As(err, &syntax) {
		e := &Error{Op: "bundle", Message: "SyntaxError: " + syntax.Message, Hint: hint}
		if syntax.File != nil {
			p := syntax.File.Position(syntax.Offset)
			e.at(frame{file: p.Filename, line: p.Line, column: p.Column})
		}
		return e
	}
	return &Error{Op: "bundle", Message: err.Error(), Hint: hint}
}
