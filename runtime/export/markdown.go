package export

import (
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/runtime/result"
)

// Markdown writes a summary of a run as GitHub's Markdown, which GitLab reads too: the
// verdict, the cases, what was judged and why, and folded away what one asks for next.
func Markdown(run *result.Run, path string) error {
	return result.ReplaceFileBy(path, 0o644, func(to io.Writer) error {
		_, err := io.WriteString(to, markdown(run.Result))
		return err
	})
}

// Bounds of a summary, which make less than the 65,536 characters of a comment on
// GitHub. What does not fit is left out, and counted.
const (
	roomCases      = 24_000 // bytes
	roomThresholds = 10_000
	roomReasons    = 6_000
	roomFolded     = 6_000 // of each of the three
	maxMessage     = 300   // characters of a message …
	maxCommand     = 2_000 // … and of the command line
	maxNamed       = 3     // cases that are named for a threshold or a reason
)

func markdown(r *result.Result) string {
	d := new(document)
	d.head(r)
	d.cases(r.Cases)
	d.thresholds(r)
	d.reasons(r.Cases)
	d.folded("Errors", func() { d.errors(r.Cases) })
	d.folded("Parameters and command line", func() { d.params(r) })
	d.folded("Environment", func() { d.environment(r) })
	return strings.TrimRight(d.String(), "\n") + "\n"
}

// document is the text so far.
type document struct {
	strings.Builder
	explained bool // what the mark of percentiles means
}

// lines writes a list or the rows of a table, as many as there is room for.
func (d *document) lines(room int, all []string) {
	limit := d.Len() + room
	for i, line := range all {
		if d.Len()+len(line) > limit {
			fmt.Fprintf(d, "\n… and %d more, which do not fit here\n", len(all)-i)
			break
		}
		d.WriteString(line + "\n")
	}
	d.WriteString("\n")
}

// folded writes a part that is opened on demand; nothing when it is empty.
func (d *document) folded(title string, write func()) {
	before := d.String()
	fmt.Fprintf(d, "<details><summary>%s</summary>\n\n", title)
	begin := d.Len()
	if write(); d.Len() > begin {
		d.WriteString("</details>\n\n")
		return
	}
	d.Reset()
	d.WriteString(before)
}

var verdictMarks = map[result.Verdict]string{result.Valid: "✅", result.Suspect: "⚠️", result.Invalid: "❌"}

func (d *document) head(r *result.Result) {
	kept, crossed := countThresholds(r)
	mark := verdictMarks[r.Verdict]
	if crossed > 0 || r.Error != "" {
		mark = verdictMarks[result.Invalid]
	}
	parts := []string{strings.TrimSpace(fmt.Sprintf("%s **%s**", mark, escape(r.Script.Name)))}
	if r.Verdict != "" {
		parts = append(parts, string(r.Verdict))
	}
	switch {
	case crossed > 0:
		parts = append(parts, fmt.Sprintf("%d of %d thresholds crossed", crossed, kept+crossed))
	case kept > 0:
		parts = append(parts, "all thresholds kept")
	}
	parts = append(parts, plural(len(r.Cases), "case"))
	if r.Ended != nil {
		parts = append(parts, r.Ended.Sub(r.Started).Round(time.Second).String())
	}
	if r.Environment.Sim != "" {
		parts = append(parts, "simulated service")
	}
	fmt.Fprintf(d, "### %s\n\n", strings.Join(parts, " · "))
	if r.Interrupted {
		d.WriteString("**Interrupted**: this is what was finished.\n\n")
	}
	if r.Error != "" {
		fmt.Fprintf(d, "**Ended early**: %s\n\n", escape(r.Error))
	}
}

func countThresholds(r *result.Result) (kept, crossed int) {
	count := func(list []result.Threshold) {
		for _, t := range list {
			if t.OK {
				kept++
			} else {
				crossed++
			}
		}
	}
	count(r.Thresholds)
	for _, c := range r.Cases {
		count(c.Thresholds)
	}
	return kept, crossed
}

// column is one of the table of cases; text is "" where a case has nothing to show.
type column struct {
	head string
	text func(*result.Case) string
}

func percentileColumn(metric, head string, p float64) column {
	return column{head, func(c *result.Case) string {
		m := c.Metrics[metric]
		if m == nil {
			return ""
		}
		for _, q := range m.Percentiles() {
			if q.P == p && q.Value != nil {
				return marked(short(*q.Value), q.Supported)
			}
		}
		return ""
	}}
}

func averageColumn(metric, head string) column {
	return column{head, func(c *result.Case) string {
		if m := c.Metrics[metric]; m != nil && m.Avg != nil {
			return short(*m.Avg)
		}
		return ""
	}}
}

func perSecondColumn(head string, of func(*result.Case) float64) column {
	return column{head, func(c *result.Case) string {
		if v := of(c); v > 0 {
			return short(v)
		}
		return ""
	}}
}

var columns = []column{
	{"case", func(c *result.Case) string { return escape(c.Title()) }},
	{"verdict", func(c *result.Case) string {
		return strings.TrimSpace(verdictMarks[c.Validity.Verdict] + " " + string(c.Validity.Verdict))
	}},
	{"requests", func(c *result.Case) string { return strconv.FormatInt(c.Counts.Requests, 10) }},
	{"failed", func(c *result.Case) string {
		if c.Counts.RequestsFailed == 0 {
			return ""
		}
		return strconv.FormatInt(c.Counts.RequestsFailed, 10)
	}},
	perSecondColumn("req/s", func(c *result.Case) float64 { return c.Throughput.Requests }),
	perSecondColumn("output tok/s", func(c *result.Case) float64 { return c.Throughput.OutputTokens }),
	{"goodput %", func(c *result.Case) string {
		if c.Goodput == nil || c.Goodput.Share == nil {
			return ""
		}
		return short(100 * *c.Goodput.Share)
	}},
	percentileColumn("ttft", "TTFT p50 ms", 50), percentileColumn("ttft", "TTFT p99 ms", 99),
	averageColumn("tpot", "TPOT avg ms"), percentileColumn("itl", "ITL p99 ms", 99),
	percentileColumn("e2el", "E2EL p50 ms", 50), percentileColumn("e2el", "E2EL p99 ms", 99),
	percentileColumn("http_req_duration", "HTTP p50 ms", 50), percentileColumn("http_req_duration", "HTTP p99 ms", 99),
	{"J/output token", func(c *result.Case) string {
		if c.Energy == nil || c.Energy.PerOutputToken == nil {
			return ""
		}
		return short(*c.Energy.PerOutputToken)
	}},
}

// thin marks a percentile of too few samples, as on the terminal.
const thin = `\~`

func marked(text string, supported bool) string {
	if supported {
		return text
	}
	return thin + text
}

// cases writes the table, with those columns that have something in them.
func (d *document) cases(cases []*result.Case) {
	if len(cases) == 0 {
		d.WriteString("No case was played.\n\n")
		return
	}
	heads, rules := []string{}, []string{}
	rows := make([][]string, len(cases))
	for i, column := range columns {
		cells, filled := make([]string, len(cases)), false
		for n, c := range cases {
			cells[n] = column.text(c)
			filled = filled || cells[n] != ""
		}
		if !filled {
			continue
		}
		heads = append(heads, column.head)
		if rules = append(rules, "---"); i >= 2 { // numbers
			rules[len(rules)-1] = "---:"
		}
		for n := range rows {
			if cells[n] == "" {
				cells[n] = "–"
			}
			rows[n] = append(rows[n], cells[n])
		}
	}
	lines := []string{tableRow(heads), tableRow(rules)}
	thinned := false
	for _, row := range rows {
		lines = append(lines, tableRow(row))
		thinned = thinned || strings.Contains(strings.Join(row[1:], ""), thin)
	}
	d.lines(roomCases, lines)
	d.explain(thinned)
	var steady []string
	for _, c := range cases {
		if c.Window == result.WindowSteady {
			steady = append(steady, c.Title())
		}
	}
	if len(steady) > 0 {
		where := some(steady)
		if len(steady) == len(cases) {
			where = "all cases"
		}
		fmt.Fprintf(d, "Latencies, rates and goodput are those of the steady state, without warming up and draining, in %s; counts of requests are of the whole.\n\n", where)
	}
}

// explain says once what the mark of percentiles means, where something is marked.
func (d *document) explain(marked bool) {
	if marked && !d.explained {
		d.explained = true
		d.WriteString(thin + " from fewer samples than it takes to know this percentile with 99 % confidence\n\n")
	}
}

func tableRow(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }

// some writes the first of a list, whose texts may have commas in them.
func some(list []string) string {
	more := len(list) - maxNamed
	var shown []string
	for _, text := range list[:min(len(list), maxNamed)] {
		shown = append(shown, escape(text))
	}
	if more > 0 {
		return fmt.Sprintf("%s; and %d more", strings.Join(shown, "; "), more)
	}
	return strings.Join(shown, "; ")
}

func (d *document) thresholds(r *result.Result) {
	type judged struct {
		label string
		cases int      // that have judged it
		bad   []string // what was found in those of them that crossed it
	}
	var all []*judged
	at := func(t result.Threshold) *judged {
		label := t.Metric + " " + t.Expr
		i := slices.IndexFunc(all, func(j *judged) bool { return j.label == label })
		if i < 0 {
			i, all = len(all), append(all, &judged{label: label})
		}
		return all[i]
	}
	for _, t := range r.Thresholds {
		j := at(t)
		j.bad = append(j.bad, t.Found())
	}
	thinned := false
	for _, c := range r.Cases {
		for _, t := range c.Thresholds {
			j := at(t)
			j.cases++
			thinned = thinned || t.Thin && !t.OK // others do not show their values
			if !t.OK {
				j.bad = append(j.bad, fmt.Sprintf("%s in %s", t.Found(), c.Title()))
			}
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b *judged) int { return min(len(b.bad), 1) - min(len(a.bad), 1) })
	lines := []string{"| | threshold | |", "|---|---|---|"}
	for _, j := range all {
		mark, found := "✓", plural(j.cases, "case")
		if len(j.bad) > 0 {
			mark, found = "✗", some(j.bad)
		}
		lines = append(lines, tableRow([]string{mark, escape(j.label), found}))
	}
	d.WriteString("**Thresholds**\n\n")
	d.lines(roomThresholds, lines)
	d.explain(thinned)
}

func (d *document) reasons(cases []*result.Case) {
	all := result.Reasons(cases)
	if len(all) == 0 {
		return
	}
	var lines []string
	for _, r := range all {
		lines = append(lines, fmt.Sprintf("- %s `%s`: %s (%s)", r.Label(), code(r.Rule), escape(r.Message), where(r, cases)))
	}
	d.WriteString("**Validity**\n\n")
	d.lines(roomReasons, lines)
}

// where tells which case's a reason is, as its numbers are no other's, and where else the
// rule has found something.
func where(r *result.Common, cases []*result.Case) string {
	var names []string
	for _, i := range r.Cases {
		names = append(names, cases[i].Title())
	}
	first, others := escape(names[0]), names[1:]
	switch {
	case len(others) == 0:
		return first
	case len(names) == len(cases):
		return first + "; likewise in all others"
	}
	return first + "; likewise in " + some(others)
}

func (d *document) errors(cases []*result.Case) {
	var lines []string
	for _, c := range cases {
		groups := c.Errors
		if c.Warmup != nil {
			groups = slices.Concat(groups, c.Warmup.Errors)
		}
		for _, e := range groups {
			lines = append(lines, fmt.Sprintf("- %s: %d × %s `%s`: %s", escape(c.Title()), e.Count, escape(e.Scope), code(errorLabel(e)), escape(e.Message)))
		}
	}
	if len(lines) > 0 {
		d.lines(roomFolded, lines)
	}
}

func (d *document) params(r *result.Result) {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(r.Params)) {
		if value := text(r.Params[name]); value != "" {
			lines = append(lines, fmt.Sprintf("- `%s`: %s", code(name), escape(value)))
		}
	}
	if command := r.CommandLine(); command != "" {
		lines = append(lines, "", block(command))
	}
	if len(lines) > 0 {
		d.lines(roomFolded, lines)
	}
}

func (d *document) environment(r *result.Result) {
	e := r.Environment
	lines := []string{fmt.Sprintf("- weir %s", escape(strings.TrimSpace(r.Weir.Version+" "+r.Weir.Commit)))}
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, fmt.Sprintf("- %s: %s", name, escape(value)))
		}
	}
	add("host", e.Hostname)
	add("system", strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.OS, e.Arch, e.Release, e.Kernel)))
	add("CPUs", strings.TrimSpace(fmt.Sprintf("%d %s", e.CPUs, e.CPUModel)))
	if a := e.Ascend; a != nil {
		add("Ascend", strings.TrimSpace(fmt.Sprintf("driver %s, CANN %s", orUnknown(a.Driver), orUnknown(a.CANN))))
	}
	for _, s := range r.Services {
		var models []string
		for _, m := range s.Models {
			models = append(models, m.Name)
		}
		add("service", strings.TrimSpace(fmt.Sprintf("%s %s %s %s", s.URL, s.Kind, s.Version, strings.Join(models, ", "))))
	}
	for _, device := range r.Devices {
		add(fmt.Sprintf("%s %d", escape(device.Kind), device.Index), strings.TrimSpace(device.Name+" "+device.Host))
	}
	d.lines(roomFolded, lines)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// short writes a number with three significant digits, or all of those before the
// point.
func short(v float64) string {
	digits := 0
	switch a := math.Abs(v); {
	case a == math.Trunc(a) && a < 1e15, a >= 100:
	case a >= 10:
		digits = 1
	case a >= 1:
		digits = 2
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// What Markdown, HTML and tables would read as theirs.
var (
	markup  = strings.NewReplacer("\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "|", "\\|", "~", "\\~", "&", "&amp;", "<", "&lt;", ">", "&gt;", "$", "\\$")
	mention = regexp.MustCompile(`([@#!])([\pL\pN])`)
)

// escape makes a text stand for itself, in one line: it names nobody (@somebody), no
// other pull request (#1), and is cut where it goes on for long.
func escape(text string) string {
	text = oneLine(text)
	text = mention.ReplaceAllString(text, "$1\u200b$2")
	return markup.Replace(text)
}

// code makes a text stand between backticks.
func code(text string) string { return strings.ReplaceAll(oneLine(text), "`", "'") }

// block makes a command line a block of its own, to be copied from there.
func block(command string) string {
	fence := "```"
	for strings.Contains(command, fence) {
		fence += "`"
	}
	return fence + "sh\n" + cut(legal(command), maxCommand) + "\n" + fence
}

func oneLine(text string) string {
	return cut(strings.Join(strings.Fields(legal(text)), " "), maxMessage)
}

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	if characters := []rune(text); len(characters) > most {
		return string(characters[:most-1]) + "…"
	}
	return text
}
