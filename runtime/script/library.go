package script

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// libraryFolder is where scripts find what weir brings for them to import: its file
// lib/stats.ts is "weir/lib/stats".
const libraryFolder = "weir/lib/"

// libraryNames are what scripts can import of fsys.
func libraryNames(fsys fs.FS) []string {
	if fsys == nil {
		return nil
	}
	names, _ := fs.Glob(fsys, "lib/*.ts") // the pattern is a right one
	for i, file := range names {
		names[i] = libraryFolder + strings.TrimSuffix(path.Base(file), ".ts")
	}
	return names
}

// libraryFile is the file of a name of libraryNames.
func libraryFile(name string) string {
	return "lib/" + strings.TrimPrefix(name, libraryFolder) + ".ts"
}

// libraryName is how stacks and messages name a library's source: "weir/lib/stats.ts".
// "" is of other sources.
func libraryName(source string) string {
	if file, found := strings.CutPrefix(source, builtinScheme+":lib/"); found {
		return libraryFolder + file
	}
	return ""
}

// libraryHint says which library may be meant, "" when none is.
func libraryHint(name string, known []string) string {
	near := strings.HasPrefix(name, "weir/") || strings.HasPrefix(name, "lib/")
	if here := libraryFolder + strings.TrimSuffix(path.Base(name), ".ts"); near && slices.Contains(known, here) {
		return "did you mean " + quote(here) + "?" // weir/stats, lib/stats, weir/lib/stats.ts
	}
	if !strings.HasPrefix(name+"/", libraryFolder) {
		return ""
	}
	libraries := slices.DeleteFunc(slices.Clone(known), func(k string) bool { return !strings.HasPrefix(k, libraryFolder) })
	if hint := didYouMean(name, libraries); hint != "" || len(libraries) == 0 {
		return hint
	}
	return "libraries are " + strings.Join(libraries, ", ")
}
