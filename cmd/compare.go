package cmd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"weir/runtime/compare"
	"weir/runtime/report"
	"weir/runtime/result"
	"weir/runtime/suggest"
)

// compareFlags are those of weir compare.
type compareFlags struct {
	compare.Options
	confidence, minEffect string
	stats, failIf         []string
	strict                bool
	markdown, html, json  string
	lang, window          string

	conditions []compare.Condition
	language   report.Lang
}

// compareCommand tells which differences between runs are real.
func compareCommand() *cobra.Command {
	var f compareFlags
	cmd := &cobra.Command{
		Use:   "compare BASE NEW… | compare BASE… -- NEW…",
		Short: "Tell which differences between runs are real",
		Long: `Hold each NEW run against BASE: match their cases by tags, show how each metric has changed,
with a confidence interval, and say what is better, worse, or not comparable and why. A run is
the folder that weir run has written, or the result.json in it. With -- there may be several
runs on each side, which are taken as repetitions of each other (docs/compare.md).`,
		Example: `  weir compare results/before results/after
  weir compare results/before-* -- results/after-*
  weir compare main pr --fail-if 'ttft.p99 > +10%' --fail-if 'verdict == worse' --markdown comment.md`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringSliceVar(&f.Metrics, "metrics", nil, "`metrics` to compare, such as ttft,itl.p99,throughput (default those that matter)")
	fs.StringSliceVar(&f.stats, "stats", nil, "`statistics` of distributions, such as avg,p50,p99.9 (default avg,p50,p90,p99 as far as there are samples)")
	fs.StringSliceVar(&f.Match, "match", nil, "`tags` to match cases by (default all but seeds)")
	windowFlag(fs, &f.window, "compare all of each case, or its steady state, without warming up and draining (default as in the runs)")
	fs.StringSliceVar(&f.Ignore, "ignore", nil, "`reasons` that do not keep cases from being compared: "+strings.Join(compare.ReasonKinds, ", ")+", all")
	fs.StringArrayVar(&f.failIf, "fail-if", nil, "exit with 99 when this `condition` holds, such as 'ttft.p99 > +10%', 'tpot{rate:8} > +2ms', 'goodput < -1pp', 'verdict == worse' or 'validity != VALID'; may be given several times")
	fs.BoolVar(&f.strict, "strict", false, "conditions on changes hold only when the whole interval is beyond the limit")
	fs.Lookup("strict").NoOptDefVal = "true"
	fs.StringVar(&f.confidence, "confidence", "95%", "of intervals and verdicts, `percent`")
	fs.StringVar(&f.minEffect, "min-effect", "1%", "changes below that are none, `percent`")
	fs.IntVar(&f.Resamples, "resamples", 2000, "of the bootstrap")
	fs.Uint64Var(&f.Seed, "seed", 1, "of the bootstrap: the same one gives the same intervals")
	fs.StringVar(&f.markdown, "markdown", "", "also write the comparison to this `file` as Markdown, for a pull request; - is standard output, instead of the table")
	fs.StringVar(&f.html, "html", "", "also write it to this `file` as a page")
	fs.StringVar(&f.json, "json", "", "also write it to this `file` as JSON; - is standard output, instead of the table")
	fs.StringVar(&f.lang, "lang", "", "language of the page: en or zh (default that of the locale)")
	return cmd
}

// check reads the flags.
func (f *compareFlags) check() (err error) {
	percent := func(flag, text string, low, high float64) float64 {
		var v float64
		var rest string
		n, _ := fmt.Sscanf(strings.TrimSuffix(strings.TrimSpace(text), "%")+" .", "%g %s", &v, &rest)
		if n != 2 || rest != "." || !(v >= low && v < high) {
			err = errors.Join(err, fmt.Errorf("--%s %s: a number of percent from %g to below %g", flag, text, low, high))
		}
		return v / 100
	}
	f.Confidence, f.MinEffect = percent("confidence", f.confidence, 50, 100), percent("min-effect", f.minEffect, 0, 100)
	if f.Resamples < 100 || f.Resamples > 1_000_000 {
		err = errors.Join(err, fmt.Errorf("--resamples %d: from 100 to 1000000", f.Resamples))
	}
	for _, s := range f.stats {
		stat, e := compare.ParseStat(s)
		f.Stats, err = append(f.Stats, stat), errors.Join(err, prefixed("--stats", e))
	}
	for i, m := range f.Metrics {
		name, stat, given := strings.Cut(m, ".")
		if !given {
			continue
		}
		stat, e := compare.ParseStat(stat)
		f.Metrics[i], err = name+"."+stat, errors.Join(err, prefixed("--metrics", e))
	}
	if slices.Contains(f.Ignore, "all") {
		f.Ignore = compare.ReasonKinds
	}
	for _, kind := range f.Ignore {
		if !slices.Contains(compare.ReasonKinds, kind) {
			hint := ""
			if near := suggest.Nearest(kind, compare.ReasonKinds); near != "" {
				hint = "; did you mean " + near + "?"
			}
			err = errors.Join(err, fmt.Errorf("--ignore %s: there is no such reason, only %s and all%s", kind, strings.Join(compare.ReasonKinds, ", "), hint))
		}
	}
	for _, text := range f.failIf {
		c, e := compare.ParseCondition(text)
		f.conditions, err = append(f.conditions, c), errors.Join(err, prefixed("--fail-if", e))
		if e == nil {
			f.Also = append(f.Also, c.Metrics()...)
		}
	}
	err = errors.Join(err, checkWindow(f.window))
	f.language = report.FromEnvironment(os.LookupEnv)
	if f.lang != "" {
		var e error
		f.language, e = report.ParseLang(f.lang)
		err = errors.Join(err, prefixed("--lang", e))
	}
	if f.markdown == "-" && f.json == "-" {
		err = errors.Join(err, errors.New("--markdown - and --json -: only one of them can have standard output"))
	}
	for _, out := range []struct{ flag, path string }{{"markdown", f.markdown}, {"html", f.html}, {"json", f.json}} {
		if out.path != "" && (out.path != "-" || out.flag == "html") {
			err = errors.Join(err, writableFile(out.flag, out.path))
		}
	}
	return err
}

func prefixed(flag string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", flag, err)
}

func (f *compareFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(); err != nil {
		return &exitError{exitConfig, err}
	}
	stdout, stderr := cmd.OutOrStdout(), cmd.ErrOrStderr()
	base, news, err := sides(args, cmd.ArgsLenAtDash())
	if err != nil {
		return &exitError{exitConfig, err}
	}
	for _, side := range append([][]*compare.Run{base}, news...) {
		for _, r := range side {
			for _, line := range showWindow(r.Result, f.window) {
				fmt.Fprintf(stderr, "weir: %s: %s\n", r.Name, line)
			}
		}
	}
	var all []*compare.Comparison
	var outcomes []compare.Outcome
	for i, new := range news {
		f.Progress = progressOf(stderr, i, len(news))
		c, err := compare.Compare(base, new, f.Options)
		if err != nil {
			return &exitError{exitConfig, err}
		}
		var of []compare.Outcome
		for _, condition := range f.conditions {
			o, err := condition.Check(c, f.strict)
			if err != nil {
				return &exitError{exitConfig, prefixed("--fail-if", err)}
			}
			of = append(of, o)
		}
		all, outcomes = append(all, c), append(outcomes, of...)
		if f.markdown != "-" && f.json != "-" {
			if i > 0 {
				fmt.Fprintln(stdout)
			}
			if err := compare.Terminal(stdout, c, of, width(stdout), coloured(stdout)); err != nil {
				return err
			}
		}
	}
	if err := f.write(all, outcomes, stdout, stderr); err != nil {
		return &exitError{exitFault, err}
	}
	for _, o := range outcomes {
		if o.Failed {
			return &exitError{code: exitThresholds}
		}
	}
	return nil
}

// sides opens the runs: the first against each of the others, or those before -- against
// those behind it.
func sides(args []string, dash int) (base []*compare.Run, news [][]*compare.Run, err error) {
	if dash < 0 && len(args) < 2 || dash == 0 || dash > 0 && dash == len(args) {
		return nil, nil, errors.New("weir compare takes two runs at least: weir compare BASE NEW, or several on each side: weir compare BASE… -- NEW…")
	}
	for _, a := range args[max(0, dash):] {
		if dash > 0 && strings.HasPrefix(a, "--") {
			return nil, nil, fmt.Errorf("%s: what is behind -- is a run; flags go before it: weir compare %s BASE… -- NEW…", a, a)
		}
	}
	at := map[string]string{}
	open := func(path string) (*compare.Run, error) {
		r, err := compare.Open(path)
		if err != nil {
			return nil, err
		}
		same := path
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			same = filepath.Join(path, "result.json")
		}
		if real, err := filepath.EvalSymlinks(same); err == nil {
			same = real
		}
		if same, err = filepath.Abs(same); err != nil {
			return nil, err
		}
		if before, twice := at[same]; twice {
			return nil, fmt.Errorf("compare %s with %s: that is the same run twice", before, path)
		}
		at[same] = path
		return r, nil
	}
	first := 1
	if dash > 0 {
		first = dash
	}
	for i, path := range args {
		r, err := open(path)
		switch {
		case err != nil:
			return nil, nil, err
		case i < first:
			base = append(base, r)
		case dash > 0 && len(news) > 0:
			news[0] = append(news[0], r)
		default:
			news = append(news, []*compare.Run{r})
		}
	}
	return base, news, nil
}

// progressOf tells on a terminal how far it is; nil: it is none.
func progressOf(w io.Writer, i, n int) func(share int) {
	if !isTerminal(w) {
		return nil
	}
	before := -1
	return func(share int) {
		switch {
		case share == before:
		case share == 100:
			fmt.Fprint(w, "\r\033[K")
		default:
			fmt.Fprintf(w, "\rcomparing %d of %d: %d%%", i+1, n, share)
		}
		before = share
	}
}

// write writes the files that were asked for.
func (f *compareFlags) write(all []*compare.Comparison, outcomes []compare.Outcome, stdout, stderr io.Writer) (err error) {
	for _, out := range []struct {
		flag, path string
		write      func(io.Writer) error
	}{
		{"markdown", f.markdown, func(w io.Writer) error { return compare.Markdown(w, all, outcomes) }},
		{"html", f.html, func(w io.Writer) error { return report.WriteComparison(w, all, outcomes, f.language) }},
		{"json", f.json, func(w io.Writer) error { return compare.JSON(w, all, outcomes) }},
	} {
		if out.path == "" {
			continue
		}
		var text bytes.Buffer
		if e := out.write(&text); e != nil {
			err = errors.Join(err, fmt.Errorf("--%s: %w", out.flag, e))
			continue
		}
		if out.path == "-" && out.flag != "html" {
			_, e := stdout.Write(text.Bytes())
			err = errors.Join(err, e)
			continue
		}
		if e := result.ReplaceFile(out.path, text.Bytes(), 0o644); e != nil {
			err = errors.Join(err, fmt.Errorf("--%s: %w", out.flag, e))
			continue
		}
		fmt.Fprintf(stderr, "%s: %s\n", out.flag, filepath.ToSlash(out.path))
	}
	return err
}
