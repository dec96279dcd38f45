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

// check says which part of the selection there is no device for.
func (s Selection) check(devices []result.Device) error {
	var found []string
	for _, d := range devices {
		found = append(found, key{d.Host, d.Kind, d.Index}.String())
	}
	for _, one := range s {
		if !slices.ContainsFunc(devices, func(d result.Device) bool { return one.matches(key{d.Host, d.Kind, d.Index}) }) {
			const shown = 20
			there := strings.Join(found[:min(shown, len(found))], ", ")
			switch {
			case len(found) == 0:
				there = "none"
			case len(found) > shown:
				there += fmt.Sprintf(", and %d more", len(found)-shown)
			}
			return fmt.Errorf("--devices: there is no device %q among those that are monitored: %s", one.text, there)
		}
	}
	return nil
}
