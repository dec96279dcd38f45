package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"weir/modules/tokenizer"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/sim"
	"weir/runtime/suggest"
	"weir/runtime/terminal"
	"weir/runtime/transport"
	"weir/scripts"
)

// runFlags are weir's own flags of the run command. All others are the script's.
type runFlags struct {
	out          string
	params       string
	filesFrom    string
	registries   registryFlags
	runtimes     int
	progress     terminal.Mode
	noSummary    bool
	trendStats   trendStats
	noDoctor     bool
	requireValid bool
	records      bool
	report       reportFlags
	exports      exportFlags
	goodput      slos
	window       string
	thresholds   limits
	repeat       int
	instance     instance
	sources      addresses
	monitor      monitorFlags
	publish      publishFlags
	trust        trustFlags
	limits       limitFlags
	cpuProfile   string
	help         bool
	sim          bool
	simTokenizer string
	simConfig    sim.Config
}

func (f *runFlags) set() *pflag.FlagSet {
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.StringVar(&f.params, "params", "", "JSON or YAML `file` with values for the script's parameters, or the result.json of a run whose parameters are taken")
	fs.StringVar(&f.filesFrom, "files-from", "", "`folder` with the files that a bundle names and was made without (default its own)")
	fs.IntVar(&f.repeat, "repeat", 0, "play each case `n` times in succession, to see how results differ from one time to the next (default 1, or as the script says)")
	fs.Var(&f.instance, "instance", "play a share of the load: this is instance k of n, which together play the whole")
	fs.Var(&f.sources, "source-ip", "local addresses that connections are made from, in turn; each has some 28,000 ports")
	fs.BoolVar(&f.noDoctor, "no-doctor", false, "do not look first whether this machine and the service are fit, as weir's own scenarios do (options.doctor)")
	section(fs, "Load")

	windowFlag(fs, &f.window, "all of each case, or its steady state, without warming up and draining; both are in the result (default all, or as the script says)")
	fs.Var(&f.goodput, "goodput", "count requests that are good: those that complete with latencies of at most so many ms, such as ttft:500 tpot:50; each replaces the script's slo of the same latency")
	fs.Var(&f.thresholds, "threshold", "judge this besides the script's thresholds, such as 'ttft:p(99)<500' or 'ttft{rate:8}:p(99)<500'; may be given several times. A run that does not keep it exits with 99")
	fs.BoolVar(&f.requireValid, "require-valid", false, fmt.Sprintf("exit with %d when the result is not VALID", exitInvalid))
	section(fs, "What counts")

	f.progress = terminal.Auto
	fs.Var(&f.progress, "progress", "progress on standard error: full (a panel that is kept up to date), plain (a line every ten seconds), none, or auto: full on a terminal that is large enough, otherwise plain")
	f.trendStats.flags(fs)
	fs.BoolVar(&f.noSummary, "no-summary", false, "do not print the table at the end")
	section(fs, "On the terminal")

	fs.StringVar(&f.out, "out", "", "`folder` for the result (default results/<script>-<time>)")
	fs.BoolVar(&f.records, "records", false, "also write every request with the times of its tokens, to "+result.RecordsName+" in the result's folder")
	f.report.flags(fs)
	f.exports.flags(fs)
	section(fs, "What is written")

	f.monitor.flags(fs)
	f.publish.flags(fs)
	section(fs, "Beside the load")

	f.trust.flags(fs)
	f.limits.flags(fs)
	section(fs, "What the script may do")

	fs.BoolVar(&f.sim, "sim", false, "run against a simulated service, started on a free port for this run; whatever the script addresses is sent there")
	fs.StringVar(&f.simTokenizer, "sim-tokenizer", tokenizer.Builtin, "tokenizer that the simulated service counts with: a directory, or builtin")
	f.simConfig = sim.Default()
	f.simConfig.Flags(fs, "sim-")
	section(fs, "Simulated service")

	f.registries.flags(fs)
	fs.IntVar(&f.runtimes, "runtimes", processors, "JavaScript runtimes that share the iterations")
	fs.StringVar(&f.cpuProfile, "cpu-profile", "", "`file` for a CPU profile of weir itself, for go tool pprof")
	fs.BoolVarP(&f.help, "help", "h", false, "show this help; after a script's name, its own flags too")
	section(fs, "weir itself")
	return fs
}

func runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run SCRIPT [flags]",
		Short: "Run a scenario: a file, or one of weir's own by its name",
		Long: `Run a scenario: a TypeScript or JavaScript file, a folder that has one, a bundle (NAME.weir), one in a registry
(oci://HOST/PATH:TAG) or on a web server (https://…#sha256=…), or one of weir's own by its name
(` + strings.Join(builtinScripts(), ", ") + `).
A scenario declares flags of its own, which follow its name: weir run SCRIPT --help lists them.`,
		SuggestFor: builtinScripts(), // weir static
		// A script's flags are not known before it has been loaded.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runScript(cmd, args)
		},
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { // weir help run
		runHelp(cmd, new(runFlags).set())
	})
	return cmd
}

// builtinScripts are the names of weir's own scenarios.
func builtinScripts() []string { return script.BuiltinNames(scripts.Files) }

// splitArgs separates weir's flags from the script's name and flags. The script
// is the first argument that is neither a flag of weir nor the value of one;
// everything that is not weir's behind it belongs to the script, and so does
// all that follows "--". A script's flag before its name is returned without a
// name: whether what follows it is its value, only the script could tell.
func splitArgs(fs *pflag.FlagSet, args []string) (own []string, name string, rest []string) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return own, name, append(rest, args[i+1:]...)
		}
		if flag := lookup(fs, arg); flag != nil {
			own = append(own, arg)
			if !strings.Contains(arg, "=") && flag.NoOptDefVal == "" && i+1 < len(args) {
				i++
				own = append(own, args[i])
			}
			if list, ok := flag.Value.(interface{ another(arg string) bool }); ok {
				for ; i+1 < len(args) && list.another(args[i+1]); i++ {
					own = append(own, "--"+flag.Name+"="+args[i+1])
				}
			}
			continue
		}
		if name == "" && strings.HasPrefix(arg, "-") {
			return own, "", args[i:]
		}
		if name == "" {
			name = arg
			continue
		}
		rest = append(rest, arg)
	}
	return own, name, rest
}

func lookup(fs *pflag.FlagSet, arg string) *pflag.Flag {
	if long, ok := strings.CutPrefix(arg, "--"); ok {
		long, _, _ = strings.Cut(long, "=")
		return fs.Lookup(long)
	}
	if short, ok := strings.CutPrefix(arg, "-"); ok && len(short) == 1 {
		return fs.ShorthandLookup(short)
	}
	return nil
}

func runScript(cmd *cobra.Command, args []string) error {
	var f runFlags
	fs := f.set()
	own, name, rest := splitArgs(fs, args)
	if err := fs.Parse(own); err != nil {
		return &exitError{exitConfig, err}
	}
	if name == "" && f.help {
		runHelp(cmd, fs)
		return nil
	}
	if err := f.check(fs, "run", name, rest); err != nil {
		return err
	}
	s := &session{flags: &f, flagSet: fs, name: name, own: own, args: rest, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
	stop, err := profile(f.cpuProfile)
	if err != nil {
		return &exitError{exitConfig, err}
	}
	defer stop()
	return s.run()
}

// noScript is what a command says that takes a script, when none is named among its own
// flags and rest.
func noScript(command string, fs *pflag.FlagSet, rest []string) error {
	if len(rest) > 0 {
		return &exitError{exitConfig, flagBeforeScript(command, fs, rest[0])}
	}
	return &exitError{exitConfig, fmt.Errorf("no script is named; write a file, or one of %s", strings.Join(builtinScripts(), ", "))}
}

// check finds fault with the flags of a command that takes a script, and with there being
// none; rest is what follows its name.
func (f *runFlags) check(fs *pflag.FlagSet, command, name string, rest []string) error {
	if name == "" {
		return noScript(command, fs, rest)
	}
	if fs.Changed("repeat") && f.repeat < 1 {
		return &exitError{exitConfig, errors.New("--repeat must be at least 1")}
	}
	if f.runtimes < 1 {
		return &exitError{exitConfig, errors.New("--runtimes must be at least 1")}
	}
	if err := errors.Join(checkWindow(f.window), f.trendStats.check()); err != nil {
		return &exitError{exitConfig, err}
	}
	if err := transport.CheckSources(f.sources); err != nil {
		return &exitError{exitConfig, fmt.Errorf("--source-ip: %w", err)}
	}
	if err := errors.Join(f.report.check(), f.exports.check()); err != nil {
		return &exitError{exitConfig, err}
	}
	if err := f.monitor.check(); err != nil {
		return &exitError{exitConfig, err}
	}
	if err := errors.Join(f.publish.check(), f.trust.check()); err != nil {
		return &exitError{exitConfig, err}
	}
	return nil
}

// flagBeforeScript says what is wrong with a flag that is not weir's, in front
// of the script's name.
func flagBeforeScript(command string, fs *pflag.FlagSet, arg string) error {
	flag, _, _ := strings.Cut(arg, "=")
	hint := "the script's own flags follow its name: weir " + command + " SCRIPT " + flag + " …"
	if near := suggest.Nearest(flag, flagNames(fs)); near != "" {
		hint = fmt.Sprintf("did you mean %q? Or, if it is one of the script's: %s", near, hint)
	}
	return fmt.Errorf("%s is no flag of weir %s\n  hint: %s", flag, command, hint)
}

// flagNames are weir's own flags as they are written.
func flagNames(fs *pflag.FlagSet) (names []string) {
	fs.VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return names
}

// runHelp prints what weir run takes, whatever the script.
func runHelp(cmd *cobra.Command, fs *pflag.FlagSet) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s\n\nUsage:\n  weir run SCRIPT [flags]\n%s", cmd.Long, flagHelp(fs, width(out)))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is the columns of a terminal, 120 for anything else.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return 120
}
