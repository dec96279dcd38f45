package host

import (
	"path"
	"strings"

	"weir/runtime/device"
)

// sensors sets what /sys/class/hwmon tells
// (https://docs.kernel.org/hwmon/sysfs-interface.html): the temperature of the hottest
// processor, m°C there, and the power of the machine's meters together, µW there.
func sensors(f files, v *device.Values) {
	power, metered := 0.0, false
	for name, text := range f {
		dir, ok := strings.CutSuffix(name, "/name")
		if !ok || !strings.HasPrefix(name, "sys/class/hwmon/") {
			continue
		}
		if strings.TrimSpace(text) == meter {
			for _, input := range []string{"power1_average", "power1_input"} {
				if x, ok := f.number(path.Join(dir, input)); ok {
					power, metered = power+x/1e6, true
					break
				}
			}
			continue
		}
		if x, ok := f.number(path.Join(dir, "temp1_input")); ok {
			if hottest, told := v.Of[device.Temperature]; !told || x/1e3 > hottest {
				v.Set(device.Temperature, x/1e3)
			}
		}
	}
	if metered {
		v.Set(device.Power, power)
	}
}

// energy sums up the counters of /sys/class/powercap
// (https://docs.kernel.org/power/powercap/powercap.html), which are in µJ and begin anew
// at the end of their range: with 262 kJ, a processor of 200 W does so every 22 minutes.
type energy struct {
	last   map[string]float64 // of each zone, µJ
	joules float64            // since the first reading
}

// read is the energy since the first reading, in J. ok is false when there are no
// counters, or when one that was there told nothing now: it may tell again.
func (e *energy) read(f files) (joules float64, ok bool) {
	now := make(map[string]float64)
	for name := range f {
		if dir, is := strings.CutSuffix(name, "/energy_uj"); is && counts(dir, strings.TrimSpace(f[dir+"/name"])) {
			if x, ok := f.number(name); ok && x >= 0 {
				now[dir] = x
			}
		}
	}
	if e.last == nil && len(now) > 0 {
		e.last = now
	}
	if len(now) == 0 {
		return 0, false
	}
	for zone, last := range e.last {
		x, told := now[zone]
		if !told {
			return 0, false
		}
		if x < last {
			most, ok := f.number(zone + "/max_energy_range_uj")
			if !ok || most < last {
				last = x // how far it got before, nobody knows
			} else {
				last -= most
			}
		}
		e.joules += (x - last) / 1e6
		e.last[zone] = x
	}
	return e.joules, true
}

// counts tells whether a zone counts: the processors and the memory of each. Their other
// parts (core, uncore) are in the processor's, and psys is the platform with both.
func counts(dir, name string) bool {
	zone := strings.Split(path.Base(dir), ":") // intel-rapl:0, intel-rapl:0:2
	return len(zone) == 2 && strings.HasPrefix(name, "package") || len(zone) == 3 && name == "dram"
}
