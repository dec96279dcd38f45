package scripts

import (
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
)

// libraryTypes are the declarations of lib, which tsc has written: npm run types.
//
//go:embed types/*.d.ts
var libraryTypes embed.FS

var (
	relativeImport = regexp.MustCompile(`(from |import\()"\./([\w-]+)"`)
	declareKeyword = regexp.MustCompile(`(?m)^(export )?declare `)
	privateMembers = regexp.MustCompile(`(?m)^ *#private;\n`) // that a class has some
)

// LibraryTypes are the declarations of what scripts import as weir/lib/NAME, by name:
// the text of a .d.ts file with one `declare module`, so that editors need no path to
// where it is.
func LibraryTypes() (map[string]string, error) {
	all := make(map[string]string)
	paths, err := fs.Glob(libraryTypes, "types/*.d.ts")
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		name := strings.TrimSuffix(strings.TrimPrefix(path, "types/"), ".d.ts")
		text, err := fs.ReadFile(libraryTypes, path)
		if err != nil {
			return nil, err
		}
		source, err := fs.ReadFile(Files, "lib/"+name+".ts")
		if err != nil {
			return nil, fmt.Errorf("the declarations of weir/lib/%s have no source: %w", name, err)
		}
		all[name] = ambient(name, head(string(source)), string(text))
	}
	return all, nil
}

// ambient makes the declaration of a module out of those of a file.
func ambient(name, doc, text string) string {
	text = declareKeyword.ReplaceAllString(text, "$1")
	text = privateMembers.ReplaceAllString(text, "")
	text = relativeImport.ReplaceAllString(text, `$1"weir/lib/$2"`)
	if !strings.Contains(text, "export {}") {
		text = strings.TrimRight(text, "\n") + "\nexport {};\n" // what is not exported stays inside
	}
	var b strings.Builder
	if doc != "" {
		fmt.Fprintf(&b, "/**\n * %s\n */\n", strings.ReplaceAll(doc, "\n", "\n * "))
	}
	fmt.Fprintf(&b, "declare module \"weir/lib/%s\" {\n", name)
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	b.WriteString("}\n")
	return b.String()
}

// head is the comment that a file begins with.
func head(source string) string {
	var lines []string
	for line := range strings.Lines(source) {
		comment, found := strings.CutPrefix(strings.TrimRight(line, "\n"), "//")
		if !found {
			break
		}
		lines = append(lines, strings.TrimPrefix(comment, " "))
	}
	return strings.ReplaceAll(strings.Join(lines, "\n"), "*/", "* /")
}
