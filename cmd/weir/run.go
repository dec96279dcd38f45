package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"weir/modules/tokenizer"
	"weir/runtime"
	"weir/runtime/machine"
	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/sim"
	"weir/runtime/suggest"
	"weir/runtime/telemetry"
	"weir/runtime/transport"
	"weir/scripts"
)

// runFlags are weir's own flags of the run command. All others are the script's.
type runFlags struct {
	out          string
	params       string
	runtimes     int
	progress     string
	noSummary    bool
	noDoctor     bool
	requireValid bool
	records      bool
	goodput      slos
	instance     instance
	sources      addresses
	monitor      monitorFlags
	cpuProfile   string
	help         bool
	sim          bool
	simTokenizer string
	simConfig    sim.Config
}

func (f *runFlags) set() *pflag.FlagSet {
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	fs.SortFlags = false
	fs.StringVar(&f.out, "out", "", "`folder` for the result (default results/<script>-<time>)")
	fs.StringVar(&f.params, "params", "", "JSON or YAML `file` with values for the script's parameters, or the result.json of a run whose parameters are taken")
	fs.IntVar(&f.runtimes, "runtimes", processors, "JavaScript runtimes that share the iterations")
	fs.StringVar(&f.progress, "progress", "auto", "progress on standard error: auto, plain or none")
	fs.BoolVar(&f.noSummary, "no-summary", false, "do not print the table at the end")
	fs.BoolVar(&f.noDoctor, "no-doctor", false, "do not look first whether this machine and the service are fit, as weir's own scenarios do (options.doctor)")
	fs.BoolVar(&f.requireValid, "require-valid", false, fmt.Sprintf("exit with %d when the result is not VALID", exitInvalid))
	fs.BoolVar(&f.records, "records", false, "also write every request with the times of its tokens, to "+result.RecordsName+" in the result's folder")
	fs.Var(&f.goodput, "goodput", "count requests that are good: those that complete with latencies of at most so many ms, such as ttft:500 tpot:50; each replaces the script's slo of the same latency")
	fs.Var(&f.instance, "instance", "play a share of the load: this is instance k of n, which together play the whole")
	fs.Var(&f.sources, "source-ip", "local addresses that connections are made from, in turn; each has some 28,000 ports")
	f.monitor.flags(fs)
	fs.StringVar(&f.cpuProfile, "cpu-profile", "", "`file` for a CPU profile of weir itself, for go tool pprof")
	fs.BoolVarP(&f.help, "help", "h", false, "show this help; after a script's name, its own flags too")
	fs.BoolVar(&f.sim, "sim", false, "run against a simulated service, started on a free port for this run; whatever the script addresses is sent there")
	fs.StringVar(&f.simTokenizer, "sim-tokenizer", tokenizer.Builtin, "tokenizer that the simulated service counts with: a directory, or builtin")
	f.simConfig = sim.Default()
	f.simConfig.Flags(fs, "sim-")
	return fs
}

func runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run SCRIPT [flags]",
		Short: "Run a scenario: a file, or one of weir's own by its name",
		Long: `Run a scenario: a TypeScript or JavaScript file, or one of weir's own by its name
(` + strings.Join(builtinScripts(), ", ") + `). A scenario declares flags of its own; weir run SCRIPT --help lists them.`,
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
	if name == "" {
		if f.help {
			runHelp(cmd, fs)
			return nil
		}
		if len(rest) > 0 {
			return &exitError{exitConfig, flagBeforeScript(fs, rest[0])}
		}
		return &exitError{exitConfig, fmt.Errorf("no script is named; write a file, or one of %s", strings.Join(builtinScripts(), ", "))}
	}
	if f.runtimes < 1 {
		return &exitError{exitConfig, errors.New("--runtimes must be at least 1")}
	}
	if !slices.Contains([]string{"auto", "plain", "none"}, f.progress) {
		return &exitError{exitConfig, fmt.Errorf("--progress is %q; it must be auto, plain or none", f.progress)}
	}
	if err := transport.CheckSources(f.sources); err != nil {
		return &exitError{exitConfig, fmt.Errorf("--source-ip: %w", err)}
	}
	if err := f.monitor.check(); err != nil {
		return &exitError{exitConfig, err}
	}
	s := &session{flags: &f, flagSet: fs, name: name, own: own, args: rest, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
	stop, err := profile(f.cpuProfile)
	if err != nil {
		return &exitError{exitConfig, err}
	}
	defer stop()
	return s.run()
}

// flagBeforeScript says what is wrong with a flag that is not weir's, in front
// of the script's name.
func flagBeforeScript(fs *pflag.FlagSet, arg string) error {
	flag, _, _ := strings.Cut(arg, "=")
	hint := "the script's own flags follow its name: weir run SCRIPT " + flag + " …"
	if near := suggest.Nearest(flag, flagNames(fs)); near != "" {
		hint = fmt.Sprintf("did you mean %q? Or, if it is one of the script's: %s", near, hint)
	}
	return fmt.Errorf("%s is no flag of weir run\n  hint: %s", flag, hint)
}

// flagNames are weir's own flags as they are written.
func flagNames(fs *pflag.FlagSet) (names []string) {
	fs.VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return names
}

// runHelp prints what weir run takes, whatever the script.
func runHelp(cmd *cobra.Command, fs *pflag.FlagSet) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s\n\nUsage:\n  weir run SCRIPT [flags]\n\nFlags:\n%s", cmd.Long, fs.FlagUsagesWrapped(width(out)))
}

// session is one weir run.
type session struct {
	flags   *runFlags
	flagSet *pflag.FlagSet
	name    string
	own     []string // weir's own flags, as they were given
	args    []string // the script's
	stdout  io.Writer
	stderr  io.Writer

	machine  chan result.Environment // gets the facts about this machine once
	progress *result.Progress
	folder   *result.Folder
	records  *result.Records // nil: not asked for
	hub      *telemetry.Hub
	samples  *result.Samples // nil: there is nothing to sample; set under hub's lock
	report   *result.Result
	stale    bool // the file of the result lacks what came last
}

func (s *session) run() error {
	s.progress = result.NewProgress(result.ProgressConfig{
		To:       s.stderr,
		Terminal: s.flags.progress == "auto" && isTerminal(s.stderr),
		Quiet:    s.flags.progress == "none",
		Width:    func() int { return width(s.stderr) },
	})
	ctx, stop, abort, release := signals(s.progress)
	defer release()
	s.readMachine()

	server, redirect, err := s.startSim(ctx)
	if err != nil {
		return err
	}
	if server != nil {
		defer server.Close()
	}
	clients := transport.NewClients(redirect, s.flags.sources)
	defer clients.Close()
	outside := clients
	if redirect != nil {
		outside = transport.NewClients(nil, s.flags.sources)
		defer outside.Close()
	}
	s.hub = s.newHub()
	modules := newModules(clients, redirect, s.flags, abort)
	defer modules.close()

	loaded, err := script.Load(s.name, script.Config{
		Modules:    modules.table,
		Builtin:    scripts.Files,
		Args:       s.args,
		ParamsFile: s.flags.params,
		LookupEnv:  os.LookupEnv,
		Console:    s.progress,
	})
	if err != nil {
		return err
	}

	// While nothing runs yet, the first Ctrl-C ends everything. Afterwards not even the
	// second one ends the runtimes themselves, on which plan has something left to do.
	initCtx, cancelInit := context.WithCancel(context.Background())
	defer cancelInit()
	unwatch := context.AfterFunc(stop, cancelInit)
	if s.flags.help {
		return s.scriptHelp(initCtx, loaded)
	}
	modules.npus.Use(s.hub, outside)
	runtimes, err := runtime.Init(initCtx, loaded, s.flags.runtimes)
	if err != nil {
		if stop.Err() != nil {
			return &exitError{exitInterrupted, errors.New("interrupted before any load was sent")}
		}
		return s.ownFlagMeant(err)
	}
	defer runtime.Close(runtimes)
	if !unwatch() {
		return &exitError{exitInterrupted, errors.New("interrupted before any load was sent")}
	}
	if err := s.checkParams(loaded); err != nil {
		return err
	}
	if err := s.openMonitors(stop, outside, modules.services); err != nil {
		if stop.Err() != nil {
			return &exitError{exitInterrupted, errors.New("interrupted before any load was sent")}
		}
		return &exitError{exitConfig, err}
	}
	if err := s.open(loaded, server); err != nil {
		return err
	}
	outcome := runtime.Run(ctx, runtimes, runtime.Config{
		Script:    loaded,
		Result:    s.report,
		Save:      s.save,
		Records:   s.records,
		Telemetry: s.hub,
		SLOs:      metrics.SLOs(s.flags.goodput),
		Preconnect: func(ctx context.Context, n int) error {
			err := clients.Preconnect(ctx, n)
			if err != nil {
				fmt.Fprintf(s.progress, "weir: %v\n", err)
			}
			return err
		},
		Doctor:    s.doctor(modules.services),
		Describe:  (&describer{modules: modules, script: loaded, params: s.flags.params}).describe,
		Profiling: modules.profiling,
		Instance:  s.flags.instance.number,
		Instances: s.flags.instance.of,
		Watch:     s.watch,
		Stop:      stop.Done(),
		Custom:    modules.custom,
		Output:    s.stdout,
		Errors:    s.stderr,
		Write:     s.folder.Save,
	})
	return s.finish(outcome, modules.aborted())
}

// readMachine reads the facts about this machine while the script is loaded.
func (s *session) readMachine() {
	s.machine = make(chan result.Environment, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), machineLimit)
		defer cancel()
		s.machine <- machine.Read(ctx, os.DirFS("/"))
	}()
}

// machineLimit is how long the files of a machine may take that does not answer, such
// as one whose network file system hangs.
const machineLimit = 2 * time.Second

// startSim starts the simulated service that --sim asks for.
func (s *session) startSim(ctx context.Context) (*sim.Server, *url.URL, error) {
	if !s.flags.sim {
		s.flagSet.Visit(func(f *pflag.Flag) {
			if strings.HasPrefix(f.Name, "sim-") {
				fmt.Fprintf(s.progress, "weir: --%s has no effect without --sim\n", f.Name)
			}
		})
		return nil, nil, nil
	}
	server, err := startSim(ctx, s.flags.simConfig, s.flags.simTokenizer)
	if err != nil {
		return nil, nil, err
	}
	redirect, err := url.Parse(server.URL())
	return server, redirect, err
}

// scriptHelp prints the script's own flags before weir's.
func (s *session) scriptHelp(ctx context.Context, loaded *script.Script) error {
	var own bytes.Buffer
	columns := 0 // what reads the help of a script wants a flag a line
	if isTerminal(s.stdout) {
		columns = width(s.stdout)
	}
	if err := loaded.Help(ctx, &own, columns); err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "Usage:\n  weir run %s [flags]\n\n", s.name)
	fmt.Fprintf(s.stdout, "%s\nFlags of every run:\n%s", own.String(), s.flagSet.FlagUsagesWrapped(width(s.stdout)))
	return nil
}

// ownFlagMeant adds to the message on a flag that the script does not know
// which of weir's flags is nearly called so.
func (s *session) ownFlagMeant(err error) error {
	var wrong *script.ParamError
	if !errors.As(err, &wrong) {
		return err
	}
	for _, arg := range s.args {
		flag, _, _ := strings.Cut(arg, "=")
		near := suggest.Nearest(flag, flagNames(s.flagSet))
		if near != "" && wrong.Message == "unknown flag "+flag && !strings.HasPrefix(wrong.Hint, "did you mean") {
			return &script.ParamError{Message: wrong.Message, Hint: fmt.Sprintf("did you mean %q?", near)}
		}
	}
	return err
}

// checkParams refuses parameters that can never be given, since weir has a flag
// of that name.
func (s *session) checkParams(loaded *script.Script) error {
	for _, p := range loaded.Params() {
		if s.flagSet.Lookup(p.Flag) != nil {
			return &script.ParamError{
				Message: fmt.Sprintf("the script's parameter %s would be --%s, which is a flag of weir run", p.Name, p.Flag),
				Hint:    "rename the parameter",
			}
		}
	}
	return nil
}

// open makes the run's folder and the result that is filled.
func (s *session) open(loaded *script.Script, server *sim.Server) (err error) {
	if s.folder, err = result.CreateFolder(s.flags.out, loaded.Name, time.Now()); err != nil {
		return &exitError{exitConfig, err}
	}
	if err := s.folder.SaveScript(loaded.Name+".js", loaded.Source); err != nil {
		return &exitError{exitConfig, err}
	}
	if s.flags.records {
		if s.records, err = s.folder.CreateRecords(); err != nil {
			return &exitError{exitConfig, err}
		}
	}
	if err := s.hub.Open(); err != nil {
		return &exitError{exitConfig, err}
	}
	s.report = s.newResult(loaded, server)
	return nil
}

// save writes the result, and sees to it that the records and samples so far are on
// disk. What cannot be written does not end the run: finish tells of them.
func (s *session) save(r *result.Result) error {
	if s.records != nil {
		_ = s.records.Flush() // Close reports it
	}
	_ = s.hub.Flush()
	err := s.folder.Write(r)
	s.stale = err != nil
	return err
}

// watch shows the progress of a case.
func (s *session) watch(v runtime.CaseView) (done func()) {
	return s.progress.Start(func() result.Snapshot {
		now, p, live := time.Now(), v.Progress(), v.Live()
		snapshot := result.Snapshot{
			Case: v.Number, Cases: v.Of, Name: v.Name,
			InFlight: live.Open, Done: live.Ended, Failed: live.Failed, OutputTokens: live.OutputTokens,
		}
		if !p.Begin.IsZero() {
			snapshot.Elapsed = now.Sub(p.Begin)
		}
		snapshot.Left, snapshot.LeftKnown = p.Left(now)
		switch {
		case p.Stopping:
			snapshot.Phase = "stopping"
		case v.Warmup:
			snapshot.Phase = "warm-up"
		}
		return snapshot
	})
}

// finish prints what was found and chooses the exit code.
func (s *session) finish(o runtime.Outcome, aborted string) error {
	unrecorded := s.closeRecords(o.Refused)
	unsampled := s.closeSamples(o.Refused)
	if o.Refused && s.flags.out == "" {
		os.RemoveAll(s.folder.Dir) // made for this run, and there is no result
	}
	if !o.Summarised && !s.flags.noSummary && len(s.report.Cases) > 0 {
		result.Summary(s.stdout, s.report, width(s.stdout))
	}
	if !o.Refused {
		lacks := ""
		if s.stale {
			lacks = ", which lacks what came last: it could not be written"
		}
		fmt.Fprintf(s.stderr, "result: %s%s\n", filepath.ToSlash(s.folder.Path()), lacks)
	}
	switch {
	case o.Err != nil:
		code, message := exitOf(o.Err)
		if code == exitThresholds || code == exitFault {
			return &exitError{code, errors.New(message)}
		}
		var params *script.ParamError
		var fault *script.Error
		if !errors.As(o.Err, &params) && !errors.As(o.Err, &fault) {
			code = exitFault
		}
		return &exitError{code, o.Err}
	case o.Interrupted && aborted != "":
		return &exitError{exitInterrupted, fmt.Errorf("the script ended the run: %s", aborted)}
	case o.Interrupted:
		return &exitError{exitInterrupted, errors.New("interrupted; the result holds what was finished")}
	}
	if err := s.verdict(o.Aborted); err != nil {
		return err
	}
	if unsampled && !unrecorded {
		return &exitError{exitFault, errors.New("the samples of telemetry are incomplete; the result is whole")}
	}
	if unrecorded {
		return &exitError{exitFault, errors.New("the records are incomplete; the result is whole")}
	}
	return nil
}

// closeRecords completes the file of records, and says whether there should be
// more in it.
func (s *session) closeRecords(refused bool) (incomplete bool) {
	if s.records == nil {
		return false
	}
	err := s.records.Close()
	if refused {
		os.Remove(s.records.Path())
		return false
	}
	if err != nil {
		fmt.Fprintf(s.stderr, "weir: %v\n", err)
	}
	return err != nil
}

// closeSamples completes the file of telemetry, and says whether there should be more
// in it.
func (s *session) closeSamples(refused bool) (incomplete bool) {
	err := s.hub.Close()
	if refused {
		if s.samples != nil {
			os.Remove(s.samples.Path())
		}
		return false
	}
	if err != nil {
		fmt.Fprintf(s.stderr, "weir: %v\n", err)
	}
	return err != nil
}

// verdict is the exit code of a run that went to its end, or that a threshold has
// ended: aborted says which.
func (s *session) verdict(aborted string) error {
	var crossed []string
	var requests, completed, iterations, threw int64
	var thrown string
	for _, c := range s.report.Cases {
		for _, t := range c.Thresholds {
			if !t.OK {
				crossed = append(crossed, fmt.Sprintf("%s: %s %s", c.Name, t.Metric, t.Expr))
			}
		}
		for _, e := range c.Errors {
			if e.Scope == "iteration" && thrown == "" {
				thrown = e.Message
			}
		}
		iterations += c.Counts.Started
		threw += c.Counts.IterationFailed
		requests += c.Counts.Requests
		if c.Counts.Requests == 0 && c.Warmup.Refused() { // it was not played
			requests += c.Warmup.Requests
		}
		completed += c.Counts.Requests - c.Counts.RequestsFailed - c.Counts.RequestsCut
	}
	switch {
	case aborted != "":
		return &exitError{exitThresholds, errors.New(aborted)}
	case len(crossed) > 0:
		return &exitError{exitThresholds, fmt.Errorf("thresholds crossed: %s", strings.Join(crossed, "; "))}
	case s.flags.requireValid && s.report.Verdict != result.Valid:
		return &exitError{exitInvalid, fmt.Errorf("the result is %s, and --require-valid was given", s.report.Verdict)}
	case requests > 0 && completed == 0:
		return &exitError{exitFault, errors.New("no request succeeded")}
	case iterations > 0 && threw == iterations:
		return &exitError{exitFault, fmt.Errorf("every iteration ended with an exception; the first one: %s", thrown)}
	}
	return nil
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
