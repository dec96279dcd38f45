package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	declarations "weir/modules"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/scripts"
)

const (
	// typesFolder is the default DIR: a folder of the project, which a tsconfig.json
	// includes by itself and npm leaves alone, as it does not with those in node_modules.
	typesFolder = "types"
	// typesMark begins the first line of every file that weir types has written.
	typesMark = "// Written by weir types"
)

// typesCommand writes the declarations that editors and tsc need.
func typesCommand() *cobra.Command {
	var check bool
	c := &cobra.Command{
		Use:   "types [DIR]",
		Short: "Write the TypeScript declarations of weir's modules, for editors",
		Long: `Write the TypeScript declarations of everything that scripts import (weir, weir/llm, weir/lib/…, the
modules of extensions) and of the globals, with their documentation: editors complete names and show it,
and tsc checks scripts.

DIR is ` + typesFolder + ` by default. Editors and tsc find it where a tsconfig.json includes it, as the one of weir new
does ("include": ["**/*.ts"]). Without a tsconfig.json, node_modules/@types/weir is found as well, but npm
removes it when it installs packages.

Only files that weir types itself has written are replaced, and removed when they are not needed any more.`,
		Example: `  weir types                                the declarations, in the folder types
  weir types node_modules/@types/weir       where editors look without a tsconfig.json
  weir types --check                        for CI: exit code 1 when they are not those of this weir`,
		Args: arguments(0, 1, "at most one argument, a folder", "weir types "+typesFolder),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := append(args, typesFolder)[0]
			if dir == "" {
				return &exitError{exitConfig, errors.New("the name of the folder is empty\n  hint: leave it out for " + typesFolder)}
			}
			files, err := typeFiles()
			if err != nil {
				return &exitError{exitFault, err}
			}
			at, err := readTypes(dir)
			if err != nil {
				return &exitError{exitConfig, err}
			}
			if check {
				return checkTypes(cmd, dir, files, at)
			}
			changed, err := writeTypes(dir, files, at)
			if err != nil {
				return err
			}
			if changed == 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %d files, all as they were\n", dir, len(files))
				return nil
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d files, of weir %s\n", dir, len(files), version)
			return nil
		},
	}
	c.Flags().BoolVar(&check, "check", false, "write nothing; say what is not current, with exit code 1")
	return c
}

// typeFiles are the files of weir types, by name, without their first lines.
func typeFiles() (map[string]string, error) {
	files := make(map[string]string)
	add := func(name, text string) error {
		if _, twice := files[name]; twice {
			return fmt.Errorf("there are two declarations of %s", name)
		}
		files[name] = text
		return nil
	}
	paths, err := fs.Glob(declarations.Types, "*/*.d.ts")
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		text, err := fs.ReadFile(declarations.Types, path)
		if err != nil {
			return nil, err
		}
		if err := add(filepath.Base(path), string(text)); err != nil {
			return nil, err
		}
	}
	libraries, err := scripts.LibraryTypes()
	if err != nil {
		return nil, err
	}
	for name, text := range libraries {
		if err := add("lib-"+name+".d.ts", text); err != nil {
			return nil, err
		}
	}
	for _, e := range script.Extensions() {
		if typed, ok := e.New().(script.Typed); ok {
			name := strings.ReplaceAll(strings.TrimPrefix(e.Path, "weir/"), "/", "-") + ".d.ts"
			if err := add(name, typed.Types()); err != nil {
				return nil, err
			}
		}
	}
	var index strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&index, "/// <reference path=%q />\n", "./"+name)
	}
	return files, add("index.d.ts", index.String())
}

// typesHead is the first line of a file.
func typesHead() string {
	return fmt.Sprintf("%s of weir %s. Do not edit: it is written anew.\n", typesMark, version)
}

// readTypes reads the declarations in a folder, those of others too.
func readTypes(dir string) (map[string]string, error) {
	at := make(map[string]string)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return at, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the folder: %w\n  hint: weir types DIR writes to another folder", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".d.ts") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("%w", err)
		}
		at[e.Name()] = strings.ReplaceAll(string(text), "\r\n", "\n") // as git may have made it
	}
	return at, nil
}

// writeTypes brings a folder up to date, and tells how many of its files have changed.
// Nothing is written when a file of somebody else is in the way.
func writeTypes(dir string, files, at map[string]string) (changed int, err error) {
	var others []string
	for name := range files {
		if text, exists := at[name]; exists && !strings.HasPrefix(text, typesMark) {
			others = append(others, filepath.Join(dir, name))
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		return 0, &exitError{exitConfig, fmt.Errorf("nothing was written, because weir types has not written what is there: %s\n  hint: move it away, or name another folder: weir types DIR", strings.Join(others, ", "))}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, &exitError{exitConfig, fmt.Errorf("making the folder: %w", err)}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := typesHead() + files[name]
		if at[name] == text {
			continue
		}
		changed++
		if err := result.ReplaceFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return changed, &exitError{exitFault, err}
		}
	}
	for name, text := range at {
		if _, current := files[name]; !current && strings.HasPrefix(text, typesMark) {
			changed++
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return changed, &exitError{exitFault, fmt.Errorf("removing what is not needed any more: %w", err)}
			}
		}
	}
	return changed, nil
}

// checkTypes says whether a folder has what this weir would write. Which version of weir
// has written it does not matter when it says the same.
func checkTypes(cmd *cobra.Command, dir string, files, at map[string]string) error {
	var differ []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text, exists := at[name]
		head, body, _ := strings.Cut(text, "\n")
		switch {
		case !exists:
			differ = append(differ, name+" is missing")
		case !strings.HasPrefix(head, typesMark):
			differ = append(differ, name+" was not written by weir types")
		case body != files[name]:
			differ = append(differ, name+" is another one")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(at)) {
		if _, current := files[name]; !current && strings.HasPrefix(at[name], typesMark) {
			differ = append(differ, name+" is not needed any more")
		}
	}
	if len(differ) == 0 {
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %d files, current\n", dir, len(files))
		return nil
	}
	if len(at) == 0 {
		differ = []string{"there are no declarations"}
	}
	again := "weir types"
	if dir != typesFolder {
		again += " " + dir
	}
	return &exitError{exitFault, fmt.Errorf("%s has not the declarations of weir %s: %s\n  hint: write them: %s", dir, version, strings.Join(differ, ", "), again)}
}
