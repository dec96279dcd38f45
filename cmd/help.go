package cmd

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"weir/runtime/bundle"
	"weir/runtime/script"
	"weir/runtime/suggest"
)

func init() {
	cobra.EnableCommandSorting = false // the order says what comes first; see addCommands
}

// noArguments is for commands that take flags alone.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes no argument %q\n  hint: %[1]s --help tells what it takes", cmd.CommandPath(), args[0])
}

// arguments is for commands that take from least to most arguments, which are what: a
// wrong number is answered with an example.
func arguments(least, most int, what, example string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if least <= len(args) && len(args) <= most {
			return nil
		}
		return &exitError{exitConfig, fmt.Errorf("%s takes %s; it was given %d\n  hint: %s", cmd.CommandPath(), what, len(args), example)}
	}
}

// unknownCommand tells what the first word may have meant, which is no command.
func unknownCommand(root *cobra.Command, args []string) error {
	word := ""
	if at := slices.IndexFunc(args, func(arg string) bool { return !strings.HasPrefix(arg, "-") }); at >= 0 {
		word = args[at]
	}
	hint := fmt.Sprintf("%s --help lists the commands", root.Name())
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if isBuiltin(word) || script.IsScript(word) || isFetched(word) || strings.HasSuffix(word, bundle.Ending) {
		hint = fmt.Sprintf("a scenario is run with: %s run %s", root.Name(), word)
	} else if near := suggest.Nearest(word, names); near != "" {
		hint = fmt.Sprintf("did you mean %s %s?", root.Name(), near)
	}
	return fmt.Errorf("%q is no command of %s\n  hint: %s", word, root.Name(), hint)
}

// sectionKey is the annotation of a flag with the head that it is listed under.
const sectionKey = "section"

// section puts the flags of a set that are under no head of the help yet under this one.
func section(fs *pflag.FlagSet, head string) {
	fs.VisitAll(func(f *pflag.Flag) {
		if len(f.Annotations[sectionKey]) == 0 {
			_ = fs.SetAnnotation(f.Name, sectionKey, []string{head}) // it fails for flags that are not there
		}
	})
}

// flagHelp lists flags for so many columns: those of each section under its head, in the
// order of the set.
func flagHelp(fs *pflag.FlagSet, columns int) string {
	type part struct {
		head  string
		flags *pflag.FlagSet
	}
	var parts []part
	fs.VisitAll(func(f *pflag.Flag) {
		head := strings.Join(f.Annotations[sectionKey], "")
		if n := len(parts); n == 0 || parts[n-1].head != head {
			flags := pflag.NewFlagSet(head, pflag.ContinueOnError)
			flags.SortFlags = fs.SortFlags
			parts = append(parts, part{head, flags})
		}
		shown := *f
		if f.Value.Type() == "bool" {
			shown.Value = plainSwitch{f.Value}
		}
		parts[len(parts)-1].flags.AddFlag(&shown)
	})
	var b strings.Builder
	for _, p := range parts {
		if p.head != "" {
			fmt.Fprintf(&b, "\n%s:\n", p.head)
		}
		b.WriteString(p.flags.FlagUsagesWrapped(columns))
	}
	return b.String()
}

// plainSwitch is the value of a switch that is listed as --records, not as
// --records[=true|false].
type plainSwitch struct{ pflag.Value }

// wrapHelp makes the help of a command, and of those below it, list flags for the width
// of where it is printed.
func wrapHelp(root *cobra.Command, to io.Writer) {
	cobra.AddTemplateFunc("flagHelp", func(fs *pflag.FlagSet) string { return flagHelp(fs, width(to)) })
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".LocalFlags.FlagUsages", "flagHelp .LocalFlags"))
}
