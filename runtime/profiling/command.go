package profiling

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"weir/runtime/result"
)

// command is a program of this machine: one that runs while the load does and is ended
// as by Ctrl-C, or two, of which one starts the profiler and one stops it.
type command struct {
	run         []string // nil: start and stop
	start, stop []string
	dir         string
	env         []string // besides weir's own
	timeout     time.Duration
	settle      time.Duration
	trace       result.Trace
	process     *process // that runs; nil: none
}

const (
	defaultAlive = time.Second // how long a program must have run before the load
	goneAfter    = time.Second // from the end of a process until its output is closed, whoever holds it
)

// Command makes a profiler of a program: { run } or { start, stop }, and { cwd, env,
// timeout, settle, trace, name }. A program is a list of its name and its arguments; no
// shell reads it.
func (m Maker) Command(of map[string]any) (Profiler, error) {
	o := &options{of: of, dur: m.Duration}
	o.known("run", "start", "stop", "cwd", "env", "timeout", "settle", "trace", "name")
	c := &command{
		run: program(o, "run"), start: program(o, "start"), stop: program(o, "stop"),
		dir: o.text("cwd"), timeout: o.timeout(), settle: o.duration("settle", defaultAlive),
	}
	for _, v := range o.pairs("env") {
		c.env = append(c.env, v.Name+"="+v.Value)
	}
	switch {
	case o.err != nil:
	case c.run != nil && (c.start != nil || c.stop != nil):
		o.fail("give run, a program that runs during the case, or start and stop, but not both")
	case c.run == nil && (c.start == nil || c.stop == nil):
		o.fail(`no program: give run, such as ["py-spy", "record", "-o", "trace.svg", "--pid", "123"], or start and stop`)
	}
	if o.err != nil {
		return nil, o.err
	}
	first := c.run
	if first == nil {
		first = c.start
	}
	c.trace = result.Trace{Profiler: o.text("name"), Target: strings.Join(first, " "), Where: o.text("trace")}
	if c.trace.Profiler == "" {
		c.trace.Profiler = filepath.Base(first[0])
	}
	return c, nil
}

// program reads a program and its arguments.
func program(o *options, name string) []string {
	v := o.of[name]
	if text, ok := v.(string); ok {
		o.fail(`option %s is a text; write a list of the program and its arguments, such as ["py-spy", "record"], or ["sh", "-c", %q] for a shell`, name, text)
		return nil
	}
	list := o.texts(name)
	if v != nil && (len(list) == 0 || list[0] == "") {
		o.fail("option %s: it names no program", name)
		return nil
	}
	return list
}

func (c *command) String() string { return c.trace.Profiler }

func (c *command) Start(ctx context.Context) error {
	if c.process != nil {
		return fmt.Errorf("start %s: it runs already; give each profiler of a case one object", c.trace.Target)
	}
	if c.run == nil {
		if err := c.wait(ctx, c.start, min(c.timeout, startLimit)); err != nil {
			return fmt.Errorf("start the profiler: %w", err)
		}
		c.trace.Started = time.Now()
		return nil
	}
	p, err := c.begin(c.run)
	if err != nil {
		return fmt.Errorf("start the profiler: %w", err)
	}
	timer := time.NewTimer(c.settle)
	defer timer.Stop()
	select {
	case <-p.ended:
		p.kill()
		return fmt.Errorf("start the profiler: %s: it ended at once, %s\n  hint: it must run until it is interrupted; try it by hand", p.name, p.how())
	case <-ctx.Done():
		p.kill()
		<-p.ended
		return ctx.Err()
	case <-timer.C:
	}
	c.process, c.trace.Started = p, p.begun
	return nil
}

func (c *command) Stop(ctx context.Context) result.Trace {
	asked := time.Now()
	t := c.trace
	if c.run == nil {
		ctx, cancel := lastMoment(ctx)
		defer cancel()
		if err := c.wait(ctx, c.stop, c.timeout); err != nil {
			t.Error = "stop the profiler: " + err.Error()
		}
		return stopped(t, asked)
	}
	p := c.process
	c.process = nil
	select {
	case <-p.ended: // before it was told to
		asked = p.at
		if p.err != nil {
			t.Error = fmt.Sprintf("%s: it ended during the case, %s", p.name, p.how())
		}
		p.kill()
		return stopped(t, asked)
	default:
	}
	if err := p.signal(syscall.SIGINT); err != nil {
		t.Error = fmt.Sprintf("%s: interrupt it: %v", p.name, err)
	}
	limit := time.NewTimer(c.timeout)
	defer limit.Stop()
	killed := ""
	select {
	case <-p.ended:
	case <-limit.C:
		killed = fmt.Sprintf("it did not end within %v after an interrupt, and was killed", c.timeout)
	case <-ctx.Done():
		killed = "it was killed, as the run was interrupted before it had ended"
	}
	p.kill() // what it has left behind, too
	<-p.ended
	switch {
	case killed != "":
		t.Error = p.name + ": " + killed + p.said()
	case p.failed():
		t.Error = fmt.Sprintf("%s: after an interrupt it ended %s", p.name, p.how())
	}
	return stopped(t, asked)
}

// wait runs a program to its end.
func (c *command) wait(ctx context.Context, args []string, limit time.Duration) error {
	p, err := c.begin(args)
	if err != nil {
		return err
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		p.kill()
		<-p.ended
		return fmt.Errorf("%s: it did not end within %v, and was killed%s", p.name, limit, p.said())
	case <-ctx.Done():
		p.kill()
		<-p.ended
		return fmt.Errorf("%s: it was killed, as the run was interrupted before it had ended", p.name)
	}
	if p.err != nil { // what it has left running is the profiler
		return fmt.Errorf("%s: it ended %s", p.name, p.how())
	}
	return nil
}

// process is a program that was started, in a group of its own: Ctrl-C is weir's alone.
type process struct {
	name   string
	cmd    *exec.Cmd
	begun  time.Time
	output tail
	ended  chan struct{} // closed when the following fields are final
	err    error
	at     time.Time
}

func (c *command) begin(args []string) (*process, error) {
	p := &process{name: strings.Join(args, " "), cmd: exec.Command(args[0], args[1:]...), begun: time.Now(), ended: make(chan struct{})}
	p.cmd.Dir = c.dir
	p.cmd.Env = append(os.Environ(), c.env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = goneAfter
	if err := p.cmd.Start(); err != nil {
		hint := ""
		if errors.Is(err, exec.ErrNotFound) {
			hint = "\n  hint: is it installed, and in PATH? Its whole path helps, too"
		}
		return nil, fmt.Errorf("%s: %w%s", p.name, err, hint)
	}
	go func() {
		p.err = p.cmd.Wait()
		if errors.Is(p.err, exec.ErrWaitDelay) {
			p.err = nil // something that it has started holds its output
		}
		p.at = time.Now()
		close(p.ended)
	}()
	return p, nil
}

// signal sends a signal to the whole group.
func (p *process) signal(s syscall.Signal) error {
	err := syscall.Kill(-p.cmd.Process.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

func (p *process) kill() { _ = p.signal(syscall.SIGKILL) }

// failed tells whether it ended in another way than a program does that was
// interrupted.
func (p *process) failed() bool {
	if p.err == nil {
		return false
	}
	state, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return !ok || !(state.Signaled() && state.Signal() == syscall.SIGINT) && state.ExitStatus() != 128+int(syscall.SIGINT)
}

// how is how it ended, and what it said.
func (p *process) how() string {
	if p.err == nil {
		return "with code 0" + p.said()
	}
	return "with " + p.err.Error() + p.said()
}

// said is the end of its output, for the end of a message.
func (p *process) said() string {
	s := strings.Join(strings.Fields(strings.ToValidUTF8(string(p.output.bytes()), "�")), " ")
	if s == "" {
		return ""
	}
	if len(s) > excerptLimit {
		s = "… " + strings.ToValidUTF8(s[len(s)-excerptLimit:], "")
	}
	return ": " + s
}

// tail keeps the end of an output.
type tail struct {
	mu   sync.Mutex // protects kept
	kept []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, b[max(0, len(b)-answerLimit):]...)
	if over := len(t.kept) - answerLimit; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(b), nil
}

func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.kept)
}
