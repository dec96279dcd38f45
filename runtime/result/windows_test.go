package result_test

import (
	"encoding/json"
	"testing"

	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

// The numbers of a case can be shown of its other window and back, as they were.
func TestShow(t *testing.T) {
	c := resulttest.LLMCase("a case", 200, 50)
	c.Metrics["own"] = &result.Metric{Kind: "counter", Custom: true, N: 3}
	c.Metrics["checks"] = &result.Metric{Kind: "rate", N: 7}
	c.Throughput = result.Throughput{Requests: 10}
	c.Window = result.WindowAll
	c.Windows = map[string]*result.Window{
		result.WindowAll: {To: 12.5, Found: true, Requests: 200},
		result.WindowSteady: {From: 2, To: 9, Found: true, Requests: 120,
			Metrics:    map[string]*result.Metric{"ttft": resulttest.Distribution("ms", 120, 40)},
			Throughput: &result.Throughput{Requests: 17}, Goodput: &result.Goodput{Good: 100}},
	}
	text := func() string {
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	before := text()
	if !c.Show(result.WindowAll) || text() != before {
		t.Error("the window that is shown is another one")
	}
	if !c.Show(result.WindowSteady) {
		t.Fatal("there is a steady window")
	}
	if c.Window != "steady" || *c.Metrics["ttft"].Avg != 40 || c.Metrics["tpot"] != nil || c.Metrics["own"].N != 3 || c.Metrics["checks"].N != 7 ||
		c.Throughput.Requests != 17 || c.Goodput.Good != 100 || c.Windows["steady"].Metrics != nil ||
		c.Windows["all"].Metrics["tpot"] == nil || c.Windows["all"].Metrics["own"] != nil || c.Windows["all"].Throughput.Requests != 10 {
		t.Error(text())
	}
	if !c.Show(result.WindowAll) || text() != before {
		t.Errorf("back it is\n%s, was\n%s", text(), before)
	}
}

// What is not there is not shown, whoever has written the result.
func TestShowNothing(t *testing.T) {
	f := func(text string) {
		t.Helper()
		c := new(result.Case)
		if err := json.Unmarshal([]byte(text), c); err != nil {
			t.Fatal(err)
		}
		if c.Show("steady") {
			t.Errorf("%s shows a steady window", text)
		}
	}
	f(`{}`)
	f(`{"window": "all"}`)
	f(`{"window": "all", "windows": {"all": null, "steady": null}}`)
	f(`{"window": "all", "windows": {"all": {"found": true}, "steady": {"found": false, "note": "too short"}}}`)
	f(`{"window": "all", "windows": {"all": {"found": true}, "steady": {"found": true}}}`)
	f(`{"window": "none", "windows": {"steady": {"found": true, "throughput": {}}}}`)

	odd := new(result.Case)
	if err := json.Unmarshal([]byte(`{"window": "all", "metrics": {"ttft": null}, "windows": {"all": {"found": true}, "steady": {"found": true, "throughput": {}, "metrics": {"itl": null}}}}`), odd); err != nil {
		t.Fatal(err)
	}
	if !odd.Show("steady") || !odd.Show("all") {
		t.Error("null for a metric hides a window")
	}
}

// The highest percentile that samples are enough for.
func TestSupported(t *testing.T) {
	f := func(n int64, want float64) {
		t.Helper()
		if got := result.Supported(n); got != want {
			t.Errorf("%d samples: %v, want %v", n, got, want)
		}
	}
	f(0, 0)
	f(10, 0)
	f(11, 50)
	f(24, 75)
	f(129, 90)
	f(130, 95)
	f(661, 95)
	f(662, 99)
	f(6635, 99)
	f(6636, 99.9)
}
