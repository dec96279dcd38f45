package metrics_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

func TestParseThreshold(t *testing.T) {
	for expr, want := range map[string]metrics.Expr{
		"p(99)<500":           {Aggregate: "p", P: 99, Op: "<", Limit: 500},
		"p(99.9) <= 1.5e3":    {Aggregate: "p", P: 99.9, Op: "<=", Limit: 1500},
		"  p( 50 )  >  0.5  ": {Aggregate: "p", P: 50, Op: ">", Limit: 0.5},
		"p(0)>=0":             {Aggregate: "p", P: 0, Op: ">=", Limit: 0},
		"avg<200":             {Aggregate: "avg", Op: "<", Limit: 200},
		"med!=-1":             {Aggregate: "med", Op: "!=", Limit: -1},
		"min==3":              {Aggregate: "min", Op: "==", Limit: 3},
		"max===3":             {Aggregate: "max", Op: "==", Limit: 3},
		"rate<0.01":           {Aggregate: "rate", Op: "<", Limit: 0.01},
		"count>=100":          {Aggregate: "count", Op: ">=", Limit: 100},
		"value<+.5":           {Aggregate: "value", Op: "<", Limit: 0.5},
	} {
		if got, err := metrics.ParseThreshold(expr); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", expr, got, err, want)
		}
	}
}

func TestParseThresholdErrors(t *testing.T) {
	for expr, want := range map[string]string{
		"":                   "no comparison",
		"p(99)":              "no comparison",
		"p(99)=500":          `"=" is no comparison`,
		"p(99)!500":          `"!" is no comparison`,
		"<500":               "nothing is compared",
		"p(99)<":             `"", to the right of <, is not a number`,
		"p(99)<fast":         `"fast", to the right of <, is not a number`,
		"p(99)<500ms":        `"500ms"`,
		"p(99)<<500":         `"<500"`,
		"p(99)<0x10":         `"0x10"`,
		"p(99)<Inf":          `"Inf"`,
		"p(99)<1e999":        `"1e999"`,
		"p(101)<5":           "not p(N) with N from 0 to 100",
		"p(-1)<5":            "not p(N) with N from 0 to 100",
		"p(99<5":             "not p(N) with N from 0 to 100",
		"p()<5":              "not p(N) with N from 0 to 100",
		"p99<5":              `"p99" is not one of avg`,
		"mean<5":             `"mean" is not one of avg`,
		"avg<5 and p(90)<10": `"5 and p(90)<10"`,
	} {
		_, err := metrics.ParseThreshold(expr)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", expr)) {
			t.Errorf("%q: error %v, want one with %q and the expression", expr, err, want)
		}
	}
}

func FuzzParseThreshold(f *testing.F) {
	for _, s := range []string{"p(99)<500", "avg <= 1e3", "rate===0.01", "p( 99.9 )!=-.5", "count", "<", "p(1e309)<1", "value==\u00a01", "value>=SUSPECT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := metrics.ParseThreshold(s)
		if err != nil {
			return
		}
		again, err := metrics.ParseThreshold(e.String())
		if err != nil || again != e {
			t.Errorf("%q is read as %+v, written as %q, and that read as %+v, %v", s, e, e, again, err)
		}
	})
}

func TestCheckThresholds(t *testing.T) {
	custom := map[string]metrics.CustomKind{"my_rate": metrics.Rate, "queue": metrics.Gauge, "sent": metrics.Counter, "wait": metrics.Trend}
	for _, row := range []struct {
		metric, expr string
		want         string // "" no error
	}{
		{"ttft", "p(99)<2000", ""},
		{"ttft", "count>10", ""},
		{"request_failed", "rate<0.01", ""},
		{"requests", "rate>10", ""},
		{"my_rate", "rate>0.9", ""},
		{"queue", "value<10", ""},
		{"sent", "count>5", ""},
		{"wait", "med<5", ""},

		{"ttft", "p(99)<", "thresholds of ttft: \"p(99)<\""},
		{"ttft", "rate<0.1", "a distribution has no rate, only avg, min, med, max, p(N), count"},
		{"request_failed", "p(99)<1", "a rate has no p(99), only rate"},
		{"my_rate", "avg<1", "a rate has no avg"},
		{"queue", "rate<1", "a gauge has no rate"},
		{"sent", "avg<1", "a counter has no avg"},
		{"tpott", "p(99)<2000", "thresholds of tpott (p(99)<2000): there is no such metric; did you mean tpot?"},
		{"request_fail", "rate<0.1", "did you mean request_failed?"},
		{"my_rat", "rate<0.1", "did you mean my_rate?"},
		{"something_else_entirely", "avg<1", "there is no such metric; weir's own metrics are in docs/metrics.md"},
		{"ttft{scenario:a}", "avg<1", ""},
		{"tpott{rate:8}", "avg<1", "did you mean tpot?"},
		{"ttft{rate:8", "avg<1", "there is no } at the end"},
		{"ttft{rate:8}", "rate<1", "thresholds of ttft{rate:8}: \"rate<1\": a distribution has no rate"},
		{"validity", "value==VALID", ""},
		{"validity", "value >= SUSPECT", ""},
		{"validity", "value==valid", "\"valid\", to the right of ==, is not a number"},
		{"validity", "value==1", "validity is held against a verdict: value==VALID"},
		{"validity", "avg==VALID", "a validity has no avg, only value"},
		{"queue", "value<VALID", "a gauge is held against a number"},
	} {
		err := metrics.CheckThresholds("thresholds", map[string][]string{row.metric: {row.expr}}, custom)
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%s %s: %v, want no error", row.metric, row.expr, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s %s: error %v, want one with %q", row.metric, row.expr, err, row.want)
		}
	}
	// All errors at once, in a fixed order.
	err := metrics.CheckThresholds("thresholds", map[string][]string{"zzz": {"avg<1"}, "ttft": {"avg", "rate<1"}}, nil)
	if lines := strings.Split(fmt.Sprint(err), "\n"); len(lines) != 3 || !strings.Contains(lines[2], "zzz") {
		t.Errorf("error %v, want three lines with zzz last", err)
	}
}

// A verdict is known when the case has ended, and VALID is the greatest.
func TestThresholdsOnValidity(t *testing.T) {
	exprs := map[string][]string{"validity": {"value==VALID", "value!=VALID", "value>=SUSPECT", "value>INVALID", "value<=SUSPECT", "value==INVALID"}}
	f := func(failed int, verdict result.Verdict, want ...bool) {
		t.Helper()
		r := metrics.NewRecorder(metrics.Options{})
		for i := range 1000 {
			rec := metrics.NewRecord()
			rec.Kind = metrics.KindHTTP
			r.Begin(rec)
			if i < failed {
				rec.Error = &metrics.Error{Kind: "connect", Message: "refused"}
			}
			r.Close(rec)
		}
		for _, early := range r.Evaluate(result.Counts{}, exprs) {
			if early.OK || early.Value != nil || early.Verdict != "" {
				t.Errorf("while the case runs: %+v", early)
			}
		}
		c := r.Finish(result.Counts{}, exprs, metrics.Rules{Expected: []string{"user_stamps"}})
		if c.Validity.Verdict != verdict {
			t.Fatalf("%s, want %s: %v", c.Validity.Verdict, verdict, c.Validity.Reasons)
		}
		for i, got := range c.Thresholds {
			if got.OK != want[i] || got.Verdict != verdict || got.Value != nil || got.Found() != string(verdict) {
				t.Errorf("%s: %+v", exprs["validity"][i], got)
			}
		}
	}
	f(0, result.Valid, true, false, true, true, false, false)
	f(5, result.Suspect, false, true, true, true, true, false)
	f(500, result.Invalid, false, true, false, false, true, true)
}

func TestThresholdsOfACase(t *testing.T) {
	r := metrics.NewRecorder(metrics.Options{})
	for i := range 101 {
		if err := errors.Join(
			r.Observe("wait", metrics.Trend, "ms", float64(i)),
			r.Observe("sent", metrics.Counter, "", 2),
			r.Observe("queue", metrics.Gauge, "", float64(100-i)),
			r.Observe("good", metrics.Rate, "", float64(i%2)),
		); err != nil {
			t.Fatal(err)
		}
	}
	rows := []struct {
		metric, expr string
		value        float64
		ok           bool
	}{
		{"good", "rate<0.5", 50.0 / 101, true},
		{"good", "rate>=0.5", 50.0 / 101, false},
		{"queue", "value==0", 0, true},
		{"queue", "max<100", 100, false},
		{"sent", "count<=202", 202, true},
		{"sent", "count!=202", 202, false},
		{"wait", "avg<=50", 50, true},
		{"wait", "med>50", 50, false},
		{"wait", "p(99)<99.5", 99, true},
		{"wait", "min>0", 0, false},
		{"wait", "count==101", 101, true},
		{"wait{rate:8}", "avg<=50", 50, true}, // the caller says that the case has the tag
	}
	thresholds := map[string][]string{"ttft": {"avg<1"}, "never_seen": {"rate<1"}}
	for _, row := range rows {
		thresholds[row.metric] = append(thresholds[row.metric], row.expr)
	}
	got := r.Finish(result.Counts{}, thresholds, metrics.Rules{}).Thresholds
	if len(got) != len(rows)+2 {
		t.Fatalf("%d thresholds, want %d", len(got), len(rows)+2)
	}
	find := func(metric, expr string) result.Threshold {
		for _, g := range got {
			if g.Metric == metric && g.Expr == expr {
				return g
			}
		}
		return result.Threshold{}
	}
	for _, row := range rows {
		if g := find(row.metric, row.expr); g.Value == nil || !near(*g.Value, row.value) || g.OK != row.ok {
			t.Errorf("%s %s: %v, ok %v; want %v, ok %v", row.metric, row.expr, value(g.Value), g.OK, row.value, row.ok)
		}
		// 101 samples are enough for the median, and not for the p99.
		if g, thin := find(row.metric, row.expr), strings.HasPrefix(row.expr, "p(99)"); g.Thin != thin {
			t.Errorf("%s %s: of too few samples: %t, want %t", row.metric, row.expr, g.Thin, thin)
		}
	}
	for _, g := range []result.Threshold{find("ttft", "avg<1"), find("never_seen", "rate<1")} {
		if g.Value != nil || g.OK || g.Note != "no samples" {
			t.Errorf("%+v, want no value and not ok, for lack of samples", g)
		}
	}
}
