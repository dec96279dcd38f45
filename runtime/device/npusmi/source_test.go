package npusmi_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/runtime/device"
	"weir/runtime/device/devicetest"
	"weir/runtime/device/npusmi"
	"weir/runtime/telemetry"
)

// fake is an npu-smi whose answers are samples, by the words after "info".
func fake(t *testing.T, answers map[string]string) string {
	t.Helper()
	dir, err := filepath.Abs(samples)
	if err != nil {
		t.Fatal(err)
	}
	script := `echo "$*" >>"$HERE/calls"; case "$*" in` + "\n"
	for words, answer := range answers {
		if strings.HasSuffix(answer, ".txt") {
			answer = "cat " + dir + "/" + answer
		}
		script += `"` + strings.TrimSpace("info "+words) + `")` + "\n" + answer + "\n;;\n"
	}
	return devicetest.Fake(t, "npu-smi", script+`*) echo "Error parameter of $*" >&2; exit 1;;`+"\nesac")
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestList(t *testing.T) {
	fake(t, map[string]string{
		"":              "info_26.0.rc1_A3_two_chips_wide.txt",
		"-m":            `printf 'NPU ID  Chip ID  Chip Logic ID  Chip Phy-ID  Chip Name\n0 0 0 0 Ascend 910\n0 1 1 1 Ascend 910\n0 2 - - Mcu\n5 0 2 10 Ascend 910\n5 1 3 11 Ascend 910\n'`,
		"-t board -i 0": "t_board_910B_25.5.1.txt",
	})
	l, err := npusmi.New(npusmi.Options{}).List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"kind":"npu","index":0,"id":"0","chip":0,"logic_id":0,"phy_id":0,"name":"Ascend910","bus":"0000:9D:00.0","serial":"1025C9048791","health":"OK","memory_kind":"HBM","memory_mib":65536,"driver":"26.0.rc1","firmware":"7.8.0.6.201","tool":"26.0.rc1","source":"npu-smi","processes":[{"pid":1774110,"name":"VLLMWorker_PP","memory_mib":56684}]}`,
		`{"kind":"npu","index":1,"id":"0","chip":1,"logic_id":1,"phy_id":1,"name":"Ascend910","bus":"0000:9F:00.0","serial":"1025C9048791","health":"OK","memory_kind":"HBM","memory_mib":65536,"driver":"26.0.rc1","firmware":"7.8.0.6.201","tool":"26.0.rc1","source":"npu-smi","processes":[{"pid":1777209,"name":"VLLMWorker_PP","memory_mib":56684}]}`,
		`{"kind":"npu","index":2,"id":"5","chip":0,"logic_id":2,"phy_id":10,"name":"Ascend910","bus":"0000:89:00.0","health":"OK","memory_kind":"HBM","memory_mib":65536,"driver":"26.0.rc1","tool":"26.0.rc1","source":"npu-smi"}`,
		`{"kind":"npu","index":3,"id":"5","chip":1,"logic_id":3,"phy_id":11,"name":"Ascend910","bus":"0000:8B:00.0","health":"OK","memory_kind":"HBM","memory_mib":65536,"driver":"26.0.rc1","tool":"26.0.rc1","source":"npu-smi"}`,
	}
	for i, w := range want {
		if i >= len(l.Devices) || text(t, l.Devices[i]) != w {
			t.Errorf("device %d of %s\nwant %s", i, text(t, l.Devices), w)
		}
	}
	// The board of card 5 could not be asked: that is said, and the rest is there.
	if len(l.Unread) != 1 || !strings.Contains(l.Unread[0], "npu-smi info -t board -i 5: it ended with code 1: Error parameter") {
		t.Errorf("unread %q", l.Unread)
	}
}

func TestRead(t *testing.T) {
	f := func(usages bool, answers map[string]string, want string, unread ...string) {
		t.Helper()
		fake(t, answers)
		r, err := npusmi.New(npusmi.Options{Usages: usages}).Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, r.Devices); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		if !slices.EqualFunc(r.Unread, unread, strings.Contains) {
			t.Errorf("unread %q, want %q", r.Unread, unread)
		}
		if !strings.HasPrefix(r.Source, "npu-smi") || r.At.IsZero() || r.Took <= 0 {
			t.Errorf("%s took %v at %v", r.Source, r.Took, r.At)
		}
	}
	const m = `printf 'NPU ID  Chip ID  Chip Logic ID  Chip Name\n%s 0 0 Ascend\n' `
	const card5 = `[{"Kind":"npu","Index":0,"Health":"OK","Of":{"aicore_pct":0,"memory_pct":8.917236328125,"memory_total_mib":32768,"memory_used_mib":2922,"power_w":89.9,"temperature_c":39}}]`
	f(false, map[string]string{"": "info_25.5.2_910B4_noproc_full.txt", "-m": m + "5"}, card5)
	// Without -m devices are counted as they are listed.
	f(false, map[string]string{"": "info_25.5.2_910B4_noproc_full.txt"}, card5, "npu-smi info -m: it ended with code 1")
	// Warnings before the table, on both outputs; and a code that is not 0.
	table := "cat " + absolute(t, "info_25.5.2_910B4_noproc_full.txt")
	f(false, map[string]string{"": `echo "[WARNING] driver and tool differ"; echo "old" >&2; ` + table + `; exit 4`, "-m": m + "5"}, card5,
		"[WARNING] driver and tool differ", "npu-smi info: it ended with code 4: old")
	// Usages: the used memory is the table's, which is exact.
	f(true, map[string]string{"": "info_25.5.2_910B4_noproc_full.txt", "-m": m + "5", "-t usages -i 5": "t_usages_910B_25.5.1.txt"},
		`[{"Kind":"npu","Index":0,"Health":"OK","Of":{"aicore_pct":0,"aicpu_pct":0,"aicube_pct":0,"aivector_pct":0,"ctrlcpu_pct":6,"memory_bandwidth_pct":0,"memory_pct":8.917236328125,"memory_total_mib":32768,"memory_used_mib":2922,"power_w":89.9,"temperature_c":39,"utilization_pct":0}}]`)
	// The power of a 310P is its controller's.
	f(true, map[string]string{"": "info_25.3.rc1_310P3_power_NA.txt", "-m": m + "6", "-t common -i 6": "t_common_310P_single_mcu_power.txt"},
		`[{"Kind":"npu","Index":0,"Health":"OK","Of":{"aicore_pct":0,"memory_pct":8.543554006968641,"memory_total_mib":21525,"memory_used_mib":1839,"power_w":13.4,"temperature_c":50}}]`,
		"npu-smi info -t usages -i 6: it ended with code 1")
	// A table that is cut off in the first row of its second chip.
	f(false, map[string]string{"": table + "; head -c 950 " + absolute(t, "info_23.0.2.1_910B2C.txt"), "-m": m + "5"},
		strings.TrimSuffix(card5, "]")+`,{"Kind":"npu","Index":1,"Health":"OK","Of":{"aicore_pct":0,"memory_pct":31.58721923828125,"memory_total_mib":65536,"memory_used_mib":20701,"power_w":88.6,"temperature_c":51}}]`,
		"| 1     910B2C")
}

func absolute(t *testing.T, sample string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(samples, sample))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadFails(t *testing.T) {
	f := func(answer string, parts ...string) error {
		t.Helper()
		fake(t, map[string]string{"": answer})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := npusmi.New(npusmi.Options{}).Read(ctx)
		if err == nil {
			t.Fatal("no error")
		}
		for _, part := range parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error has no %q: %v", part, err)
			}
		}
		return err
	}
	f(`echo "dcmi model initialized failed, because the device is used. ret is -8020"; exit 1`, "npu-smi info: it ended with code 1: dcmi model initialized failed")
	f(`echo "dcmi module initialize failed. ret is -8005"`, "it told of no device but said: dcmi module initialize failed", "HwHiAiUser")
	f(`:`, "it told of no device;")
	if err := f(`sleep 100`, "no answer within"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := npusmi.New(npusmi.Options{}).List(t.Context()); !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "Ascend driver") {
		t.Errorf("%v", err)
	}
}

func watcher(t *testing.T) device.Watcher {
	t.Helper()
	w, ok := npusmi.New(npusmi.Options{}).(device.Watcher)
	if !ok {
		t.Fatal("it cannot watch")
	}
	return w
}

func TestNames(t *testing.T) {
	f := func(o npusmi.Options, name string, watches bool) {
		t.Helper()
		s := npusmi.New(o)
		if _, ok := s.(device.Watcher); s.Name() != name || ok != watches {
			t.Errorf("%s watches: %v", s.Name(), ok)
		}
	}
	f(npusmi.Options{}, "npu-smi", true)
	f(npusmi.Options{Host: "me@a"}, "npu-smi@me@a", true)
	f(npusmi.Options{Usages: true}, "npu-smi-usages", false)
	f(npusmi.Options{Usages: true, Host: "me@a"}, "npu-smi-usages@me@a", false)
}

func TestWatch(t *testing.T) {
	f := func(interval time.Duration, answers map[string]string, rounds int, want string) {
		t.Helper()
		fake(t, answers)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var got []device.Reading
		err := watcher(t).Watch(ctx, interval, func(r device.Reading) {
			if got = append(got, r); len(got) == rounds {
				cancel()
			}
		})
		if err != nil || len(got) < rounds {
			t.Fatalf("%d readings, %v", len(got), err)
		}
		all := make([][]device.Values, rounds)
		for i := range all {
			all[i] = got[i].Devices
		}
		if got := text(t, all); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	head := `echo "NpuID(Idx)  ChipId(Idx) Pwr(W)      Temp(C)     AI Core(%)  Memory(%)"; `
	// Memory is the share of the table's capacity; health is the table's. Rows of chips
	// that the table has not are left out, as are lines that are none.
	f(time.Second, map[string]string{
		"":      "info_25.2.0_A3_two_chips.txt",
		"watch": head + `echo "0 0 160.5 40 50 25"; echo "0 1 - 41 75 50"; echo nonsense; echo "1 0 170 42 NA 5"; echo "1 1 - 43 0 5"; echo "9 9 1 1 1 1"; sleep 1; echo "0 0 161 40 51 25"; exec sleep 100`,
	}, 2, `[[{"Kind":"npu","Index":0,"Health":"OK","Of":{"aicore_pct":50,"memory_pct":25,"memory_total_mib":65536,"memory_used_mib":16384,"power_w":160.5,"temperature_c":40}},`+
		`{"Kind":"npu","Index":1,"Health":"OK","Of":{"aicore_pct":75,"memory_pct":50,"memory_total_mib":65536,"memory_used_mib":32768,"temperature_c":41}},`+
		`{"Kind":"npu","Index":2,"Health":"OK","Of":{"memory_pct":5,"memory_total_mib":65536,"memory_used_mib":3276.8,"power_w":170,"temperature_c":42}},`+
		`{"Kind":"npu","Index":3,"Health":"OK","Of":{"aicore_pct":0,"memory_pct":5,"memory_total_mib":65536,"memory_used_mib":3276.8,"temperature_c":43}}],`+
		`[{"Kind":"npu","Index":0,"Health":"OK","Of":{"aicore_pct":51,"memory_pct":25,"memory_total_mib":65536,"memory_used_mib":16384,"power_w":161,"temperature_c":40}}]]`)
	// A longer interval is asked for. On a 910A the rows' memory is not the HBM.
	f(1500*time.Millisecond, map[string]string{
		"":           "info_23.0.5_910A_elided.txt",
		"watch -d 2": head + `echo "0 0 70 40 50 6"; exec sleep 100`,
	}, 1, `[[{"Kind":"npu","Index":0,"Health":"OK","Of":{"aicore_pct":50,"memory_total_mib":32768,"power_w":70,"temperature_c":40}}]]`)
}

// A tool that holds its rows back and prints many at once gives them wrong times: then
// the table is read again and again.
func TestWatchOfBursts(t *testing.T) {
	dir := fake(t, map[string]string{
		"":      "info_25.5.2_910B4_noproc_full.txt",
		"watch": `echo "NpuID(Idx)  Pwr(W)"; for i in 1 2 3 4 5 6 7 8 9; do echo "5 100"; done; exec sleep 100`,
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read := 0
	s := watcher(t)
	f := func(r device.Reading) {
		if r.Devices[0].Of[device.Power] == 89.9 { // the table's
			if read++; read == 2 {
				cancel()
			}
		}
	}
	if err := s.Watch(ctx, time.Second, f); err != nil || read < 2 {
		t.Errorf("%d readings of tables, %v", read, err)
	}
	// It is remembered.
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	read = 0
	if err := s.Watch(ctx, time.Second, f); err != nil || read < 2 {
		t.Errorf("%d readings of tables, %v", read, err)
	}
	if calls, err := os.ReadFile(filepath.Join(dir, "calls")); err != nil || strings.Count(string(calls), "watch") != 1 {
		t.Errorf("calls:\n%s%v", calls, err)
	}
}

func TestWatchFails(t *testing.T) {
	f := func(answers map[string]string, parts ...string) {
		t.Helper()
		fake(t, answers)
		err := watcher(t).Watch(t.Context(), time.Second, func(device.Reading) {})
		if err == nil {
			t.Fatal("no error")
		}
		for _, part := range parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error has no %q: %v", part, err)
			}
		}
	}
	table := "info_25.5.2_910B4_noproc_full.txt"
	f(map[string]string{"": table}, "npu-smi info watch: it ended with code 1: Error parameter of info watch")
	f(map[string]string{"": table, "watch": `echo "This device does not support the command"`}, "ended by itself", `"This device does not support the command"`)
	f(map[string]string{"": "exit 3"}, "npu-smi info: it ended with code 3")
}

// What a monitor makes of tools that do not do as they should: readings go on.
func TestMonitored(t *testing.T) {
	table := "info_25.5.2_910B4_noproc_full.txt"
	f := func(budget time.Duration, answers map[string]string, called bool, unread string) {
		t.Helper()
		fake(t, answers)
		readings := make(chan device.Reading)
		m := telemetry.Start(t.Context(), npusmi.New(npusmi.Options{}), telemetry.Options{Interval: time.Second, Budget: budget},
			func(r device.Reading) {
				select {
				case readings <- r:
				case <-t.Context().Done():
				}
			})
		for range 2 {
			if r := <-readings; len(r.Devices) != 1 || r.Devices[0].Of[device.MemoryTotal] != 32768 {
				t.Errorf("%+v", r)
			}
		}
		go func() {
			for range readings {
			}
		}()
		status := m.Stop()
		close(readings)
		if status.Failed > 0 || (status.Note != "") != called || !strings.Contains(strings.Join(status.Unread, "\n"), unread) {
			t.Errorf("%+v", status)
		}
	}
	rows := `echo "NpuID(Idx)  ChipId(Idx) Pwr(W)"; while :; do echo "5 0 90"; sleep 1; done`
	f(time.Minute, map[string]string{"": table, "watch": rows}, false, "")
	// A watch that hangs, before it prints or after its head, is given up for the table.
	f(time.Second/2, map[string]string{"": table, "watch": `exec sleep 100`}, true, "")
	f(time.Second/2, map[string]string{"": table, "watch": `echo "NpuID(Idx)  ChipId(Idx) Pwr(W)"; exec sleep 100`}, true, "")
	// One that is not there, and a slow table.
	f(time.Minute, map[string]string{"": "sleep 0.2; cat " + absolute(t, table)}, true, "")
	// Warnings, each time: they are told once.
	f(time.Minute, map[string]string{"": table, "watch": `echo "[WARNING] old driver"; ` + rows}, false, "[WARNING] old driver")
}
