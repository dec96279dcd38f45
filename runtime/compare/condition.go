package compare

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/suggest"
)

// Condition is what a comparison must not show, such as "ttft.p99 > +10%".
type Condition struct {
	On    metrics.Selector // a metric, or "verdict" or "validity"; of the cases with its tags
	Stat  string           // as ParseStat gives it; "": the metric's own, for verdicts all that are shown
	Op    string           // < <= > >= == !=
	Limit float64          // in the unit below
	Unit  string           // "%": of the base; "pp": percentage points; else that of the value: "", "ms", "s", …
	// Change tells whether Limit is one of a change: it had a sign, or is in percent.
	// Otherwise it is one of the new value.
	Change   bool
	Verdict  Verdict        // instead of Limit
	Validity result.Verdict // instead of Limit

	text string
}

func (c Condition) String() string { return c.text }

var conditionOps = []string{"<=", ">=", "==", "!=", "<", ">"}

// verdicts by what conditions call them.
var verdicts = map[string]Verdict{
	"better": Better, "worse": Worse, "differs": Differs, "none": NoDifference,
	"no-interval": NoInterval, "not-comparable": NotComparable,
}

// ParseCondition reads a condition:
//
//	ttft.p99 > +10%            the change, relative to the base
//	tpot{rate:8} > +2ms        the change, in the metric's unit
//	goodput < -1pp             the change of a share, in percentage points
//	ttft.p99 > 500ms           the new value
//	request_failed > 1%        the new value of a share
//	verdict == worse           any row; itl.p50 == worse: this one
//	validity < VALID           of the new one's cases; VALID is the greatest, as in thresholds
func ParseCondition(s string) (Condition, error) {
	c := Condition{text: strings.TrimSpace(s)}
	wrong := func(format string, values ...any) (Condition, error) {
		return Condition{}, fmt.Errorf("%q: %s; write it as \"ttft.p99 > +10%%\", \"throughput.output_tokens{rate:8} < -5%%\" or \"verdict == worse\"", s, fmt.Sprintf(format, values...))
	}
	if len(s) > 1000 {
		return Condition{}, errors.New("a condition of more than 1000 characters")
	}
	at := outside(s, "<>=!")
	if at < 0 {
		return wrong("there is no comparison in it")
	}
	for _, op := range conditionOps {
		if strings.HasPrefix(s[at:], op) {
			c.Op = op
			break
		}
	}
	if c.Op == "" {
		return wrong("%q is no comparison: use < <= > >= == or !=", s[at:at+1])
	}
	left, right := strings.TrimSpace(s[:at]), strings.TrimSpace(s[at+len(c.Op):])

	// The statistic stands behind the name or behind the tags.
	name, tags, tail := left, "", ""
	if open := strings.IndexByte(left, '{'); open >= 0 {
		end := open + outside(left[open+1:], "}") + 1
		if end <= open {
			return wrong("the { is not closed")
		}
		name, tags, tail = strings.TrimSpace(left[:open]), left[open:end+1], strings.TrimSpace(left[end+1:])
	}
	stat := ""
	if dot := strings.IndexByte(name, '.'); dot >= 0 {
		name, stat = strings.TrimSpace(name[:dot]), name[dot+1:]
	}
	if tail != "" {
		behind, ok := strings.CutPrefix(tail, ".")
		if !ok || stat != "" {
			return wrong("%q behind the tags is not one statistic", tail)
		}
		stat = behind
	} else if stat == "" && strings.HasSuffix(left, ".") {
		return wrong("there is no statistic behind the dot")
	}
	var err error
	if stat != "" {
		if c.Stat, err = ParseStat(stat); err != nil {
			return wrong("%s", err)
		}
	}
	if c.On, err = metrics.ParseSelector(name + tags); err != nil {
		return wrong("%s", err)
	}

	equal := c.Op == "==" || c.Op == "!="
	if v, ok := verdicts[strings.ToLower(right)]; ok {
		c.Verdict = v
	}
	switch v := result.Verdict(strings.ToUpper(right)); {
	case name == "validity":
		if v.Severity() == 0 || stat != "" {
			return wrong("validity is VALID, SUSPECT or INVALID")
		}
		c.Validity = v
		return c, nil
	case name == "verdict" || c.Verdict != "":
		if c.Verdict == "" || !equal || name == "verdict" && stat != "" {
			return wrong("a verdict is compared by == or !=, with one of %s", strings.Join(slices.Sorted(maps.Keys(verdicts)), ", "))
		}
		return c, nil
	case equal:
		return wrong("a measured value is never just a number: use < <= > or >=")
	}
	if err := c.limit(right); err != nil {
		return wrong("%s", err)
	}
	return c, nil
}

// limit reads the right side: a number with an optional sign and unit.
func (c *Condition) limit(text string) error {
	end := len(text)
	for end > 0 && !strings.ContainsRune("0123456789.", rune(text[end-1])) {
		end--
	}
	digits, unit := text[:end], strings.TrimSpace(text[end:])
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || strings.Trim(digits, "0123456789.eE+-") != "" || math.IsInf(v, 0) {
		return fmt.Errorf("%q is no limit: a number with a unit, such as +10%%, -5%%, +2ms or 500ms", text)
	}
	c.Limit, c.Unit = v, unit
	c.Change = strings.HasPrefix(digits, "+") || strings.HasPrefix(digits, "-")
	kind := metrics.KindOf(c.On.Metric) // "": of a script's own metrics, which may be rates
	share := (kind == "rate" || kind == "goodput") && c.Stat != "per_second"
	other := !share && kind != "" || c.On.Metric == "throughput" || c.On.Metric == "energy"
	switch {
	case unit == "%" && share && c.Change:
		return fmt.Errorf("the change of a share is in percentage points: %spp", digits)
	case unit == "%" && other && !c.Change, unit == "pp" && !c.Change:
		return fmt.Errorf("a change has a sign: +%s", text)
	case unit == "pp" && other:
		return errors.New("percentage points are for shares: goodput, request_failed, iteration_failed, checks and a script's own rates")
	}
	return nil
}

// outside is the first of chars that is not in quotation marks; -1: none.
func outside(s, chars string) int {
	var quote byte
	for i := range len(s) {
		switch b := s[i]; {
		case quote != 0:
			if b == quote {
				quote = 0
			}
		case b == '"' || b == '\'':
			quote = b
		case strings.IndexByte(chars, b) >= 0:
			return i
		}
	}
	return -1
}

// Outcome is what came of a condition in one comparison.
type Outcome struct {
	Condition string   `json:"condition"`
	New       []string `json:"new"`            // runs of the comparison
	Failed    bool     `json:"failed"`         // it holds, or nobody can tell
	Text      string   `json:"text,omitempty"` // where, and by how much
}

// Metrics are what conditions need to have been compared, in the form of
// [Options.Metrics].
func (c Condition) Metrics() []string {
	if c.On.Metric == "verdict" || c.On.Metric == "validity" || c.Verdict != "" && c.Stat == "" {
		return nil
	}
	if c.Stat == "" {
		return []string{c.On.Metric}
	}
	return []string{c.On.Metric + "." + c.Stat}
}

// Check tells what came of a condition. It holds for a change when the value is beyond
// the limit and the difference is shown; strictly, when the whole interval is beyond.
// What cannot be told does not pass. A condition on cases or metrics that are not there
// is an error.
func (c Condition) Check(of *Comparison, strict bool) (Outcome, error) {
	o := Outcome{Condition: c.text, New: of.New}
	var texts []string
	cases, rows := 0, 0
	seen := map[string]bool{}
	for _, k := range of.Cases {
		if !c.selects(k) {
			continue
		}
		cases++
		in := ""
		if len(of.Cases) > 1 {
			in = fmt.Sprintf("case %q: ", k.Name)
		}
		if c.Validity != "" {
			rows++
			if v := k.Validity[1]; metrics.HoldsVerdict(v, c.Op, c.Validity) {
				texts = append(texts, in+string(v))
			}
			continue
		}
		for _, r := range k.Rows {
			seen[r.Metric] = true
			if !c.asks(r) {
				continue
			}
			rows++
			if failed, text := c.judge(k, r, strict); failed {
				label := ""
				if c.Stat == "" {
					label = r.Metric + "." + r.Stat + " "
				}
				texts = append(texts, in+label+text)
			}
		}
	}
	switch {
	case cases == 0:
		return o, fmt.Errorf("condition %q: no case that was compared has these tags\n  hint: the cases are %s", c.text, caseTags(of))
	case rows == 0:
		hint := ""
		if near := suggest.Nearest(c.On.Metric, slices.Sorted(maps.Keys(seen))); near != "" && near != c.On.Metric {
			hint = "did you mean " + near + "? "
		}
		return o, fmt.Errorf("condition %q: no case has it\n  hint: %sthe metrics that were compared are %s", c.text, hint, strings.Join(slices.Sorted(maps.Keys(seen)), ", "))
	}
	o.Failed = len(texts) > 0
	const most = 5
	if more := len(texts) - most; more > 0 {
		texts = append(texts[:most], fmt.Sprintf("and %d more", more))
	}
	o.Text = strings.Join(texts, "; ")
	return o, nil
}

func caseTags(of *Comparison) string {
	var names []string
	for _, k := range of.Cases {
		names = append(names, fmt.Sprintf("%q {%s}", k.Name, tagText(k.Tags)))
	}
	return list(names)
}

func (c Condition) selects(k *Case) bool {
	for _, tag := range c.On.Tags {
		if value, ok := k.Tags[tag.Name]; !ok || value != tag.Value {
			return false
		}
	}
	return true
}

// asks tells whether the condition is about a row.
func (c Condition) asks(r *Row) bool {
	switch {
	case c.On.Metric == "verdict":
		return true
	case r.Metric != c.On.Metric:
		return false
	case c.Stat != "":
		return r.Stat == c.Stat || r.Share() && c.Stat == "rate"
	case c.Verdict != "":
		return true
	}
	// Of a distribution the average, of what has several the first one.
	own := ownStats[r.Metric]
	return own == nil && (r.Stat == "avg" || r.Stat == "rate" || r.Stat == "value") || own != nil && r.Stat == own[0]
}

func (c Condition) judge(k *Case, r *Row, strict bool) (failed bool, text string) {
	if c.Verdict != "" {
		return (r.Verdict == c.Verdict) == (c.Op == "=="), strings.TrimSpace(string(r.Verdict) + " " + changeOf(r))
	}
	// What keeps two cases from being compared says nothing against the new value alone.
	if r.Verdict == NotComparable && (c.Change || r.New == nil || r.few || k.Validity[1] == result.Invalid) {
		return true, "cannot be told: " + r.Why
	}
	if r.New == nil || c.Change && r.Base == nil {
		return true, "cannot be told: there is no value"
	}
	scale := 1.0 // of the limit, to the unit of the row
	switch {
	case c.Unit == "pp" && !r.Share():
		return true, "cannot be told: it is no share, which would change by percentage points"
	case c.Unit == "%" && r.Share() && c.Change:
		return true, "cannot be told: a share changes by percentage points, such as +1pp"
	case (c.Unit == "%" || c.Unit == "pp") && (c.Change || r.Share()):
		scale = 0.01
	case c.Unit == "s" && r.Unit == "ms":
		scale = 1000
	case c.Unit != "" && c.Unit != r.Unit:
		return true, fmt.Sprintf("cannot be told: the limit is in %s, and the metric in %s", c.Unit, r.Unit)
	}
	limit := c.Limit * scale
	if !c.Change {
		return metrics.Holds(*r.New, c.Op, limit), r.NewText() + unitOf(r)
	}
	if r.Change == nil {
		return true, "cannot be told: the base is 0"
	}
	absolute := 1.0 // changes are relative: to the unit of the limit
	if c.Unit != "%" && !r.Share() {
		absolute = math.Abs(*r.Base)
	}
	text = changeOf(r)
	beyond := metrics.Holds(*r.Change*absolute, c.Op, limit)
	if r.Verdict == NoInterval {
		return beyond, text + ", without an interval"
	}
	if strict {
		return metrics.Holds(*r.Low*absolute, c.Op, limit) && metrics.Holds(*r.High*absolute, c.Op, limit), text
	}
	// Where no change at all would be beyond the limit, there is nothing to show.
	return beyond && (r.shown || metrics.Holds(0, c.Op, limit)), text
}

func changeOf(r *Row) string {
	text := r.ChangeText()
	if r.Low != nil {
		text += " (" + r.IntervalText() + ")"
	}
	return fmt.Sprintf("%s, %s → %s%s", text, r.BaseText(), r.NewText(), unitOf(r))
}

func unitOf(r *Row) string {
	switch {
	case r.Share():
		return "%"
	case r.Unit == "":
		return ""
	}
	return " " + r.Unit
}
