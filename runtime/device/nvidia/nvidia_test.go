package nvidia

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
	"weir/runtime/device/devicetest"
	"weir/runtime/result"
)

const testdata = "../../../testdata/nvidia-smi/"

var tool = device.Tool{Name: "nvidia-smi", Hint: "install the driver"}

func samples(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(testdata + "query_*.txt")
	if err != nil || len(files) < 4 {
		t.Fatalf("samples: %v %v", files, err)
	}
	return files
}

// fake is a script that prints one file for --query-gpu and one for --query-compute-apps.
func fake(t *testing.T, query string) {
	t.Helper()
	apps, err := filepath.Abs(testdata + "apps_H100.txt")
	if err != nil {
		t.Fatal(err)
	}
	devicetest.Fake(t, "nvidia-smi", `case "$1" in
--query-compute-apps=*) cat '`+apps+`';;
*) `+query+`;;
esac`)
}

func TestSamples(t *testing.T) {
	for _, file := range samples(t) {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		fake(t, "cat '"+path+"'")
		devicetest.Golden(t, strings.TrimSuffix(file, ".txt")+".golden.json", New(tool), "")
	}
}

// A field that a driver does not know is asked for no more.
func TestUnknownFields(t *testing.T) {
	path, _ := filepath.Abs(testdata + "query_T4_P40_laptop.txt")
	dir := devicetest.Fake(t, "nvidia-smi", `echo x >> "$HERE/calls"
case "$1" in
*mig.mode.current*) echo 'Field "mig.mode.current" is not a valid field to query.'; exit 2;;
*temperature.memory*) echo 'Field "temperature.memory" is not a valid field to query.' >&2; exit 6;;
*) cat '`+path+`';;
esac`)
	s := New(tool)
	for _, calls := range []int{3, 4} {
		if _, err := s.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		made, err := os.ReadFile(filepath.Join(dir, "calls"))
		if err != nil || strings.Count(string(made), "x") != calls {
			t.Errorf("%d calls were made, want %d (%v)", strings.Count(string(made), "x"), calls, err)
		}
	}
}

func TestErrors(t *testing.T) {
	f := func(script string, want ...string) {
		t.Helper()
		devicetest.Fake(t, "nvidia-smi", script)
		s := New(tool)
		_, err := s.Read(t.Context())
		_, listed := s.List(t.Context())
		watched := s.Watch(t.Context(), time.Millisecond, func(device.Reading) {})
		for _, err := range []error{err, listed, watched} {
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		}
	}
	f("echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9",
		"read GPUs: nvidia-smi", "could not communicate", "code 9")
	f("echo 'No devices were found'", "told of none", "No devices were found")
	f("true", "told of none")
	f(`echo 'Field "index" is not a valid field to query.'; exit 2`, "not a valid field")
}

func TestNoTool(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := New(tool).Read(t.Context()); !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "install the driver") {
		t.Errorf("%v", err)
	}
}

// One that hangs is ended when the reading's time is over.
func TestHangs(t *testing.T) {
	devicetest.Fake(t, "nvidia-smi", "sleep 1000")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := New(tool).Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// Processes that cannot be asked for leave the list of the GPUs.
func TestNoProcesses(t *testing.T) {
	path, _ := filepath.Abs(testdata + "query_H100.txt")
	devicetest.Fake(t, "nvidia-smi", `case "$1" in *apps*) echo no >&2; exit 3;; *) cat '`+path+`';; esac`)
	l, err := New(tool).List(t.Context())
	if err != nil || len(l.Devices) != 2 || len(l.Unread) != 1 || !strings.Contains(l.Unread[0], "code 3") {
		t.Errorf("%+v %v", l, err)
	}
}

// watch collects the powers of the readings of a Watch, one text a reading.
func watch(t *testing.T, script string, enough int) (readings []string, unread []string, err error) {
	t.Helper()
	devicetest.Fake(t, "nvidia-smi", `case "$*" in
*-lms*) `+script+`;;
*) echo 'index, power.draw [W]'; echo '0, 1'; echo '1, 1';;
esac`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	last := time.Now()
	err = New(tool).Watch(ctx, 20*time.Millisecond, func(r device.Reading) {
		text := ""
		for _, d := range r.Devices {
			power, told := d.Of[device.Power]
			text += " " + string(rune('0'+d.Index)) + ":"
			if told {
				text += string(rune('0' + int(power)))
			}
		}
		if r.At.Before(last) || r.At.After(time.Now()) || r.Source != "nvidia-smi" {
			t.Errorf("%+v", r)
		}
		last = r.At
		readings, unread = append(readings, strings.TrimSpace(text)), append(unread, r.Unread...)
		if len(readings) == enough {
			cancel()
		}
	})
	return readings, unread, err
}

func TestWatch(t *testing.T) {
	f := func(script string, want string, unread ...string) {
		t.Helper()
		readings, left, err := watch(t, script, strings.Count(want, "|")+1)
		if err != nil {
			t.Error(err)
		}
		if got := strings.Join(readings, "|"); got != want {
			t.Errorf("readings %q, want %q", got, want)
		}
		if got := strings.Join(left, "|"); got != strings.Join(unread, "|") {
			t.Errorf("unread %q, want %q", got, unread)
		}
	}
	const forever = "sleep 1000"
	// With the number of GPUs, a round is told as soon as it is whole.
	f("echo 'index, count, power.draw [W]'; echo '0, 2, 1'; echo '1, 2, 2'; echo '0, 2, 3'; echo '1, 2, 4';"+forever,
		"0:1 1:2|0:3 1:4")
	// Without it, the first round is whole when the second begins.
	f("echo 'index, power.draw [W]'; echo '0, 1'; echo '1, 2'; echo '0, 3'; echo '1, 4';"+forever,
		"0:1 1:2|0:3 1:4")
	// A value that comes and goes, and a GPU that vanishes.
	f("echo 'index, power.draw [W]'; echo '0, [N/A]'; echo '1, 2'; echo '0, 3'; echo '0, [Unknown Error]'; echo '0, 5';"+forever,
		"0: 1:2|0:3|0:|0:5")
	// Warnings between the lines.
	f("echo hello; echo 'index, count, power.draw [W]'; echo '0, 1, 1'; echo what, is; echo '0, 1, 2';"+forever,
		"0:1|0:2", "hello", "what, is")
}

// One that holds its lines back is started for each reading instead: their times would
// be wrong.
func TestWatchBursts(t *testing.T) {
	dir := devicetest.Fake(t, "nvidia-smi", `echo 'index, count, power.draw [W]'
case "$*" in
*-lms*) echo x >> "$HERE/watches"; for power in 1 2 3 4 5 6 7 8 9; do echo "0, 1, $power"; done; sleep 1000;;
*) echo '0, 1, 10';;
esac`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, told := New(tool), 0
	err := s.Watch(ctx, 200*time.Millisecond, func(r device.Reading) {
		if power := r.Devices[0].Of[device.Power]; power == 10 {
			if told++; told == 2 {
				cancel()
			}
		} else if power > hurried+1 {
			t.Errorf("%v W after it was known that the times are wrong", power)
		}
	})
	if err != nil || told != 2 {
		t.Errorf("%d readings, %v", told, err)
	}
	// It is known from then on.
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	if err := s.Watch(ctx, time.Millisecond, func(device.Reading) { cancel() }); err != nil {
		t.Error(err)
	}
	if watches, err := os.ReadFile(filepath.Join(dir, "watches")); string(watches) != "x\n" {
		t.Errorf("it was watched %q times (%v)", watches, err)
	}
}

// A tool that is to keep running and ends is an error, with what it said.
func TestWatchEnds(t *testing.T) {
	readings, _, err := watch(t, "echo 'index, count, power.draw [W]'; echo '0, 1, 1'; echo 'GPU is lost' >&2; exit 15", 2)
	if len(readings) != 1 || err == nil || !strings.Contains(err.Error(), "GPU is lost") {
		t.Errorf("%v %v", readings, err)
	}
}

func FuzzTable(f *testing.F) {
	for _, file := range append(samples(f), testdata+"apps_H100.txt") {
		out, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(out))
	}
	f.Fuzz(func(t *testing.T, out string) {
		rounds := rounds{emit: func(rows []row, unread []string, _ time.Time) {
			if len(rows) == 0 || len(unread) > mostUnread {
				t.Errorf("%d rows, %d unread", len(rows), len(unread))
			}
			for _, r := range rows {
				if d, v := r.device(), r.values(); d.Index < 0 || len(v.Of) > len(columns)+1 {
					t.Errorf("%+v %+v", d, v)
				}
			}
		}}
		for line := range strings.Lines(out) {
			rounds.line(line)
		}
		devices := []result.Device{{ID: "GPU-0b4f5a3c-9a51-7c3e-8f3b-3a6f2a4d1c01"}, {}}
		if unread := attach(devices, out); len(unread) > mostUnread || len(devices[0].Processes) > mostProcesses {
			t.Errorf("%d unread", len(unread))
		}
	})
}
