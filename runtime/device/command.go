package device

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Tool is a program that tells of devices, such as npu-smi, on this machine or on
// another one through the user's own ssh. Its methods may be called by several
// goroutines at once; each call is a process of its own.
//
// It is run in a process group of its own, so that Ctrl-C is weir's alone and that
// what hangs is ended with its children; with LC_ALL=C; and with nothing to read. On
// another host it ends when the connection does.
type Tool struct {
	Name string // such as "npu-smi": looked up in PATH, and in places where the vendors put theirs
	Host string // as ssh takes it: "host", "user@host", a name of ~/.ssh/config, "ssh://user@host:port"; "": this machine
	Hint string // what to do when there is no such program
}

const (
	toolLimit      = 30 * time.Second // of a call whose context has no end
	connectSeconds = 5                // limit of ssh's connection
	outputLimit    = 4 << 20          // bytes of a call's output; a table of 1000 chips has 200 kB
	lineLimit      = 64 << 10         // bytes of a line of a tool that keeps running; the rest is dropped
	stderrLimit    = 4 << 10          // bytes that are kept
	excerptLimit   = 400              // bytes of them in a message
	goneAfter      = time.Second      // from the end of a process until its pipes are closed, whoever holds them
)

// places are where tools are too: the PATH of an ssh command is often a short one.
var places = []string{"/usr/local/bin", "/usr/local/sbin", "/usr/sbin", "/opt/rocm/bin", "/opt/hyhal/bin"}

// Source is the name of a source that uses the tool: "npu-smi", "npu-smi@user@host".
func (t Tool) Source() string {
	if t.Host == "" {
		return t.Name
	}
	return t.Name + "@" + t.Host
}

// Run runs the tool and returns what it printed. With an error it returns what came
// before. The limit is that of ctx, or 30 s when it has none.
//
// A tool that ends with a code other than 0 is an error, which has an excerpt of what it
// said. The error is exec.ErrNotFound (errors.Is) when there is no such program.
func (t Tool) Run(ctx context.Context, args ...string) ([]byte, error) {
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, toolLimit)
		defer cancel()
	}
	ctx, full := context.WithCancelCause(ctx)
	defer full(nil)
	out := &head{limit: outputLimit, full: func() {
		full(fmt.Errorf("it printed more than %d MiB and was ended", outputLimit>>20))
	}}
	err := t.run(ctx, out, args, false)
	return out.kept.Bytes(), err
}

// Lines runs a tool that keeps running, and calls emit with every line that it prints,
// without its end and when it comes, on one goroutine. It returns nil when ctx ends,
// and otherwise why the tool ended; a tool that ended by itself is an error too.
//
// Many tools hold lines back when they are not on a terminal. They are run by stdbuf,
// which has most of them print each line at once, where there is one.
func (t Tool) Lines(ctx context.Context, emit func(line string), args ...string) error {
	out := &lines{emit: emit}
	err := t.run(ctx, out, args, true)
	if ctx.Err() != nil {
		return nil
	}
	out.end()
	if err == nil {
		return fmt.Errorf("%s ended by itself, with code 0", t.describe(args))
	}
	return err
}

// writer takes a tool's output.
type writer interface {
	Write([]byte) (int, error)
	text() string // the beginning of it, for a message
}

func (t Tool) run(ctx context.Context, out writer, args []string, atOnce bool) error {
	started := time.Now()
	cmd, err := t.command(ctx, args, atOnce)
	if err != nil {
		return fmt.Errorf("%s: %w", t.describe(args), err)
	}
	stderr := &head{limit: stderrLimit}
	cmd.Stdout, cmd.Stderr = out, stderr
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = goneAfter
	if t.Host != "" {
		// What is never written to ends with the connection: so the other host knows.
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return fmt.Errorf("%s: %w", t.describe(args), err)
		}
		defer stdin.Close()
	}
	err = cmd.Run()
	if cmd.Process != nil {
		// Children that outlive their parent are ended too.
		killGroup(cmd)
	}
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	if ended := context.Cause(ctx); ended != nil {
		if errors.Is(ended, context.DeadlineExceeded) {
			return fmt.Errorf("%s: no answer within %s, so it was ended: %w; try it by hand%s: a device or a driver that hangs makes it hang",
				t.describe(args), time.Since(started).Round(10*time.Millisecond), ended, t.byHand(args))
		}
		return fmt.Errorf("%s: %w", t.describe(args), ended)
	}
	said := cmp.Or(excerpt(stderr.text()), excerpt(out.text()))
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("%s: %w%s", t.describe(args), err, said)
	}
	switch code := exit.ExitCode(); {
	case t.Host != "" && code == 255:
		return fmt.Errorf("%s: ssh failed%s; %s", t.describe(args), said, t.sshHint(stderr.text()))
	case t.Host != "" && code == 127:
		return fmt.Errorf("%s: %w%s%s", t.describe(args), exec.ErrNotFound, said, t.hint())
	case code < 0:
		return fmt.Errorf("%s: it was ended by a signal (%s)%s", t.describe(args), exit, said)
	default:
		return fmt.Errorf("%s: it ended with code %d%s; try it by hand%s", t.describe(args), code, said, t.byHand(args))
	}
}

// command is the process to start.
func (t Tool) command(ctx context.Context, args []string, atOnce bool) (*exec.Cmd, error) {
	var cmd *exec.Cmd
	if t.Host == "" {
		path, err := t.look()
		if err != nil {
			return nil, err
		}
		cmd = exec.CommandContext(ctx, path, args...)
		if stdbuf, err := exec.LookPath("stdbuf"); err == nil && atOnce {
			cmd = exec.CommandContext(ctx, stdbuf, slices.Concat([]string{"-oL", path}, args)...)
		}
	} else {
		if strings.HasPrefix(t.Host, "-") || strings.ContainsFunc(t.Host, func(r rune) bool { return r <= ' ' }) {
			return nil, fmt.Errorf("%q is no host that ssh can take; give a name such as user@host", t.Host)
		}
		if _, err := exec.LookPath("ssh"); err != nil {
			return nil, fmt.Errorf("%w; install an ssh client, or read that host through an exporter's URL", err)
		}
		cmd = exec.CommandContext(ctx, "ssh", "-T", "-o", "BatchMode=yes", "-o", fmt.Sprint("ConnectTimeout=", connectSeconds),
			"-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3", "--", t.Host, t.remote(args, atOnce))
	}
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd, nil
}

// There tells whether this machine has the program.
func (t Tool) There() bool {
	_, err := t.look()
	return err == nil
}

// look finds the program on this machine.
func (t Tool) look() (string, error) {
	path, err := exec.LookPath(t.Name)
	if err == nil || strings.Contains(t.Name, "/") {
		return path, err
	}
	for _, dir := range places {
		if path, other := exec.LookPath(filepath.Join(dir, t.Name)); other == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w%s", err, t.hint())
}

// remote is the command line for the other host's shell, whichever that is. The
// reader of standard input ends the tool when the connection is gone: without it, each
// reading of a tool that hangs would leave another one there.
func (t Tool) remote(args []string, atOnce bool) string {
	words := []string{quote(t.Name)}
	if atOnce {
		words = []string{"$(command -v stdbuf >/dev/null 2>&1 && echo stdbuf -oL)", quote(t.Name)}
	}
	for _, a := range args {
		words = append(words, quote(a))
	}
	script := "PATH=\"$PATH:" + strings.Join(places, ":") + "\"; export PATH; exec 3<&0; " +
		strings.Join(words, " ") + " </dev/null 3<&- & tool=$!; " +
		"{ read -r _ <&3; kill -9 $tool; } >/dev/null 2>&1 & gone=$!; " +
		"wait $tool; code=$?; kill $gone 2>/dev/null; exit $code"
	return "env LC_ALL=C sh -c " + quote(script)
}

// quote makes one word of a text for a shell.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:,=@%+", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// describe says what was being done.
func (t Tool) describe(args []string) string {
	text := strings.Join(append([]string{t.Name}, shown(args)...), " ")
	if t.Host != "" {
		text += " on " + t.Host
	}
	return text
}

// shown are the arguments as messages have them: a script of several lines is "…".
func shown(args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		if strings.Contains(a, "\n") {
			args[i] = "…"
		}
	}
	return args
}

// byHand is the command to try, in brackets.
func (t Tool) byHand(args []string) string {
	words := []string{quote(t.Name)}
	for _, a := range shown(args) {
		words = append(words, quote(a))
	}
	if t.Host != "" {
		words = slices.Insert(words, 0, "ssh", quote(t.Host))
	}
	return " (" + strings.Join(words, " ") + ")"
}

func (t Tool) hint() string {
	where := "; looked for in PATH and in " + strings.Join(places, ", ")
	if t.Hint != "" {
		where += "; " + t.Hint
	}
	return where
}

// sshHint is what to do about what ssh said.
func (t Tool) sshHint(said string) string {
	host := quote(t.Host)
	switch {
	case strings.Contains(said, "Permission denied"), strings.Contains(said, "Too many authentication failures"):
		return "weir gives no passwords (BatchMode): make `ssh " + host + " true` work without one, such as by ssh-copy-id " + host + " or an agent"
	case strings.Contains(said, "Host key verification failed"), strings.Contains(said, "REMOTE HOST IDENTIFICATION"):
		return "connect once by hand (ssh " + host + ") and look at the host's key"
	case strings.Contains(said, "Could not resolve hostname"):
		return "is the name right? It may be one of ~/.ssh/config too"
	default:
		return "make `ssh " + host + " true` work without any question"
	}
}

// excerpt is the beginning of what a tool said, on one line; "" when it said nothing.
func excerpt(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "�")), " ")
	if s == "" {
		return ""
	}
	if len(s) > excerptLimit {
		s = strings.ToValidUTF8(s[:excerptLimit], "") + " …"
	}
	return ": " + s
}

// head keeps the beginning of an output.
type head struct {
	kept  bytes.Buffer
	limit int
	full  func() // called once when there is more; nil: nobody cares
}

func (h *head) Write(p []byte) (int, error) {
	room := h.limit - h.kept.Len()
	h.kept.Write(p[:min(room, len(p))])
	if len(p) > room && h.full != nil {
		h.full()
		h.full = nil
	}
	return len(p), nil
}

func (h *head) text() string { return h.kept.String() }

// lines cuts an output into lines.
type lines struct {
	emit  func(string)
	line  []byte // not ended yet
	first []byte // of the output, for a message
}

func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	l.first = append(l.first, p[:min(n, stderrLimit-len(l.first))]...)
	for len(p) > 0 {
		part, rest, ended := bytes.Cut(p, []byte("\n"))
		l.line = append(l.line, part[:min(len(part), lineLimit-len(l.line))]...)
		if ended {
			l.end()
		}
		p = rest
	}
	return n, nil
}

// end emits the line that has begun, if any.
func (l *lines) end() {
	if text := strings.TrimSuffix(string(l.line), "\r"); text != "" {
		l.emit(text)
	}
	l.line = l.line[:0]
}

func (l *lines) text() string { return string(l.first) }
