// The command line is tested as a user meets it: testdata/*.txtar are sessions
// in front of a terminal, one subject a file. The test binary is the weir that
// they run. Besides testscript's own commands they have:
//
//	exits CODE PROGRAM ARG…         run a program, which must end with that code
//	start PROGRAM ARG…              run it in the background, with its output in stdout.txt and stderr.txt
//	signal NAME                     send INT, TERM or KILL to it
//	finish CODE                     wait for its end, and for that code
//	await FILE PATTERN              wait until a file has a line like that
//	serve BEHAVIOUR                 start a scripted service (service_test.go); sets HOST, PORT and URL
//	requests N                      the service must have seen N requests
//	paths PATH…                     they must have gone to these paths, in this order
//	await-requests N                wait until it has
//	peers ADDRESS…                  its requests must have come from these addresses, and no others
//	registry start, tls, stop       start an OCI registry in memory, and end it (registry_test.go); sets REGISTRY
//	registry asked N                it must have been asked N times since the last time
//	release                         let the service answer the requests that it holds back
//	json FILE PATH OPERATOR VALUE   compare a value of a JSON file (json_test.go)
//	exec quoted FILE                print the lines of a file as Go strings
//	exec limited BYTES PROGRAM ARG… run a program that can write no larger files
//	exec recorded FILE              print a file of records as a JSON list
//	exec rows FILE                  count the rows of a Parquet file (parquet_test.go)
//	exec tear FILE                  append a frame without its end to a compressed file
//	exec sampled FOLDER             count a run's samples of telemetry (telemetry_test.go)
//	[licenses] …                    only where the list of licences was built in, as "make test" does
//	[race] …                        only with the race detector, which takes long: what does nothing at once skips
//
// DATA is the folder testdata/dynamic, with small datasets.
package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"weir/runtime/licenses"
	"weir/runtime/race"
	"weir/runtime/result"
)

// patience bounds every wait, so that a test that cannot succeed ends. No test
// is decided by it on a machine that still moves.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	// A program with the race detector sleeps for a second at its end.
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	if os.Getenv("XDG_CONFIG_HOME") == "" { // nothing is written to the settings of whoever runs the tests
		os.Setenv("XDG_CONFIG_HOME", filepath.Join(os.TempDir(), "weir-tests"))
	}
	testscript.Main(m, map[string]func(){
		"weir":     Execute,
		"quoted":   quoted,
		"limited":  limited,
		"drawn":    drawn,
		"recorded": recorded,
		"sampled":  sampled,
		"rows":     rows,
		"tear":     tear,
	})
}

func TestCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Values[stateKey{}] = &state{}
			data, err := filepath.Abs("../testdata/dynamic")
			env.Setenv("DATA", data)
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, ".config"))
			return err
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "licenses":
				list, err := licenses.Embedded()
				return list != nil, err
			case "race":
				return race.Enabled, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":          exits,
			"start":          start,
			"signal":         signalCommand,
			"finish":         finish,
			"await":          await,
			"serve":          serve,
			"requests":       requests,
			"paths":          paths,
			"await-requests": awaitRequests,
			"peers":          peers,
			"release":        release,
			"json":           jsonCommand,
			"registry":       registryCommand,
		},
	})
}

// state is what the commands of one script remember.
type state struct {
	service    *service
	background *exec.Cmd
	registry   *registryServer
}

type stateKey struct{}

func stateOf(ts *testscript.TestScript) *state { return ts.Value(stateKey{}).(*state) }

// need ends the script when a command is used wrongly.
func need(ts *testscript.TestScript, neg bool, args []string, atLeast int, usage string) {
	if neg || len(args) < atLeast {
		ts.Fatalf("usage: %s", usage)
	}
}

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "exits CODE PROGRAM ARG…")
	want := number(ts, args[0])
	if got := exitCode(ts, ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func exitCode(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	ts.Check(err)
	return 0
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "start PROGRAM ARG…")
	s := stateOf(ts)
	if s.background != nil {
		ts.Fatalf("something is running in the background already")
	}
	stdout, err := os.Create(ts.MkAbs("stdout.txt"))
	ts.Check(err)
	defer stdout.Close()
	stderr, err := os.Create(ts.MkAbs("stderr.txt"))
	ts.Check(err)
	defer stderr.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), stdout, stderr
	cmd.Env = append(os.Environ(), "HOME="+ts.Getenv("HOME"), "PATH="+ts.Getenv("PATH"))
	ts.Check(cmd.Start())
	s.background = cmd
	ts.Defer(func() {
		if s.background == cmd {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
}

func signalCommand(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "signal INT, TERM or KILL")
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}
	s := stateOf(ts)
	if s.background == nil || signals[args[0]] == nil {
		ts.Fatalf("no background program, or no such signal")
	}
	ts.Check(s.background.Process.Signal(signals[args[0]]))
}

func finish(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "finish CODE")
	s := stateOf(ts)
	if s.background == nil {
		ts.Fatalf("no background program")
	}
	cmd := s.background
	late := time.AfterFunc(patience, func() { cmd.Process.Signal(syscall.SIGQUIT) }) // its stack says where it hangs
	err := cmd.Wait()
	s.background = nil
	if !late.Stop() {
		ts.Fatalf("the program did not end:\n%s", ts.ReadFile("stderr.txt"))
	}
	if got, want := exitCode(ts, err), number(ts, args[0]); got != want {
		ts.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", got, want, ts.ReadFile("stdout.txt"), ts.ReadFile("stderr.txt"))
	}
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "await FILE PATTERN")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	var content []byte
	poll(ts, func() bool {
		content, _ = os.ReadFile(ts.MkAbs(args[0]))
		return pattern.Match(content)
	}, func() string { return fmt.Sprintf("%s never had %s:\n%s", args[0], args[1], content) })
}

// poll waits for something that can only be looked at.
func poll(ts *testscript.TestScript, there func() bool, missing func() string) {
	for begin := time.Now(); !there(); time.Sleep(2 * time.Millisecond) {
		if time.Since(begin) > patience {
			ts.Fatalf("%s", missing())
		}
	}
}

// quoted prints each line of a file as a Go string, line end and all.
func quoted() {
	content, err := os.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for line := range bytes.Lines(content) {
		fmt.Printf("%q\n", line)
	}
}

// limited runs a program that gets "file too large" where a file would grow
// past a number of bytes: what a full disk looks like, for free.
func limited() {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, "limited:", err)
		os.Exit(125)
	}
	bytes, err := strconv.ParseUint(os.Args[1], 10, 64)
	if err != nil {
		fail(err)
	}
	program, err := exec.LookPath(os.Args[2])
	if err != nil {
		fail(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: bytes}); err != nil {
		fail(err)
	}
	fail(syscall.Exec(program, os.Args[2:], os.Environ()))
}

// recorded prints the records of a file as one list.
func recorded() {
	all := []*result.Request{}
	for r, err := range result.ReadRecords(os.Args[1]) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		all = append(all, r)
	}
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
