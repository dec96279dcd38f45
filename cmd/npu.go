package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"weir/runtime/device"
	"weir/runtime/device/host"
	"weir/runtime/device/npusmi"
	"weir/runtime/device/sources"
	"weir/runtime/result"
	"weir/runtime/telemetry"
	"weir/runtime/transport"
)

func npuCommand() *cobra.Command {
	var f npuFlags
	cmd := &cobra.Command{
		Use:   "npu",
		Short: "Show what the NPUs and GPUs of one or many hosts do",
		Long: `Show the NPUs and GPUs of this machine, or of a fleet: health, power, temperature,
how busy they are, memory, and who uses them. On a terminal it is a live table (q quits,
arrow keys scroll); otherwise it is a line for each device and reading. A host that
cannot be read says why, and the others go on.

Other hosts are read by the tools that are on them, through your own ssh, which must not
ask for a password; or through the URL of an exporter. docs/npu.md tells the sources,
what each value means, and what sampling costs.`,
		Example: `  weir npu
  weir npu --host user@node1 --host user@node2 --interval 5s
  weir npu --source http://node1:8082/metrics --devices npu:0-7
  weir npu --json | jq '.devices[] | {index, power: .values.power_w}'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringSliceVar(&f.sources, "source", []string{"auto"}, "how devices are read: auto, npu-smi, npu-smi-usages, nvidia-smi, rocm-smi, amd-smi, hy-smi, host, or an exporter's URL; several with commas")
	fs.StringSliceVar(&f.hosts, "host", nil, "a host to read by ssh instead of this machine, such as user@node1; several with commas, or the flag again")
	fs.Var(&f.devices, "devices", "show some of the devices, such as 0-3, npu:0,2, or npu:0-7@node1")
	fs.DurationVar(&f.interval, "interval", telemetry.DefaultInterval, "time between two readings")
	fs.BoolVar(&f.once, "once", false, "print the table once")
	fs.BoolVar(&f.json, "json", false, "print one sample as JSON")
	return cmd
}

// npuFlags are the flags of weir npu.
type npuFlags struct {
	sources, hosts []string
	devices        selection
	interval       time.Duration
	once, json     bool
}

// slowAnswer is when somebody who sees nothing is told why.
const slowAnswer = 2 * time.Second

const leastNPUInterval = 100 * time.Millisecond

func (f *npuFlags) run(stdout, stderr io.Writer) error {
	if f.interval < leastNPUInterval {
		return &exitError{exitConfig, fmt.Errorf("--interval: %v is too short; the least is %v", f.interval, leastNPUInterval)}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	all := newFleet(f.sources, f.hosts, f.devices.Selection, clients)
	if f.once || f.json {
		all.once(ctx)
		if ctx.Err() != nil {
			return &exitError{exitInterrupted, errors.New("interrupted")}
		}
		return f.print(all, stdout, stderr)
	}
	return f.show(ctx, all, stdout, stderr)
}

// print prints what a fleet has told.
func (f *npuFlags) print(all *fleet, stdout, stderr io.Writer) error {
	groups := all.groups()
	none := f.none(groups)
	absent := f.devices.Check(all.inventory())
	if f.json {
		e := json.NewEncoder(stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(sampleOf(groups)); err != nil {
			return &exitError{exitFault, err}
		}
	} else if none == nil {
		width := 1 << 10 // a file has no edge
		if file, ok := stdout.(*os.File); ok {
			if w, _, err := term.GetSize(int(file.Fd())); err == nil {
				width = w
			}
		}
		lines, _ := deviceTable(groups, width, time.Now(), false)
		for _, line := range lines {
			fmt.Fprintln(stdout, line)
		}
		if line := summary(groups); line != "" {
			fmt.Fprintln(stdout, line)
		}
	}
	for _, g := range groups {
		for _, line := range g.unread {
			fmt.Fprintf(stderr, "weir: %s: a line could not be read and is left out: %q\n", cmp.Or(g.name, "this machine"), line)
		}
	}
	if none == nil && absent != nil {
		return &exitError{exitFault, absent}
	}
	return none
}

// none is the error of a fleet without any device. Hosts alone are none when nobody
// has asked for them.
func (f *npuFlags) none(groups []group) error {
	var failed []string
	for _, g := range groups {
		for _, r := range g.rows {
			if r.Kind != host.Name || !slices.Equal(f.sources, []string{sources.Auto}) || f.devices.text != "" {
				return nil
			}
		}
		for _, one := range g.failures {
			failed = append(failed, "  "+one.Error)
		}
	}
	if len(failed) > 0 {
		return &exitError{exitFault, fmt.Errorf("no devices could be read:\n%s", strings.Join(failed, "\n"))}
	}
	if f.devices.text != "" {
		return &exitError{exitFault, fmt.Errorf("--devices %s: there is no such device; without --devices all are shown", f.devices.text)}
	}
	tools := slices.DeleteFunc(sources.Names(), func(name string) bool {
		return name == sources.Auto || name == npusmi.UsagesName || name == host.Name
	})
	return &exitError{exitFault, fmt.Errorf(`there are no NPUs or GPUs to show: looked for %s in PATH and where drivers put them
  hint: in a container, mount the driver's tool; name another host (--host user@node1) or an exporter
  (--source http://node1:8082/metrics); --source host shows this machine's CPU, memory and power`, strings.Join(tools, ", "))}
}

// sampledDevice is a device in the output of --json.
type sampledDevice struct {
	result.Device
	At     *time.Time                  `json:"at,omitempty"` // absent: not read
	Took   *float64                    `json:"took_ms,omitempty"`
	Values map[device.Quantity]float64 `json:"values,omitempty"`
}

// sampleOf is what --json prints.
func sampleOf(groups []group) any {
	out := struct {
		Devices []sampledDevice `json:"devices"`
		Failed  []failedSource  `json:"failed,omitempty"`
	}{Devices: []sampledDevice{}}
	for _, g := range groups {
		out.Failed = append(out.Failed, g.failures...)
		for _, r := range g.rows {
			d := sampledDevice{Device: r.Device, Values: r.Values}
			if !r.At.IsZero() {
				took := float64(r.Took) / float64(time.Millisecond)
				d.At, d.Took = &r.At, &took
			}
			out.Devices = append(out.Devices, d)
		}
	}
	return out
}

// show shows a fleet until ctx ends or somebody quits.
func (f *npuFlags) show(ctx context.Context, all *fleet, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() { all.watch(ctx, f.interval) })
	// Whoever has no devices at all reads why, and no empty table.
	slow := time.After(slowAnswer)
	for !settled(all.groups()) {
		select {
		case <-all.changed:
		case <-slow:
			fmt.Fprintf(stderr, "weir: no answer yet from %s; a tool has %v\n", strings.Join(f.sources, ", "), askLimit)
		case <-ctx.Done():
			return nil
		}
	}
	if err := f.none(all.groups()); err != nil {
		return err
	}
	if file, ok := stdout.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		if err := runLive(ctx, all, f.interval, file); err != nil {
			return &exitError{exitFault, fmt.Errorf("the live table: %w; --once prints one", err)}
		}
		return nil
	}
	return f.stream(ctx, all, stdout, stderr)
}

// settled tells whether there is something to show, or nothing to wait for.
func settled(groups []group) bool {
	return slices.ContainsFunc(groups, func(g group) bool {
		return slices.ContainsFunc(g.rows, func(r deviceRow) bool { return r.Kind != host.Name })
	}) || !slices.ContainsFunc(groups, func(g group) bool { return g.asking })
}

// stream prints a line for each device and reading, and each failure once.
func (f *npuFlags) stream(ctx context.Context, all *fleet, stdout, stderr io.Writer) error {
	printed := map[string]time.Time{}      // the last reading of each source
	said := map[string]map[string]string{} // the failures of each group
	for {
		for _, g := range all.groups() {
			failed := map[string]string{}
			for _, one := range g.failures {
				failed[one.Source] = one.Error
				if said[g.name][one.Source] != one.Error {
					fmt.Fprintf(stderr, "weir: %s\n", one.Error)
				}
			}
			said[g.name] = failed
			latest := map[string]time.Time{}
			for _, r := range g.rows {
				if !r.At.After(printed[r.Source]) {
					continue
				}
				latest[r.Source] = r.At
				if _, err := fmt.Fprintln(stdout, plainLine(r)); err != nil {
					return &exitError{exitFault, err}
				}
			}
			maps.Copy(printed, latest)
		}
		select {
		case <-all.changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// plainLine is a reading of a device: the time, the device, its health, and the values
// under their names.
func plainLine(r deviceRow) string {
	name := strings.ReplaceAll(deviceName(r.Device), " ", ":")
	if r.Host != "" {
		name += "@" + r.Host
	}
	parts := []string{r.At.Format("2006-01-02T15:04:05.000Z07:00"), name}
	if r.Health != "" {
		parts = append(parts, "health="+strings.ReplaceAll(r.Health, " ", "_"))
	}
	for _, q := range quantityOrder(r.Values) {
		parts = append(parts, fmt.Sprintf("%s=%.6g", q, r.Values[q]))
	}
	return strings.Join(parts, " ")
}

// quantityOrder is the names of values: those that matter most first.
func quantityOrder(values map[device.Quantity]float64) []device.Quantity {
	first := []device.Quantity{device.Power, device.Temperature, device.CPU, device.AICore, device.Utilization, device.MemoryUsed, device.MemoryTotal, device.Memory}
	var all []device.Quantity
	for _, q := range first {
		if _, told := values[q]; told {
			all = append(all, q)
		}
	}
	var others []device.Quantity
	for q := range values {
		if !slices.Contains(first, q) {
			others = append(others, q)
		}
	}
	slices.Sort(others)
	return append(all, others...)
}
