package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"weir/runtime/result"
)

// serverParts is what the services' own pages of metrics say of a case; in brief, without
// their times and gauges.
func serverParts(c *result.Case, brief bool, l Lang) (all []part) {
	for _, s := range c.Server {
		p := part{Title: l.F("server", strings.Join(nonEmpty(s.Kind, s.URL), " "))}
		if s.Error != "" {
			p.Notes = append(p.Notes, s.Error)
		}
		p.Notes = append(p.Notes, s.Notes...)
		p.Facts = serverFacts(s, l)
		p.Tables = ttftParts(s.TTFT, l)
		if !brief {
			p.Tables = slices.Concat(p.Tables, serverTimes(s, l), valueTables(l.T("gauges"), s.Gauges, l))
		}
		all = append(all, p)
	}
	return all
}

func serverFacts(s result.Server, l Lang) (all []fact) {
	add := func(key, value string) {
		if value != "" {
			all = append(all, fact{Name: l.T(key), Value: value})
		}
	}
	opt := func(key string, v *float64, unit string) {
		if v != nil {
			add(key, number(*v)+unit)
		}
	}
	add("model", strings.Join(s.Models, ", "))
	if s.Engines > 1 {
		add("engines", whole(int64(s.Engines)))
	}
	opt("window length", s.Window, " s")
	if s.Restarted {
		add("restarted", "✗")
	}
	if r := s.Requests; r != nil {
		opt("requests received", r.Received, "")
		opt("requests finished", r.Finished, "")
		opt("requests failed", r.Failed, "")
		if r.Client != nil {
			add("requests seen by the client", whole(*r.Client))
		}
	}
	tokens := func(key string, t *result.ServerTokens) {
		if t == nil {
			return
		}
		text := number(t.Tokens)
		if t.PerSecond != nil {
			text += " · " + number(*t.PerSecond) + "/s"
		}
		if t.Client != nil {
			text += " · " + l.F("client counted", number(*t.Client))
		}
		add(key, text)
	}
	tokens("input tokens", s.PromptTokens)
	tokens("output tokens", s.GenerationTokens)
	if h := s.PrefixCache; h != nil && h.Rate != nil {
		add("prefix cache hits", percent(*h.Rate))
	}
	opt("preemptions", s.Preemptions, "")
	if d := s.Speculative; d != nil {
		if d.Rate != nil {
			add("draft tokens accepted", percent(*d.Rate))
		}
		opt("tokens a step", d.Length, "")
	}
	return all
}

// ttftParts is what the mean time to first token was made of.
func ttftParts(t *result.TTFTParts, l Lang) []table {
	if t == nil {
		return nil
	}
	out := table{Caption: l.T("TTFT parts"), Head: []head{{Text: l.T("part"), Left: true}, {Text: "avg", Unit: "ms"}, {Text: l.T("share")}}}
	add := func(key string, v *float64) {
		if v == nil {
			return
		}
		share := cell{Text: absent}
		if t.Client > 0 && *v >= 0 {
			s := min(*v/t.Client, 1)
			share = cell{Text: percent(s), Share: s}
		}
		out.Rows = append(out.Rows, []cell{text(l.T(key)), num(*v), share})
	}
	add("TTFT at the client", &t.Client)
	add("TTFT at the server", t.Server)
	add("queue", t.Queue)
	add("prefill", t.Prefill)
	add("front end", t.FrontEnd)
	add("network and client", t.Rest)
	return []table{out}
}

func serverTimes(s result.Server, l Lang) []table {
	if len(s.Times) == 0 {
		return nil
	}
	t := table{Caption: l.T("server times"), Head: []head{{Text: l.T("metric"), Left: true}, {Text: "n"}, {Text: "avg", Unit: "ms"}, {Text: "p50", Unit: "ms"}, {Text: "p90", Unit: "ms"}, {Text: "p95", Unit: "ms"}, {Text: "p99", Unit: "ms"}}}
	estimate := func(e *result.Estimate) cell {
		switch {
		case e == nil:
			return cell{Text: absent}
		case e.High == nil:
			return cell{Text: "≥ " + number(e.Low)}
		case e.Low == 0: // nothing below tells where in the lowest bucket it is
			return cell{Text: "≤ " + number(*e.High)}
		}
		return cell{Text: number(e.Value), Title: number(e.Low) + " … " + number(*e.High)}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Times)) {
		m := s.Times[name]
		if m == nil {
			continue
		}
		t.Rows = append(t.Rows, []cell{{Text: name, Left: true, Code: true}, opt(m.N), opt(m.Avg), estimate(m.P50), estimate(m.P90), estimate(m.P95), estimate(m.P99)})
	}
	return []table{t}
}

// valueTables has what was seen of some values.
func valueTables(caption string, values map[string]result.ValueStat, l Lang) []table {
	if len(values) == 0 {
		return nil
	}
	t := table{Caption: caption, Head: []head{{Text: l.T("what"), Left: true}, {Text: "n"}, {Text: "avg"}, {Text: "min"}, {Text: "max"}}}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v := values[name]
		t.Rows = append(t.Rows, []cell{{Text: name, Left: true, Code: true}, count(v.N), num(v.Avg), num(v.Min), num(v.Max)})
	}
	return []table{t}
}

// deviceName is how a device is called, with its host unless it is this one.
func deviceName(host, kind string, index int) string {
	name := kind
	if kind != "host" {
		name = fmt.Sprintf("%s %d", kind, index)
	}
	if host != "" {
		name += " @ " + host
	}
	return name
}

// devicesPart has what monitored devices did during a case, and the energy.
func devicesPart(c *result.Case, l Lang) part {
	p := part{Title: l.T("devices and energy")}
	if len(c.Devices) > 0 {
		t := table{Caption: l.T("devices"), Wide: true, Head: []head{{Text: l.T("device"), Left: true}, {Text: l.T("readings")}}}
		seen := map[string]bool{}
		for _, d := range c.Devices {
			for name := range d.Values {
				seen[name] = true
			}
		}
		names := slices.Sorted(maps.Keys(seen))
		for _, name := range names {
			t.Head = append(t.Head, head{Text: name})
		}
		metered := slices.ContainsFunc(c.Devices, func(d result.DeviceUse) bool { return d.Joules != nil })
		if metered {
			t.Head = append(t.Head, head{Text: l.T("energy"), Unit: "J"})
		}
		for _, d := range c.Devices {
			label := cell{Text: deviceName(d.Host, d.Kind, d.Index), Note: d.Name, Left: true}
			if d.Health != "" {
				label.Mark, label.Title = "bad", d.Health
			}
			row := []cell{label, count(d.Readings)}
			for _, name := range names {
				k := cell{Text: absent}
				if v, ok := d.Values[name]; ok {
					k = cell{Text: number(v.Avg), Title: l.F("from to", number(v.Min), number(v.Max)), Note: "≤ " + number(v.Max)}
				}
				row = append(row, k)
			}
			if metered {
				row = append(row, opt(d.Joules))
			}
			t.Rows = append(t.Rows, row)
		}
		p.Tables = append(p.Tables, t)
	}
	if e := c.Energy; e != nil {
		p.Facts = append(p.Facts,
			fact{Name: l.T("energy"), Value: number(e.Joules) + " J"},
			fact{Name: l.T("mean power"), Value: number(e.Watts) + " W"})
		for _, f := range []struct {
			key, unit string
			v         *float64
		}{{"energy an output token", " J", e.PerOutputToken}, {"energy a token", " J", e.PerToken}, {"tokens per second per watt", "", e.TokensPerWatt}} {
			if f.v != nil {
				p.Facts = append(p.Facts, fact{Name: l.T(f.key), Value: number(*f.v) + f.unit})
			}
		}
		p.Facts = append(p.Facts, fact{Name: l.T("energy of"), Value: strings.Join(e.Devices, ", ")})
		if len(e.Missing) > 0 {
			p.Facts = append(p.Facts, fact{Name: l.T("energy lacks"), Value: strings.Join(e.Missing, ", ")})
		}
		if e.Note != "" {
			p.Notes = append(p.Notes, e.Note)
		}
	}
	return p
}

// clientPart is what weir itself and its machine went through.
func clientPart(c *result.Case, l Lang) part {
	k := c.Client
	if k == nil {
		return part{}
	}
	t := table{Caption: l.T("client"), Head: []head{{Text: l.T("what"), Left: true}, {Text: "avg"}, {Text: "p99"}, {Text: "max"}}}
	none := cell{Text: absent}
	usage := func(key string, u *result.Usage, show func(float64) string) {
		if u != nil {
			t.Rows = append(t.Rows, []cell{text(l.T(key)), {Text: show(u.Avg)}, none, {Text: show(u.Max)}})
		}
	}
	tail := func(key string, v *result.Tail) {
		if v != nil {
			t.Rows = append(t.Rows, []cell{text(l.T(key)), none, num(v.P99), num(v.Max)})
		}
	}
	usage("client cores used", k.CPU, number)
	usage("client busy", k.Busy, percent)
	usage("client others", k.Others, percent)
	usage("client steal", k.Steal, percent)
	usage("client wait", k.Wait, percent)
	usage("client turn", k.Turn, number)
	usage("client pressure", k.Pressure, percent)
	tail("client sched", k.SchedLatency)
	tail("client loop", k.LoopLag)
	tail("client wake", k.WakeLag)
	if g := k.GCPause; g != nil {
		t.Rows = append(t.Rows, []cell{{Text: l.T("client gc"), Note: "× " + whole(g.Count), Left: true}, none, none, num(g.Max)})
	}
	p := part{Title: l.T("client"), Closed: true, Facts: []fact{
		{Name: l.T("client cores"), Value: number(k.Cores)}, {Name: "GOMAXPROCS", Value: whole(int64(k.GOMAXPROCS))}}}
	if k.Throttled != nil {
		p.Facts = append(p.Facts, fact{Name: l.T("client throttled"), Value: number(*k.Throttled) + " s"})
	}
	if k.RSS != nil {
		p.Facts = append(p.Facts, fact{Name: l.T("client memory"), Value: number(*k.RSS) + " MB"})
	}
	if k.OpenFiles != nil {
		files := whole(*k.OpenFiles)
		if k.OpenFilesLimit != nil {
			files = l.F("n of m", files, whole(*k.OpenFilesLimit))
		}
		p.Facts = append(p.Facts, fact{Name: l.T("client files"), Value: files})
	}
	if len(t.Rows) > 0 {
		p.Tables = []table{t}
	}
	return p
}

// appendix is what is true of the whole run: what it was started with, and where.
func appendix(run *result.Result, l Lang) (all []part) {
	add := func(id string, p part) {
		if !p.empty() {
			p.ID = id
			all = append(all, p)
		}
	}
	params := part{Title: l.T("parameters"), Facts: facts(run.Params)}
	if len(run.Chosen) > 0 {
		params.Facts = append(params.Facts, prefixed(l.T("chosen"), facts(run.Chosen))...)
	}
	for _, name := range run.Secrets {
		params.Facts = append(params.Facts, fact{Name: name, Value: result.Hidden, Code: true})
	}
	add("parameters", params)
	for i, s := range run.Services {
		add(fmt.Sprintf("service-%d", i+1), part{Title: l.F("service n", s.URL), Facts: facts(s), Closed: true})
	}
	add("doctor", doctorPart(run.Doctor, l))
	add("monitors", monitorsPart(run.Monitors, l))
	var devices []fact
	for _, d := range run.Devices {
		name := deviceName(d.Host, d.Kind, d.Index)
		d.Host, d.Kind = "", ""
		devices = append(devices, prefixed(name, slices.DeleteFunc(facts(d), func(f fact) bool { return f.Name == "kind" || f.Name == "index" }))...)
	}
	add("devices", part{Title: l.T("devices"), Facts: devices, Closed: true})
	settings := part{Title: l.T("settings"), Closed: true}
	if run.Settings != nil {
		settings.Facts = facts(run.Settings)
	}
	add("settings", settings)
	add("environment", part{Title: l.T("environment"), Facts: facts(run.Environment), Closed: true})
	add("files", filesPart(run, l))
	return all
}

func prefixed(prefix string, all []fact) []fact {
	for i := range all {
		all[i].Name = prefix + ": " + all[i].Name
	}
	return all
}

func doctorPart(findings []result.Finding, l Lang) part {
	p := part{Title: l.T("doctor")}
	if len(findings) == 0 {
		return p
	}
	t := table{Caption: l.T("doctor"), Wide: true, Head: []head{{Text: l.T("check"), Left: true}, {Text: l.T("status"), Left: true}, {Text: l.T("found"), Left: true}, {Text: l.T("what to do"), Left: true}}}
	order := map[string]int{"fail": 0, "warn": 1, "skip": 2, "ok": 3}
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b result.Finding) int { return order[a.Status] - order[b.Status] })
	for _, f := range sorted {
		status := cell{Text: f.Status, Left: true}
		switch f.Status {
		case "ok":
			status.Mark = "good"
		case "fail":
			status.Mark = "bad"
		}
		t.Rows = append(t.Rows, []cell{{Text: f.Check, Left: true, Code: true}, status, {Text: f.What, Note: f.Why, Left: true}, text(f.Do)})
	}
	p.Tables = []table{t}
	return p
}

func monitorsPart(monitors []result.Monitor, l Lang) part {
	p := part{Title: l.T("monitors")}
	if len(monitors) == 0 {
		return p
	}
	t := table{Caption: l.T("monitors"), Wide: true, Head: []head{{Text: l.T("source"), Left: true}, {Text: l.T("every"), Unit: "s"}, {Text: l.T("readings")}, {Text: l.T("missed")}, {Text: l.T("failed")}, {Text: l.T("note"), Left: true}}}
	for _, m := range monitors {
		note := strings.Join(append(nonEmpty(m.Error, m.Note), m.Unread...), " · ")
		t.Rows = append(t.Rows, []cell{text(m.Source), num(m.Interval), count(m.Readings), failures(m.Missed), failures(m.Failed), text(note)})
	}
	p.Tables = []table{t}
	return p
}

func filesPart(run *result.Result, l Lang) part {
	p := part{Title: l.T("files read"), Facts: []fact{{Name: l.T("script") + " SHA-256", Value: run.Script.SHA256, Code: true}}}
	if run.Script.SHA256 == "" {
		p.Facts = nil
	}
	if len(run.Files) == 0 {
		return p
	}
	t := table{Caption: l.T("files read"), Wide: true, Head: []head{{Text: l.T("kind"), Left: true}, {Text: l.T("path"), Left: true}, {Text: l.T("size")}, {Text: "SHA-256", Left: true}}}
	for _, f := range run.Files {
		sum := cell{Text: f.SHA256, Left: true, Code: true}
		if f.SHA256 == "" {
			sum = text(f.Note)
		}
		t.Rows = append(t.Rows, []cell{text(f.Kind), {Text: f.Path, Left: true, Code: true}, {Text: size(f.Bytes)}, sum})
	}
	p.Tables = []table{t}
	return p
}
