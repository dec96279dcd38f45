package cmd

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"weir/runtime/metrics"
	"weir/runtime/result"
	"weir/runtime/terminal"
)

// trendStats is --summary-trend-stats, by k6's names: the statistics that the tables of
// weir run and weir report have of each latency.
type trendStats struct{ all []result.Stat }

const trendStatsVariable = "WEIR_SUMMARY_TREND_STATS"

func (t *trendStats) flags(fs *pflag.FlagSet) {
	fs.Var(t, "summary-trend-stats", "statistics of latencies in the table at the end, such as avg,med,p(99),max: avg, min, med, max, count and p(N), those that matter most first (also "+trendStatsVariable+", and summaryTrendStats in a script's options)")
}

func (t *trendStats) Set(s string) (err error) {
	t.all, err = result.ParseStats(s)
	return err
}

func (t *trendStats) String() string {
	var names []string
	for _, s := range t.all {
		names = append(names, s.Name)
	}
	return strings.Join(names, ",")
}

func (t *trendStats) Type() string { return "list" }

// check reads the environment, which counts where the flag was not given.
func (t *trendStats) check() error {
	list := os.Getenv(trendStatsVariable)
	if list == "" || t.all != nil {
		return nil
	}
	if err := t.Set(list); err != nil {
		return fmt.Errorf("%s: %w", trendStatsVariable, err)
	}
	return nil
}

// or is what was given to weir, or else what the script says.
func (t *trendStats) or(script []result.Stat) []result.Stat {
	if t.all != nil {
		return t.all
	}
	return script
}

// summarise writes the tables of a run to a terminal, or to whatever it is.
func summarise(w io.Writer, r *result.Result, stats []result.Stat) error {
	return terminal.Summary(w, r, terminal.SummaryOptions{Width: width(w), Colours: terminal.Colours(terminal.ScreenOf(w), os.Getenv), Stats: stats})
}

// complete gives the metrics of a finished run the percentiles that result.json lacks, from
// its requests. It tells of those that cannot be had.
func (t *trendStats) complete(run *result.Run) (lacking []string) {
	var percentiles []result.Stat
	for _, s := range t.all {
		if s.IsPercentile() && !slices.Contains([]float64{0, 50, 75, 90, 95, 99, 99.9, 100}, s.P) {
			percentiles = append(percentiles, s)
		}
	}
	if len(percentiles) == 0 {
		return nil
	}
	for i, c := range run.Result.Cases {
		if c.Counts.Requests == 0 {
			continue
		}
		if err := recompute(run, i, c); err != nil {
			lacking = append(lacking, fmt.Sprintf("case %q has no %s: %v", c.Title(), percentiles[0].Name, err))
		}
	}
	return lacking
}

// recompute takes the percentiles of a case from its requests.
func recompute(run *result.Run, i int, c *result.Case) (failed error) {
	switch {
	case c.Window == result.WindowSteady:
		return errors.New("of a steady state only the percentiles in result.json are known; try --window all")
	case c.Kept != nil && c.Kept.Every > 1:
		return fmt.Errorf("the run has kept one of %d requests only; run it with --records", c.Kept.Every)
	}
	requests := func(yield func(*metrics.Record) bool) {
		for q, err := range run.Requests() {
			if err != nil {
				failed = err
				return
			}
			if q.Case == i+1 && !yield(metrics.Restore(q)) {
				return
			}
		}
	}
	again := metrics.Recompute(iter.Seq[*metrics.Record](requests), metrics.Options{})
	if failed != nil {
		return failed
	}
	if again.Counts.Requests != c.Counts.Requests {
		return fmt.Errorf("%d of its %d requests are in the run's folder", again.Counts.Requests, c.Counts.Requests)
	}
	for name, m := range c.Metrics {
		if same := again.Metrics[name]; same != nil && same.N == m.N {
			m.Quantile = same.Quantile
		}
	}
	return nil
}
