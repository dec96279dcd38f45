package cmd

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"weir/runtime/result"
)

// serving is what a run of dynamic against the simulator leaves behind.
type serving struct {
	cases   []*result.Case
	rows    map[string][]string       // of the table, by rate
	records map[int][]*result.Request // by case, in the order in which they were to start
}

func playDynamic(t *testing.T, args ...string) serving {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(3, 4))
	var lines bytes.Buffer
	for range 1500 {
		fmt.Fprintf(&lines, `{"prompt_tokens": %d, "output_tokens": %d}`+"\n", 4+rng.IntN(30), 4+rng.IntN(12))
	}
	if err := os.WriteFile(filepath.Join(dir, "prompts.jsonl"), lines.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	r := runWeirIn(t, dir, append([]string{"run", "dynamic", "--sim", "--sim-ttft", "1ms", "--sim-itl", "2ms", "--records", "--out", "out",
		"--dataset", "prompts.jsonl", "--dataset-type", "weir", "--tokenizer", "builtin", "--seed", "5", "--warmup", "2"}, args...)...)
	s := serving{cases: r.Cases, rows: map[string][]string{}, records: map[int][]*result.Request{}}
	table, err := os.ReadFile(filepath.Join(dir, "benchmark_serving.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(table, []byte("\ufeff")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		s.rows[row[3]] = row
	}
	for request, err := range result.ReadRecords(filepath.Join(dir, "out", result.RecordsName)) {
		if err != nil {
			t.Fatal(err)
		}
		s.records[request.Case] = append(s.records[request.Case], request)
	}
	for _, requests := range s.records {
		slices.SortFunc(requests, func(a, b *result.Request) int { return cmp.Compare(a.ScheduledAt, b.ScheduledAt) })
	}
	return s
}

// span is a number of which is known that it lies between two others: times in records are
// whole microseconds.
type span struct{ low, high float64 }

func about(x float64) span            { return span{x, x} }
func (s span) plus(o span) span       { return span{s.low + o.low, s.high + o.high} }
func (s span) times(f float64) span   { return span{s.low * f, s.high * f} }
func (s span) inverse() span          { return span{1 / s.high, 1 / max(s.low, 0)} }
func microseconds(us, off int64) span { return span{float64(us - off), float64(us + off)} }

func meanSpan(list []span) span {
	sum := about(0)
	for _, x := range list {
		sum = sum.plus(x)
	}
	return sum.times(1 / float64(len(list)))
}

// TestDynamicTableOfRecords reckons the table anew from the records of the run, by the
// formulas of benchmark_serving.py, with the tokens that came.
func TestDynamicTableOfRecords(t *testing.T) {
	s := playDynamic(t, "--request-rate", "60", "inf", "--num-prompts", "40", "20")
	for number, c := range s.cases {
		requests := s.records[number+1]
		var first, whole, speed, perToken []span
		var tokens float64
		atOnce := false // a request's tokens may all have come at one moment, and then have no speed
		begin, end := int64(math.MaxInt64), int64(0)
		for _, r := range requests {
			if r.Error != nil {
				t.Fatalf("%s: a request failed: %+v", c.Name, r.Error)
			}
			n := float64(r.OutputTokens.N)
			tokens += n
			begin, end = min(begin, r.Started), max(end, r.EndedAt)
			last := int64(0)
			for _, gap := range r.TokenGaps {
				last += gap
			}
			whole = append(whole, microseconds(last, 1).times(1e-6))
			if slices.Contains(r.Shared, 0) && slices.Contains(r.ReadLate, 0) {
				continue // nobody knows when it came
			}
			first = append(first, microseconds(r.TokenGaps[0], 1).times(1e-3))
			if decode := microseconds(last-r.TokenGaps[0], 2).times(1e-6); len(r.TokenGaps) > 1 {
				perToken = append(perToken, decode.times(1000/n))
				speed = append(speed, decode.times(1/n).inverse())
				atOnce = atOnce || decode.low <= 0
			}
		}
		// Of a first token that was read together with what followed it, records do not say whether it is
		// among those that have a time.
		known := c.Metrics["ttft"] != nil && int(c.Metrics["ttft"].N) == len(first)
		if !known {
			t.Logf("%s: which requests have a TTFT is not known: the columns made of it are not looked at", c.Name)
		}
		// Begin and end are of the wall clock, which the system may set right by up to 500 millionths meanwhile.
		elapsed := float64(end-begin) / 1e9
		perSecond := span{elapsed * (1 - 5e-4), elapsed * (1 + 5e-4)}.inverse()
		row := s.rows[map[string]string{"60": "60.0", "inf": "inf"}[fmt.Sprint(c.Tags["request_rate"])]]
		if len(row) != 10 || row[0] != "weir" {
			t.Fatalf("%s: the row is %q", c.Name, row)
		}
		for _, column := range []struct {
			at   int
			what string
			want span
		}{
			{2, "output length", about(tokens / float64(len(requests)))}, // the simulator makes as many as asked for
			{4, "requests/s", perSecond.times(float64(len(requests)))},
			{5, "latency, s", meanSpan(whole)},
			{6, "output tokens/s of a request", meanSpan(speed)},
			{7, "ms/token", meanSpan(perToken)},
			{8, "first token, ms", meanSpan(first)},
			{9, "output tokens/s", perSecond.times(tokens)},
		} {
			if !known && column.at >= 6 && column.at <= 8 || atOnce && column.at == 6 {
				continue
			}
			if math.IsNaN(column.want.low) { // no request has it
				if row[column.at] != "" {
					t.Errorf("%s: %s is %s, want none", c.Name, column.what, row[column.at])
				}
				continue
			}
			got, err := strconv.ParseFloat(row[column.at], 64)
			if slack := 6e-5 + 1e-6*math.Abs(got); err != nil || got < column.want.low-slack || got > column.want.high+slack {
				t.Errorf("%s: %s is %q, %v; the records have %v", c.Name, column.what, row[column.at], err, column.want)
			}
		}
	}
}

// TestDynamicArrivals holds the gaps between the scheduled starts against the exponential
// law: the test of Kolmogorov and Smirnov, at a level of 1 %. The schedule depends on the
// seed alone, so that it always ends the same way.
func TestDynamicArrivals(t *testing.T) {
	const rate, prompts = 1000, 1000
	s := playDynamic(t, "--request-rate", strconv.Itoa(rate), "--num-prompts", strconv.Itoa(prompts))
	requests := s.records[1]
	if len(requests) != prompts {
		t.Fatalf("%d records, want %d", len(requests), prompts)
	}
	gaps := make([]float64, prompts-1)
	for i := range gaps {
		gaps[i] = float64(requests[i+1].ScheduledAt-requests[i].ScheduledAt) / 1e9
	}
	exponential := func(x float64) float64 { return 1 - math.Exp(-rate*x) }
	critical := 1.628 / math.Sqrt(float64(len(gaps)))
	if d := largestDistance(gaps, exponential); d > critical {
		t.Errorf("the gaps are %.4f from the exponential law, at most %.4f are likely", d, critical)
	}
	// It would notice: a rate that is 15 % off.
	if d := largestDistance(gaps, func(x float64) float64 { return exponential(0.85 * x) }); d < critical {
		t.Errorf("the gaps are %.4f from a law of another rate: the test says nothing", d)
	}
	// Each rate has other prompts.
	if n := s.cases[0].Metrics["cached_tokens"]; n != nil && *n.Max > 0 {
		t.Errorf("prompts came twice: %+v", n)
	}
}

// largestDistance is the statistic of Kolmogorov and Smirnov.
func largestDistance(sample []float64, law func(float64) float64) (d float64) {
	sorted := slices.Sorted(slices.Values(sample))
	n := float64(len(sorted))
	for i, x := range sorted {
		d = max(d, law(x)-float64(i)/n, float64(i+1)/n-law(x))
	}
	return d
}
