package machine

import (
	"cmp"
	"slices"
	"strings"
)

const dmi = "sys/class/dmi/id/"

// makers are texts of a machine's own account of itself (DMI) by which hypervisors are
// known; the first that is found counts.
var makers = []struct{ text, hypervisor string }{
	{"vmware", "vmware"},
	{"virtualbox", "virtualbox"}, {"innotek", "virtualbox"},
	{"microsoft corporation virtual machine", "hyper-v"},
	{"parallels", "parallels"},
	{"bhyve", "bhyve"},
	{"firecracker", "kvm"},
	{"xen", "xen"}, {"hvm domu", "xen"},
	{"kvm", "kvm"}, {"qemu", "kvm"}, {"bochs", "kvm"}, {"rhev", "kvm"}, {"ovirt", "kvm"}, {"openstack", "kvm"},
	{"alibaba cloud", "kvm"}, {"tencent cloud", "kvm"}, {"huawei cloud", "kvm"}, {"huaweicloud", "kvm"}, {"google compute engine", "kvm"},
	{"amazon ec2", "kvm"}, {"digitalocean", "kvm"},
}

// guestClocks begin names of clocks that a hypervisor gives.
var guestClocks = []struct{ text, hypervisor string }{{"kvm-clock", "kvm"}, {"hyperv_clocksource", "hyper-v"}, {"xen", "xen"}}

// virtualization is the hypervisor that the machine runs under: its name, "unknown",
// "none", or "" where nothing tells.
func virtualization(f files, m model) string {
	if m.flags && !m.hypervisor {
		return "none" // also on a cloud's bare metal, whose DMI is that of its virtual machines
	}
	if kind := f.line("sys/hypervisor/type"); kind != "" {
		return kind
	}
	if tree := f.text("proc/device-tree/hypervisor/compatible"); tree != "" {
		_, name, _ := strings.Cut(strings.TrimRight(tree, "\x00"), ",") // "linux,kvm", "xen,xen-4.17"
		name, _, _ = strings.Cut(clean(name), "-")
		return cmp.Or(name, "unknown")
	}
	described := strings.ToLower(f.line(dmi+"sys_vendor") + " " + f.line(dmi+"product_name") + " " + f.line(dmi+"bios_vendor"))
	bare := strings.Contains(described, ".metal")
	for _, maker := range makers {
		if !bare && strings.Contains(described, maker.text) {
			return maker.hypervisor
		}
	}
	// A guest without DMI may still have a clock that only one hypervisor gives.
	for _, source := range strings.Fields(f.line("sys/devices/system/clocksource/clocksource0/available_clocksource")) {
		for _, maker := range guestClocks {
			if strings.HasPrefix(source, maker.text) {
				return maker.hypervisor
			}
		}
	}
	switch {
	case m.hypervisor:
		return "unknown"
	case strings.TrimSpace(described) != "":
		return "none"
	}
	return ""
}

// product is the machine's maker and name, as DMI or the device tree says.
func product(f files) string {
	var parts []string
	for _, name := range []string{"sys_vendor", "product_name", "product_version"} {
		text := f.line(dmi + name)
		if text != "" && !slices.Contains(placeholders, strings.ToLower(text)) && !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return clean(strings.TrimRight(f.text("proc/device-tree/model"), "\x00"))
	}
	return strings.Join(parts, " ")
}

// placeholders are what makers of boards leave in fields that they do not fill.
var placeholders = []string{
	"to be filled by o.e.m.", "default string", "system product name", "system manufacturer", "system version",
	"none", "not specified", "not applicable", "n/a", "unknown", "0", "0.0", "1.0", "01", "v1.0", "empty", "type1productconfigid",
}
