package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"weir/runtime/bundle"
	"weir/runtime/convention"
	"weir/runtime/device/sources"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/sim"
	"weir/runtime/terminal"
	"weir/runtime/transport"
	"weir/scripts"
)

// scriptCommands are the commands whose flags cobra does not parse, as those of a script are
// among them, with their own flags.
var scriptCommands = map[string]func() *pflag.FlagSet{
	"run":     func() *pflag.FlagSet { return new(runFlags).set() },
	"inspect": func() *pflag.FlagSet { _, all := new(inspectFlags).set(); return all },
	"bundle":  func() *pflag.FlagSet { return new(bundleFlags).set() },
	"rerun":   func() *pflag.FlagSet { return new(runFlags).set() },
}

// flagValues are the values of flags that have only some, by name. Which others are files
// and which are folders, flagFolders says.
var flagValues = map[string]func() []string{
	"convention": func() []string {
		names := []string{"all"}
		for _, c := range convention.All {
			names = append(names, c.Name)
		}
		return names
	},
	"fault":   sim.Faults,
	"lang":    func() []string { return []string{"auto", "en", "zh"} },
	"monitor": sources.Names,
	"progress": func() []string {
		return []string{string(terminal.Auto), string(terminal.Full), string(terminal.Plain), string(terminal.None)}
	},
	"sim-fault": sim.Faults,
	"window":    func() []string { return []string{result.WindowAll, result.WindowSteady} },
}

// flagFolders are the flags whose values are folders.
var flagFolders = []string{"out", "files-from", "sim-profile-dir", "sim-tokenizer"}

// completionScripts write the scripts that make shells ask weir, by shell.
var completionScripts = map[string]func(root *cobra.Command, to io.Writer) error{
	"bash":       func(root *cobra.Command, to io.Writer) error { return root.GenBashCompletionV2(to, true) },
	"zsh":        (*cobra.Command).GenZshCompletion,
	"fish":       func(root *cobra.Command, to io.Writer) error { return root.GenFishCompletion(to, true) },
	"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
}

// completionCommand prints the script that a shell completes weir's command lines with.
func completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion " + strings.Join(shells, "|"),
		Short: "Print the script that a shell completes command lines of weir with",
		Long: `Print the script that a shell completes command lines of weir with: commands and flags, the names of scripts, and
behind them the scripts' own flags and what they choose from. For the shell that runs:

  bash         source <(weir completion bash)
  zsh          source <(weir completion zsh)
  fish         weir completion fish | source
  powershell   weir completion powershell | Out-String | Invoke-Expression

For all to come, put the script where the shell looks for it. bash needs its package bash-completion:

  bash         weir completion bash > ~/.local/share/bash-completion/completions/weir
  zsh          weir completion zsh > "${fpath[1]}/_weir"
  fish         weir completion fish > ~/.config/fish/completions/weir.fish
  powershell   weir completion powershell >> $PROFILE`,
		ValidArgs: shells,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || completionScripts[args[0]] == nil {
				return fmt.Errorf("weir completion takes the name of a shell: %s", strings.Join(shells, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return completionScripts[args[0]](cmd.Root(), cmd.OutOrStdout())
		},
	}
}

// addCompletion has the shell's questions about the command line answered. It takes some
// time, so it is done when there is such a question.
func addCompletion(root *cobra.Command, args []string) {
	if len(args) == 0 || !strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		return
	}
	for _, cmd := range root.Commands() {
		if flags := scriptCommands[cmd.Name()]; flags != nil {
			cmd.ValidArgsFunction = completeScriptLine(cmd.Name(), flags)
			continue
		}
		switch cmd.Name() {
		case "report", "compare":
			cmd.ValidArgsFunction = func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
				return runFolders(word), cobra.ShellCompDirectiveDefault
			}
		case "push":
			cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
				if len(args) > 0 {
					return nil, cobra.ShellCompDirectiveNoFileComp
				}
				return []string{strings.TrimPrefix(bundle.Ending, ".")}, cobra.ShellCompDirectiveFilterFileExt
			}
		case "doctor", "probe", "npu", "sim", "list", "version":
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, func(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
				return flagWords(f, word)
			}) // it fails for those that have one already
		})
	}
}

// completeScriptLine completes the command lines of a command that takes a script: its
// name, the command's flags, those of the script, and their values.
func completeScriptLine(command string, flags func() *pflag.FlagSet) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		fs := flags()
		if flag, value, inline := strings.Cut(word, "="); inline && strings.HasPrefix(flag, "-") {
			words, directive := completeValue(fs, command, append(args, flag), value)
			for i := range words {
				words[i] = flag + "=" + words[i]
			}
			return words, directive
		}
		return completeValue(fs, command, args, word)
	}
}

// completeValue completes a word that follows others.
func completeValue(fs *pflag.FlagSet, command string, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if n := len(args); n > 0 {
		if flag := lookup(fs, args[n-1]); flag != nil && flag.NoOptDefVal == "" && !strings.Contains(args[n-1], "=") {
			return flagWords(flag, word)
		}
	}
	_, name, rest := splitArgs(fs, args)
	dashed := strings.HasPrefix(word, "-")
	switch {
	case name == "" && len(rest) > 0: // a flag that is none of the command's
		return nil, cobra.ShellCompDirectiveNoFileComp
	case name == "" && dashed:
		return ownFlags(fs, word), cobra.ShellCompDirectiveNoFileComp
	case name == "" && command == "rerun":
		return runFolders(word), cobra.ShellCompDirectiveDefault
	case name == "":
		return scriptNames(word)
	}
	params := declaredParams(name)
	if dashed {
		return append(paramFlags(params, word), ownFlags(fs, word)...), cobra.ShellCompDirectiveNoFileComp
	}
	p, more := paramOf(params, rest)
	switch {
	case p == nil || !more:
		return nil, cobra.ShellCompDirectiveNoFileComp
	case len(p.Choices) > 0:
		return matching(p.Choices, word), cobra.ShellCompDirectiveNoFileComp
	case p.Type == "string" || p.Type == "string list":
		return nil, cobra.ShellCompDirectiveDefault // it may be a file
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// flagWords are the values of a flag that begin with a word.
func flagWords(f *pflag.Flag, word string) ([]string, cobra.ShellCompDirective) {
	switch {
	case flagValues[f.Name] != nil:
		return matching(flagValues[f.Name](), word), cobra.ShellCompDirectiveNoFileComp
	case slices.Contains(flagFolders, f.Name):
		return nil, cobra.ShellCompDirectiveFilterDirs
	case f.Value.Type() == "string":
		return nil, cobra.ShellCompDirectiveDefault
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func matching(all []string, word string) (found []string) {
	for _, one := range all {
		if strings.HasPrefix(one, word) {
			found = append(found, one)
		}
	}
	return found
}

// ownFlags are the command's own flags, with a line on each. Those of the simulated service
// are many, and only shown to who looks for them.
func ownFlags(fs *pflag.FlagSet, word string) (found []string) {
	fs.VisitAll(func(f *pflag.Flag) {
		if strings.HasPrefix(f.Name, "sim-") && !strings.HasPrefix(word, "--sim") {
			return
		}
		if strings.HasPrefix("--"+f.Name, word) {
			_, usage := pflag.UnquoteUsage(f)
			found = append(found, described("--"+f.Name, usage))
		}
	})
	return found
}

// paramFlags are the flags of a script.
func paramFlags(params []script.Param, word string) (found []string) {
	for _, p := range params {
		if strings.HasPrefix("--"+p.Flag, word) {
			found = append(found, described("--"+p.Flag, p.Help))
		}
		if off := "--no-" + p.Flag; p.Type == "boolean" && p.Default == true && strings.HasPrefix(off, word) {
			found = append(found, described(off, p.Help))
		}
	}
	return found
}

// described is a word with what shells show beside it.
func described(word, help string) string {
	if help == "" {
		return word
	}
	line, _, _ := strings.Cut(help, "\n")
	return word + "\t" + line
}

// paramOf is the parameter whose flag the words behind a script's name end in, or in values
// of it, and whether it takes another one.
func paramOf(params []script.Param, rest []string) (*script.Param, bool) {
	for i := len(rest) - 1; i >= 0; i-- {
		name, isFlag := strings.CutPrefix(rest[i], "--")
		if !isFlag {
			continue
		}
		at := slices.IndexFunc(params, func(p script.Param) bool { return p.Flag == name })
		if at < 0 {
			return nil, false
		}
		p := &params[at]
		return p, p.Type != "boolean" && (strings.HasSuffix(p.Type, "list") || i == len(rest)-1)
	}
	return nil, false
}

// declareLimit is how long a script may take to say its parameters, while somebody waits
// for the completion of a word.
const declareLimit = 2 * time.Second

// declaredParams are the parameters of a script that is on this machine; none when it
// cannot be read.
func declaredParams(name string) []script.Param {
	if strings.Contains(name, "://") {
		return nil // nothing is fetched while somebody types
	}
	ctx, cancel := context.WithTimeout(context.Background(), declareLimit)
	defer cancel()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	modules := newModules(clients, nil, new(runFlags), func() {})
	defer modules.close()
	found, err := findScenario(ctx, name, finding{})
	if err != nil {
		return nil
	}
	defer found.close()
	found.rules.Dry = true
	loaded, allowed, err := found.load(script.Config{Modules: modules.table, Builtin: scripts.Files})
	if err != nil {
		return nil
	}
	defer allowed.Close()
	clients.Limit(allowed)
	params, err := loaded.Declared(ctx)
	if err != nil {
		return nil
	}
	return params
}

// scriptFileEndings are those of files that are run.
var scriptFileEndings = []string{".ts", ".js", ".mts", ".mjs", bundle.Ending}

// scriptNames are weir's own scenarios and the files that may be one, with the folders on
// the way to them.
func scriptNames(word string) ([]string, cobra.ShellCompDirective) {
	var found []string
	for _, e := range builtinEntries() {
		if strings.HasPrefix(e.Name, word) {
			found = append(found, described(e.Name, e.Description))
		}
	}
	files, folders := entries(word, func(path string, folder bool) bool {
		return folder || slices.Contains(scriptFileEndings, filepath.Ext(path)) && !strings.HasSuffix(path, ".d.ts")
	})
	directive := cobra.ShellCompDirectiveNoFileComp
	if len(found)+len(files) == 0 {
		directive |= cobra.ShellCompDirectiveNoSpace // behind the slash of a folder
	}
	return slices.Concat(found, files, folders), directive
}

// entries are the files and folders that begin with a word, folders with a slash at the
// end, of which those are wanted that pick says.
func entries(word string, pick func(path string, folder bool) bool) (files, folders []string) {
	dir, base := filepath.Split(word)
	in := dir
	if in == "" {
		in = "."
	}
	all, _ := os.ReadDir(in) // what cannot be read has none
	for _, e := range all {
		name := e.Name()
		if !strings.HasPrefix(name, base) || strings.HasPrefix(name, ".") && !strings.HasPrefix(base, ".") || name == "node_modules" {
			continue
		}
		path := dir + name
		info, err := os.Stat(path)
		if err != nil || !pick(path, info.IsDir()) {
			continue
		}
		if info.IsDir() {
			folders = append(folders, path+"/")
		} else {
			files = append(files, path)
		}
	}
	return files, folders
}

// runFolders are the folders of results that begin with a word: beside it, and in results/,
// where runs put them.
func runFolders(word string) (found []string) {
	for _, start := range []string{word, "results/" + word} {
		_, folders := entries(start, func(path string, folder bool) bool {
			_, err := os.Stat(filepath.Join(path, result.FileName))
			return folder && err == nil
		})
		for _, path := range folders {
			if strings.HasPrefix(path, word) {
				found = append(found, strings.TrimSuffix(path, "/"))
			}
		}
	}
	return found
}
