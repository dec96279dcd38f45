package device_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/runtime/device"
)

// tools puts shell scripts on PATH, before all else.
func tools(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

// ssh is one that runs the command on this machine, as sshd does: by the user's shell.
const ssh = `while [ "$1" != -- ]; do options="$options $1"; shift; done
shift; host=$1; shift
case "$options" in *BatchMode=yes*ConnectTimeout=*) ;; *) echo "wrong options: $options" >&2; exit 255;; esac
case "$host" in
locked) echo "user@locked: Permission denied (publickey,password)." >&2; exit 255;;
unknown) echo "Host key verification failed." >&2; exit 255;;
nowhere) echo "ssh: Could not resolve hostname nowhere: Name or service not known" >&2; exit 255;;
esac
exec sh -c "$*"`

func TestRun(t *testing.T) {
	tools(t, map[string]string{
		"ssh":     ssh,
		"words":   `for w; do echo "<$w>"; done; echo "$LC_ALL"`,
		"warns":   `echo "[WARNING] an old driver" >&2; echo table`,
		"fails":   `echo half a table; echo "dcmi init failed, ret is -8005" >&2; exit 3`,
		"mutters": `echo "This device is not supported"; exit 1`,
		"dies":    `kill -9 $$`,
		"floods":  `while :; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; done`,
	})
	f := func(tool device.Tool, args []string, out string, errs ...string) {
		t.Helper()
		got, err := tool.Run(t.Context(), args...)
		if len(errs) == 0 && err != nil || len(errs) > 0 && err == nil {
			t.Fatalf("error %v", err)
		}
		for _, part := range errs {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error has no %q: %v", part, err)
			}
		}
		if !strings.HasPrefix(string(got), out) || len(got) > 5<<20 {
			t.Errorf("printed %.100q, want %q", got, out)
		}
	}
	odd := []string{"info", "-i 0", "it's", "", "$HOME", "a;b", `"`}
	printed := "<info>\n<-i 0>\n<it's>\n<>\n<$HOME>\n<a;b>\n<\">\nC\n"
	f(device.Tool{Name: "words"}, odd, printed)
	// The other host's shell takes the same words.
	f(device.Tool{Name: "words", Host: "user@host"}, odd, printed)
	// What precedes the output on stderr is no part of it.
	f(device.Tool{Name: "warns"}, nil, "table\n")
	f(device.Tool{Name: "warns", Host: "h"}, nil, "table\n")
	// A code other than 0: what was printed comes too.
	f(device.Tool{Name: "fails"}, []string{"info"}, "half a table\n", "fails info: ", "code 3: dcmi init failed", "by hand (fails info)")
	f(device.Tool{Name: "fails", Host: "h"}, []string{"info"}, "half a table\n", "fails info on h: ", "code 3: dcmi init failed", "(ssh h fails info)")
	// Some tools complain on stdout.
	f(device.Tool{Name: "mutters"}, nil, "This device", "code 1: This device is not supported")
	f(device.Tool{Name: "dies"}, nil, "", "ended by a signal (signal: killed)")
	// What prints for ever is bounded.
	f(device.Tool{Name: "floods"}, nil, "0123", "printed more than 4 MiB")
	// ssh that cannot.
	f(device.Tool{Name: "words", Host: "locked"}, nil, "", "words on locked: ssh failed: user@locked: Permission denied", "ssh-copy-id locked")
	f(device.Tool{Name: "words", Host: "unknown"}, nil, "", "Host key", "connect once by hand")
	f(device.Tool{Name: "words", Host: "nowhere"}, nil, "", "resolve", "is the name right")
	f(device.Tool{Name: "words", Host: "-oProxyCommand=touch x"}, nil, "", "no host that ssh can take")
}

func TestRunNoSuchTool(t *testing.T) {
	tools(t, map[string]string{"ssh": ssh})
	for _, host := range []string{"", "h"} {
		_, err := device.Tool{Name: "no-such-smi", Host: host, Hint: "install the driver"}.Run(t.Context(), "info")
		if !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "install the driver") {
			t.Errorf("host %q: %v", host, err)
		}
	}
}

// A tool that hangs is ended with its children when its time is over, here and on
// another host.
func TestRunHangs(t *testing.T) {
	dir := tools(t, map[string]string{
		"ssh":   ssh,
		"hangs": `sleep 1000 & echo $$ >"$1"; echo $! >>"$1"; echo begun; wait`,
	})
	for _, host := range []string{"", "h"} {
		pids := filepath.Join(dir, "pids"+host)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		out, err := device.Tool{Name: "hangs", Host: host}.Run(ctx, pids)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer within") {
			t.Errorf("host %q: %v", host, err)
		}
		if string(out) != "begun\n" {
			t.Errorf("host %q: printed %q before", host, out)
		}
		gone(t, pids)
	}
}

// gone waits until the processes of a file of pids have ended; go test's own limit
// ends it when they do not.
func gone(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range strings.Fields(string(text)) {
		for {
			stat, err := os.ReadFile("/proc/" + pid + "/stat")
			if err != nil || strings.Contains(string(stat), ") Z ") {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// When the connection is gone, the tool on the other host is ended, though it prints nothing.
func TestRunEndsWithItsConnection(t *testing.T) {
	dir := tools(t, map[string]string{
		// The tool is in a session of its own, as sshd's are: weir cannot kill it.
		"ssh":   strings.Replace(ssh, "exec sh", "setsid sh", 1),
		"hangs": `echo $$ >"$1"; exec sleep 1000`,
	})
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("there is no setsid here")
	}
	pids := filepath.Join(dir, "pids")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := (device.Tool{Name: "hangs", Host: "h"}).Run(ctx, pids); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	gone(t, pids)
}

// A child that keeps the output open does not keep the call.
func TestRunLeavesNoChild(t *testing.T) {
	dir := tools(t, map[string]string{"leaves": `sleep 1000 & echo $! >"$1"; echo done`})
	pids := filepath.Join(dir, "pids")
	out, err := device.Tool{Name: "leaves"}.Run(t.Context(), pids)
	if string(out) != "done\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	gone(t, pids)
}

// A tool that keeps running is run by stdbuf, where there is one: it may hold its lines back.
func TestLinesAtOnce(t *testing.T) {
	for _, host := range []string{"", "h"} {
		dir := tools(t, map[string]string{
			"ssh":    ssh,
			"stdbuf": `echo "stdbuf $1"; shift; exec "$@"`,
			"says":   `echo "$@"; exec sleep 1000`,
		})
		tool := device.Tool{Name: "says", Host: host}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var got []string
		if err := tool.Lines(ctx, func(line string) {
			if got = append(got, line); len(got) == 2 {
				cancel()
			}
		}, "it's", "a b"); err != nil || strings.Join(got, "|") != "stdbuf -oL|it's a b" {
			t.Errorf("host %q: %q, %v", host, got, err)
		}
		if err := os.Remove(filepath.Join(dir, "says")); err != nil {
			t.Fatal(err)
		}
		if err := tool.Lines(t.Context(), func(string) {}); !errors.Is(err, exec.ErrNotFound) {
			t.Errorf("host %q: %v", host, err)
		}
	}
}

func TestLines(t *testing.T) {
	tools(t, map[string]string{
		"ssh":    ssh,
		"counts": `i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.01; done`,
		"ends":   `printf 'one\r\n\ntwo\nthree'`,
		"denied": `echo "Error parameter of -x" ; exit 2`,
		"long":   `head -c 200000 /dev/zero | tr '\0' x; echo; echo next; exec sleep 1000`,
	})
	for _, host := range []string{"", "h"} {
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		err := device.Tool{Name: "counts", Host: host}.Lines(ctx, func(line string) {
			if got = append(got, line); len(got) == 3 {
				cancel()
			}
		})
		if err != nil || len(got) < 3 || strings.Join(got[:3], ",") != "line 1,line 2,line 3" {
			t.Errorf("host %q: %q, %v", host, got, err)
		}
		cancel()
	}

	var got []string
	add := func(line string) { got = append(got, line) }
	err := device.Tool{Name: "ends"}.Lines(t.Context(), add)
	if strings.Join(got, ",") != "one,two,three" || err == nil || !strings.Contains(err.Error(), "ended by itself") {
		t.Errorf("%q, %v", got, err)
	}
	err = device.Tool{Name: "denied"}.Lines(t.Context(), func(string) {}, "-x")
	if err == nil || !strings.Contains(err.Error(), "denied -x: it ended with code 2: Error parameter") {
		t.Errorf("%v", err)
	}
	err = device.Tool{Name: "no-such-smi"}.Lines(t.Context(), add)
	if !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("%v", err)
	}
	// A line is bounded.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var sizes []int
	err = device.Tool{Name: "long"}.Lines(ctx, func(line string) {
		if sizes = append(sizes, len(line)); len(sizes) == 2 {
			cancel()
		}
	})
	if err != nil || len(sizes) != 2 || sizes[0] != 64<<10 || sizes[1] != len("next") {
		t.Errorf("lines of %d bytes, %v", sizes, err)
	}
}

// No process is left by a stream that is given up.
func TestLinesEnd(t *testing.T) {
	dir := tools(t, map[string]string{"counts": `echo $$ >"$1"; while :; do echo x; sleep 0.01; done`})
	pids := filepath.Join(dir, "pids")
	ctx, cancel := context.WithCancel(t.Context())
	if err := (device.Tool{Name: "counts"}).Lines(ctx, func(string) { cancel() }, pids); err != nil {
		t.Error(err)
	}
	gone(t, pids)
}
