//go:build linux

package cmd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/runtime/result"
)

// A client that could not do its work says so: whatever the reason, its result is
// not VALID. One that could is, as long as this machine lets it: so what is
// VALID, and what needs a processor to be short, may be tried several times, and
// a machine that others use proves nothing of the former.
const (
	tries  = 4
	shared = 0.25 // of the processors that others use
)

// verdictOf plays a script in a process of its own, prepared by start.
func verdictOf(t *testing.T, script string, start func(*exec.Cmd) error) (*result.Case, string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "out")
	cmd := exec.Command("weir", "run", script, "--out", folder, "--progress", "none", "--no-summary")
	if start == nil {
		start = (*exec.Cmd).Start
	}
	if err := start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	c := readResult(t, folder).Cases[0]
	var rules []string
	for _, r := range c.Validity.Reasons {
		rules = append(rules, fmt.Sprintf("%s %s: %s", r.Verdict, r.Rule, r.Message))
	}
	return c, strings.Join(rules, "\n")
}

// pinned starts a command on one processor, from its first instruction on.
func pinned(cpu int) func(*exec.Cmd) error {
	return func(cmd *exec.Cmd) error {
		cmd.Args = append([]string{"taskset", "-c", fmt.Sprint(cpu), cmd.Path}, cmd.Args[1:]...)
		path, err := exec.LookPath("taskset")
		if err != nil {
			return err
		}
		cmd.Path = path
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
		return cmd.Start()
	}
}

// streaming starts a simulated service in a process of its own, and returns a
// script that has so many streams of it at the same time.
func streaming(t *testing.T, streams int) string {
	t.Helper()
	host, port := freePort(t)
	p := startProcess(t, "weir", "sim", "--host", host, "--port", port, "--ttft", "30ms", "--itl", "20ms", "--itl-slope", "0", "--max-batch", "1000")
	p.await("listening on")
	return scriptFile(t, fmt.Sprintf(`
import { sleep } from "weir";
import { Endpoint } from "weir/llm";
const service = new Endpoint({ url: "http://%s:%s", maxTokens: 60, ignoreEos: true });
export const options = { executor: "per-vu-iterations", vus: %d, iterations: 2 };
export default async (it) => { await sleep(it.vu * 0.002); await service.complete("Hello?"); };
`, host, port, streams))
}

func TestCleanClientIsValid(t *testing.T) {
	script := streaming(t, 16)
	for range tries {
		c, reasons := verdictOf(t, script, nil)
		switch others := c.Client.Others; {
		case c.Validity.Verdict == result.Valid:
			return
		case others != nil && others.Avg > shared:
			t.Logf("others used %.0f%% of the processors:\n%s", 100*others.Avg, reasons)
		default:
			t.Errorf("not VALID:\n%s", reasons)
			return
		}
	}
	t.Skip("needs a processor of its own")
}

// Pinned to one processor beside others that never rest, as one of many
// processes that want it.
func TestStarvedClientIsInvalid(t *testing.T) {
	var cpus unix.CPUSet
	if err := unix.SchedGetaffinity(0, &cpus); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("needs taskset")
	}
	cpu := 0
	for !cpus.IsSet(cpu) {
		cpu++
	}
	script := streaming(t, 500) // more than a seventh of a processor can follow
	var reasons string
	for range tries {
		var spinners []*exec.Cmd
		for range 6 {
			spinner := exec.Command("taskset", "-c", fmt.Sprint(cpu), "sh", "-c", "while :; do :; done")
			if err := spinner.Start(); err != nil {
				t.Fatal(err)
			}
			spinners = append(spinners, spinner)
		}
		c, found := verdictOf(t, script, pinned(cpu))
		for _, s := range spinners {
			_ = s.Process.Kill()
			_ = s.Wait()
		}
		if reasons = found; c.Validity.Verdict == result.Invalid {
			return
		}
	}
	t.Errorf("not INVALID:\n%s", reasons)
}

// A script that computes longer than its arrivals are apart.
func TestSlowScriptIsInvalid(t *testing.T) {
	s := startService(t, repeat("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n",
		"data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n", time.Millisecond, 1))
	script := scriptFile(t, fmt.Sprintf(`
import { Endpoint } from "weir/llm";
const service = new Endpoint({ url: %q });
export const options = { executor: "arrival-rate", rate: 400, duration: "2s" };
export default () => {
  for (const end = Date.now() + 20; Date.now() < end; );
  return service.complete("Hello?");
};
`, s.url()))
	c, reasons := verdictOf(t, script, nil)
	found := func(rule string) bool {
		return slices.ContainsFunc(c.Validity.Reasons, func(r result.Reason) bool { return r.Rule == rule && r.Verdict == result.Invalid })
	}
	if c.Validity.Verdict != result.Invalid || !found("start_lag") {
		t.Errorf("%s:\n%s", c.Validity.Verdict, reasons)
	}
}
