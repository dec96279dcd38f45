//go:build linux

// Command bench measures weir on this machine, beside the least that any client
// could do, and against the truth: make bench.
//
// A simulated service runs in a process of its own and logs when it really sent
// each event (server.go); where that would cost more than the client, one that replays an
// answer (replay.go). Clients are processes too, one after another in turn,
// several rounds: the floors (floor_*.go), which only read, and the real weir
// binary playing a script (weir.go). What a client costs is read from outside
// (watch.go) while it is under load (client.go); what weir reports is held
// against the server's log (truth.go). Each part of the measurement has a file
// of its own, and report.go prints all of them with the targets.
//
// It needs Linux. It never fails because something was slow.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// bench is one measurement.
type bench struct {
	weir     string // path of the binary
	dir      string // for what weir writes
	profile  string // folder for CPU profiles of weir; "": none
	profiles int    // so far
	rounds   int
	quick    bool
	itl      time.Duration // between the tokens of a stream
	out      io.Writer     // says how far it is
	report   report
}

// part is a piece of the measurement.
type part struct {
	name string
	help string
	run  func(*bench) error
}

// parts are in the order in which they are made.
var parts = []part{
	{"streams", "CPU per event, memory, and the error of reported times at 100 to 2,000 streams", (*bench).streams},
	{"startup", "start of the program to its first request", (*bench).startUp},
	{"starts", "start_lag at 100 to 20,000 starts a second", (*bench).starts},
	{"iterations", "iterations a second of an empty, a one-request and a multi-turn script", (*bench).iterations},
	{"many", "10,000 streams at once", (*bench).many},
	{"decode", "reading an event of each protocol, beside encoding/json", (*bench).decode},
	{"big", "250,000 requests of 4,096 + 4,096 tokens: memory, and the time after the last answer", (*bench).big},
	{"progress", "CPU of the panel that shows a case while it runs", (*bench).progress},
	{"unpaced", "events a second of a service that does not wait", (*bench).unpaced},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			os.Exit(2)
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// partsHelp lists the parts, a line each.
func partsHelp() string {
	var text strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&text, "\n%-10s  %s", p.name, p.help)
	}
	return text.String()
}

func run(args []string) error {
	if len(args) > 0 { // the processes that a measurement consists of
		switch args[0] {
		case "serve":
			return serve(args[1:])
		case "replay":
			return replay(args[1:])
		case "floor":
			return floor(args[1:])
		}
	}
	var b bench
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := fs.String("only", "", "`parts` to measure, with commas in between; all of them otherwise:"+partsHelp())
	path := fs.String("json", "", "`file` for the numbers as JSON")
	fs.StringVar(&b.weir, "weir", "./weir", "the `binary` that is measured")
	fs.StringVar(&b.profile, "profile", "", "`folder` for a CPU profile of each run of weir, for go tool pprof")
	fs.IntVar(&b.rounds, "rounds", 5, "rounds, of which medians are taken")
	fs.DurationVar(&b.itl, "itl", 20*time.Millisecond, "`time` between the tokens of a stream, in the part \"streams\"")
	fs.BoolVar(&b.quick, "quick", false, "fewer and shorter loads")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 || b.rounds < 1 || b.itl <= 0 {
		return errors.New("usage: bench [-quick] [-rounds N] [-itl TIME] [-only PARTS] [-json FILE] [-weir BINARY]")
	}
	chosen := strings.FieldsFunc(*only, func(r rune) bool { return r == ',' })
	for _, name := range chosen {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			return fmt.Errorf("there is no part %q; the parts are:%s", name, partsHelp())
		}
	}

	var err error
	if b.dir, err = os.MkdirTemp("", "weir-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.out = os.Stderr
	if b.report.Machine, err = thisMachine(b.weir); err != nil {
		return err
	}
	for _, part := range parts {
		if len(chosen) > 0 && !slices.Contains(chosen, part.name) {
			continue
		}
		if err := part.run(&b); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	b.report.write(os.Stdout)
	if *path == "" {
		return nil
	}
	text, err := json.MarshalIndent(&b.report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*path, append(text, '\n'), 0o644)
}
