package doctor

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/runtime/device"
	"weir/runtime/result"
)

// Devices judges accelerators. f is of this machine; serves tells that a service that
// shall be measured is running, so that the devices are in use. Nothing is found on a
// machine that has none.
func Devices(all []Accelerators, f Facts, serves bool) []result.Finding {
	var found []result.Finding
	local := false
	for _, a := range all {
		local = local || a.Host == ""
		found = append(found, a.judge(serves)...)
	}
	files := Check{OfDevices, "npu-device-files"}
	switch {
	case len(f.davinci()) == 0:
	case len(f.Usable) < len(f.davinci()):
		closed := slices.DeleteFunc(f.davinci(), func(d string) bool { return slices.Contains(f.Usable, d) })
		found = append(found, files.Warn("npu-smi tells nothing of a device that it may not open, and no service here can use it",
			"run as a user of the group HwHiAiUser (usermod -aG HwHiAiUser $USER), or start the container with --device for each of them",
			"%d of %d NPUs may not be opened by this user: %s", len(closed), len(f.davinci()), strings.Join(closed, ", ")))
	default:
		found = append(found, files.OK("%s may be opened", plural(len(f.davinci()), "NPU")))
	}
	if len(f.davinci()) > 0 && !slices.ContainsFunc(all, func(a Accelerators) bool { return a.Ascend != nil && a.Host == "" }) {
		found = append(found, Check{OfDevices, "devices"}.Warn("the result will have nothing of the NPUs' power, memory and load, and nobody has looked at their health",
			"install Ascend's driver, or mount npu-smi into the container: -v /usr/local/bin/npu-smi:/usr/local/bin/npu-smi -v /usr/local/Ascend/driver:/usr/local/Ascend/driver",
			"there are NPUs (%s) and no npu-smi", strings.Join(f.davinci(), ", ")))
	}
	return found
}

// judge has the findings of one source. Those of another host begin with its name.
func (a *Accelerators) judge(serves bool) []result.Finding {
	var found []result.Finding
	add := func(f result.Finding) {
		if a.Host != "" {
			f.What = a.Host + ": " + f.What
		}
		found = append(found, f)
	}
	inventory := Check{OfDevices, "devices"}
	switch {
	case a.ListErr != nil:
		do := "run it by hand, and read what it says"
		if a.Ascend != nil {
			do = "run npu-smi info by hand: the driver may not be installed, or the NPUs are mounted in a container of somebody else; install it, or end that container"
		}
		if a.Host != "" {
			do = "ssh -o BatchMode=yes " + a.Host + " must work without questions; then run the tool there by hand"
		}
		add(inventory.Fail("the result will have nothing of these devices, and nobody has looked at their health", do, "%v", a.ListErr))
	case len(a.Listing.Devices) == 0 && a.Source == "":
		add(inventory.Warn("the result will have nothing of the devices there, and nobody has looked at their health", "is the tool on the PATH of a login without a terminal? Try ssh "+a.Host+" npu-smi info", "no accelerators' tool was found"))
	case len(a.Listing.Devices) == 0:
		add(inventory.Warn("the result will have nothing of their power, memory and load", "are they all given to containers? In a container: was it started with --device?", "%s shows no device", a.Source))
	default:
		add(inventory.OK("%s (%s)", a.inventory(), cmp.Or(tools(a.Listing.Devices), a.Source)))
		add(a.health())
		add(a.versions())
		add(a.occupied(serves))
	}
	if len(a.Listing.Unread) > 0 {
		add(Check{OfDevices, "devices-unread"}.Warn("what these parts tell is missing in the result", "report the output of the tool, so that weir learns to read it",
			"%s of what %s tells cannot be read: %q", plural(len(a.Listing.Unread), "part"), a.Source, a.Listing.Unread[0]))
	}
	if n := a.Persistence["Disabled"]; n > 0 {
		add(Check{OfDevices, "gpu-persistence"}.Warn("the driver is unloaded when nobody uses the device and loaded again with the next process, which takes seconds and resets clocks and limits of power",
			"nvidia-smi -pm 1 (as root), or systemctl enable --now nvidia-persistenced", "persistence mode is off on %s", plural(n, "GPU")))
	} else if n := a.Persistence["Enabled"]; n > 0 {
		add(Check{OfDevices, "gpu-persistence"}.OK("on, of %s", plural(n, "GPU")))
	}
	if a.Ascend != nil && a.ListErr == nil {
		for _, f := range a.Ascend.judge(a.Listing.Devices) {
			add(f)
		}
	}
	return found
}

// inventory is how many there are of each name.
func (a *Accelerators) inventory() string {
	count := make(map[string]int)
	for _, d := range a.Listing.Devices {
		count[cmp.Or(d.Name, d.Kind)]++
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%d × %s", count[name], name))
	}
	return strings.Join(parts, ", ")
}

// tools is what told of the devices, with its version.
func tools(devices []result.Device) string {
	for _, d := range devices {
		if d.Tool != "" {
			return d.Source + " " + d.Tool
		}
	}
	return ""
}

// label names a device, such as "npu 3".
func label(kind string, index int) string { return fmt.Sprintf("%s %d", kind, index) }

func (a *Accelerators) health() result.Finding {
	c := Check{OfDevices, "device-health"}
	var ill []string
	told, critical := 0, false
	for _, d := range a.Listing.Devices {
		switch d.Health {
		case "":
			continue
		case "OK":
		default:
			ill = append(ill, label(d.Kind, d.Index)+" "+d.Health)
			critical = critical || d.Health == "Critical" || d.Health == "Alarm"
		}
		told++
	}
	const why = "a device that is not well may run slower, or fail in the middle of a case"
	const do = "npu-smi info -t health -i <card> and npu-smi info -t err-count -i <card> tell more; dmesg has the driver's messages"
	switch {
	case told == 0:
		return c.Skip("%s does not tell it", a.Source)
	case critical:
		return c.Fail(why, do, "%s", strings.Join(ill, ", "))
	case len(ill) > 0:
		return c.Warn(why, do, "%s", strings.Join(ill, ", "))
	}
	return c.OK("OK, of %s", plural(told, "device"))
}

func (a *Accelerators) versions() result.Finding {
	c := Check{OfDevices, "device-versions"}
	drivers, firmwares := map[string]bool{}, map[string]bool{}
	for _, d := range a.Listing.Devices {
		drivers[d.Driver] = true
		firmwares[d.Firmware] = true
	}
	delete(drivers, "")
	delete(firmwares, "")
	names := func(set map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(set)), " and ") }
	var parts []string
	add := func(name, version string) {
		if version != "" {
			parts = append(parts, name+" "+version)
		}
	}
	add("driver", names(drivers))
	add("firmware", names(firmwares))
	if a.Ascend != nil {
		add("CANN", a.Ascend.CANN)
	}
	switch {
	case len(parts) == 0:
		return c.Skip("%s tells none", a.Source)
	case len(drivers) > 1 || len(firmwares) > 1:
		return c.Warn("devices with different software are of different speed", "install the same driver and firmware for all", "they differ: %s", strings.Join(parts, ", "))
	}
	return c.OK("%s", strings.Join(parts, ", "))
}

// busyMemory is the share of a device's memory from which somebody uses it; an idle
// 910B has some 5 % in use.
const busyMemory = 20.0

// occupied looks who uses the devices.
func (a *Accelerators) occupied(serves bool) result.Finding {
	c := Check{OfDevices, "device-occupied"}
	var users, shared []string
	for _, d := range a.Listing.Devices {
		if len(d.Processes) == 0 {
			continue
		}
		var each []string
		names := map[string]bool{}
		for _, p := range d.Processes {
			each = append(each, process(p))
			names[p.Name] = true
		}
		users = append(users, label(d.Kind, d.Index)+": "+strings.Join(each, ", "))
		if len(names) > 1 {
			shared = append(shared, label(d.Kind, d.Index)+": "+strings.Join(each, ", "))
		}
	}
	full := 0
	for _, v := range a.Reading.Devices {
		if percent, ok := memoryShare(v); ok && percent > busyMemory {
			full++
		}
	}
	const why = "whoever else computes on a device takes its time and its memory from the service: every number is then of both"
	const do = "end the processes that do not belong to the service (ps -fp <pid>; they may be in a container: docker ps), or choose devices that are free (ASCEND_RT_VISIBLE_DEVICES, CUDA_VISIBLE_DEVICES)"
	switch {
	case len(shared) > 0:
		return c.Warn(why, do, "several programs share a device: %s", some(shared))
	case serves && len(users) > 0:
		return c.OK("the service should be the only one: %s", some(users))
	case serves:
		return c.OK("%d of %s have memory in use", full, plural(len(a.Listing.Devices), "device"))
	case len(users) > 0:
		return c.Warn(why, do, "in use: %s", some(users))
	case full > 0:
		return c.Warn(why, do, "%d of %s have more than %.0f%% of their memory in use, and no process is shown: it may be in a container", full, plural(len(a.Listing.Devices), "device"), busyMemory)
	}
	return c.OK("nobody uses the devices")
}

func memoryShare(v device.Values) (percent float64, ok bool) {
	if percent, ok = v.Of[device.Memory]; ok {
		return percent, true
	}
	used, known := v.Of[device.MemoryUsed]
	total, also := v.Of[device.MemoryTotal]
	if !known || !also || total <= 0 {
		return 0, false
	}
	return 100 * used / total, true
}

func process(p result.Process) string {
	text := fmt.Sprintf("%s (%d", cmp.Or(p.Name, "pid"), p.PID)
	if p.MemoryMiB != nil {
		text += fmt.Sprintf(", %.0f MiB", *p.MemoryMiB)
	}
	return text + ")"
}

// shownUsers is how many devices a line names.
const shownUsers = 4

func some(list []string) string {
	if len(list) > shownUsers {
		return fmt.Sprintf("%s; and %d devices more", strings.Join(list[:shownUsers], "; "), len(list)-shownUsers)
	}
	return strings.Join(list, "; ")
}

// judge has the rest of the manual's first step.
func (a *Ascend) judge(devices []result.Device) []result.Finding {
	var found []result.Finding
	count := Check{OfDevices, "npu-count"}
	cards := map[string]bool{}
	for _, d := range devices {
		cards[cmp.Or(d.ID, fmt.Sprint(d.Index))] = true
	}
	switch {
	case a.TotalErr != nil:
		found = append(found, count.Skip("%v", a.TotalErr))
	case *a.Total != len(cards):
		found = append(found, count.Fail("the service cannot use the NPUs that are missing, and counts on them (tensor parallelism) fail",
			"dmesg | grep -i davinci, and npu-smi info -t health -i <card>: one may have dropped off the bus; in a container: were all of them given with --device?",
			"npu-smi info -l counts %s, and npu-smi info shows %d", plural(*a.Total, "NPU"), len(cards)))
	default:
		found = append(found, count.OK("%s, as npu-smi info -l counts them", plural(*a.Total, "NPU")))
	}
	if a.InContainer {
		return found
	}
	docker := Check{OfDevices, "npu-docker"}
	switch {
	case a.DockerErr != nil && missing(a.DockerErr):
		return append(found, docker.Skip("there is no docker: containers with a service cannot be started here (yum install -y docker-engine.aarch64 docker-engine-selinux.noarch docker-runc.aarch64)"))
	case a.DockerErr != nil:
		found = append(found, docker.Warn("the service's container cannot be looked at, and may not start", "systemctl status docker", "%v", a.DockerErr))
	default:
		found = append(found, docker.OK("%s", a.Docker))
	}
	forward := Check{OfDevices, "npu-ip-forward"}
	switch {
	case a.Forward == nil:
		found = append(found, forward.Skip("the system does not tell net.ipv4.ip_forward"))
	case !*a.Forward:
		found = append(found, forward.Warn("containers without the host's network are reached, and reach others, through it only: a service in one does not answer",
			"sed -i 's/net\\.ipv4\\.ip_forward=0/net\\.ipv4\\.ip_forward=1/g' /etc/sysctl.conf && sysctl -p | grep net.ipv4.ip_forward (as root)", "net.ipv4.ip_forward is 0"))
	default:
		found = append(found, forward.OK("net.ipv4.ip_forward is 1"))
	}
	return found
}
