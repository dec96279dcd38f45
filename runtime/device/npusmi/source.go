package npusmi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/runtime/device"
	"weir/runtime/result"
)

// How --monitor names the sources: one that watches where npu-smi can, and one that
// asks each card for its usages at each reading.
const (
	Name       = "npu-smi"
	UsagesName = "npu-smi-usages"
)

// Hint is what to do when there is no npu-smi.
const Hint = "it comes with the Ascend driver: in a container, mount /usr/local/bin/npu-smi, /usr/local/dcmi and the driver's libraries, or monitor the host by ssh or by its npu-exporter"

// Source reads the NPUs of a host. A reading is one call of `npu-smi info`, which
// tells everything but the shares of AI vector, AI cube and the CPUs, and the bandwidth
// of the memory. Those cost a call more for each card.
type Source struct {
	tool   device.Tool
	usages bool

	ids    map[place]ChipIDs // by -m; nil: not asked yet
	last   Table             // the newest one; without chips: none yet
	noted  unread            // lines of -m that no listing or reading has handed out yet
	bursts bool              // its watch does not print when it measures
}

// place is where a chip is. The only chip of a card is 0, also where that is not told.
type place struct{ npu, chip int }

func placeOf(npu int, chip *int) place {
	if chip == nil {
		return place{npu, 0}
	}
	return place{npu, *chip}
}

// Options say how NPUs are read.
type Options struct {
	Host   string // as ssh takes it; "": this machine
	Usages bool   // ask -t usages too, for each card, one after the other; and -t common where the table has no power
}

// New makes the source, which is a device.Watcher without Options.Usages. Nothing is
// run before it is asked.
func New(o Options) device.Source {
	s := &Source{tool: device.Tool{Name: Name, Host: o.Host, Hint: Hint}, usages: o.Usages}
	if s.usages {
		return s
	}
	return Watching{s}
}

// Name is one of the two, with the host behind an @ if it is another one.
func (s *Source) Name() string {
	if s.usages {
		return UsagesName + strings.TrimPrefix(s.tool.Source(), Name)
	}
	return s.tool.Source()
}

// List asks for the table, the mapping and, card by card, the board, for its serial
// number and firmware.
func (s *Source) List(ctx context.Context) (device.Listing, error) {
	t, err := s.table(ctx)
	if err != nil {
		return device.Listing{}, err
	}
	l := device.Listing{Unread: slices.Concat(t.Unread, s.noted)}
	s.noted = nil
	index := s.indexes(t)
	boards := map[int]Section{}
	for i, c := range t.Chips {
		if _, asked := boards[c.NPU]; !asked {
			boards[c.NPU], err = s.board(ctx, c.NPU)
			if ctx.Err() != nil {
				return device.Listing{}, err
			}
			if err != nil {
				l.Unread = append(l.Unread, err.Error())
			}
		}
		l.Devices = append(l.Devices, s.device(t, c, index[i], boards[c.NPU]))
	}
	for _, p := range t.Processes {
		if !slices.ContainsFunc(t.Chips, func(c Chip) bool { return p.uses(c) }) {
			l.Unread = append(l.Unread, fmt.Sprintf("process %d (%s) is on NPU %d, which the table has not", p.PID, p.Name, p.NPU))
		}
	}
	return l, nil
}

// uses tells whether a process is on a chip.
func (p ChipProcess) uses(c Chip) bool { return placeOf(p.NPU, p.Chip) == placeOf(c.NPU, c.Chip) }

// device is a chip as the listing has it.
func (s *Source) device(t Table, c Chip, index int, board Section) result.Device {
	ids := s.ids[placeOf(c.NPU, c.Chip)]
	d := result.Device{
		Host: s.tool.Host, Kind: "npu", Index: index, ID: strconv.Itoa(c.NPU), Chip: first(c.Chip, ids.Chip),
		LogicID: first(ids.Logic, c.LogicID), PhyID: first(c.PhyID, ids.Phy), Name: c.Name, Bus: c.Bus, Health: c.Health,
		MemoryKind: c.MemoryKind, Driver: t.Driver, Tool: t.Tool, Source: s.Name(),
		Serial: board.text("Serial Number"), Firmware: board.text("Firmware Version"),
	}
	if d.Name == "" {
		d.Name = ids.Name
	}
	if d.Bus == "" && c.Chip == nil { // the board's bus is that of its only chip
		d.Bus = board.text("PCIe Bus Info")
	}
	if d.Driver == "" {
		d.Driver = board.text("Software Version")
	}
	if total, ok := c.Values[device.MemoryTotal]; ok {
		d.MemoryMiB = &total
	}
	for _, p := range t.Processes {
		if p.uses(c) {
			d.Processes = append(d.Processes, p.Process)
		}
	}
	return d
}

// first is the first number that was told.
func first(a, b *int) *int {
	if a != nil {
		return a
	}
	return b
}

// Read asks for the table and, if the options say so, for the usages of each card.
func (s *Source) Read(ctx context.Context) (device.Reading, error) {
	started := time.Now()
	t, err := s.table(ctx)
	if err != nil {
		return device.Reading{}, err
	}
	r := device.Reading{Source: s.Name(), Host: s.tool.Host, Unread: slices.Concat(t.Unread, s.noted)}
	s.noted = nil
	index := s.indexes(t)
	for i, c := range t.Chips {
		r.Devices = append(r.Devices, device.Values{Kind: "npu", Index: index[i], Health: c.Health, Of: c.Values})
	}
	if s.usages {
		lines, err := s.addUsages(ctx, t, r.Devices)
		if err != nil {
			return device.Reading{}, err
		}
		r.Unread = append(r.Unread, lines...)
	}
	r.Took = time.Since(started)
	r.At = started.Add(r.Took / 2)
	return r, nil
}

// addUsages asks each card for the usages of its chips, and adds what the table has not.
// Where that is the power, the card's controller may tell it (310P): it is the whole
// card's, and goes to its first chip, as in the table.
func (s *Source) addUsages(ctx context.Context, t Table, devices []device.Values) (lines []string, err error) {
	powered := map[int]bool{}
	for i, c := range t.Chips {
		if _, told := devices[i].Of[device.Power]; told {
			powered[c.NPU] = true
		}
	}
	asked := map[int]bool{}
	for first, card := range t.Chips {
		if asked[card.NPU] {
			continue
		}
		asked[card.NPU] = true
		f, err := s.fields(ctx, "usages", card.NPU)
		if ctx.Err() != nil {
			return nil, err
		}
		lines = append(lines, notes(f, err)...)
		for _, section := range f.Sections {
			at := slices.IndexFunc(t.Chips, func(c Chip) bool {
				return !section.Controller && placeOf(card.NPU, section.Chip) == placeOf(c.NPU, c.Chip)
			})
			if at < 0 {
				continue
			}
			for q, x := range section.Values {
				if _, has := devices[at].Of[q]; !has {
					devices[at].Set(q, x)
				}
			}
		}
		if powered[card.NPU] {
			continue
		}
		f, err = s.fields(ctx, "common", card.NPU)
		if ctx.Err() != nil {
			return nil, err
		}
		lines = append(lines, notes(f, err)...)
		for _, section := range f.Sections {
			if watts, told := section.Values[device.Power]; told {
				devices[first].Set(device.Power, watts)
			}
		}
	}
	return lines, nil
}

// notes are what could not be read of an output, and why it ended.
func notes(f Fields, err error) []string {
	if err == nil {
		return f.Unread
	}
	return append(slices.Clone([]string(f.Unread)), err.Error())
}

// table runs `npu-smi info`, and -m at the first time.
func (s *Source) table(ctx context.Context) (Table, error) {
	out, err := s.tool.Run(ctx, "info")
	t := ParseTable(string(out))
	switch {
	case ctx.Err() != nil && err != nil:
		return t, err
	case err != nil && len(t.Chips) == 0:
		return t, err
	case err != nil: // it told of some devices before
		t.Unread = append(t.Unread, err.Error())
	case len(t.Chips) == 0:
		return t, fmt.Errorf("%s info: it told of no device%s; look at what `npu-smi info` prints there, and whether its user may use the devices (group HwHiAiUser, or root)",
			s.tool.Source(), said(t))
	}
	if s.ids == nil {
		s.ask(ctx)
	}
	s.last = t
	return t, nil
}

// said is what an output without devices said instead.
func said(t Table) string {
	if len(t.Unread) == 0 {
		return ""
	}
	return " but said: " + strings.Join(t.Unread, " ")
}

// ask runs `npu-smi info -m`. Without its answer devices are counted in the order of the table.
func (s *Source) ask(ctx context.Context) {
	out, err := s.tool.Run(ctx, "info", "-m")
	if ctx.Err() != nil {
		return
	}
	m := ParseMapping(string(out))
	s.ids = map[place]ChipIDs{}
	for _, c := range m.Chips {
		s.ids[placeOf(c.NPU, c.Chip)] = c
	}
	s.noted = append(s.noted, m.Unread...)
	if err != nil {
		s.noted = append(s.noted, err.Error())
	}
}

// indexes are what the devices are counted by: their logical ids, or their places in
// the table when not all have one of their own.
func (s *Source) indexes(t Table) []int {
	index, seen := make([]int, len(t.Chips)), map[int]bool{}
	for i, c := range t.Chips {
		logic := first(s.ids[placeOf(c.NPU, c.Chip)].Logic, c.LogicID)
		if logic == nil || seen[*logic] {
			for i := range index {
				index[i] = i
			}
			return index
		}
		index[i], seen[*logic] = *logic, true
	}
	return index
}

// board asks for the board of a card.
func (s *Source) board(ctx context.Context, npu int) (Section, error) {
	f, err := s.fields(ctx, "board", npu)
	for _, section := range f.Sections {
		if section.NPU != nil && *section.NPU == npu {
			return section, nil
		}
	}
	return Section{}, err
}

// fields runs `npu-smi info -t what -i npu`. With an error it returns what came before.
func (s *Source) fields(ctx context.Context, what string, npu int) (Fields, error) {
	out, err := s.tool.Run(ctx, "info", "-t", what, "-i", strconv.Itoa(npu))
	f := ParseFields(string(out))
	if err == nil && len(f.Sections) == 0 {
		err = errors.New(s.tool.Source() + " info -t " + what + ": it told nothing")
	}
	return f, err
}
