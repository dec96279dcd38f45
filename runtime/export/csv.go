package export

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"weir/runtime/result"
)

// CSV writes all cases as one tidy table: a row for each case, window and metric.
// docs/files.md describes the columns.
func CSV(run *result.Run, path string) error {
	return result.ReplaceFileBy(path, 0o644, func(to io.Writer) error { return writeCSV(to, run.Result) })
}

// The columns besides those of tags, which stand between them.
var (
	caseColumns   = []string{"case", "name", "repeat", "scenario", "window", "verdict", "started", "duration_s"}
	metricColumns = []string{
		"metric", "unit", "kind", "n", "avg", "avg_low", "avg_high", "std", "min", "p50", "p75", "p90", "p95", "p99", "p999", "max",
		"sum", "rate", "value", "per_second", "missed", "thin", "estimator",
	}
)

// tagPrefix begins the columns of tags, so that they do not collide with others.
const tagPrefix = "tag_"

func writeCSV(to io.Writer, r *result.Result) error {
	w := csv.NewWriter(to)
	w.UseCRLF = true // as RFC 4180 has it
	tags := tagNames(r.Cases)
	head := slices.Clone(caseColumns)
	for _, name := range tags {
		head = append(head, tagPrefix+name)
	}
	if err := w.Write(append(head, metricColumns...)); err != nil {
		return err
	}
	for i, c := range r.Cases {
		for _, s := range sharesOf(c) {
			row := []string{
				strconv.Itoa(i + 1), cell(c.Name), repeatOf(c), cell(s.scenario), s.window, string(c.Validity.Verdict),
				s.started.UTC().Format(time.RFC3339Nano), number(s.duration),
			}
			for _, name := range tags {
				row = append(row, cell(text(s.tags[name])))
			}
			for _, m := range s.rows() {
				if err := w.Write(slices.Concat(row, m)); err != nil {
					return err
				}
			}
		}
	}
	w.Flush()
	return w.Error()
}

// share is what a case has numbers of: the whole or a scenario, in a window.
type share struct {
	scenario, window string
	tags             map[string]any
	started          time.Time
	duration         float64 // seconds
	metrics          map[string]*result.Metric
	throughput       result.Throughput
	goodput          *result.Goodput
	energy           *result.Energy
}

// sharesOf are the case in its own window, in the other one, and its scenarios. What is
// known of the whole case only stands with all of it, whatever the case's own window is.
func sharesOf(c *result.Case) []share {
	own := c.Window
	if own == "" {
		own = result.WindowAll
	}
	whole := share{window: own, tags: c.Tags, started: c.Started, duration: c.Duration, metrics: c.Metrics, throughput: c.Throughput, goodput: c.Goodput, energy: c.Energy}
	if w := c.Windows[own]; w != nil && w.Found {
		whole.place(c, w)
	}
	var rest map[string]*result.Metric
	if all := c.Windows[result.WindowAll]; own != result.WindowAll && all != nil && all.Found {
		rest = maps.Clone(c.Metrics)
		maps.DeleteFunc(rest, result.Windowed)
		whole.metrics, whole.energy = maps.Clone(c.Metrics), nil
		maps.DeleteFunc(whole.metrics, func(name string, m *result.Metric) bool { return !result.Windowed(name, m) })
	}
	all := []share{whole}
	for _, name := range slices.Sorted(maps.Keys(c.Windows)) {
		w := c.Windows[name]
		if name == own || w == nil || !w.Found {
			continue
		}
		s := share{window: name, tags: c.Tags, metrics: w.Metrics, goodput: w.Goodput}
		if s.place(c, w); w.Throughput != nil {
			s.throughput = *w.Throughput
		}
		if name == result.WindowAll {
			s.metrics, s.energy = map[string]*result.Metric{}, c.Energy
			maps.Copy(s.metrics, rest)
			maps.Copy(s.metrics, w.Metrics)
		}
		all = append(all, s)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Scenarios)) {
		if s := c.Scenarios[name]; s != nil {
			all = append(all, share{scenario: name, window: own, tags: s.Tags, started: s.Started, duration: s.Duration, metrics: s.Metrics, throughput: s.Throughput, goodput: s.Goodput})
		}
	}
	return all
}

// place gives a share the time of a window.
func (s *share) place(c *result.Case, w *result.Window) {
	s.started = c.Started.Add(time.Duration(w.From * float64(time.Second)))
	s.duration = w.To - w.From
}

// rows are the cells of a share's metrics, by name, and then of what is no metric.
func (s share) rows() (all [][]string) {
	for _, name := range slices.Sorted(maps.Keys(s.metrics)) {
		if m := s.metrics[name]; m != nil {
			all = append(all, metricCells(name, m))
		}
	}
	value := func(name, unit, kind string, v float64) {
		all = append(all, metricCells(name, &result.Metric{Kind: kind, Unit: unit, Value: &v}))
	}
	optional := func(name, unit, kind string, v *float64) {
		if v != nil {
			value(name, unit, kind, *v)
		}
	}
	value("throughput_requests", "requests/s", "throughput", s.throughput.Requests)
	value("throughput_input_tokens", "tokens/s", "throughput", s.throughput.InputTokens)
	value("throughput_output_tokens", "tokens/s", "throughput", s.throughput.OutputTokens)
	value("throughput_total_tokens", "tokens/s", "throughput", s.throughput.TotalTokens)
	if g := s.goodput; g != nil {
		value("goodput_output_tokens", "tokens/s", "throughput", g.OutputTokens)
	}
	if e := s.energy; e != nil {
		value("energy", "J", "energy", e.Joules)
		value("power", "W", "energy", e.Watts)
		optional("energy_per_output_token", "J/token", "energy", e.PerOutputToken)
		optional("energy_per_token", "J/token", "energy", e.PerToken)
		optional("output_tokens_per_second_per_watt", "tokens/J", "energy", e.TokensPerWatt)
	}
	return all
}

// metricCells are the cells of metricColumns. What a metric does not have is empty.
func metricCells(name string, m *result.Metric) []string {
	optional := func(v *float64) string {
		if v == nil {
			return ""
		}
		return number(*v)
	}
	n := strconv.FormatInt(m.N, 10)
	if m.Kind == "throughput" || m.Kind == "energy" {
		n = "" // it is no number of samples
	}
	row := []string{cell(name), cell(m.Unit), cell(m.Kind), n, optional(m.Avg), optional(m.AvgLow), optional(m.AvgHigh), optional(m.Std), optional(m.Min)}
	for _, p := range m.Percentiles() {
		row = append(row, optional(p.Value))
	}
	return append(row, optional(m.Max), optional(m.Sum), optional(m.Rate), optional(m.Value), optional(m.PerSecond), optional(m.Missed),
		strings.Join(m.Unsupported(), " "), cell(m.Estimator))
}

// tagNames are those of all cases and scenarios.
func tagNames(cases []*result.Case) []string {
	names := map[string]bool{}
	for _, c := range cases {
		for name := range c.Tags {
			names[name] = true
		}
		for _, s := range c.Scenarios {
			if s == nil {
				continue
			}
			for name := range s.Tags {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func repeatOf(c *result.Case) string {
	if c.Repeat == 0 {
		return ""
	}
	return strconv.Itoa(c.Repeat)
}

// number writes a number so that it reads back as the same; "" for one that is none.
func number(v float64) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// cell is a text that a spreadsheet takes for a text, too: what begins as a formula
// does gets an apostrophe before it, as spreadsheets have it. Numbers stay numbers.
func cell(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	first, _ := utf8.DecodeRuneInString(text)
	if text == "" || !strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return text
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return text
	}
	return "'" + text
}
