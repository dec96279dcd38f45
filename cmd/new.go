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
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"weir/runtime/script"
	"weir/runtime/suggest"
	"weir/scripts"
)

const (
	usualTemplate = "static"
	maxNameBytes  = 100 // of a scenario's name: file systems take 255, with endings and a time of a result
)

// newCommand makes a scenario to start from.
func newCommand() *cobra.Command {
	var template string
	var list bool
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a scenario to start from",
		Long: `Make a scenario to start from: the folder NAME (it may be a path) with a small, commented scenario
NAME.ts, its data, a README.md, and what editors need: package.json, tsconfig.json and the types of weir.
Nothing is overwritten: when one of the files is there already, nothing is written at all.

Templates:
` + templateList("  "),
		Example: `  weir new latency                        the template ` + usualTemplate + `
  weir new load/chat --template chat      another one, in the folder load/chat
  weir new --list                         the templates`,
		Args: arguments(0, 1, "one argument, the name of a scenario", "weir new latency"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				fmt.Fprint(cmd.OutOrStdout(), templateList(""))
				return nil
			}
			if len(args) == 0 {
				return &exitError{exitConfig, errors.New("a new scenario needs a name\n  hint: weir new latency, or weir new latency --template chat; weir new --list shows the templates")}
			}
			from, err := findTemplate(template)
			if err != nil {
				return &exitError{exitConfig, err}
			}
			name, err := scenarioName(args[0])
			if err != nil {
				return &exitError{exitConfig, err}
			}
			if err := writeScenario(args[0], name, from); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s: made from the template %s. %s.\n\nNext:\n", filepath.Clean(args[0]), from.Name, from.About)
			if filepath.Clean(args[0]) != "." {
				fmt.Fprintf(out, "  cd %s\n", shellWord(args[0]))
			}
			run := "weir run " + shellWord(name+".ts")
			fmt.Fprintf(out, "  %s --sim     tries it against a simulated service\n  %s --help    shows its flags\n", run, run)
			fmt.Fprintf(out, "  Change %s in an editor that knows TypeScript: it completes names and shows what they are.\n", name+".ts")
			return nil
		},
	}
	c.Flags().StringVarP(&template, "template", "t", usualTemplate, "what it is made of")
	c.Flags().BoolVar(&list, "list", false, "list the templates")
	_ = c.RegisterFlagCompletionFunc("template", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var words []string
		for _, t := range scripts.Templates() {
			words = append(words, t.Name+"\t"+t.About)
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

// templateList shows the templates, a line each.
func templateList(indent string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, t := range scripts.Templates() {
		fmt.Fprintf(w, "%s%s\t%s\n", indent, t.Name, t.About)
	}
	w.Flush()
	return b.String()
}

// findTemplate finds a template by its name.
func findTemplate(name string) (scripts.Template, error) {
	var names []string
	for _, t := range scripts.Templates() {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	hint := "the templates are " + strings.Join(names, ", ")
	if near := suggest.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %s? The templates are %s", near, strings.Join(names, ", "))
	}
	return scripts.Template{}, fmt.Errorf("there is no template %q\n  hint: %s", name, hint)
}

// scenarioName is what a scenario in a folder is called: as the folder.
func scenarioName(folder string) (string, error) {
	fail := func(what, hint string) (string, error) {
		return "", fmt.Errorf("%q is no name for a scenario: %s\n  hint: %s", shorten(folder), what, hint)
	}
	if folder == "" {
		return fail("it is empty", "weir new latency")
	}
	if !utf8.ValidString(folder) || strings.ContainsFunc(folder, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return fail("it has characters that cannot be seen", "use letters, digits, - and _, such as latency-8k")
	}
	abs, err := filepath.Abs(folder)
	if err != nil {
		return "", fmt.Errorf("the folder of the new scenario: %w", err)
	}
	name := filepath.Base(abs)
	switch {
	case name == string(filepath.Separator):
		return fail("it is the root of the file system", "weir new latency makes the folder latency here")
	case len(name) > maxNameBytes:
		return fail(fmt.Sprintf("it has %d bytes, and may have %d", len(name), maxNameBytes), "the name is that of its results, too: a short one is easier to read")
	case strings.TrimSpace(name) != name:
		return fail("it begins or ends with a blank", "try "+strings.TrimSpace(name))
	case strings.HasPrefix(name, ".") || strings.HasPrefix(name, "-"):
		return fail(fmt.Sprintf("it begins with %q", name[:1]), "letters and digits are good beginnings, as of latency-8k")
	case strings.ContainsAny(name, `\:*?"<>|`):
		return fail(`it has one of \ : * ? " < > |, which not every file system takes`, "use letters, digits, - and _, such as latency-8k")
	case slices.Contains(script.BuiltinNames(scripts.Files), name):
		return fail(fmt.Sprintf("weir's own scenario is called so, and \"weir run %s\" would always play that one", name), "try my-"+name)
	case hasScriptEnding(name):
		return fail("it is a folder, and should not end as a script", "try "+strings.TrimSuffix(folder, filepath.Ext(name)))
	}
	return name, nil
}

func hasScriptEnding(name string) bool {
	return slices.Contains([]string{".ts", ".js", ".mts", ".mjs", ".weir", ".json"}, filepath.Ext(name))
}

// shorten keeps the beginning of a text for a message.
func shorten(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// shellWord is a word as a shell takes it.
func shellWord(text string) string {
	if strings.ContainsAny(text, " '\"&;()$`*?[]{}<>|\\!#~") {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}

// writeScenario writes all files of a new scenario, or none.
func writeScenario(folder, name string, t scripts.Template) error {
	files := t.Fill(name, "weir run "+shellWord(name+".ts"))
	types, err := typeFiles()
	if err != nil {
		return &exitError{exitFault, err}
	}
	for file, text := range types {
		files[filepath.Join(typesFolder, file)] = typesHead() + text
	}
	paths := slices.Sorted(maps.Keys(files))
	var exist []string
	typesThere := 0
	for _, path := range paths {
		if _, err := os.Lstat(filepath.Join(folder, path)); err != nil {
			continue
		}
		if filepath.Dir(path) == typesFolder {
			typesThere++
			continue
		}
		exist = append(exist, filepath.Join(folder, path))
	}
	if typesThere > 0 {
		exist = append(exist, fmt.Sprintf("%s (%d files)", filepath.Join(folder, typesFolder), typesThere))
	}
	if len(exist) > 0 {
		return &exitError{exitConfig, fmt.Errorf("nothing was written, because this is there already: %s\n  hint: choose another name, or move it away", strings.Join(exist, ", "))}
	}
	made, err := makeFolders(filepath.Join(folder, typesFolder))
	for i := 0; err == nil && i < len(paths); i++ {
		path := filepath.Join(folder, paths[i])
		if err = writeNew(path, files[paths[i]]); err == nil || !errors.Is(err, fs.ErrExist) {
			made = append(made, path)
		}
	}
	if err == nil {
		return nil
	}
	for _, path := range slices.Backward(made) {
		os.Remove(path) // as far as it is possible: the error below tells what went wrong
	}
	return &exitError{exitFault, fmt.Errorf("making the scenario %s: %w\n  hint: nothing of it was kept", folder, err)}
}

// makeFolders makes a folder and those above it, and tells which were not there before.
func makeFolders(path string) (made []string, err error) {
	for missing := path; ; missing = filepath.Dir(missing) {
		if _, err := os.Lstat(missing); err == nil || missing == filepath.Dir(missing) {
			break
		}
		made = append(made, missing)
	}
	slices.Reverse(made)
	return made, os.MkdirAll(path, 0o755)
}

// writeNew writes a file that is not there.
func writeNew(path, text string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}
