package npusmi

import "strings"

// Mapping is what `npu-smi info -m` prints.
type Mapping struct {
	Chips  []ChipIDs `json:"chips,omitempty"`
	Unread unread    `json:"unread,omitempty"`
}

// ChipIDs are the numbers of a chip.
type ChipIDs struct {
	NPU   int    `json:"npu"`
	Chip  *int   `json:"chip,omitempty"`
	Logic *int   `json:"logic_id,omitempty"`
	Phy   *int   `json:"phy_id,omitempty"`
	Name  string `json:"name,omitempty"`
}

var mappingNames = columnNames("NPU ID", "Slot ID", "Chip ID", "Chip Logic ID", "Chip Phy-ID", "Chip Name")

// ParseMapping reads what `npu-smi info -m` printed. The controllers of cards (Mcu)
// are left out: they are no devices.
func ParseMapping(text string) Mapping {
	var m Mapping
	var head []column
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if columns, known := mappingNames.head(line); known >= 2 {
			head = columns
		} else if !m.row(line, head) {
			m.Unread.add(line)
		}
	}
	return m
}

func (m *Mapping) row(line string, head []column) bool {
	if len(head) < 2 {
		return false
	}
	v, ok := split(line, head, true)
	if !ok {
		return false
	}
	npu, ok := id(v["npu id"])
	if !ok || npu == nil {
		return false
	}
	chip, ok1 := id(v["chip id"])
	logic, ok2 := id(v["chip logic id"])
	phy, ok3 := id(v["chip phy-id"])
	if !ok1 || !ok2 || !ok3 {
		return false
	}
	if !isController(v["chip name"]) {
		m.Chips = append(m.Chips, ChipIDs{*npu, chip, logic, phy, told(v["chip name"])})
	}
	return true
}

// isController tells of the name of a card's controller.
func isController(name string) bool { return strings.EqualFold(strings.TrimSpace(name), "mcu") }
