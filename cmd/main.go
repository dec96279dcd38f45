// Package cmd is weir's command line, one file a command. The program itself is
// cmd/weir; a program of one's own that adds modules to it, as weir build makes one,
// calls [Execute] as well.
package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"weir/runtime/script"
	"weir/runtime/suggest"
	"weir/runtime/terminal"
	"weir/runtime/wire"
)

// Exit codes; those that k6 has mean the same there.
const (
	exitFault       = 1   // something outside of the script went wrong, or nothing succeeded
	exitInvalid     = 98  // --require-valid, and the result is not VALID; weir doctor --strict, and there are warnings
	exitThresholds  = 99  // a threshold was crossed
	exitConfig      = 104 // wrong flags, parameters or options
	exitInterrupted = 105 // Ctrl-C or SIGTERM
	exitScript      = 107 // the script has a fault
)

// exitError ends the program with a code; what there was to say has been said
// when Err is nil.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// processors is how many Go uses by itself: those of the machine, of the affinity
// and of the cgroup's limit.
var processors = runtime.GOMAXPROCS(0)

// Execute is the main function of a weir: it runs the command line of the process and
// does not return.
func Execute() {
	// The event loops of the JavaScript runtimes, one a processor, may all be busy
	// at the same time, and those who read from the network shall not wait for them.
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(wire.Processors(processors))
	}
	tuneCollector()
	os.Exit(Main(os.Args[1:], os.Stdout, os.Stderr))
}

// Main runs the program and returns its exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:   "weir",
		Short: "Measure the token streams of LLM inference services",
		Long: `weir runs JavaScript and TypeScript scenarios against LLM inference services
and measures their token streams.`,
		Example: `  weir run static --sim                          the static benchmark, against a simulated service
  weir run static --host 127.0.0.1 --port 8000 --tokenizer /models/qwen3 --served-model-name qwen3
  weir run my-scenario.ts --help                 the flags of a scenario
  weir doctor http://127.0.0.1:8000              whether this machine and a service are fit to measure
  weir probe http://127.0.0.1:8000               what a service speaks, and the command line for it
  weir compare results/before results/after      which differences between runs are real
  weir npu --host user@node1                     what the NPUs of a host do
  weir sim --port 8000                           a simulated service alone`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	addCommands(root)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	wrapHelp(root, stdout)
	root.SetFlagErrorFunc(nearestFlag)
	addCompletion(root, args)

	err := root.Execute()
	if err == nil {
		return 0
	}
	if _, rest, unknown := root.Find(args); unknown != nil {
		err = unknownCommand(root, rest)
	}
	code, message := exitOf(err)
	if message != "" {
		fmt.Fprintln(stderr, "weir: "+terminal.HarmlessLines(message)) // it may have texts of scripts and services in it
	}
	return code
}

// addCommands adds the commands of weir under the heads that its help lists them by, in the
// order of a day's work.
func addCommands(root *cobra.Command) {
	add := func(head string, commands ...*cobra.Command) {
		root.AddGroup(&cobra.Group{ID: head, Title: head + ":"})
		for _, c := range commands {
			c.GroupID = head
		}
		root.AddCommand(commands...)
	}
	add("Run scenarios", runCommand(), inspectCommand(), rerunCommand(), listCommand())
	add("Look at results", reportCommand(), compareCommand(), schemaCommand())
	add("Look at the machine and the service", doctorCommand(), probeCommand(), npuCommand(), simCommand())
	add("Write scenarios and share them", newCommand(), typesCommand(), bundleCommand(), pushCommand(), pullCommand(), cacheCommand(), loginCommand(), logoutCommand())
	const own = "weir itself"
	add(own, buildCommand(), completionCommand(), manCommand(), versionCommand())
	root.SetHelpCommandGroupID(own)
}

// nearestFlag tells which flag an unknown one was meant to be.
func nearestFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := suggest.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return fmt.Errorf("%w\n  hint: did you mean --%s?", err, near)
	}
	return fmt.Errorf("%w\n  hint: %s --help lists the flags", err, cmd.CommandPath())
}

// exitOf gives the exit code and the message for an error.
func exitOf(err error) (code int, message string) {
	var exit *exitError
	var params *script.ParamError
	var fault *script.Error
	var unmet *script.UnmetError
	var undecided *script.UndecidedError
	switch {
	case errors.As(err, &exit):
		return exit.code, exit.Error()
	case errors.Is(err, script.ErrInterrupted):
		return exitInterrupted, "interrupted"
	case errors.As(err, &params):
		return exitConfig, err.Error()
	case errors.As(err, &undecided):
		return exitFault, undecided.Error()
	case errors.As(err, &unmet):
		return exitThresholds, unmet.Error()
	case errors.As(err, &fault):
		return exitScript, err.Error()
	}
	return exitConfig, err.Error() // cobra's own: unknown command, wrong flag
}
