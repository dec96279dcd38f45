//go:build linux

package health_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/runtime/health"
	"weir/runtime/result"
)

// A copy of the test binary with this variable set is one of the processes of
// TestStarvationShows.
const role = "WEIR_HEALTH_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "spinner":
		for { // until it is killed
			sink++
		}
	case "client":
		m := health.Watch(nil)
		burn(300 * time.Millisecond)
		if err := json.NewEncoder(os.Stdout).Encode(m.Stop()); err != nil {
			panic(err)
		}
	}
}

// Two processes on one CPU, both of which never rest: each must wait for the
// other. The bounds are wide, as the kernel need not be fair.
func TestStarvationShows(t *testing.T) {
	spinner := exec.Command(os.Args[0])
	spinner.Env = append(os.Environ(), role+"=spinner")
	pinned(t, spinner, spinner.Start)
	defer func() {
		_ = spinner.Process.Kill()
		_ = spinner.Wait()
	}()

	var c result.Client
	for range 3 {
		client := exec.Command(os.Args[0])
		client.Env = append(os.Environ(), role+"=client")
		client.Stderr = os.Stderr
		var output []byte
		pinned(t, client, func() (err error) {
			output, err = client.Output()
			return err
		})
		c = result.Client{}
		if err := json.Unmarshal(output, &c); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		if c.Cores > 1 {
			t.Fatalf("%v CPUs for a process that is pinned to one", c.Cores)
		}
		if c.Wait == nil || c.Others == nil {
			t.Skip("this kernel does not tell how long processes wait")
		}
		if c.Wait.Avg > 0.05 && *c.WaitTotal > 0.02 && c.Others.Avg > 0.05 && c.CPU.Avg < 0.95 {
			return
		}
	}
	text, _ := json.Marshal(c)
	t.Errorf("nothing shows that the process waited for its CPU: %s", text)
}

// pinned runs start so that the process it starts may only use the first of our
// CPUs: a process inherits the affinity of the thread that starts it.
func pinned(t *testing.T, c *exec.Cmd, start func() error) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var ours, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &ours); err != nil {
		t.Skipf("this system does not tell the affinity: %v", err)
	}
	for cpu := range len(ours) * 64 {
		if ours.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Skipf("this system does not let us pin a process: %v", err)
	}
	defer func() { _ = unix.SchedSetaffinity(0, &ours) }()
	if err := start(); err != nil {
		t.Fatalf("%v: %v", c, err)
	}
}
