package compare

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const absent = "–"

// number writes a value with about four digits.
func number(v float64) string {
	a := math.Abs(v)
	switch {
	case v == math.Trunc(v) && a < 1e6:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 1e6 || a < 1e-3:
		return strconv.FormatFloat(v, 'g', 4, 64)
	case a >= 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// Label names the row: the statistic and its unit behind the metric.
func (r *Row) Label() string { return r.Metric + " " + r.Statistic() }

// Statistic is the row's statistic with its unit, such as "p99 ms" or "output tok/s".
func (r *Row) Statistic() string {
	switch r.Stat {
	case "requests", "per_second", "per_output_token", "watts":
		return r.Unit
	case "input_tokens", "output_tokens", "total_tokens":
		return strings.TrimSuffix(r.Stat, "_tokens") + " " + r.Unit
	case "share", "rate":
		if r.Share() {
			return "%"
		}
	}
	return strings.TrimSpace(r.Stat + " " + r.Unit)
}

// value writes one of the row's values in its unit.
func (r *Row) value(v *float64) string {
	switch {
	case v == nil:
		return absent
	case r.Share():
		return number(math.Round(*v*1e5) / 1e3)
	}
	return number(*v)
}

// BaseText and NewText are the values as text, in the unit of [Row.Statistic].
func (r *Row) BaseText() string { return r.value(r.Base) }
func (r *Row) NewText() string  { return r.value(r.New) }

// ChangeText is the change with its sign, such as "+10.2%", or "+1.5pp" of a share.
func (r *Row) ChangeText() string {
	if r.Change == nil {
		return absent
	}
	return r.signed(*r.Change) + r.sign()
}

// IntervalText is the interval of the change, such as "+8.1 … +12.4".
func (r *Row) IntervalText() string {
	if r.Low == nil || r.High == nil {
		return absent
	}
	return r.signed(*r.Low) + " … " + r.signed(*r.High)
}

// NoiseText is what the repetitions of the base and of the new one vary by.
func (r *Row) NoiseText() string {
	text := func(v *float64) string {
		if v == nil {
			return absent
		}
		return "±" + strings.TrimPrefix(r.signed(*v), "+") + r.sign()
	}
	if r.BaseNoise == nil && r.NewNoise == nil {
		return absent
	}
	return text(r.BaseNoise) + " " + text(r.NewNoise)
}

// sign is the unit of changes.
func (r *Row) sign() string {
	if r.Share() {
		return "pp"
	}
	return "%"
}

// signed writes a change in percent, or in percentage points.
func (r *Row) signed(v float64) string {
	v *= 100
	decimals := 1
	switch a := math.Abs(v); {
	case a >= 999.5:
		return fmt.Sprintf("%+.3g", v)
	case a >= 99.95:
		decimals = 0
	case r.Share() && a < 0.995, a < 0.095:
		decimals = 2
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Trim(text, "-0.") == "" {
		return "0"
	}
	if v > 0 {
		text = "+" + text
	}
	return text
}

// Mark is a sign for the verdict that takes no colour: the direction in which the value
// went.
func (r *Row) Mark() string {
	switch r.Verdict {
	case Better, Worse, Differs:
		if r.New != nil && r.Base != nil && *r.New > *r.Base {
			return "▲"
		}
		return "▼"
	case NoDifference:
		if r.Equivalent {
			return "="
		}
	}
	return " "
}

// VerdictText is the verdict as tables have it.
func (r *Row) VerdictText() string {
	switch {
	case r.Equivalent && r.Verdict == NoDifference:
		return "the same"
	case r.Verdict == NoDifference:
		return "none shown"
	case r.few && r.Verdict == NotComparable:
		return "too few"
	}
	return string(r.Verdict)
}

// Head says in one line what came out.
func (c *Comparison) Head() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{c.Counts.Worse, "worse"}, {c.Counts.Better, "better"}, {c.Counts.Differs, "differ"}, {c.Counts.NoDifference, "no difference shown"}, {c.Counts.NoInterval, "without interval"}, {c.Counts.NotComparable, "not comparable"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	switch len(parts) {
	case 0:
		return "nothing was compared"
	case 1: // the verdict of all of it says what
		n, _, _ := strings.Cut(parts[0], " ")
		if n == "1" {
			return "1 row"
		}
		return "all " + n + " rows"
	}
	return strings.Join(parts, ", ")
}

// Percent is the confidence, such as "95%".
func (c *Comparison) Percent() string {
	return strconv.FormatFloat(math.Round(c.Confidence*1e6)/1e4, 'f', -1, 64) + "%"
}

// Remarks are what must be said of all of it.
func (c *Comparison) Remarks() (list []string) {
	tested, alone := 0, false
	for _, k := range c.Cases {
		for _, r := range k.Rows {
			if r.P == nil {
				continue
			}
			tested++
			alone = alone || r.Verdict == NoDifference && !r.shown && r.Low != nil && r.High != nil && (*r.Low > 0 || *r.High < 0)
		}
	}
	if alone {
		list = append(list, fmt.Sprintf("An interval without 0 in it is not yet a difference: of %d rows some have one by chance, and the verdicts allow for that. --metrics looks at fewer.", tested))
	}
	if !c.Repeated {
		list = append(list, "Run-to-run noise is not covered: each side is one run, and what differs from one start of a service to the next is not in the intervals. Repeat cases (--repeat 5), or give several runs a side.")
	}
	if c.MinEffect > 0 && c.Counts.NoDifference+c.Counts.Better+c.Counts.Worse > 0 {
		list = append(list, fmt.Sprintf("Changes below %s%% count as none; \"the same\" says that the whole interval is below.", strconv.FormatFloat(math.Round(c.MinEffect*1e6)/1e4, 'f', -1, 64)))
	}
	return list
}

// Subtitle says how a pair was matched and what it has, where that is not plain.
func (k *Case) Subtitle() string {
	var parts []string
	if k.NewName != "" {
		parts = append(parts, fmt.Sprintf("%q in the new one", k.NewName))
	}
	if k.MatchedBy != byTags {
		parts = append(parts, "matched by "+k.MatchedBy)
	}
	if k.Runs[0] > 1 || k.Runs[1] > 1 {
		parts = append(parts, fmt.Sprintf("%d and %d runs", k.Runs[0], k.Runs[1]))
	}
	parts = append(parts, fmt.Sprintf("%d and %d requests", k.Requests[0], k.Requests[1]))
	return strings.Join(parts, ", ")
}

// Remarks are the reasons and notes of a pair, and why rows have no interval, each once.
func (k *Case) Remarks() (list []string) {
	for _, r := range k.Reasons {
		text := "not comparable"
		if len(r.Metrics) > 0 {
			text += " in what depends on it"
		}
		if r.Ignored {
			text = "compared nevertheless"
		}
		list = append(list, fmt.Sprintf("%s (%s): %s", text, r.Kind, r.Message))
	}
	list = append(list, k.Notes...)
	whys := map[string][]string{}
	var order []string
	for _, r := range k.Rows {
		if r.Why == "" || r.Why == k.reasonsFor(r.Metric) {
			continue
		}
		if whys[r.Why] == nil {
			order = append(order, r.Why)
		}
		whys[r.Why] = append(whys[r.Why], r.Metric+"."+r.Stat)
	}
	for _, why := range order {
		of := whys[why]
		switch more := len(of) - 4; {
		case len(of) == len(k.Rows) && len(of) > 1:
			of = []string{"all"}
		case more > 1:
			of = append(of[:4], fmt.Sprintf("and %d more", more))
		}
		list = append(list, strings.Join(of, ", ")+": "+why)
	}
	return list
}
