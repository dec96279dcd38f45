package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"weir/runtime/terminal"
)

// Markdown writes comparisons as a comment for a pull request has them. outcomes are
// those of all conditions in all comparisons.
func Markdown(w io.Writer, comparisons []*Comparison, outcomes []Outcome) error {
	var b strings.Builder
	for i, c := range comparisons {
		if i > 0 {
			b.WriteByte('\n')
		}
		c.markdown(&b, slices.Collect(c.own(outcomes)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// own yields the outcomes that are about the comparison.
func (c *Comparison) own(outcomes []Outcome) iter.Seq[Outcome] {
	return func(yield func(Outcome) bool) {
		for _, o := range outcomes {
			if slices.Equal(o.New, c.New) && !yield(o) {
				return
			}
		}
	}
}

func (c *Comparison) markdown(b *strings.Builder, outcomes []Outcome) {
	fmt.Fprintf(b, "### %s %s\n\n", badge(c.Verdict), escape(string(c.Verdict)+": "+c.Head()))
	fmt.Fprintf(b, "base `%s` → new `%s`\n", code(c.Base), code(c.New))
	if len(outcomes) > 0 {
		b.WriteByte('\n')
		for _, o := range outcomes {
			mark := "✅"
			if o.Failed {
				mark = "❌"
			}
			fmt.Fprintf(b, "- %s `%s`", mark, code([]string{o.Condition}))
			if o.Text != "" {
				fmt.Fprintf(b, " — %s", escape(o.Text))
			}
			b.WriteByte('\n')
		}
	}
	for _, k := range c.Cases {
		fmt.Fprintf(b, "\n#### %s\n\n%s\n\n", escape(k.Name), escape(k.Subtitle()))
		noise := false
		for _, r := range k.Rows {
			noise = noise || r.NoiseText() != absent
		}
		head := []string{"metric", "base", "new", "change", c.Percent() + " interval"}
		if noise {
			head = append(head, "run noise")
		}
		head = append(head, "difference")
		fmt.Fprintf(b, "| %s |\n|:--|%s:--|\n", strings.Join(head, " | "), strings.Repeat("--:|", len(head)-2))
		for _, r := range k.Rows {
			cells := []string{r.Label(), r.BaseText(), r.NewText(), r.ChangeText(), r.IntervalText()}
			if noise {
				cells = append(cells, r.NoiseText())
			}
			verdict := strings.TrimSpace(r.Mark() + " " + r.VerdictText())
			if r.Verdict == Worse || r.Verdict == Better {
				verdict = badge(r.Verdict) + " **" + verdict + "**"
			}
			for i := range cells {
				cells[i] = escape(cells[i])
			}
			fmt.Fprintf(b, "| %s |\n", strings.Join(append(cells, verdict), " | "))
		}
		if remarks := k.Remarks(); len(remarks) > 0 {
			b.WriteByte('\n')
			for _, remark := range remarks {
				fmt.Fprintf(b, "- %s\n", escape(remark))
			}
		}
	}
	for _, only := range []struct {
		where string
		names []string
	}{{"the base", c.OnlyBase}, {"the new one", c.OnlyNew}} {
		if len(only.names) > 0 {
			fmt.Fprintf(b, "\nOnly in %s: %s\n", only.where, escape(list(only.names)))
		}
	}
	if remarks := append(append([]string{}, c.Notes...), c.Remarks()...); len(remarks) > 0 {
		b.WriteString("\n<details><summary>Notes</summary>\n\n")
		for _, remark := range remarks {
			fmt.Fprintf(b, "- %s\n", escape(remark))
		}
		b.WriteString("\n</details>\n")
	}
}

func badge(v Verdict) string {
	switch v {
	case Worse:
		return "🔴"
	case Better:
		return "🟢"
	case Differs:
		return "🟡"
	}
	return "⚪"
}

func code(names []string) string {
	return strings.ReplaceAll(terminal.Harmless(strings.Join(names, " ")), "`", "'")
}

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", ">", "&gt;", "[", `\[`, "@", "@\u200b")

// escape writes text so that Markdown takes nothing in it for its own, and nobody is
// mentioned by it.
func escape(s string) string { return markdownEscapes.Replace(terminal.Harmless(s)) }

// JSON writes comparisons, one for each new one, and what came of the conditions.
func JSON(w io.Writer, comparisons []*Comparison, outcomes []Outcome) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		Comparisons []*Comparison `json:"comparisons"`
		Conditions  []Outcome     `json:"conditions,omitempty"`
	}{comparisons, outcomes})
}
