package doctor_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/runtime/device"
	"weir/runtime/device/devicetest"
	"weir/runtime/device/npusmi"
	"weir/runtime/device/nvidia"
	"weir/runtime/doctor"
	"weir/runtime/result"
)

// The manual's first step with fake tools: what they print is what is found.
func TestReadAscend(t *testing.T) {
	f := func(name, script, docker string, container bool, want map[string]string) {
		t.Helper()
		dir := devicetest.Fake(t, "npu-smi", script)
		for _, sample := range []string{"info_23.0.6_910B3_8cards_idle.txt", "l_910B_8cards.txt"} {
			text, err := os.ReadFile(filepath.Join("../../testdata/npu-smi", sample))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, sample), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if docker != "" {
			devicetest.Fake(t, "docker", docker)
		} else {
			t.Setenv("PATH", dir+":/usr/bin:/bin")
		}
		facts := doctor.Facts{Environment: result.Environment{TCP: &result.TCP{Forward: p(false)}, Ascend: &result.Ascend{CANN: "8.0.RC3"}}}
		if container {
			facts.Container = &result.Container{Kind: "docker"}
		}
		source := npusmi.New(npusmi.Options{})
		found := doctor.Devices(doctor.ReadDevices(t.Context(), []device.Source{source}, facts), facts, false)
		seen := map[string]string{}
		for _, f := range found {
			seen[f.Check] = f.Status
		}
		for check, status := range want {
			if seen[check] != status {
				t.Errorf("%s: %s is %q, want %q: %+v", name, check, seen[check], status, found)
			}
		}
	}
	const good = `case "$*" in
"info") cat $HERE/info_23.0.6_910B3_8cards_idle.txt;;
"info -l") cat $HERE/l_910B_8cards.txt;;
*) exit 1;;
esac`
	f("all is well but the forwarding", good, "echo Docker version 18.09.0, build 172f8da", false, map[string]string{
		"devices": "ok", "device-health": "ok", "npu-count": "ok", "npu-docker": "ok", "npu-ip-forward": "warn", "device-occupied": "ok",
	})
	f("docker does not answer", good, "echo Cannot connect to the daemon >&2; exit 1", false, map[string]string{"npu-docker": "warn"})
	f("in a container", good, "echo Docker version 1", true, map[string]string{"npu-count": "ok", "npu-docker": "", "npu-ip-forward": ""})
	f("an NPU is gone", strings.Replace(good, "cat $HERE/l_910B", "sed 's/: 8$/: 9/' $HERE/l_910B", 1), "echo Docker version 1", false, map[string]string{"npu-count": "fail"})
	f("no total", strings.Replace(good, "cat $HERE/l_910B_8cards.txt", "echo nothing", 1), "echo Docker version 1", false, map[string]string{"npu-count": "skip"})
	f("no driver", "echo dcmi module initialize failed. ret is -8005; exit 255", "echo Docker version 1", false, map[string]string{"devices": "fail", "npu-count": ""})
}

func TestReadPersistence(t *testing.T) {
	devicetest.Fake(t, "nvidia-smi", `case "$*" in
*persistence_mode*) echo Enabled; echo Disabled;;
*) exit 1;;
esac`)
	all := doctor.ReadDevices(t.Context(), []device.Source{nvidia.New(device.Tool{Name: "nvidia-smi"})}, doctor.Facts{})
	if len(all) != 1 || all[0].Persistence["Disabled"] != 1 || all[0].Persistence["Enabled"] != 1 {
		t.Errorf("%+v", all)
	}
}
