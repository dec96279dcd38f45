package npu

import (
	"encoding/json"

	"weir/runtime/device"
	"weir/runtime/result"
)

// deviceValues are devices as scripts see them: under the names of result.json.
func deviceValues(devices []result.Device, s selection) []any {
	all := []any{}
	for _, d := range devices {
		if !s.has(d.Host, d.Kind, d.Index) {
			continue
		}
		var fields map[string]any
		text, err := json.Marshal(d)
		if err == nil {
			err = json.Unmarshal(text, &fields)
		}
		if err == nil { // plain data always is
			all = append(all, fields)
		}
	}
	return all
}

// readingValues are the devices of readings as scripts see them.
func readingValues(readings []device.Reading, s selection) []any {
	all := []any{}
	for _, r := range readings {
		for _, v := range r.Devices {
			if !s.has(r.Host, v.Kind, v.Index) {
				continue
			}
			values := make(map[string]any, len(v.Of))
			for q, x := range v.Of {
				values[q] = x
			}
			one := map[string]any{
				"source": r.Source, "kind": v.Kind, "index": v.Index,
				"at": float64(r.At.UnixMicro()) / 1e3, "values": values,
			}
			if r.Host != "" {
				one["host"] = r.Host
			}
			if v.Health != "" {
				one["health"] = v.Health
			}
			all = append(all, one)
		}
	}
	return all
}
