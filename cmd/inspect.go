package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"weir/runtime"
	"weir/runtime/access"
	"weir/runtime/metrics"
	"weir/runtime/script"
	"weir/runtime/telemetry"
	"weir/runtime/terminal"
	"weir/runtime/transport"
	"weir/scripts"
)

// inspectFlags are those of the inspect command: its own, and all of run, whose command
// lines it takes. All others are the script's.
type inspectFlags struct {
	run    runFlags
	json   bool
	hashes bool
	cases  int
	time   time.Duration
}

func (f *inspectFlags) set() (own, all *pflag.FlagSet) {
	own = pflag.NewFlagSet("inspect", pflag.ContinueOnError)
	own.SortFlags = false
	own.BoolVar(&f.json, "json", false, "print everything as JSON; weir schema inspect prints its schema")
	own.BoolVar(&f.hashes, "hashes", false, "make the SHA-256 of the files that are read")
	own.IntVar(&f.cases, "dry-cases", runtime.DryCases, "look at `n` cases of the plan at most")
	own.DurationVar(&f.time, "dry-time", runtime.DryTime, "give the plan at most this `duration` to come to its end")
	section(own, "What is shown")
	all = pflag.NewFlagSet("inspect", pflag.ContinueOnError)
	all.SortFlags = false
	all.AddFlagSet(own)
	all.AddFlagSet(f.run.set())
	return own, all
}

func inspectCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect SCRIPT [flags]",
		Short: "Show what a run would do, without doing it",
		Long: `Show what a run would do: the script's parameters with their values, the cases of its plan, the load, the
tokens that are asked for, and the modules and files that it uses. Nothing is sent, and nothing is written.

It takes the command lines of weir run: put inspect in the place of run.`,
		Example: `  weir inspect static --parallel-num 1 8 32 --epochs 4
  weir inspect my-scenario.ts --json | jq .plan.totals`,
		DisableFlagParsing: true, // a script's flags are not known before it has been loaded
		RunE:               inspectScript,
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { inspectHelp(cmd) })
	return cmd
}

func inspectHelp(cmd *cobra.Command) {
	own, _ := new(inspectFlags).set()
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s\n\nUsage:\n  weir inspect SCRIPT [flags]\n\nExamples:\n%s\n%s\nAll flags of weir run are taken, too (weir run --help), and those of the script.\n", cmd.Long, cmd.Example, flagHelp(own, width(out)))
}

func inspectScript(cmd *cobra.Command, args []string) error {
	var f inspectFlags
	own, fs := f.set()
	mine, name, rest := splitArgs(fs, args)
	if err := fs.Parse(mine); err != nil {
		return &exitError{exitConfig, err}
	}
	if name == "" && f.run.help {
		inspectHelp(cmd)
		return nil
	}
	if err := f.run.check(fs, "inspect", name, rest); err != nil {
		return err
	}
	if f.cases < 1 {
		return &exitError{exitConfig, errors.New("--dry-cases must be at least 1")}
	}
	if f.time <= 0 {
		return &exitError{exitConfig, errors.New("--dry-time must be more than 0, such as 30s")}
	}
	s := &session{flags: &f.run, flagSet: fs, name: name, own: mine, args: rest, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
	return s.contained(s.inspect(&f, own))
}

// inspect plays the scenario dry and prints what that shows. What goes wrong is told as by
// a run, behind what was found out until then.
func (s *session) inspect(f *inspectFlags, own *pflag.FlagSet) error {
	ctx, stop, abort, release := signals(io.Discard, s.begun.Load)
	defer release()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	modules := newModules(clients, nil, s.flags, abort)
	defer modules.close() // of tables in the scratch folder, which is gone then
	modules.npus.Use(telemetry.NewHub(telemetry.Config{}), clients)

	found, err := findScenario(stop, s.name, finding{say: s.stderr, filesFrom: s.flags.filesFrom, registries: s.flags.registries})
	if err != nil {
		return err
	}
	defer found.close()
	found.rules.Dry = true
	says := &dryConsole{to: s.stderr}
	s.flags.trust.apply(&found.rules)
	loaded, allowed, err := found.load(script.Config{
		Limits: s.flags.limits.limits(found.rules), Modules: modules.table, Builtin: scripts.Files, Args: s.args, ParamsFile: s.flags.params, LookupEnv: os.LookupEnv, Console: says,
	})
	if err != nil {
		return err
	}
	defer allowed.Close()
	says.access.Store(allowed)
	clients.Limit(allowed)
	defer loaded.Guard(func(b *script.Breach) {
		s.breach.Store(b)
		abort()
	}, s.stuck)()
	if s.flags.help {
		return s.inspectScriptHelp(stop, loaded, own)
	}
	runtimes, err := runtime.Init(stop, loaded, 1)
	if err != nil {
		if stop.Err() != nil {
			return &exitError{exitInterrupted, errInspectInterrupted}
		}
		return s.ownFlagMeant(err)
	}
	defer runtime.Close(runtimes)
	if err := s.checkParams(loaded); err != nil {
		return err
	}
	if err := found.checkGiven(stop, loaded.Params()); err != nil {
		return err
	}
	planned, planErr := runtime.Dry(ctx, runtimes, runtime.DryConfig{
		Script: loaded, SLOs: metrics.SLOs(s.flags.goodput), Window: s.flags.window, Thresholds: s.flags.thresholds.byMetric(), Repeat: s.flags.repeat,
		Instance: s.flags.instance.number, Instances: s.flags.instance.of, Custom: modules.custom, Profiling: modules.profiling,
		Stop: stop.Done(), MaxCases: f.cases, MaxTime: f.time, Progress: says.planned,
	})
	if stop.Err() != nil && modules.aborted() == "" {
		return &exitError{exitInterrupted, errInspectInterrupted}
	}
	if planned == nil {
		return planErr
	}
	i := inspection(found, loaded, runtimes[0], modules, planned)
	i.Files = readFiles(stop, allowed, f.hashes)
	i.Writes = writtenFiles(allowed)
	if f.json {
		err = i.writeJSON(s.stdout)
	} else {
		err = i.writeText(s.stdout, width(s.stdout))
	}
	return errors.Join(planErr, err)
}

var errInspectInterrupted = errors.New("interrupted; nothing was sent")

// inspectScriptHelp prints the script's own flags behind those of the command.
func (s *session) inspectScriptHelp(ctx context.Context, loaded *script.Script, own *pflag.FlagSet) error {
	var help strings.Builder
	columns := 0
	if isTerminal(s.stdout) {
		columns = width(s.stdout)
	}
	if err := loaded.Help(ctx, &help, columns); err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "Usage:\n  weir inspect %s [flags]\n\n%s%s\nAll flags of weir run are taken, too (weir run --help).\n", s.name, terminal.HarmlessLines(help.String()), flagHelp(own, width(s.stdout)))
	return nil
}

// dryConsole is where a script of a dry run says something: with the paths that it was to
// write to in place of those of the scratch folder, and only until plan is given a result,
// which nobody has measured.
type dryConsole struct {
	to     io.Writer
	access atomic.Pointer[access.Access]
	muted  atomic.Bool
	told   time.Time // when planned has said something; zero: not yet
}

func (c *dryConsole) Write(line []byte) (int, error) {
	if c.muted.Load() {
		return len(line), nil
	}
	_, err := io.WriteString(c.to, c.access.Load().Plain(string(line)))
	return len(line), err
}

// progressEvery is how often it is told how many cases are known.
const progressEvery = 5 * time.Second

// planned is told how many cases are known.
func (c *dryConsole) planned(cases int) {
	c.muted.Store(true)
	now := time.Now()
	switch {
	case c.told.IsZero():
		c.told = now
	case now.Sub(c.told) >= progressEvery:
		c.told = now
		fmt.Fprintf(c.to, "weir: %d cases are known so far\n", cases)
	}
}
