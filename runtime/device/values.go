package device

import (
	"math"
	"strings"
)

// Set keeps a value, unless it cannot be one. Tools write what they could not read as
// a negative number, as the largest one of its type (65535 W) or as no number: that is
// absent, and no value.
func (v *Values) Set(q Quantity, x float64) {
	if !possible(q, x) {
		return
	}
	if v.Of == nil {
		v.Of = make(map[Quantity]float64)
	}
	v.Of[q] = x
}

// Share derives how much of the memory is used, where the tool does not tell.
func (v *Values) Share() {
	used, ok := v.Of[MemoryUsed]
	total := v.Of[MemoryTotal]
	if _, told := v.Of[Memory]; ok && !told && total > 0 {
		v.Set(Memory, used/total*100)
	}
}

// possible tells whether a value can be one of its quantity, by the unit that ends the
// quantity's name. The limits are far from what any device or host does.
func possible(q Quantity, x float64) bool {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return false
	}
	least, most := 0.0, math.MaxFloat64
	switch q[strings.LastIndexByte(q, '_')+1:] {
	case "pct":
		most = 100
	case "w":
		most = 60e3
	case "c":
		least, most = -60, 250
		if q == MemoryTemperature && x == 0 {
			return false // of cards whose memory has no sensor
		}
	case "mib":
		most = 1 << 30
	case "mhz":
		most = 20e3
	case "v":
		most = 1e3
	case "j":
		most = 1e15
	}
	return x >= least && x <= most
}
