package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/pflag"

	"weir/runtime"
	"weir/runtime/machine"
	"weir/runtime/metrics"
	"weir/runtime/publish"
	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/sim"
	"weir/runtime/suggest"
	"weir/runtime/telemetry"
	"weir/runtime/terminal"
	"weir/runtime/transport"
	"weir/scripts"
)

// session is one weir run.
type session struct {
	flags   *runFlags
	flagSet *pflag.FlagSet
	name    string
	own     []string // weir's own flags, as they were given
	args    []string // the script's
	earlier *earlier // run that is repeated; nil: none is
	stdout  io.Writer
	stderr  io.Writer

	machine   chan result.Environment // gets the facts about this machine once
	progress  *progress
	found     *scenario
	folder    *result.Folder
	records   *result.Records // nil: not asked for
	requests  *result.Records // nil: there are records
	hub       *telemetry.Hub
	samples   *result.Samples // nil: there is nothing to sample; set under hub's lock
	report    *result.Result
	publisher *publish.Publisher            // nil: nobody wants its metrics
	published int                           // cases that it knows the end of
	breach    atomic.Pointer[script.Breach] // the limit that the script has passed
	place     atomic.Pointer[result.Folder] // folder, for the guard's goroutine
	begun     atomic.Bool                   // the load has
	stale     bool                          // the file of the result lacks what came last
	seal      []byte                        // key of its seal; nil: it gets none
}

func (s *session) run() (err error) {
	defer func() { err = s.contained(err) }()
	s.progress = s.newProgress()
	defer s.progress.Close() // also of a panic
	ctx, stop, abort, release := signals(s.progress, s.begun.Load)
	defer release()
	ctx, cut := context.WithCancel(ctx)
	defer cut()
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
	outside := transport.NewClients(nil, s.flags.sources) // of what weir itself asks
	defer outside.Close()
	s.hub = s.newHub()
	modules := newModules(clients, redirect, s.flags, abort)
	defer func() {
		if err := modules.close(); err != nil {
			fmt.Fprintf(s.progress, "weir: %v\n", err)
		}
	}()

	found, err := s.find(stop)
	if err != nil {
		return err
	}
	defer found.close()
	s.found = found
	s.flags.trust.apply(&found.rules)
	limits := s.flags.limits.limits(found.rules)
	collectBefore(limits.Memory)
	loaded, allowed, err := found.load(script.Config{
		Limits:     limits,
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
	defer allowed.Close()
	clients.Limit(allowed)
	defer loaded.Guard(func(b *script.Breach) {
		s.breach.Store(b)
		abort()
		cut()
	}, s.stuck)()

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
	if err := errors.Join(s.checkParams(loaded), found.checkGiven(stop, loaded.Params())); err != nil {
		return err
	}
	if s.earlier != nil {
		s.earlier.tellOverrides(s.finding(), loaded.Params())
	}
	if err := s.openMonitors(stop, outside, modules.services); err != nil {
		if stop.Err() != nil {
			return &exitError{exitInterrupted, errors.New("interrupted before any load was sent")}
		}
		return &exitError{exitConfig, err}
	}
	if err := s.startPublishing(stop, loaded); err != nil {
		if stop.Err() != nil {
			return &exitError{exitInterrupted, errors.New("interrupted before any load was sent")}
		}
		return &exitError{exitConfig, err}
	}
	if err := s.open(loaded, server); err != nil {
		s.publisher.Close(ctx)
		return err
	}
	s.begun.Store(true)
	outcome := runtime.Run(ctx, runtimes, runtime.Config{
		Script:     loaded,
		Result:     s.report,
		Save:       s.save,
		Records:    s.records,
		Requests:   s.requests,
		Telemetry:  s.hub,
		SLOs:       metrics.SLOs(s.flags.goodput),
		Window:     s.flags.window,
		Thresholds: s.flags.thresholds.byMetric(),
		Repeat:     s.flags.repeat,
		Preconnect: func(ctx context.Context, n int) error {
			err := clients.Preconnect(ctx, n)
			if err != nil {
				fmt.Fprintf(s.progress, "weir: %v\n", err)
			}
			return err
		},
		Doctor:    s.doctor(modules.services),
		Describe:  (&describer{modules: modules, script: loaded, found: found, params: s.flags.params}).describe,
		Profiling: modules.profiling,
		Instance:  s.flags.instance.number,
		Instances: s.flags.instance.of,
		Watch:     s.follow,
		Stop:      stop.Done(),
		Custom:    modules.custom,
		Output:    found.speaks(s.progress.before(s.stdout)),
		Errors:    found.speaks(s.progress.before(s.stderr)),
		Write: func(path string, content []byte) error {
			if _, err := allowed.Write(filepath.Join(s.folder.Dir, path)); err != nil && filepath.IsLocal(path) {
				return err
			}
			return s.folder.Save(path, content)
		},
	})
	s.progress.Close()
	if b := s.breach.Load(); b != nil {
		s.report.Error = b.Problem()
		_ = s.save(s.report) // finish tells of it
	}
	s.endPublishing(ctx, outcome.Refused)
	s.keepFiles(loaded, outcome.Refused)
	return s.finish(outcome, modules.aborted())
}

// find finds the script that is run.
func (s *session) find(ctx context.Context) (*scenario, error) {
	if s.earlier != nil {
		return s.earlier.scenario(ctx, s.finding())
	}
	return findScenario(ctx, s.name, s.finding())
}

func (s *session) finding() finding {
	return finding{say: s.progress, filesFrom: s.flags.filesFrom, registries: s.flags.registries}
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
	s.flagSet.VisitAll(func(f *pflag.Flag) {
		f.Hidden = strings.HasPrefix(f.Name, "sim-") // they are many, and of no service that is measured
	})
	fmt.Fprintf(s.stdout, "%s\nFlags of every run, without those of the simulated service (weir run --help has them):\n%s", terminal.HarmlessLines(own.String()), flagHelp(s.flagSet, width(s.stdout)))
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
	loaded.Access().Out(s.folder.Dir)
	s.place.Store(s.folder)
	if err := s.keepBundle(loaded, nil); err != nil {
		return &exitError{exitConfig, err}
	}
	if s.flags.records {
		s.records, err = s.folder.CreateRecords()
	} else {
		s.requests, err = s.folder.CreateRequests()
	}
	if err != nil {
		return &exitError{exitConfig, err}
	}
	if err := s.hub.Open(); err != nil {
		return &exitError{exitConfig, err}
	}
	s.report = s.newResult(loaded, server)
	if s.earlier == nil || s.earlier.own { // what repeats a run from elsewhere is as far from here
		s.seal, _ = sealKey()
	}
	return nil
}

// save writes the result, and sees to it that the records and samples so far are on
// disk. What cannot be written does not end the run: finish tells of them.
func (s *session) save(r *result.Result) error {
	s.progress.tell(r)
	s.publishCases(r)
	if s.records != nil {
		_ = s.records.Flush() // Close reports it
	}
	_ = s.hub.Flush()
	if s.seal != nil {
		_ = r.SealWith(s.seal) // without one, a repeat trusts it less
	}
	err := s.folder.Write(r)
	s.stale = err != nil
	return err
}
