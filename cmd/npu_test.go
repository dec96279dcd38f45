package cmd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/device/devicetest"
	"weir/runtime/device/npusmi"
	"weir/runtime/result"
	"weir/runtime/transport"
)

// groupOf is a sample's table as a group.
func groupOf(t *testing.T, name, sample string, at time.Time) group {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../testdata/npu-smi", sample))
	if err != nil {
		t.Fatal(err)
	}
	g := group{name: name}
	table := npusmi.ParseTable(string(b))
	for i, c := range table.Chips {
		row := deviceRow{At: at, Values: c.Values, Device: result.Device{
			Kind: "npu", Index: i, Name: c.Name, Bus: c.Bus, Health: c.Health, Host: name, Source: "npu-smi", Driver: table.Driver}}
		for _, p := range table.Processes {
			if p.NPU == c.NPU && (p.Chip == nil || *p.Chip == *c.Chip) {
				row.Processes = append(row.Processes, p.Process)
			}
		}
		g.rows = append(g.rows, row)
	}
	return g
}

func TestDeviceTable(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	broken := group{name: "node2", failures: []failedSource{{"npu-smi@node2", "npu-smi info on node2: ssh failed: Permission denied (publickey); weir gives no passwords"}}}
	f := func(width int, want string, groups ...group) {
		t.Helper()
		lines, _ := deviceTable(groups, width, now, false)
		for _, line := range lines {
			if text.StringWidth(line) > width {
				t.Errorf("%d places, more than %d: %s", text.StringWidth(line), width, line)
			}
		}
		if got := strings.Join(lines, "\n"); got != strings.TrimSpace(want) {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
	}
	f(60, `
DEVICE  HEALTH  POWER W  °C  AICORE %  UTIL %  MEM %
node1 · npu-smi · driver 25.7.rc1
npu 0   Alarm     205.7  71               100     79
npu 1   Alarm     207.7  60               100     27
npu 2   OK        192.7  57                 0      4
node2
  npu-smi info on node2: ssh failed: Permission denied
  (publickey); weir gives no passwords
this machine · npu-smi · driver 23.0.0
npu 0   Alarm            65         0             23`,
		groupOf(t, "node1", "info_25.7.rc1_950PR_alarm_busy.txt", now), broken, groupOf(t, "", "info_23.0.0_310B4_alarm_noHBM.txt", now))
	f(80, `
DEVICE  NAME         HEALTH  POWER W  °C  UTIL %   MEM GiB  MEM %  USED BY
node1 · npu-smi · driver 25.7.rc1
npu 0   Ascend950PR  Alarm     205.7  71     100  88.5/112     79  python +1
npu 1   Ascend950PR  Alarm     207.7  60     100  29.8/112     27
npu 2   Ascend950PR  OK        192.7  57       0   5.3/128      4`,
		groupOf(t, "node1", "info_25.7.rc1_950PR_alarm_busy.txt", now))
	// An old reading tells its age.
	f(120, `
DEVICE  NAME    BUS           HEALTH  POWER W  °C  AICORE %  MEM GiB  MEM %    AGE  USED BY
this machine · npu-smi · driver 23.0.2.1
npu 0   910B2C  0000:5A:00.0  OK         88.6  51         0  20.2/64     32  1m30s  python3.8
npu 1   910B2C  0000:19:00.0  OK         99.6  50         0  20.2/64     32  1m30s`,
		groupOf(t, "", "info_23.0.2.1_910B2C.txt", now.Add(-90*time.Second)))
	// Nothing yet.
	f(60, "node3 · asking …", group{name: "node3", asking: true})
	for width := range 200 {
		deviceTable([]group{groupOf(t, "n", "info_26.0.rc1_A3_two_chips_wide.txt", now), broken}, width, now, true)
	}
}

func TestSummary(t *testing.T) {
	f := func(want string, groups ...group) {
		t.Helper()
		if got := summary(groups); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	now := time.Now()
	f("")
	f("", groupOf(t, "", "info_25.3.rc1_310P3_power_NA.txt", now))
	f("2 NPUs · 188 W · up to 51 °C · busy 0 % · 40 of 128 GiB", groupOf(t, "", "info_23.0.2.1_910B2C.txt", now))
	host := group{rows: []deviceRow{{Device: result.Device{Kind: "host"}, Values: map[string]float64{"power_w": 500}}}}
	f("3 NPUs · 188 W · up to 51 °C · busy 0 % · 42 of 149 GiB", groupOf(t, "a", "info_23.0.2.1_910B2C.txt", now), groupOf(t, "b", "info_25.3.rc1_310P3_power_NA.txt", now), host)
}

// The live table fits its window, scrolls, and keeps its head.
func TestLiveTable(t *testing.T) {
	table, err := filepath.Abs("../testdata/npu-smi/info_23.0.6_910B3_8cards_idle.txt")
	if err != nil {
		t.Fatal(err)
	}
	devicetest.Fake(t, "npu-smi", `test "$*" = info && exec cat `+table+`; exit 1`)
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	f := newFleet([]string{"npu-smi", "no-such-smi"}, nil, nil, clients)
	f.once(t.Context())
	l := &liveTable{fleet: f, interval: time.Second}
	screen := func(width, height int, keys ...string) []string {
		t.Helper()
		l.Update(tea.WindowSizeMsg{Width: width, Height: height})
		for _, k := range keys {
			l.Update(tea.KeyPressMsg{Code: map[string]rune{"down": tea.KeyDown, "up": tea.KeyUp, "end": tea.KeyEnd, "home": tea.KeyHome, "pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp}[k]})
		}
		lines := strings.Split(text.StripEscape(l.View().Content), "\n")
		if len(lines) > height {
			t.Errorf("%d lines in a window of %d:\n%s", len(lines), height, strings.Join(lines, "\n"))
		}
		for _, line := range lines {
			if text.StringWidth(line) > width {
				t.Errorf("%d places, more than %d: %s", text.StringWidth(line), width, line)
			}
		}
		return lines
	}
	has := func(lines []string, first, second, last string) {
		t.Helper()
		if !strings.HasPrefix(lines[0], first) || !strings.HasPrefix(lines[1], second) || !strings.HasPrefix(lines[len(lines)-1], last) {
			t.Errorf("got:\n%s\nwant %q, %q … %q", strings.Join(lines, "\n"), first, second, last)
		}
	}
	has(screen(80, 40), "DEVICE", "this machine · npu-smi · driver 23.0.6", "q quits · every 1s")
	has(screen(80, 10), "DEVICE", "this machine", "↑↓ scroll, ")
	has(screen(80, 10, "end"), "DEVICE", "this machine", "↑↓ scroll, 0 more lines")
	has(screen(80, 10, "up"), "DEVICE", "this machine", "↑↓ scroll, 1 more lines")
	has(screen(80, 10, "home", "down"), "DEVICE", "this machine", "↑↓ scroll")
	if lines := screen(80, 10, "end"); !strings.HasPrefix(lines[2], "npu 3") {
		t.Errorf("below the title:\n%s", strings.Join(lines, "\n"))
	}
	has(screen(80, 10, "pgdown", "pgup", "pgup"), "DEVICE", "this machine", "↑↓ scroll")
	screen(20, 3)
	if _, cmd := l.Update(tea.KeyPressMsg{Code: 'q', Text: "q"}); cmd == nil {
		t.Error("q does not quit")
	}
}

func TestNoDevices(t *testing.T) {
	f := func(flags npuFlags, groups []group, parts ...string) {
		t.Helper()
		err := flags.none(groups)
		if (err == nil) != (len(parts) == 0) {
			t.Errorf("%v", err)
			return
		}
		var exit *exitError
		if err != nil && (!errors.As(err, &exit) || exit.code != exitFault) {
			t.Errorf("exit code of %v", err)
		}
		for _, part := range parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error has no %q: %v", part, err)
			}
		}
	}
	host := group{rows: []deviceRow{{Device: result.Device{Kind: "host"}}}}
	auto := npuFlags{sources: []string{"auto"}}
	f(auto, []group{host}, "no NPUs or GPUs", "looked for npu-smi, nvidia-smi", "--source host")
	f(npuFlags{sources: []string{"host"}}, []group{host})
	f(npuFlags{sources: []string{"auto"}, devices: selection{text: "host"}}, []group{host})
	f(npuFlags{sources: []string{"auto"}, devices: selection{text: "npu:9"}}, []group{{}}, "--devices npu:9: there is no such device")
	f(auto, []group{host, {failures: []failedSource{{"npu-smi", "npu-smi info: it hangs"}}}}, "no devices could be read", "it hangs")
	f(auto, []group{host, groupOf(t, "", "info_23.0.2.1_910B2C.txt", time.Now())})
}
