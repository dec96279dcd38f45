package telemetry

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/result"
)

// Selection is which devices serve: those whose energy counts. nil is all NPUs and
// GPUs, and no host.
type Selection []selector

// selector is one part of a selection.
type selector struct {
	text     string // as it was given
	kind     string // "npu", "gpu" or "host"; "": both kinds of accelerators
	from, to int    // numbers; to -1: all of them
	host     string // "": any
	anyHost  bool
}

// kinds are those of devices.
var kinds = []string{"npu", "gpu", "host"}

// ParseSelection reads a selection, such as "0-3", "npu:0,2", "gpu", "host",
// "npu:0-7@user@host1". What follows the first @ is a host, as devices of other hosts
// have it; without one, those of all hosts are meant. Numbers count as in
// result.Device.Index; a number alone is one of the kind that stands before it.
func ParseSelection(text string) (Selection, error) {
	var all Selection
	kind := ""
	for part := range strings.SplitSeq(text, ",") {
		one := selector{text: strings.TrimSpace(part), to: -1}
		what, host, hasHost := strings.Cut(one.text, "@")
		one.host, one.anyHost = host, !hasHost
		before, numbers, numbered := strings.Cut(what, ":")
		switch {
		case numbered:
			kind = before
		case slices.Contains(kinds, what):
			kind, numbers = "", ""
			one.kind = what
		default:
			numbers, numbered = what, true
		}
		if numbered {
			var ok bool
			one.kind = kind
			one.from, one.to, ok = span(numbers)
			if !ok || kind != "" && !slices.Contains(kinds, kind) {
				return nil, fmt.Errorf("%q names no device; write such as 0-3, npu:0,2, gpu, host, or npu:0-7@host1", one.text)
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// span reads "3" or "0-7".
func span(text string) (from, to int, ok bool) {
	first, last, ranged := strings.Cut(text, "-")
	if !ranged {
		last = first
	}
	a, err := strconv.ParseUint(first, 10, 31)
	b, err2 := strconv.ParseUint(last, 10, 31)
	return int(a), int(b), err == nil && err2 == nil && a <= b
}

// Has tells whether a device is selected: one of a host, a kind and a number as
// result.Device has them.
func (s Selection) Has(host, kind string, index int) bool { return s.serves(key{host, kind, index}) }

// serves tells whether a device is selected.
func (s Selection) serves(k key) bool {
	if s == nil {
		return k.kind == "npu" || k.kind == "gpu"
	}
	return slices.ContainsFunc(s, func(one selector) bool { return one.matches(k) })
}

func (one selector) matches(k key) bool {
	switch {
	case one.kind == "" && k.kind != "npu" && k.kind != "gpu",
		one.kind != "" && k.kind != one.kind,
		!one.anyHost && k.host != one.host:
		return false
	}
	return one.to < 0 || one.from <= k.index && k.index <= one.to
}

// Check says which part of the selection there is no device for. Each number that is
// named must be there on some host: one that is not is a mistake more often than a wish,
// and the energy would be that of fewer devices than somebody thinks.
func (s Selection) Check(devices []result.Device) error {
	for _, one := range s {
		var numbers []int
		for _, d := range devices {
			if one.matches(key{d.Host, d.Kind, d.Index}) {
				numbers = append(numbers, d.Index)
			}
		}
		switch absent := one.absent(numbers); {
		case len(numbers) == 0:
			return fmt.Errorf("--devices: there is no device %q among those that are monitored: %s", one.text, names(devices))
		case absent != "":
			return fmt.Errorf("--devices: of %q there is no %s among the devices that are monitored: %s", one.text, absent, names(devices))
		}
	}
	return nil
}

// absent is which of the selector's numbers are not among those that there are, such as
// "4-7"; "": all are.
func (one selector) absent(numbers []int) string {
	if one.to < 0 {
		return ""
	}
	var parts []string
	next := one.from
	gap := func(to int) {
		switch {
		case next == to:
			parts = append(parts, strconv.Itoa(next))
		case next < to:
			parts = append(parts, fmt.Sprintf("%d-%d", next, to))
		}
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		gap(n - 1)
		next = n + 1
	}
	gap(one.to)
	return strings.Join(parts, ", ")
}

// names are those of devices for a message.
func names(devices []result.Device) string {
	const shown = 20
	var all []string
	for _, d := range devices[:min(shown, len(devices))] {
		all = append(all, key{d.Host, d.Kind, d.Index}.String())
	}
	text := strings.Join(all, ", ")
	switch {
	case len(devices) == 0:
		text = "none"
	case len(devices) > shown:
		text += fmt.Sprintf(", and %d more", len(devices)-shown)
	}
	return text
}
