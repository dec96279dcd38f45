// Package sources opens the sources of devices that a user names: tools, of this
// machine or of others through ssh, exporters' pages, and the hosts themselves.
package sources

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"

	"weir/runtime/device"
	"weir/runtime/device/amd"
	"weir/runtime/device/exporter"
	"weir/runtime/device/host"
	"weir/runtime/device/npusmi"
	"weir/runtime/device/nvidia"
	"weir/runtime/suggest"
	"weir/runtime/transport"
)

// Auto names what there is.
const Auto = "auto"

// tools are the sources that are programs, and what to do where there is none. Of the
// last three a host needs one: they tell of the same devices, the first the most.
var tools = []struct{ name, hint string }{
	{npusmi.Name, npusmi.Hint},
	{"nvidia-smi", "it comes with NVIDIA's driver: in a container, ask for the GPUs (docker run --gpus all, NVIDIA_DRIVER_CAPABILITIES with utility), or monitor the host by ssh or by its DCGM exporter"},
	{"hy-smi", "it comes with Hygon's driver (/opt/hyhal/bin)"},
	{"amd-smi", "it comes with ROCm (/opt/rocm/bin); older ones have rocm-smi"},
	{"rocm-smi", "it comes with ROCm (/opt/rocm/bin); newer ones have amd-smi"},
}

// same are tools for the same devices.
var same = []string{"hy-smi", "amd-smi", "rocm-smi"}

// Names are the names that a source may have, besides the URLs of exporters.
func Names() []string {
	names := []string{Auto}
	for _, t := range tools {
		names = append(names, t.name)
	}
	return append(names, npusmi.UsagesName, host.Name)
}

// Open makes the sources that specs name, each once: "auto", a tool ("npu-smi"), "host",
// or the URL of an exporter's page, of which http:// may be left out. All but URLs are
// of each of hosts, as ssh takes them; without any, of this machine, which "localhost" is
// among hosts. "npu-smi@user@host" is a tool of one host, wherever.
//
// Tools are looked for only by auto: it is those that a machine has, and the machine
// itself. Pages are read once, so that an error tells now what is wrong with them.
// clients must not be redirected: no simulator stands in for an exporter.
func Open(ctx context.Context, specs, hosts []string, clients *transport.Clients) ([]device.Source, error) {
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	// One place for each answer keeps the order, whichever comes first.
	var opens []func() ([]device.Source, error)
	for _, spec := range specs {
		spec = strings.TrimSpace(spec)
		name, at, one := strings.Cut(spec, "@")
		if !slices.Contains(Names(), name) {
			page, ok := pageOf(spec)
			if !ok {
				return nil, unknown(spec, name)
			}
			opens = append(opens, func() ([]device.Source, error) { return openPage(ctx, page, clients) })
			continue
		}
		places := hosts
		if one {
			if at == "" {
				return nil, fmt.Errorf("%q names no host behind its @, such as user@node1; leave out the @ for this machine", spec)
			}
			places = []string{at}
		}
		for _, place := range places {
			if place == "localhost" {
				place = ""
			}
			opens = append(opens, func() ([]device.Source, error) { return open(ctx, name, place) })
		}
	}
	found, failed := make([][]device.Source, len(opens)), make([]error, len(opens))
	var wait sync.WaitGroup
	for i, open := range opens {
		wait.Go(func() { found[i], failed[i] = open() })
	}
	wait.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	var all []device.Source
	for _, s := range slices.Concat(found...) {
		if !slices.ContainsFunc(all, func(other device.Source) bool { return other.Name() == s.Name() }) {
			all = append(all, s)
		}
	}
	return all, nil
}

// Addresses are those of the machines, as host:port, that Open would connect to.
func Addresses(specs, hosts []string) (all []string) {
	add := func(place string) {
		if place = place[strings.LastIndexByte(place, '@')+1:]; place != "" && place != "localhost" {
			all = append(all, net.JoinHostPort(strings.Trim(place, "[]"), "22"))
		}
	}
	for _, spec := range specs {
		spec = strings.TrimSpace(spec)
		if name, at, _ := strings.Cut(spec, "@"); slices.Contains(Names(), name) {
			add(at)
		} else if page, ok := pageOf(spec); ok {
			if u, err := transport.ParseURL(page); err == nil {
				all = append(all, transport.Address(u))
			}
		}
	}
	for _, place := range hosts {
		add(place)
	}
	return all
}

// withoutScheme is a page's address such as node1:8082 or node1:8082/metrics.
var withoutScheme = regexp.MustCompile(`^[^/@\s]+:\d+(/|$)`)

// pageOf is the URL that a spec is, if it is one.
func pageOf(spec string) (string, bool) {
	switch {
	case strings.Contains(spec, "://"):
		return spec, true
	case withoutScheme.MatchString(spec):
		return "http://" + spec, true
	}
	return "", false
}

func unknown(spec, name string) error {
	if near := suggest.Nearest(name, Names()); near != "" {
		return fmt.Errorf("there is no source of devices %q; did you mean %q?", spec, near)
	}
	return fmt.Errorf("there is no source of devices %q; there are %s, and the URL of an exporter's page, such as http://host:8082/metrics",
		spec, strings.Join(Names(), ", "))
}

// openPage makes the source of a page and reads it once.
func openPage(ctx context.Context, page string, clients *transport.Clients) ([]device.Source, error) {
	s, err := exporter.New(page, clients)
	if err != nil {
		return nil, err
	}
	if _, err := s.List(ctx); err != nil {
		return nil, err
	}
	return []device.Source{s}, nil
}

// open makes the sources that a name is on a host; "": this machine.
func open(ctx context.Context, name, place string) ([]device.Source, error) {
	if name != Auto {
		return []device.Source{of(name, place)}, nil
	}
	names, err := there(ctx, place)
	if err != nil {
		return nil, fmt.Errorf("look for tools that tell of devices: %w", err)
	}
	var all []device.Source
	for _, n := range names {
		all = append(all, of(n, place))
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("there is nothing to monitor: %s has none of %s, and is no Linux; name an exporter's page, or another host",
			orHere(place), strings.Join(Names()[1:len(tools)+1], ", "))
	}
	return all, nil
}

// of makes a source of a name, which is one of Names but Auto.
func of(name, place string) device.Source {
	tool := device.Tool{Name: name, Host: place}
	for _, t := range tools {
		if t.name == name {
			tool.Hint = t.hint
		}
	}
	switch name {
	case npusmi.Name, npusmi.UsagesName:
		return npusmi.New(npusmi.Options{Host: place, Usages: name == npusmi.UsagesName})
	case "nvidia-smi":
		return nvidia.New(tool)
	case host.Name:
		if place == "" {
			return host.Local(nil)
		}
		return host.Remote(place)
	}
	return amd.New(tool)
}

func orHere(place string) string {
	if place == "" {
		return "this machine"
	}
	return place
}
