package terminal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime/result"
	"weir/runtime/result/resulttest"
	"weir/runtime/terminal"
)

// used is what a device did in a case; of the values of -1 there is none.
func used(kind string, index int, host string, serves bool, power, busy float64) result.DeviceUse {
	d := result.DeviceUse{Kind: kind, Index: index, Host: host, Serves: serves, Readings: 60, Values: map[string]result.ValueStat{}}
	about := func(v float64) result.ValueStat { return result.ValueStat{N: 60, Avg: v, Min: v * 0.9, Max: v * 1.02} }
	share := map[string]string{"npu": "aicore_pct", "gpu": "utilization_pct", "host": "cpu_pct"}[kind]
	d.Values[share] = about(busy)
	d.Values["memory_pct"] = about(61.4)
	d.Values["temperature_c"] = result.ValueStat{N: 60, Avg: 55, Min: 50, Max: 58 + float64(index)}
	if power >= 0 {
		d.Values["power_w"] = about(power)
		joules := power * 60
		d.Joules = &joules
	}
	return d
}

func energy(c *result.Case, devices ...string) *result.Energy {
	e := &result.Energy{Devices: devices, Method: "power"}
	for _, d := range c.Devices {
		if d.Serves && d.Joules != nil {
			e.Joules += *d.Joules
		}
	}
	e.Watts = e.Joules / 60
	e.PerOutputToken, e.PerToken, e.TokensPerWatt = new(e.Joules/15000), new(e.Joules/60000), new(15000/e.Joules)
	return e
}

// Devices of a host are one row a case, and fit the terminal.
func TestSummaryDevices(t *testing.T) {
	many := func(name string, power float64) *result.Case {
		c := resulttest.LLMCase(name, 64, 300)
		var names []string
		for i := range 8 {
			c.Devices = append(c.Devices, used("npu", i, "", i < 6, power+3*float64(i), 71.5+float64(i)))
			if i < 6 {
				names = append(names, fmt.Sprintf("npu %d", i))
			}
		}
		c.Devices[3].Health = "Warning"
		c.Devices = append(c.Devices, used("host", 0, "", false, -1, 12.5))
		c.Energy = energy(c, names...)
		return c
	}
	long := many("512 in, 256 out, 32 parallel", 320)
	long.Energy.Note = "up to 12.00 of 60.00 s lacked readings (npu 3), and the mean power of the rest was held there"
	both := resulttest.Run(many("512 in, 256 out, 1 parallel", 180), long)
	both.Monitors = []result.Monitor{
		{Source: "npu-smi", Interval: 1, Readings: 110, Missed: 12, Failed: 1,
			Error: "npu-smi info: no answer within 5s, so it was ended", Unread: []string{"| odd"}},
		{Source: "host", Interval: 1, Readings: 120},
	}

	far := resulttest.LLMCase("burst", 64, 300)
	far.Devices = []result.DeviceUse{
		used("gpu", 0, "", true, 401.25, 97), used("gpu", 1, "node2", true, 398, 96), used("gpu", 3, "node2", true, -1, 95),
	}
	far.Energy = energy(far, "gpu 0", "gpu 1 of node2")
	far.Energy.Missing, far.Energy.Method = []string{"gpu 3 of node2"}, "mixed"
	far.Energy.PerOutputToken, far.Energy.PerToken, far.Energy.TokensPerWatt = nil, nil, nil

	silent := resulttest.LLMCase("310P", 64, 300)
	silent.Devices = []result.DeviceUse{used("npu", 0, "", true, -1, 40), used("npu", 1, "", true, -1, 41)}

	for name, r := range map[string]*result.Result{"many": both, "far": resulttest.Run(far), "silent": resulttest.Run(silent)} {
		for _, width := range []int{60, 80, 120} {
			var out strings.Builder
			if err := terminal.Summary(&out, r, terminal.SummaryOptions{Width: width}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(out.String()) {
				if got := text.StringWidth(strings.TrimRight(line, "\n")); got > width {
					t.Errorf("%s at %d columns: a line has %d: %s", name, width, got, line)
				}
			}
			resulttest.Golden(t, fmt.Sprintf("summary_devices_%s_%d.txt", name, width), out.String())
		}
	}
}
