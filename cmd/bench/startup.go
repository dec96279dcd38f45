//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// startUp measures from the start of the program to the moment at which the
// service has its first request: loading, the script, a connection. And it measures
// short commands from their start to their end.
func (b *bench) startUp() error {
	var all []numbers
	for range 2 * b.rounds {
		n, err := b.measure(clientWeir, load{streams: 1, requests: 1, tokens: 2, ttft: time.Millisecond, itl: time.Millisecond})
		if err != nil {
			return err
		}
		all = append(all, n)
	}
	n := medians(all)
	s := section{
		Name:    "startup",
		Title:   "Start of the program to its first request, no tokenizer",
		columns: []column{{"first_ms", "ms", 0}, {"peak_mb", "peak MB", 0}},
	}
	s.add(clientWeir, n)
	s.atMost("start-up, ms", n["first_ms"], 100)
	b.report.Sections = append(b.report.Sections, s)
	return b.shortCommands()
}

// hello is the scenario of the README.
const hello = `import { Endpoint } from "weir/llm";
const service = new Endpoint({ url: "http://127.0.0.1:8000", model: "qwen3" });
export default async function () {
  await service.complete("Why is the sky blue?", { maxTokens: 1 });
}
`

// shortCommands measures what somebody waits for who does nothing large.
func (b *bench) shortCommands() error {
	dir, err := os.MkdirTemp("", "weir-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	script := filepath.Join(dir, "hello.ts")
	if err := os.WriteFile(script, []byte(hello), 0o644); err != nil {
		return err
	}
	s := section{
		Name:    "commands",
		Title:   "Short commands, from the start of the program to its end",
		Note:    "run hello.ts: one request to a simulated service of the same process, which answers after 1 ms; the report is written",
		columns: []column{{"wall_ms", "ms", 0}, {"cpu_ms", "cpu ms", 0}, {"peak_mb", "peak MB", 0}},
	}
	for _, c := range []struct {
		name  string
		most  float64 // ms
		flags func(round int) []string
	}{
		{"version", 30, func(int) []string { return []string{"version"} }},
		{"run hello.ts", 80, func(round int) []string {
			return []string{"run", script, "--sim", "--sim-ttft", "1ms", "--sim-itl", "1ms", "--out", filepath.Join(dir, fmt.Sprint("out", round))}
		}},
	} {
		var all []numbers
		for round := range 4*b.rounds + 1 {
			n, err := wholeCommand(b.weir, c.flags(round)...)
			if err != nil {
				return err
			}
			if round > 0 { // the first one reads the program from the disk
				all = append(all, n)
			}
		}
		n := medians(all)
		s.add(c.name, n)
		s.atMost("weir "+c.name+", ms", n["wall_ms"], c.most)
	}
	b.report.Sections = append(b.report.Sections, s)
	return nil
}

// wholeCommand runs a program to its end.
func wholeCommand(name string, args ...string) (numbers, error) {
	cmd := exec.Command(name, args...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(began)
	if err != nil {
		return nil, fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	n := numbers{
		"wall_ms": float64(wall) / float64(time.Millisecond),
		"cpu_ms":  float64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()) / float64(time.Millisecond),
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		n["peak_mb"] = float64(usage.Maxrss) / 1024
	}
	return n, nil
}
