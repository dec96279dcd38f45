package cmd

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"weir/runtime"
	"weir/runtime/registry"
	"weir/runtime/terminal"
)

// mostRows is how many cases are listed; JSON has all.
const mostRows = 100

// writeText prints an inspection for people, as wide as a terminal with so many columns.
func (i *Inspection) writeText(w io.Writer, columns int) error {
	t := &inspectionText{Inspection: i, columns: columns}
	of, hash := "program", i.Script.SHA256 // with all that it imports, not the file's own
	if i.Script.Bundle != "" {
		of, hash = "bundle", strings.TrimPrefix(i.Script.Bundle, "sha256:")
	}
	fmt.Fprintf(&t.b, "%s · %s · %s sha256 %.12s\n", i.Script.Name, i.Script.Path, of, hash)
	t.params()
	t.uses()
	t.cases()
	t.limits()
	t.totals()
	t.notes()
	_, err := io.WriteString(w, terminal.HarmlessLines(t.b.String())) // names are the script's
	return err
}

// inspectionText is an inspection while it is written.
type inspectionText struct {
	*Inspection
	b       strings.Builder
	columns int
	apart   bool // what comes next is a block of its own
}

// block writes text, behind an empty line when it begins another block.
func (t *inspectionText) block(text string) {
	if t.apart {
		t.b.WriteString("\n")
	}
	t.apart = false
	t.b.WriteString(text)
}

// longestWhole is up to which length the words of a table are not broken.
const longestWhole = 21

// draw prints a table without the columns that have nothing in them. The widest ones give
// way, down to their longest word, when there is not room for all; when that is not enough,
// it is a list. right are those that are aligned so.
func (t *inspectionText) draw(head table.Row, rows []table.Row, right ...string) {
	for c := len(head) - 1; c >= 0; c-- {
		if !slices.ContainsFunc(rows, func(row table.Row) bool { return fmt.Sprint(row[c]) != "" }) {
			head = slices.Delete(head, c, c+1)
			for i := range rows {
				rows[i] = slices.Delete(rows[i], c, c+1)
			}
		}
	}
	widths, least := make([]int, len(head)), make([]int, len(head))
	for _, row := range append([]table.Row{head}, rows...) {
		for c, cell := range row {
			widths[c] = max(widths[c], text.LongestLineLen(fmt.Sprint(cell)))
			for word := range strings.FieldsSeq(fmt.Sprint(cell)) {
				least[c] = max(least[c], min(text.StringWidth(word), longestWhole))
			}
		}
	}
	over := 3*len(head) + 1 - t.columns // frames
	for _, width := range widths {
		over += width
	}
	configs := make([]table.ColumnConfig, len(head))
	for c := range head {
		configs[c] = table.ColumnConfig{Number: c + 1, WidthMaxEnforcer: wrapped}
		if slices.Contains(right, fmt.Sprint(head[c])) {
			configs[c].Align, configs[c].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	for ; over > 0; over-- {
		widest := -1
		for c, width := range widths {
			if width > least[c] && (widest < 0 || width > widths[widest]) {
				widest = c
			}
		}
		if widest < 0 {
			t.list(head, rows)
			return
		}
		widths[widest]--
		configs[widest].WidthMax = widths[widest]
	}
	w := table.NewWriter()
	w.SetStyle(table.StyleRounded)
	w.Style().Format.Header = text.FormatDefault
	w.AppendHeader(head)
	w.AppendRows(rows)
	w.SetColumnConfigs(configs)
	t.block(w.Render() + "\n")
}

// list prints the rows of a table one by one, each cell behind its head.
func (t *inspectionText) list(head table.Row, rows []table.Row) {
	for _, row := range rows {
		var cells []string
		for c, cell := range row[1:] {
			if value := fmt.Sprint(cell); value != "" {
				cells = append(cells, fmt.Sprintf("%v %s", head[c+1], value))
			}
		}
		t.line(fmt.Sprint(row[0]), strings.Join(cells, ", "))
	}
}

// wrapped breaks text between words, without blanks at the ends of lines.
func wrapped(what string, columns int) string {
	lines := strings.Split(text.WrapSoft(what, columns), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return strings.Join(lines, "\n")
}

// params lists the parameters that were given, and in short those that were not.
func (t *inspectionText) params() {
	t.apart = true
	if len(t.Params) == 0 {
		t.block("It declares no parameters.\n")
		return
	}
	var rows []table.Row
	var others []string
	for _, p := range t.Params {
		switch {
		case p.From == "default" && p.written == "":
			others = append(others, "--"+p.Flag)
		case p.From == "default":
			others = append(others, "--"+p.Flag+" "+p.written)
		case p.Secret:
			rows = append(rows, table.Row{"--" + p.Flag, p.Type, "(hidden)", p.From, p.standard})
		default:
			rows = append(rows, table.Row{"--" + p.Flag, p.Type, p.written, p.From, p.standard})
		}
	}
	t.apart = true
	if len(rows) > 0 {
		t.draw(table.Row{"parameter", "type", "value", "from", "default"}, rows)
	}
	t.line("as default", strings.Join(others, ", "))
}

// uses tells what the script has to do with outside of itself.
func (t *inspectionText) uses() {
	t.apart = true
	for _, s := range t.Services {
		model := ""
		if s.Model != "" {
			model = ", model " + s.Model
		}
		t.line("service", fmt.Sprintf("%s (%s%s)", s.URL, s.Backend, model))
	}
	t.line("modules", strings.Join(t.Modules, ", "))
	t.line("libraries", strings.Join(t.Libraries, ", "))
	if len(t.Sources) > 1 {
		t.line("sources", strings.Join(t.Sources, ", "))
	}
	for _, f := range t.Files {
		more := registry.Megabytes(f.Bytes)
		if f.Param != "" {
			more += ", --" + t.flagOf(f.Param)
		}
		if f.SHA256 != "" {
			more += ", sha256 " + f.SHA256
		}
		if f.Note != "" {
			more += ", " + f.Note
		}
		t.line("reads", fmt.Sprintf("%s (%s)", f.Path, more))
	}
	for _, f := range t.Writes {
		exists := ""
		if f.Exists {
			exists = " (it exists already)"
		}
		t.line("writes", f.Path+exists)
	}
}

// flagOf is the flag of a parameter.
func (t *inspectionText) flagOf(param string) string {
	for _, p := range t.Params {
		if p.Name == param {
			return p.Flag
		}
	}
	return param
}

// line prints what is there to say of a subject, if anything.
func (t *inspectionText) line(subject, what string) {
	if what == "" {
		return
	}
	const indent = 12
	for line := range strings.SplitSeq(wrapped(what, max(t.columns-indent, 24)), "\n") {
		t.block(fmt.Sprintf("%-*s%s\n", indent, subject, line))
		subject = ""
	}
}

// cases lists the plan.
func (t *inspectionText) cases() {
	cases := t.Plan.Cases
	if len(cases) == 0 {
		return
	}
	shown := cases[:min(len(cases), mostRows)]
	numeric := []string{"iterations", "at once", "rate/s", "lasts", "warm-up", "prompt tokens", "output tokens"}
	head := table.Row{"#", "case", "scenario", "executor"}
	for _, name := range numeric {
		head = append(head, name)
	}
	var rows []table.Row
	for n, c := range shown {
		for i, s := range c.Scenarios {
			row := table.Row{n + 1, c.Name, "", s.Executor, iterations(s.PlannedLoad), atOnce(s.PlannedLoad), rate(s.PlannedLoad), lasts(s.PlannedLoad), warmup(s), each(s.Tokens, true), each(s.Tokens, false)}
			if c.Repeat > 1 {
				row[1] = fmt.Sprintf("%s, %d times", c.Name, c.Repeat)
			}
			if len(c.Scenarios) > 1 || s.Name != "default" {
				row[2] = s.Name
			}
			if i > 0 {
				row[0], row[1] = "", ""
			}
			rows = append(rows, row)
		}
	}
	t.apart = true
	t.draw(head, rows, append(numeric, "#")...)
	if rest := len(cases) - len(shown); rest > 0 {
		t.block(fmt.Sprintf("… and %s more; --json has all\n", whole(int64(rest))))
	}
}

func iterations(l runtime.PlannedLoad) string {
	switch {
	case l.Iterations == nil:
		return "as served"
	case l.About:
		return "~" + whole(*l.Iterations)
	}
	return whole(*l.Iterations)
}

func atOnce(l runtime.PlannedLoad) string {
	switch {
	case l.AtOnce == nil:
		return "rate × latency"
	case l.Rate != nil:
		return "≤ " + whole(int64(*l.AtOnce))
	}
	return whole(int64(*l.AtOnce))
}

func rate(l runtime.PlannedLoad) string {
	if l.Rate == nil {
		return ""
	}
	return strconv.FormatFloat(*l.Rate, 'g', 4, 64)
}

func lasts(l runtime.PlannedLoad) string {
	switch {
	case l.LastsS == nil:
		return ""
	case l.Iterations == nil: // its time alone ends it
		return timeText(*l.LastsS)
	}
	return "≥ " + timeText(*l.LastsS)
}

func warmup(s runtime.PlannedScenario) string {
	if s.Warmup == nil {
		return ""
	}
	if s.Warmup.Iterations == nil && s.Warmup.LastsS != nil {
		return timeText(*s.Warmup.LastsS)
	}
	return iterations(*s.Warmup)
}

// each is how many tokens an item has.
func each(t *runtime.Tokens, prompt bool) string {
	if t == nil {
		return ""
	}
	of := t.Output
	if prompt {
		of = t.Prompt
	}
	switch {
	case of == nil:
		return ""
	case of.Min == of.Max:
		return whole(int64(of.Min))
	}
	return fmt.Sprintf("~%s (%s–%s)", whole(int64(math.Round(of.Avg))), whole(int64(of.Min)), whole(int64(of.Max)))
}

// limits tells what the cases are held against, those that are held against the same in
// one line.
func (t *inspectionText) limits() {
	var order []string
	of := map[string][]int{}
	note := func(subject, what string, number int) {
		key := subject + "\x00" + what
		if of[key] == nil {
			order = append(order, key)
		}
		if !slices.Contains(of[key], number) {
			of[key] = append(of[key], number)
		}
	}
	for n, c := range t.Plan.Cases {
		for _, metric := range slices.Sorted(maps.Keys(c.Thresholds)) {
			note("threshold", metric+" "+strings.Join(c.Thresholds[metric], ", "), n+1)
		}
		for _, metric := range slices.Sorted(maps.Keys(c.StopWhen)) {
			note("stop when", metric+" "+strings.Join(c.StopWhen[metric], ", "), n+1)
		}
		for _, s := range c.Scenarios {
			var slo []string
			for _, latency := range slices.Sorted(maps.Keys(s.SLO)) {
				slo = append(slo, fmt.Sprintf("%s ≤ %s ms", latency, strconv.FormatFloat(s.SLO[latency], 'g', -1, 64)))
			}
			if len(slo) > 0 {
				note("SLO", strings.Join(slo, ", "), n+1)
			}
		}
		if c.Profilers > 0 {
			note("profile", "the service is profiled", n+1)
		}
	}
	t.apart = true
	for _, key := range order {
		subject, what, _ := strings.Cut(key, "\x00")
		if len(of[key]) < len(t.Plan.Cases) {
			what += " (" + numbers(of[key]) + ")"
		}
		t.line(subject, what)
	}
}

// numbers names cases: "case 2", "cases 1–3,7".
func numbers(all []int) string {
	if len(all) == 1 {
		return "case " + strconv.Itoa(all[0])
	}
	return "cases " + terminal.Spans(all)
}

// totals sums the plan up.
func (t *inspectionText) totals() {
	p := t.Plan.Totals
	t.apart = true
	parts := []string{count(int64(p.Cases), "case")}
	switch {
	case p.Cases == 0:
		parts = []string{"no cases: nothing is sent"}
	case p.Iterations == nil:
		parts = append(parts, "as many iterations as the service makes possible")
	default:
		about := map[bool]string{true: "about "}[p.About]
		parts = append(parts, about+count(*p.Iterations, "iteration"))
	}
	if p.Warmup != nil && *p.Warmup > 0 {
		parts = append(parts, whole(*p.Warmup)+" to warm up")
	}
	if p.AtOnce != nil && *p.AtOnce > 0 {
		parts = append(parts, "at most "+whole(int64(*p.AtOnce))+" at once")
	}
	subject := "in all"
	if t.Plan.DependsFrom > 0 || t.Plan.Ended != "" {
		subject = "known"
	}
	t.line(subject, strings.Join(parts, ", "))
	parts = nil
	if p.PromptTokens != nil && p.Cases > 0 {
		parts = append(parts, whole(*p.PromptTokens)+" of prompts")
	}
	if p.OutputTokens != nil && p.Cases > 0 {
		parts = append(parts, whole(*p.OutputTokens)+" of answers asked for")
	}
	t.line("tokens", strings.Join(parts, ", "))
	if p.LeastS > 0 {
		least := "at least " + timeText(p.LeastS)
		if p.Iterations == nil && p.LimitS != nil && *p.LimitS == p.LeastS {
			least = "about " + timeText(p.LeastS)
		}
		t.line("time", least)
	}
}

// notes says what is not known, and why.
func (t *inspectionText) notes() {
	var notes []string
	p := t.Plan
	if p.DependsFrom > 0 {
		notes = append(notes, fmt.Sprintf("From case %d on, the plan depends on what is measured in those before.", p.DependsFrom))
	}
	if p.Ended != "" {
		notes = append(notes, sentence(p.Ended))
	}
	if p.SetupSkipped {
		notes = append(notes, "setup() was not called: what it finds out is not known above.")
	}
	for _, what := range p.Withheld {
		if strings.Contains(p.Ended, what) {
			continue
		}
		notes = append(notes, sentence(what+": what follows from its answer is not known"))
	}
	if p.Totals.Cases > 0 {
		notes = append(notes, "An iteration is one call of the script's function, most often one request with the item of its number.")
	}
	notes = append(notes, "Nothing was sent or written.")
	t.apart = true
	for _, note := range notes {
		for line := range strings.SplitSeq(text.WrapSoft(note, t.columns), "\n") {
			t.block(strings.TrimRight(line, " ") + "\n")
		}
	}
}

// sentence makes one of a message.
func sentence(s string) string {
	s = strings.ToUpper(s[:1]) + s[1:]
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

func count(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return whole(n) + " " + what
}

// whole writes a number with commas between thousands.
func whole(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// timeText is a time in seconds for readers: "1h5m", "12.5s".
func timeText(s float64) string {
	d := time.Duration(s * float64(time.Second))
	unit := time.Second
	if d < time.Minute {
		unit = 100 * time.Millisecond
	}
	if d < time.Second {
		unit = time.Millisecond
	}
	out := d.Round(unit).String()
	if strings.HasSuffix(out, "m0s") {
		out = strings.TrimSuffix(out, "0s")
	}
	if strings.HasSuffix(out, "h0m") {
		out = strings.TrimSuffix(out, "0m")
	}
	return out
}
