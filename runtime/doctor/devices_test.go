package doctor_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"weir/runtime/device"
	"weir/runtime/doctor"
	"weir/runtime/result"
)

// eight is a host with eight idle NPUs, as the manual's first step wants it.
func eight() doctor.Accelerators {
	a := doctor.Accelerators{Source: "npu-smi", Ascend: &doctor.Ascend{
		Total: p(8), Docker: "Docker version 18.09.0, build 172f8da", Forward: p(true), CANN: "8.0.RC3",
	}}
	for i := range 8 {
		a.Listing.Devices = append(a.Listing.Devices, result.Device{
			Kind: "npu", Index: i, ID: fmt.Sprint(i), Name: "910B3", Health: "OK", Driver: "24.1.rc3", Source: "npu-smi", Tool: "24.1.rc3",
		})
		a.Reading.Devices = append(a.Reading.Devices, device.Values{Kind: "npu", Index: i, Of: map[device.Quantity]float64{device.MemoryUsed: 3386, device.MemoryTotal: 65536}})
	}
	return a
}

func TestDevices(t *testing.T) {
	f := func(check, status, what string, serves bool, change func(*doctor.Accelerators)) {
		t.Helper()
		a := eight()
		if change != nil {
			change(&a)
		}
		seen := check == ""
		for _, found := range doctor.Devices([]doctor.Accelerators{a}, doctor.Facts{}, serves) {
			switch {
			case found.Check == check:
				seen = true
				if found.Status != status || !strings.Contains(found.What, what) {
					t.Errorf("%s: %s: %s, want %s: …%s…", check, found.Status, found.What, status, what)
				}
				if wrong := status == doctor.Warn || status == doctor.Fail; wrong != (found.Why != "" && found.Do != "") {
					t.Errorf("%s: why %q, do %q", check, found.Why, found.Do)
				}
			case check != "devices" && found.Status != doctor.OK:
				t.Errorf("%s: another check, %s, is %s: %s", check, found.Check, found.Status, found.What)
			}
			if found.Group != doctor.OfDevices {
				t.Errorf("%s is of group %q", found.Check, found.Group)
			}
		}
		if !seen {
			t.Errorf("no check is called %s", check)
		}
	}
	f("", "", "", false, nil)
	f("devices", "ok", "8 × 910B3 (npu-smi 24.1.rc3)", false, nil)
	f("devices", "ok", "root@npu1: 8 × 910B3", false, func(a *doctor.Accelerators) { a.Host = "root@npu1" })
	f("devices", "fail", "dcmi module initialize failed", false, func(a *doctor.Accelerators) {
		a.ListErr = errors.New("npu-smi info: dcmi module initialize failed")
	})
	f("devices", "warn", "npu-smi shows no device", false, func(a *doctor.Accelerators) { a.Listing.Devices, a.Ascend = nil, nil })
	f("devices", "warn", "npu1: no accelerators' tool was found", false, func(a *doctor.Accelerators) { *a = doctor.Accelerators{Host: "npu1"} })
	f("devices-unread", "warn", `2 parts of what npu-smi tells cannot be read: "| 7 ???"`, false, func(a *doctor.Accelerators) { a.Listing.Unread = []string{"| 7 ???", "x"} })

	f("device-health", "fail", "npu 3 Alarm", false, func(a *doctor.Accelerators) { a.Listing.Devices[3].Health = "Alarm" })
	f("device-health", "warn", "npu 3 Warning, npu 5 UNKNOWN", false, func(a *doctor.Accelerators) {
		a.Listing.Devices[3].Health, a.Listing.Devices[5].Health = "Warning", "UNKNOWN"
	})
	f("device-versions", "ok", "driver 24.1.rc3, CANN 8.0.RC3", false, nil)
	f("device-versions", "warn", "driver 23.0.6 and 24.1.rc3", false, func(a *doctor.Accelerators) { a.Listing.Devices[7].Driver = "23.0.6" })

	// Before there is a service, nobody should use the devices.
	worker := result.Process{PID: 4711, Name: "VLLMWorker_TP0", MemoryMiB: p(58000.0)}
	uses := func(a *doctor.Accelerators) { a.Listing.Devices[2].Processes = []result.Process{worker} }
	f("device-occupied", "ok", "nobody uses the devices", false, nil)
	f("device-occupied", "warn", "in use: npu 2: VLLMWorker_TP0 (4711, 58000 MiB)", false, uses)
	f("device-occupied", "ok", "npu 2: VLLMWorker_TP0", true, uses)
	f("device-occupied", "warn", "several programs share a device: npu 2", true, func(a *doctor.Accelerators) {
		a.Listing.Devices[2].Processes = []result.Process{worker, {PID: 9, Name: "python3 train.py"}}
	})
	full := func(a *doctor.Accelerators) {
		a.Reading.Devices[0].Of[device.MemoryUsed] = 60000
		a.Reading.Devices[1].Of = map[device.Quantity]float64{device.Memory: 91}
	}
	f("device-occupied", "warn", "2 of 8 devices have more than 20% of their memory in use", false, full)
	f("device-occupied", "ok", "2 of 8 devices have memory in use", true, full)
	f("device-occupied", "warn", "and 4 devices more", false, func(a *doctor.Accelerators) {
		for i := range a.Listing.Devices {
			a.Listing.Devices[i].Processes = []result.Process{worker}
		}
	})

	f("npu-count", "ok", "8 NPUs", false, nil)
	f("npu-count", "fail", "counts 8 NPUs, and npu-smi info shows 7", false, func(a *doctor.Accelerators) { a.Listing.Devices = a.Listing.Devices[:7] })
	f("npu-count", "ok", "4 NPUs", false, func(a *doctor.Accelerators) { // two chips a card
		a.Ascend.Total = p(4)
		for i := range a.Listing.Devices {
			a.Listing.Devices[i].ID, a.Listing.Devices[i].Chip = fmt.Sprint(i/2), p(i%2)
		}
	})
	f("npu-count", "skip", "no total count", false, func(a *doctor.Accelerators) {
		a.Ascend.Total, a.Ascend.TotalErr = nil, errors.New("npu-smi info -l prints no total count")
	})
	f("npu-docker", "ok", "Docker version 18.09.0", false, nil)
	f("npu-docker", "warn", "it hangs", false, func(a *doctor.Accelerators) { a.Ascend.DockerErr = errors.New("docker -v: it hangs") })
	f("npu-docker", "skip", "yum install -y docker-engine.aarch64", false, func(a *doctor.Accelerators) {
		a.Ascend.DockerErr = fmt.Errorf("docker -v: %w", exec.ErrNotFound)
	})
	f("npu-ip-forward", "ok", "is 1", false, nil)
	f("npu-ip-forward", "warn", "net.ipv4.ip_forward is 0", false, func(a *doctor.Accelerators) { a.Ascend.Forward = p(false) })
	f("npu-ip-forward", "skip", "", false, func(a *doctor.Accelerators) { a.Ascend.Forward = nil })

	f("gpu-persistence", "warn", "off on 2 GPUs", false, func(a *doctor.Accelerators) { a.Persistence = map[string]int{"Disabled": 2, "Enabled": 6} })
	f("gpu-persistence", "ok", "on, of 8 GPUs", false, func(a *doctor.Accelerators) { a.Persistence = map[string]int{"Enabled": 8} })
}

// In a container docker and ip_forward are the host's, and device files may be closed.
func TestDevicesInContainer(t *testing.T) {
	a := eight()
	a.Ascend.InContainer = true
	facts := doctor.Facts{Environment: result.Environment{Devices: []string{"/dev/davinci0", "/dev/davinci1", "/dev/davinci_manager"}}, Usable: []string{"/dev/davinci0"}}
	found := doctor.Devices([]doctor.Accelerators{a}, facts, false)
	for _, f := range found {
		if f.Check == "npu-docker" || f.Check == "npu-ip-forward" {
			t.Errorf("%+v", f)
		}
	}
	if f := find(t, found, "npu-device-files"); f.Status != "warn" || !strings.Contains(f.What, "1 of 2 NPUs may not be opened by this user: /dev/davinci1") {
		t.Errorf("%+v", f)
	}
	facts.Usable = append(facts.Usable, "/dev/davinci1")
	if f := find(t, doctor.Devices([]doctor.Accelerators{a}, facts, false), "npu-device-files"); f.Status != "ok" {
		t.Errorf("%+v", f)
	}
	if f := find(t, doctor.Devices(nil, facts, false), "devices"); f.Status != "warn" || !strings.Contains(f.What, "no npu-smi") {
		t.Errorf("NPUs without a tool: %+v", f)
	}
	if found := doctor.Devices(nil, doctor.Facts{}, false); len(found) != 0 {
		t.Errorf("a machine without accelerators: %+v", found)
	}
}
