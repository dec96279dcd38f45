package profiling_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/runtime/profiling"
	"weir/runtime/result"
)

// tool writes a shell script and returns its path.
func tool(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tool")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// interruptible waits for SIGINT, and then does what it is given.
func interruptible(then string) string {
	return "trap '" + then + "' INT\necho ready > ready\nwhile :; do sleep 0.01; done\n"
}

func command(t *testing.T, o fields) profiling.Profiler {
	t.Helper()
	p, err := maker(t).Command(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A program that runs during the case is interrupted at its end, and waited for.
func TestRunningCommand(t *testing.T) {
	f := func(script string, timeout int64, inTrace string) result.Trace {
		t.Helper()
		dir := t.TempDir()
		p := command(t, fields{"run": []any{tool(t, script)}, "cwd": dir, "timeout": timeout, "settle": int64(0), "trace": "t.svg", "env": fields{"KIND": "svg"}})
		if err := p.Start(t.Context()); err != nil {
			t.Errorf("%s: %v", script, err)
			return result.Trace{}
		}
		await(t, filepath.Join(dir, "ready"))
		trace := p.Stop(t.Context())
		if inTrace == "" && trace.Error != "" || !strings.Contains(trace.Error, inTrace) || strings.Contains(trace.Error, "\n") {
			t.Errorf("%s: error %q, want %q", script, trace.Error, inTrace)
		}
		if trace.Profiler != "tool" || trace.Where != "t.svg" || trace.Started.IsZero() || trace.Stopped.Before(trace.Started) {
			t.Errorf("%s: %+v", script, trace)
		}
		if inTrace == "" {
			if text, err := os.ReadFile(filepath.Join(dir, "trace")); err != nil || string(text) != "svg\n" {
				t.Errorf("%s: the trace is %q: %v", script, text, err)
			}
		}
		return trace
	}
	const minute = 60_000
	f(interruptible("echo $KIND > trace; exit 0"), minute, "")
	f(interruptible("echo $KIND > trace; exit 130"), minute, "")                 // as a shell says that it was interrupted
	f(interruptible("echo $KIND > trace; trap - INT; kill -INT $$"), minute, "") // as most programs do
	f(interruptible("echo no room left >&2; exit 3"), minute, "after an interrupt it ended with exit status 3: no room left")
	f("trap '' INT\necho ready > ready\necho stuck; while :; do sleep 0.01; done\n", 100, "it did not end within 100ms after an interrupt, and was killed: stuck")
	f("trap '' INT\nsleep 0.3; echo $KIND > trace; echo ready > ready\n", minute, "") // by itself
}

// await waits for a file.
func await(t *testing.T, path string) {
	t.Helper()
	for range 1000 {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s has not come", path)
}

func TestCommandThatFails(t *testing.T) {
	dir := t.TempDir()
	p := command(t, fields{"run": []any{tool(t, "trap '' INT\nwhile [ ! -e go ]; do sleep 0.01; done\necho lost the process; exit 2\n")}, "cwd": dir, "settle": int64(0)})
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "it runs already") {
		t.Errorf("a second start: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // it ends meanwhile, or soon
	if trace := p.Stop(t.Context()); !strings.Contains(trace.Error, "with exit status 2: lost the process") {
		t.Errorf("it failed, and the trace says %q", trace.Error)
	}

	f := func(o fields, want ...string) {
		t.Helper()
		err := command(t, o).Start(t.Context())
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%v: got %v, want %s", o, err, w)
			}
		}
	}
	f(fields{"run": []any{"no-such-profiler"}}, "start the profiler: no-such-profiler: ", "not found", "hint: is it installed")
	f(fields{"run": []any{tool(t, "echo permission denied >&2; exit 1")}, "settle": "1m"}, "it ended at once, with exit status 1: permission denied", "hint: ")
	f(fields{"run": []any{tool(t, "echo done")}, "settle": "1m"}, "it ended at once, with code 0: done")
	f(fields{"run": []any{tool(t, "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; exit 1")}, "settle": "1m"}, ": … ", "line 299")
	f(fields{"start": []any{tool(t, "echo no device; exit 4")}, "stop": []any{"true"}}, "it ended with exit status 4: no device")
	f(fields{"start": []any{tool(t, "echo waiting; sleep 60")}, "stop": []any{"true"}, "timeout": int64(200)}, "it did not end within 200ms, and was killed: waiting")
}

// Two programs, of which the first may leave the profiler running.
func TestStartAndStopCommands(t *testing.T) {
	dir := t.TempDir()
	p := command(t, fields{
		"start": []any{tool(t, "sleep 60 & echo $! > pid")}, "stop": []any{tool(t, "kill $(cat pid) && echo $1 > trace"), "whole"}, "cwd": dir, "name": "two",
	})
	for range 2 {
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		trace := p.Stop(t.Context())
		if trace.Error != "" || trace.Profiler != "two" {
			t.Errorf("%+v", trace)
		}
		if got := content(t, filepath.Join(dir, "trace")); got != "whole\n" {
			t.Errorf("trace %q", got)
		}
	}
	failing := command(t, fields{"start": []any{"true"}, "stop": []any{tool(t, "echo nothing to stop; exit 5")}})
	if err := failing.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if trace := failing.Stop(t.Context()); trace.Error == "" || !strings.Contains(trace.Error, "it ended with exit status 5: nothing to stop") {
		t.Errorf("%+v", trace)
	}
	// It is told to stop also when nobody waits any more.
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "trace")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if trace := p.Stop(ctx); trace.Error != "" {
		t.Errorf("%+v", trace)
	}
	if got := content(t, filepath.Join(dir, "trace")); got != "whole\n" {
		t.Errorf("trace %q", got)
	}
}

// What a program has started ends with it, and an interrupted run leaves nothing.
func TestCommandLeavesNothing(t *testing.T) {
	f := func(what string, end func(p profiling.Profiler)) {
		t.Helper()
		dir := t.TempDir()
		p := command(t, fields{"run": []any{tool(t, "trap '' INT\nsleep 60 &\necho $! > pid.new; mv pid.new pid\nwait\nwait\nsleep 60\n")}, "cwd": dir, "settle": int64(0), "timeout": int64(100)})
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		await(t, filepath.Join(dir, "pid"))
		pid, err := strconv.Atoi(strings.TrimSpace(content(t, filepath.Join(dir, "pid"))))
		if err != nil {
			t.Fatal(err)
		}
		end(p)
		for range 1000 {
			if gone(pid) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("%s: the program's child %d still runs", what, pid)
	}
	f("limit", func(p profiling.Profiler) { p.Stop(t.Context()) })
	f("interrupt", func(p profiling.Profiler) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if trace := p.Stop(ctx); !strings.Contains(trace.Error, "killed") {
			t.Errorf("%+v", trace)
		}
	})
}

// gone tells whether a process has ended; one that nobody has waited for counts.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// A start that is interrupted leaves no program.
func TestCommandInterruptedStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := command(t, fields{"run": []any{"sleep", "60"}, "settle": "1h"}).Start(ctx); err == nil {
		t.Error("it succeeded")
	}
	if err := command(t, fields{"start": []any{"sleep", "60"}, "stop": []any{"true"}}).Start(ctx); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}
