package device_test

import (
	"math"
	"testing"

	"weir/runtime/device"
)

func TestSet(t *testing.T) {
	f := func(q device.Quantity, x float64, kept bool) {
		t.Helper()
		var v device.Values
		v.Set(q, x)
		if got, is := v.Of[q]; is != kept || is && got != x {
			t.Errorf("%s %v: %v %v", q, x, got, is)
		}
	}
	f(device.Power, 0, true)
	f(device.Power, 12000, true) // of a host with eight accelerators
	f(device.Power, -1, false)
	f(device.Power, 65535, false)
	f(device.Power, math.NaN(), false)
	f(device.Power, math.Inf(1), false)
	f(device.Temperature, -10, true)
	f(device.Temperature, 0, true)
	f(device.Temperature, 65535, false)
	f(device.MemoryTemperature, 0, false)
	f(device.MemoryTemperature, 40, true)
	f(device.Utilization, 0, true)
	f(device.Utilization, 100, true)
	f(device.Utilization, 101, false)
	f(device.Voltage, 4294967295, false)
	f(device.EnergyCounter, 962825096.2974429, true)
	f(device.EnergyCounter, 9223372036854775792, false)
	f(device.MemoryTotal, 196592, true)
	f(device.Clock, 65535, false)
}

func TestShare(t *testing.T) {
	f := func(of map[device.Quantity]float64, want float64, told bool) {
		t.Helper()
		v := device.Values{Of: of}
		v.Share()
		if got, is := v.Of[device.Memory]; is != told || got != want {
			t.Errorf("%v %v, want %v %v", got, is, want, told)
		}
	}
	f(nil, 0, false)
	f(map[device.Quantity]float64{device.MemoryTotal: 8}, 0, false)
	f(map[device.Quantity]float64{device.MemoryUsed: 8}, 0, false)
	f(map[device.Quantity]float64{device.MemoryUsed: 2, device.MemoryTotal: 8}, 25, true)
	f(map[device.Quantity]float64{device.MemoryUsed: 0, device.MemoryTotal: 8}, 0, true)
	f(map[device.Quantity]float64{device.MemoryUsed: 2, device.MemoryTotal: 8, device.Memory: 26}, 26, true) // as the tool says
	f(map[device.Quantity]float64{device.MemoryUsed: 9, device.MemoryTotal: 8}, 0, false)
}
