package scripts

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

// templates are what weir new makes scenarios of: a folder each, and project, with what
// all of them get.
//
//go:embed templates/*/*
var templates embed.FS

// project is the folder of templates with what every new scenario gets.
const project = "project"

// Template is what a new scenario is made of.
type Template struct {
	Name  string
	About string // a sentence, without its point
}

// Templates lists those that there are, by name.
func Templates() []Template {
	entries, err := fs.ReadDir(templates, "templates")
	if err != nil {
		panic(err) // it is part of the program
	}
	var all []Template
	for _, e := range entries {
		if e.Name() == project {
			continue
		}
		readme, err := fs.ReadFile(templates, "templates/"+e.Name()+"/README.md")
		if err != nil {
			panic(err)
		}
		about := strings.SplitN(string(readme), "\n", 4)[2] // below the heading
		all = append(all, Template{Name: e.Name(), About: strings.TrimSuffix(strings.ReplaceAll(about, " in `{{file}}`", ""), ".")})
	}
	return all
}

// Fill gives the files of a scenario called name, by their names: scenario.ts becomes
// NAME.ts, and {{name}}, {{file}} and {{run}} (how it is run) in the others what they
// stand for.
func (t Template) Fill(name, run string) map[string]string {
	file := name + ".ts"
	words := strings.NewReplacer("{{name}}", name, "{{file}}", file, "{{run}}", run)
	names := map[string]string{"scenario.ts": file, "gitignore": ".gitignore"}
	files := make(map[string]string)
	for _, folder := range []string{project, t.Name} {
		entries, err := fs.ReadDir(templates, "templates/"+folder)
		if err != nil {
			panic(err)
		}
		for _, e := range entries {
			text, err := fs.ReadFile(templates, "templates/"+folder+"/"+e.Name())
			if err != nil {
				panic(err)
			}
			to := e.Name()
			if other := names[to]; other != "" {
				to = other
			}
			files[to] = string(text)
			if slices.Contains([]string{"package.json", "README.md"}, to) {
				files[to] = words.Replace(string(text))
			}
		}
	}
	return files
}
