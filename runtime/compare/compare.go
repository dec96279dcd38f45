package compare

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"weir/runtime/result"
)

// Options say what is compared and how sure one wants to be.
type Options struct {
	Metrics    []string        // names, such as "ttft" or "ttft.p99"; none: those that matter of what there is
	Also       []string        // more Metrics, such as those of conditions
	Stats      []string        // of distributions, as ParseStat gives them; none: avg, p50, p90 and p99 as far as there are samples
	Match      []string        // tags that cases are matched by; none: all
	Ignore     []string        // ReasonKinds that are no reason
	Confidence float64         // of intervals and verdicts, such as 0.95
	MinEffect  float64         // changes below are none, as a share: 0.01 is 1 %; not for shares of requests
	Resamples  int             // 0: 2000
	Seed       uint64          //
	Progress   func(share int) // called with 0…100 as it goes, by one goroutine at a time; nil: nobody waits
}

// Verdict is what is said of a difference.
type Verdict string

const (
	Better        Verdict = "better"
	Worse         Verdict = "worse"
	Differs       Verdict = "differs" // of a metric that is neither better nor worse when it is more
	NoDifference  Verdict = "no difference shown"
	NoInterval    Verdict = "no interval" // there is a change, and nobody knows what chance makes
	NotComparable Verdict = "not comparable"
)

// Comparison is one or more runs held against others.
type Comparison struct {
	Schema     int      `json:"schema"` // 1
	Base       []string `json:"base"`   // runs, which are repetitions of each other
	New        []string `json:"new"`    //
	Confidence float64  `json:"confidence"`
	MinEffect  float64  `json:"min_effect"`
	Resamples  int      `json:"resamples"`
	Seed       uint64   `json:"seed"`
	Verdict    Verdict  `json:"verdict"` // Worse when anything is worse, else Better when anything is better, …
	Counts     Counts   `json:"counts"`  // of rows
	Notes      []string `json:"notes,omitempty"`
	Repeated   bool     `json:"repeated"` // run-to-run noise is in the intervals
	Cases      []*Case  `json:"cases"`
	OnlyBase   []string `json:"only_base,omitempty"` // names of cases
	OnlyNew    []string `json:"only_new,omitempty"`  //
}

// Counts are numbers of rows by their verdict.
type Counts struct {
	Better        int `json:"better"`
	Worse         int `json:"worse"`
	Differs       int `json:"differs"`
	NoDifference  int `json:"no_difference"`
	NoInterval    int `json:"no_interval"`
	NotComparable int `json:"not_comparable"`
}

// Case is a pair of cases.
type Case struct {
	Name      string            `json:"name"`               // in the base
	NewName   string            `json:"new_name,omitempty"` // where it is another one
	Tags      map[string]string `json:"tags"`               // that both have
	MatchedBy string            `json:"matched_by"`         // "tags", "name" or "order"
	Runs      [2]int            `json:"runs"`               // repetitions of the base and of the new one
	Requests  [2]int64          `json:"requests"`           // of all of them
	Validity  [2]result.Verdict `json:"validity"`           // the worst
	Reasons   []Reason          `json:"reasons,omitempty"`
	Notes     []string          `json:"notes,omitempty"`
	Rows      []*Row            `json:"rows"`
}

// Row is one statistic of one metric. Base and New are in Unit; Change and its interval
// are relative (0.1 is +10 %), but for shares of requests, which have the unit "%":
// these are 0…1, and change by differences (0.1 is +10 percentage points). What is not
// known is absent.
type Row struct {
	Metric  string   `json:"metric"`
	Stat    string   `json:"stat"`
	Unit    string   `json:"unit"`
	Better  string   `json:"better,omitempty"` // "lower" or "higher" is
	Base    *float64 `json:"base,omitempty"`
	New     *float64 `json:"new,omitempty"`
	Change  *float64 `json:"change,omitempty"` // absent for a base of 0, too
	Low     *float64 `json:"low,omitempty"`    // confidence interval of Change, of this row by itself
	High    *float64 `json:"high,omitempty"`
	P       *float64 `json:"p,omitempty"`          // that chance alone makes such a change
	Allowed *float64 `json:"p_adjusted,omitempty"` // with allowance for the number of rows; the verdict goes by this
	// Standard deviations between the repetitions of a side, relative, or as shares.
	BaseNoise  *float64 `json:"base_noise,omitempty"`
	NewNoise   *float64 `json:"new_noise,omitempty"`
	Block      int      `json:"block,omitempty"` // requests that were drawn together
	Verdict    Verdict  `json:"verdict"`
	Equivalent bool     `json:"equivalent,omitempty"` // the whole interval is within MinEffect
	Why        string   `json:"why,omitempty"`        // there is no interval, or it is not comparable

	stat       statistic
	shown      bool // chance alone hardly explains the difference
	few        bool // there are too few samples on one of the sides
	noInterval bool // it could be compared, and there is nothing to make an interval of
}

// Share tells whether the row is a share of requests, which changes by percentage
// points.
func (r *Row) Share() bool { return r.Unit == "%" && (r.Stat == "share" || r.Stat == "rate") }

// Compare holds runs against a base. The runs of a side are repetitions of each other.
// The requests of each run are read once.
func Compare(base, new []*Run, o Options) (*Comparison, error) {
	if o.Resamples == 0 {
		o.Resamples = 2000
	}
	all := append(slices.Clone(base), new...)
	if err := o.named(all); err != nil {
		return nil, err
	}
	if err := o.read(all); err != nil {
		return nil, err
	}
	c := &Comparison{
		Schema: 1, Confidence: o.Confidence, MinEffect: o.MinEffect, Resamples: o.Resamples, Seed: o.Seed,
		Notes: runNotes(base, new),
	}
	chosen := map[string]bool{}
	for _, r := range base {
		c.Base = append(c.Base, r.Name)
		choose(chosen, r)
	}
	for _, r := range new {
		c.New = append(c.New, r.Name)
		choose(chosen, r)
	}
	pairs, onlyBase, onlyNew := match(points(base, o.Match, chosen), points(new, o.Match, chosen))
	for _, p := range onlyBase {
		c.OnlyBase = append(c.OnlyBase, p.name)
	}
	for _, p := range onlyNew {
		c.OnlyNew = append(c.OnlyNew, p.name)
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("compare %s with %s: they have no case in common\n  in the base: %s\n  in the new one: %s\n  hint: cases are matched by their tags, then by their names; --match takes the tags to go by",
			strings.Join(c.Base, " "), strings.Join(c.New, " "), list(c.OnlyBase), list(c.OnlyNew))
	}
	var rows []*Row
	var jobs []func()
	for _, m := range pairs {
		k := o.pair(m)
		c.Cases = append(c.Cases, k)
		for _, row := range k.Rows {
			rows = append(rows, row)
			jobs = append(jobs, func() { o.row(row, k, m) })
		}
	}
	o.work(jobs)
	adjust(rows)
	for _, row := range rows {
		o.judge(row)
		c.Repeated = c.Repeated || row.BaseNoise != nil || row.NewNoise != nil
	}
	c.conclude(rows)
	return c, nil
}

func choose(chosen map[string]bool, r *Run) {
	for name := range r.Result.Chosen {
		chosen[name] = true
	}
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	if more := len(names) - 5; more > 0 {
		names = append(slices.Clone(names[:5]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, "; ")
}

// read reads the requests of runs, several runs at a time.
func (o *Options) read(runs []*Run) error {
	wanted := map[string]bool{}
	for _, name := range append(slices.Clone(o.Metrics), o.Also...) {
		name, _, _ = strings.Cut(name, ".")
		wanted[name] = true
	}
	if len(o.Metrics) == 0 {
		for _, name := range defaultMetrics {
			wanted[name] = true
		}
	}
	errs := make([]error, len(runs))
	var wait sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, r := range runs {
		wait.Go(func() {
			slots <- struct{}{}
			errs[i] = r.load(func(metric string) bool { return wanted[metric] })
			<-slots
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// work does jobs on all processors.
func (o *Options) work(jobs []func()) {
	var next, done atomic.Int64
	var tell sync.Mutex
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(jobs)) {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				jobs[i]()
				if n := done.Add(1); o.Progress != nil {
					tell.Lock()
					o.Progress(int(100 * n / int64(len(jobs))))
					tell.Unlock()
				}
			}
		})
	}
	wait.Wait()
}

// pair makes a pair of cases, with its rows still empty.
func (o *Options) pair(m matched) *Case {
	k := &Case{Name: m.base.name, Tags: map[string]string{}, MatchedBy: m.by, Runs: [2]int{len(m.base.runs), len(m.new.runs)}}
	if m.new.name != k.Name {
		k.NewName = m.new.name
	}
	for name, value := range m.base.tags {
		if m.new.tags[name] == value {
			k.Tags[name] = value
		}
	}
	for side, p := range []*point{m.base, m.new} {
		for _, c := range p.runs {
			k.Requests[side] += c.Counts.Requests
			k.Validity[side] = result.Worse(k.Validity[side], c.Validity.Verdict)
		}
	}
	ignored := map[string]bool{}
	for _, kind := range o.Ignore {
		ignored[kind] = true
	}
	k.Reasons = reasons(m.base, m.new, ignored)
	k.Notes = notes(m.base, m.new)
	for _, s := range o.statistics(m.base, m.new) {
		row := &Row{Metric: s.metric, Stat: s.stat, Unit: s.unit, stat: s}
		switch s.better {
		case 1:
			row.Better = "higher"
		case -1:
			row.Better = "lower"
		}
		if few := s.supported(m); few == "" {
			k.Rows = append(k.Rows, row)
		} else if s.asked {
			row.Why, row.few = few, true
			k.Rows = append(k.Rows, row)
		}
	}
	return k
}

// supported tells why a percentile is not known on one of the sides; "" when it is.
func (s statistic) supported(m matched) string {
	p, ok := percentile(s.stat)
	if !ok {
		return ""
	}
	var n [2]int64
	for side, p := range []*point{m.base, m.new} {
		for _, c := range p.runs {
			if metric := c.Metrics[s.metric]; metric != nil {
				n[side] += metric.N
			}
		}
	}
	if floor := result.Floor(p); n[0] < floor || n[1] < floor {
		return fmt.Sprintf("%s takes %d samples to be known; there are %d and %d", s.stat, floor, n[0], n[1])
	}
	return ""
}
