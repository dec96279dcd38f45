package docs_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"slices"
	"testing"

	"weir/docs"
	"weir/docs/declarations"
	"weir/modules"
)

// What scripts are told that results have (the types of weir.d.ts) is what the schema of
// result.json has, which is made from the Go types.
func TestTypesOfResults(t *testing.T) {
	text, err := docs.Schema("result")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs map[string]struct {
			Properties map[string]any
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	f := func(file, name, definition string, onlyScripts ...string) {
		t.Helper()
		text, err := fs.ReadFile(modules.Types, file)
		if err != nil {
			t.Fatal(err)
		}
		all, err := declarations.Parse(file, string(text))
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(all[0].Declarations, func(d *declarations.Declaration) bool { return d.Name == name })
		if at < 0 || len(schema.Defs[definition].Properties) == 0 {
			t.Errorf("%s or %s: there is no such type", name, definition)
			return
		}
		var declared []string
		for _, m := range all[0].Declarations[at].Members {
			declared = append(declared, m.Name)
		}
		written := slices.Collect(maps.Keys(schema.Defs[definition].Properties))
		for _, member := range declared {
			if !slices.Contains(written, member) && !slices.Contains(onlyScripts, member) {
				t.Errorf("%s: %s.%s is declared, and result.json has none (%s)", file, name, member, definition)
			}
		}
		for _, property := range written {
			if !slices.Contains(declared, property) {
				t.Errorf("%s: %s.%s is not declared, and result.json has it (%s)", file, name, property, definition)
			}
		}
	}
	const weir, npu = "core/weir.d.ts", "npu/npu.d.ts"
	f(weir, "RunResult", "Result")
	f(weir, "CaseResult", "Case", "tag", "repeats")
	f(weir, "ScenarioResult", "Scenario")
	f(weir, "CaseWindow", "Window")
	f(weir, "Counts", "Counts")
	f(weir, "Throughput", "Throughput")
	f(weir, "Goodput", "Goodput")
	f(weir, "Growth", "Growth")
	f(weir, "ErrorGroup", "ErrorGroup")
	f(weir, "ThresholdResult", "Threshold")
	f(weir, "Client", "Client")
	f(weir, "Usage", "Usage")
	f(weir, "Tail", "Tail")
	f(weir, "DeviceUse", "DeviceUse")
	f(weir, "ValueStat", "ValueStat")
	f(weir, "Energy", "Energy")
	f(weir, "Monitor", "Monitor")
	f(weir, "ServerPage", "Server")
	f(weir, "ServerTokens", "ServerTokens")
	f(weir, "Estimate", "Estimate")
	f(weir, "Trace", "Trace")
	f(weir, "Finding", "Finding")
	f(weir, "Settings", "Settings")
	f(weir, "Published", "Published")
	f(weir, "FileRead", "File")
	f(weir, "ServiceDescription", "Service")
	f(weir, "Environment", "Environment")
	f(npu, "Device", "Device")
	f(npu, "Process", "Process")
}
