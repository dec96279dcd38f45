//go:build unix

package cmd

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// onTerminal is weir in front of a terminal of 100 × 30.
type onTerminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	read   chan struct{} // closed when all that it has written has been read

	mu      sync.Mutex // protects the following fields
	screen  *vt.Emulator
	written bytes.Buffer
}

func (o *onTerminal) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.written.Write(b)
	return o.screen.Write(b)
}

// weirOnTerminal starts weir with a script, and further flags and environment.
func weirOnTerminal(t *testing.T, script string, env []string, flags ...string) *onTerminal {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "script.ts")
	if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := exec.LookPath("weir") // testscript has put the test binary under that name
	if err != nil {
		t.Skip("there is no weir to run")
	}
	o := &onTerminal{t: t, screen: vt.NewEmulator(100, 30), read: make(chan struct{})}
	o.cmd = exec.Command(self, append([]string{"run", path, "--sim", "--sim-ttft", "5ms", "--sim-itl", "5ms", "--out", filepath.Join(dir, "out")}, flags...)...)
	o.cmd.Env = append(os.Environ(), append([]string{"TERM=xterm-256color", "CI="}, env...)...)
	if o.master, err = pty.StartWithSize(o.cmd, &pty.Winsize{Cols: 100, Rows: 30}); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(o.read)
		io.Copy(o, o.master) // an error is its end
	}()
	t.Cleanup(func() {
		o.cmd.Process.Kill()
		o.master.Close()
	})
	return o
}

// await waits until the screen shows what a regular expression matches.
func (o *onTerminal) await(expr string) {
	o.t.Helper()
	wanted := regexp.MustCompile(expr)
	for end := time.Now().Add(patience); !wanted.MatchString(o.shown()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			o.t.Fatalf("the screen does not show %q:\n%s", expr, o.shown())
		}
	}
}

func (o *onTerminal) shown() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.screen.String()
}

// end waits for weir's end, and checks that the terminal is as it was.
func (o *onTerminal) end(code int) {
	o.t.Helper()
	err := o.cmd.Wait()
	<-o.read
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == code:
	case err == nil && code == 0:
	default:
		o.t.Errorf("it ended with %v, want %d:\n%s", err, code, o.shown())
	}
	all := o.written.String()
	if strings.Count(all, "\x1b[?25l") != strings.Count(all, "\x1b[?25h") || strings.Count(all, "\x1b[?2026h") != strings.Count(all, "\x1b[?2026l") {
		o.t.Error("a mode of the terminal stays set")
	}
	if at := o.screen.CursorPosition(); at.X != 0 {
		o.t.Errorf("the cursor is left at %v", at)
	}
}

// panelMark is what only a panel shows.
const panelMark = "last 10 s"

const slowScript = `import { Endpoint } from "weir/llm";
const service = new Endpoint({ backend: "openai-chat", url: "http://x" });
export const options = { vus: 2, duration: "60s", gracefulStop: "1s" };
export default async function (it) {
  await service.complete("a", { maxTokens: 20 });
  if (it.index === 3) console.log("the script says so");
}`

// shortScript is over as soon as a panel would have been drawn.
var shortScript = strings.Replace(slowScript, `duration: "60s"`, "iterations: 20", 1)

func TestPanelOnATerminal(t *testing.T) {
	o := weirOnTerminal(t, slowScript, nil)
	o.await(panelMark)
	o.await("the script says so")
	o.await(`0:(0[2-9]|[1-5]\d), `) // it goes on; a slow machine may leave out a second
	o.cmd.Process.Signal(syscall.SIGINT)
	o.end(exitInterrupted)
	shown := o.shown()
	for _, want := range []string{"the script says so", "[1/1] case 1", "interrupted"} {
		if !strings.Contains(shown, want) {
			t.Errorf("in the end the screen lacks %q:\n%s", want, shown)
		}
	}
	if strings.Contains(shown, panelMark) {
		t.Errorf("the panel is left:\n%s", shown)
	}
}

// A second Ctrl-C cuts off what runs.
func TestPanelIsCutOff(t *testing.T) {
	o := weirOnTerminal(t, strings.Replace(slowScript, "maxTokens: 20", "maxTokens: 100000", 1), nil)
	o.await(panelMark)
	o.cmd.Process.Signal(syscall.SIGINT)
	o.await("stopping;")
	o.cmd.Process.Signal(syscall.SIGINT)
	o.end(exitInterrupted)
}

// A script that throws leaves a clean screen, too.
func TestPanelOfAScriptThatThrows(t *testing.T) {
	o := weirOnTerminal(t, `export function* plan() {
  yield { name: "one", vus: 1, iterations: 1 };
  throw new Error("no more");
}
export default async function () { await new Promise((resolve) => setTimeout(resolve, 700)); }`, nil)
	o.end(exitScript)
	if shown := o.shown(); strings.Contains(shown, panelMark) || !strings.Contains(shown, "no more") {
		t.Errorf("the screen shows\n%s", shown)
	}
}

// Which progress there is depends on what was asked for, and on the environment.
func TestProgressOnATerminal(t *testing.T) {
	f := func(panel, colours bool, env []string, flags ...string) {
		t.Helper()
		t.Run(strings.Join(append(env, flags...), " "), func(t *testing.T) {
			t.Parallel() // they mostly wait
			o := weirOnTerminal(t, shortScript, env, flags...)
			o.end(0)
			all := o.written.String()
			if got := strings.Contains(all, panelMark); got != panel {
				t.Errorf("a panel: %v, want %v:\n%s", got, panel, all)
			}
			if got := strings.Contains(all, "\x1b[1m"); got != colours {
				t.Errorf("colours: %v, want %v:\n%q", got, colours, all)
			}
		})
	}
	f(true, true, nil)
	f(true, true, []string{"CI=true"}, "--progress", "full")
	f(true, false, []string{"NO_COLOR=1"})
	f(false, true, []string{"CI=true"})
	f(false, true, nil, "--progress", "plain")
	f(false, false, []string{"TERM=dumb"}, "--progress", "full")
	f(false, false, nil, "--progress", "none")
}
