//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"weir/runtime/sim"
)

// truth is what the server knows of one request: the simulator's log, cut down
// to what clients are held against.
type truth struct {
	ID       string  // the client's X-Request-Id
	Received int64   // wall clock, Unix ns
	Sent     []int64 // of each token event, just before its write, ns since Received
}

// serverConfig is how the simulated service behaves in a measurement.
type serverConfig struct {
	ttft, itl time.Duration
	streams   int // at the same time
	requests  int // in all
}

// ending is how long requests may take to end once the client has: they have,
// but for the last lines of the server's log.
const ending = 10 * time.Second

// serve is the server's process: it prints its URL, serves until its standard
// input ends, and then prints its log, gob-encoded.
func serve(args []string) error {
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	config := sim.Default()
	config.PrefillRate, config.ITLSlope, config.Jitter, config.MaxModelLen = 0, 0, 0, 1<<30
	fs.DurationVar(&config.TTFT, "ttft", 0, "")
	fs.DurationVar(&config.ITL, "itl", 0, "")
	fs.IntVar(&config.MaxBatch, "streams", 1, "")
	fs.IntVar(&config.LogRequests, "requests", 0, "")
	if err := fs.Parse(args); err != nil {
		return err
	}
	server, err := sim.Start(context.Background(), config)
	if err != nil {
		return err
	}
	fmt.Println(server.URL())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), ending)
	defer cancel()
	if err := server.Log().Wait(ctx); err != nil {
		return fmt.Errorf("requests have not ended %v after their client: %w", ending, err)
	}
	out := bufio.NewWriter(os.Stdout)
	if err := gob.NewEncoder(out).Encode(truths(server.Log().Requests())); err != nil {
		return err
	}
	return errors.Join(out.Flush(), server.Close())
}

// truths cuts the simulator's log down.
func truths(requests []sim.Request) []truth {
	all := make([]truth, len(requests))
	for i := range requests {
		r := &requests[i]
		all[i] = truth{ID: r.ClientID, Received: r.Received.UnixNano()}
		for _, e := range r.Events {
			if e.Tokens > 0 {
				all[i].Sent = append(all[i].Sent, int64(e.Sent))
			}
		}
	}
	return all
}

// server is a simulated service in a process of its own, so that its work is in
// nobody else's CPU time.
type server struct {
	url   string
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
	watch *watch
	ended bool
}

func startServer(c serverConfig) (*server, error) {
	return startService("serve", "-ttft", c.ttft.String(), "-itl", c.itl.String(), "-streams", fmt.Sprint(c.streams), "-requests", fmt.Sprint(c.requests))
}

// startService starts a process of this program that prints its URL.
func startService(args ...string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the service: %w", err)
	}
	s := &server{cmd: cmd, stdin: stdin, out: bufio.NewReader(stdout), watch: startWatch(cmd.Process.Pid)}
	url, err := s.out.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the service: %w", err), s.stop())
	}
	s.url = strings.TrimSpace(url)
	return s, nil
}

// finish ends the server and returns its log.
func (s *server) finish() ([]truth, error) {
	s.stdin.Close()
	var all []truth
	err := gob.NewDecoder(s.out).Decode(&all)
	if err = errors.Join(err, s.stop()); err != nil {
		return nil, fmt.Errorf("read the simulated service's log: %w", err)
	}
	return all, nil
}

// stop waits for the server's end.
func (s *server) stop() error {
	s.stdin.Close()
	err := s.cmd.Wait()
	s.watch.stop()
	s.ended = true
	return err
}

// abandon ends a server whose log nobody wants; it does nothing after finish.
func (s *server) abandon() {
	if !s.ended {
		s.cmd.Process.Kill()
		s.stop()
	}
}
