package npusmi_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"weir/runtime/device/npusmi"
)

// Tables as no sample has them.
func TestOddTables(t *testing.T) {
	const head = `
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
`
	f := func(table, chips string, unread ...string) {
		t.Helper()
		got := npusmi.ParseTable(table)
		if text := text(t, got.Chips); text != chips {
			t.Errorf("got %s\nwant %s", text, chips)
		}
		if !slices.Equal(got.Unread, unread) {
			t.Errorf("unread %q, want %q", got.Unread, unread)
		}
	}
	// Nothing at all, and rows without their head.
	f("", "null")
	f("| 0     910B3               | OK            | 96.0        47                0    / 0             |", "null",
		"| 0     910B3               | OK            | 96.0        47                0    / 0             |")
	// A chip that tells nothing: nothing is 0.
	f(head+`| 3     910B3               | Critical      | NA          NA                -    / -             |
| 0                         | 0000:C1:00.0  | NA          NA   / NA         - / -                |`,
		`[{"npu":3,"chip":0,"name":"910B3","health":"Critical","bus":"0000:C1:00.0"}]`)
	// A value that is left out: the others stay in their columns.
	f(head+`| 3     910B3               | OK            |             47                0    / 0             |
| 0                         | 0000:C1:00.0  | 12                            5/10                 |`,
		`[{"npu":3,"chip":0,"name":"910B3","health":"OK","bus":"0000:C1:00.0","memory_kind":"HBM","values":{"aicore_pct":12,"memory_pct":50,"memory_total_mib":10,"memory_used_mib":5,"temperature_c":47}}]`)
	// A name of several words, and pairs without blanks.
	f(head+`| 3     Ascend 910 A        | OK            | 96.0        47                0/0             |
| 0                         | 0000:C1:00.0  | 0           0/0          3344/65536         |`,
		`[{"npu":3,"chip":0,"name":"Ascend 910 A","health":"OK","bus":"0000:C1:00.0","memory_kind":"HBM","values":{"aicore_pct":0,"memory_pct":5.1025390625,"memory_total_mib":65536,"memory_used_mib":3344,"power_w":96,"temperature_c":47}}]`)
	// What a driver prints for what it could not read is no value.
	f(head+`| 0     910B3               | OK            | 6553500.0   -999              0    / 0             |
| 0                         | 0000:C1:00.0  | 65535       0    / 0          3344 / 65536         |`,
		`[{"npu":0,"chip":0,"name":"910B3","health":"OK","bus":"0000:C1:00.0","memory_kind":"HBM","values":{"memory_pct":5.1025390625,"memory_total_mib":65536,"memory_used_mib":3344}}]`)
	// A column that nobody knows yet, and one that is gone.
	f(`
| NPU   Name                | Health        | Power(W)    Fan(RPM)    Temp(C)                       |
| Chip                      | Bus-Id        | HBM-Usage(MB)        New Thing(%)   AICore(%)         |
| 0     920                 | OK            | 96.0        1200        47                            |
| 1                         | 0000:C1:00.0  | 3344 / 65536         77             12                |`,
		`[{"npu":0,"chip":1,"name":"920","health":"OK","bus":"0000:C1:00.0","memory_kind":"HBM","values":{"aicore_pct":12,"memory_pct":5.1025390625,"memory_total_mib":65536,"memory_used_mib":3344,"power_w":96,"temperature_c":47}}]`)
	// A second row whose first is missing belongs to nobody; a first row alone is a chip.
	f(head+`| 0                         | 0000:C1:00.0  | 0           0    / 0          3344 / 65536         |
| 1     910B3               | OK            | 93.5        48                0    / 0             |
| 2     910B3               | Warn`,
		`[{"npu":1,"name":"910B3","health":"OK","values":{"power_w":93.5,"temperature_c":48}}]`,
		"| 0                         | 0000:C1:00.0  | 0           0    / 0          3344 / 65536         |",
		"| 2     910B3               | Warn")
	// Rows of words.
	f(head+"| zero  910B3               | OK            | 96.0        47                0    / 0             |", "null",
		"| zero  910B3               | OK            | 96.0        47                0    / 0             |")
}

// A table that is cut off anywhere has the chips that came before, as they are.
func TestTableCutOff(t *testing.T) {
	for _, sample := range []string{"info_26.0.rc1_A3_two_chips_wide.txt", "info_25.7.rc1_950PR_alarm_busy.txt", "info_25.3.rc1_310P3_power_NA.txt"} {
		b, err := os.ReadFile(absolute(t, sample))
		if err != nil {
			t.Fatal(err)
		}
		whole := npusmi.ParseTable(string(b))
		for n := 0; n < len(b); n += 3 {
			part := npusmi.ParseTable(string(b[:n]))
			if len(part.Chips) > len(whole.Chips) || len(part.Unread) > 1 {
				t.Fatalf("%s: of %d bytes: %d chips, unread %q", sample, n, len(part.Chips), part.Unread)
			}
			for i, c := range part.Chips {
				last := i == len(part.Chips)-1
				for q, x := range c.Values {
					if whole.Chips[i].Values[q] != x {
						t.Fatalf("%s: of %d bytes: %s of chip %d is %v", sample, n, q, i, x)
					}
				}
				if !last && text(t, c) != text(t, whole.Chips[i]) {
					t.Fatalf("%s: of %d bytes: chip %d is %s", sample, n, i, text(t, c))
				}
			}
		}
	}
}

func TestProcesses(t *testing.T) {
	f := func(rows, processes string, unread ...string) {
		t.Helper()
		got := npusmi.ParseTable("| NPU     Chip              | Process id    | Process name       | Process memory(MB)    | Process id in container |\n" + rows)
		if text := text(t, got.Processes); text != processes {
			t.Errorf("got %s\nwant %s", text, processes)
		}
		if !slices.Equal(got.Unread, unread) {
			t.Errorf("unread %q, want %q", got.Unread, unread)
		}
	}
	f("| 0       1                 | 1774110       | VLLM Worker        | 56684                 | 71                      |",
		`[{"npu":0,"chip":1,"pid":1774110,"pid_in_container":71,"name":"VLLM Worker","memory_mib":56684}]`)
	// Without a name, and without what it uses.
	f("| 0       0                 | 1774110       |                    | NA                    | NA                      |",
		`[{"npu":0,"chip":0,"pid":1774110}]`)
	f("| No running processes found in NPU 5                                                                              |", "null")
	f("| 0       0                 | none          |                    | NA                    | NA                      |", "null",
		"| 0       0                 | none          |                    | NA                    | NA                      |")
}

// The numbers of chips are where they are; sections need no blank lines between them.
func TestOddFields(t *testing.T) {
	f := func(lines, sections string, unread ...string) {
		t.Helper()
		got := npusmi.ParseFields(strings.ReplaceAll(lines, "; ", "\n"))
		for i := range got.Sections {
			got.Sections[i].Fields = nil
		}
		if text := text(t, got.Sections); text != sections {
			t.Errorf("got %s\nwant %s", text, sections)
		}
		if !slices.Equal(got.Unread, unread) {
			t.Errorf("unread %q, want %q", got.Unread, unread)
		}
	}
	f("NPU ID : 1; Chip ID : 0; Temperature(C) : 60; Chip ID : 1; Temperature(C) : 59; Chip Name : mcu; Temperature(C) : 48",
		`[{"npu":1,"chip":0,"values":{"temperature_c":60}},{"npu":1,"chip":1,"values":{"temperature_c":59}},{"npu":1,"controller":true,"values":{"temperature_c":48}}]`)
	f("NPU ID : 1; Health : OK; Chip ID : 0; Health : Alarm; Chip ID : 1; Health : OK; Chip Name : MCU",
		`[{"npu":1,"chip":0,"health":"OK"},{"npu":1,"chip":1,"health":"Alarm"},{"npu":1,"controller":true,"health":"OK"}]`)
	f("[WARNING] tool : old; NPU ID : 1; Power Dissipation(W) : NA; HBM Capacity(MB) : -; a line of words",
		`[{"npu":1}]`, "[WARNING] tool : old", "a line of words")
	f("NPU ID : one; Temperature(C) : 60", `[{"values":{"temperature_c":60}}]`, "NPU ID : one")
	f("Process id:1 Process name: Process memory(MB):NA", `[{"processes":[{"pid":1}]}]`)
}
