package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"weir/runtime/chart"
	"weir/runtime/race"
	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

// sized is a run of cases of synthetic requests.
func sized(loads ...resulttest.Load) *result.Result {
	var cases []*result.Case
	for i, l := range loads {
		c := resulttest.LLMCase(fmt.Sprintf("rate %d", i+1), int64(l.Requests), float64(l.TTFT.Milliseconds()))
		c.Tags = map[string]any{"rate": i + 1}
		c.Duration = l.Duration().Seconds()
		c.Throughput.OutputTokens = float64(l.Requests*l.Tokens) / c.Duration
		cases = append(cases, c)
	}
	return resulttest.Run(cases...)
}

func all(loads ...resulttest.Load) iter.Seq[*result.Request] {
	return func(yield func(*result.Request) bool) {
		for _, l := range loads {
			for q := range l.All() {
				if !yield(q) {
					return
				}
			}
		}
	}
}

func devices(cases, n int, width time.Duration) iter.Seq[*result.Sample] {
	return func(yield func(*result.Sample) bool) {
		for c := range cases {
			for i := range n {
				at := resulttest.Began.Add(time.Duration(i) * width).UnixNano()
				for npu := range 2 {
					if !yield(&result.Sample{At: at, Case: c + 1, Source: "npu-smi", Kind: "npu", Index: npu, Health: "OK",
						Values: map[string]float64{"power_w": 200 + float64(i%50), "aicore_pct": float64(40 + i%60), "memory_pct": 87.5, "temperature_c": 51}}) {
						return
					}
				}
				if !yield(&result.Sample{At: at, Case: c + 1, Source: "http://127.0.0.1/metrics", Kind: "service",
					Values: map[string]float64{"running": float64(i % 32), "waiting": float64(i % 7), "kv_cache_pct": float64(i % 100)}}) {
					return
				}
			}
		}
	}
}

// figuresOf are all figures of a run.
func figuresOf(d *Data) []Figure {
	figures := d.Overview()
	for i := range d.cases {
		figures = append(figures, d.Case(i)...)
	}
	return figures
}

// wellFormed checks what any figure has to be.
func wellFormed(t *testing.T, figures []Figure) {
	t.Helper()
	ids := map[string]bool{}
	for _, f := range figures {
		if ids[f.ID] {
			t.Errorf("%s: there are two of it", f.ID)
		}
		ids[f.ID] = true
		svg := f.Chart.SVG()
		if strings.Contains(string(svg), "NaN") || strings.Contains(string(svg), "Inf") {
			t.Errorf("%s has a number that is none", f.ID)
		}
		for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", f.ID, err)
			}
		}
		for i := range f.Chart.Series {
			if !strings.Contains(string(svg), fmt.Sprintf(`data-series="%d"`, i)) {
				t.Errorf("%s: series %d is not drawn", f.ID, i)
			}
		}
		if f.Title == "" || f.Caption == "" || len(f.Table.Rows) == 0 {
			t.Errorf("%s has no words or no table", f.ID)
		}
		for _, row := range f.Table.Rows {
			if len(row) != len(f.Table.Head) {
				t.Errorf("%s: a row %v for the heads %v", f.ID, row, f.Table.Head)
			}
		}
	}
}

// A hundred thousand requests, and more gaps than are kept one by one: a small page.
func TestLargeRun(t *testing.T) {
	load := resulttest.Load{Case: 1, Requests: 100_000, Tokens: 12, Every: 2 * time.Millisecond, TTFT: 200 * time.Millisecond, ITL: 20 * time.Millisecond, Fail: 500}
	if race.Enabled || testing.Short() {
		load.Requests, load.Fail = 10_000, 50
	}
	run := resulttest.Folder(t, sized(load), load.All(), devices(1, 200, time.Second))
	began := time.Now()
	d := Load(run, English)
	t.Logf("read in %v", time.Since(began))
	if len(d.Notes) > 0 {
		t.Error(d.Notes)
	}
	figures := figuresOf(d)
	wellFormed(t, figures)
	size := 0
	for _, f := range figures {
		size += len(f.Chart.SVG())
	}
	t.Logf("%d figures, %d bytes, %v", len(figures), size, time.Since(began))
	if size > 300_000 {
		t.Errorf("the charts of one case take %d bytes", size)
	}
	if len(figures) < 13 {
		t.Errorf("there are %d figures", len(figures))
	}
	var bars int
	for _, f := range figures {
		if f.ID == "case-1-requests" {
			for _, s := range f.Chart.Series {
				if s.Ink == "decode" || s.Ink == "failed" {
					bars += len(s.Points)
				}
			}
			if !strings.Contains(f.Caption, "400 of "+whole(int64(load.Requests))) {
				t.Errorf("the caption does not say how many are drawn: %s", f.Caption)
			}
		}
	}
	if bars != 400 {
		t.Errorf("%d requests are drawn", bars)
	}
}

// Two hundred cases still make a page that can be mailed.
func TestManyCases(t *testing.T) {
	if race.Enabled {
		t.Skip("it does nothing at once, and takes long with the race detector")
	}
	var loads []resulttest.Load
	for i := range 200 {
		loads = append(loads, resulttest.Load{Case: i + 1, Requests: 100, Tokens: 50, Every: 20 * time.Millisecond, TTFT: 100 * time.Millisecond, ITL: 15 * time.Millisecond, Fail: 30})
	}
	run := resulttest.Folder(t, sized(loads...), all(loads...), devices(200, 20, 150*time.Millisecond))
	d := Load(run, Chinese)
	figures := d.Overview()
	for i := range 5 {
		figures = append(figures, d.Case(40*i)...)
	}
	wellFormed(t, figures)
	if len(d.Notes) != 2 { // what figures and what tables lack
		t.Errorf("notes: %q", d.Notes)
	}
	page := new(bytes.Buffer)
	if err := Write(page, run, Options{Lang: Chinese}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", page.Len())
	if page.Len() > 5_000_000 {
		t.Errorf("the page has %d bytes", page.Len())
	}
}

// What is drawn keeps the extremes of what was measured.
func TestExtremesAreKept(t *testing.T) {
	load := resulttest.Load{Case: 1, Requests: 5000, Tokens: 10, Every: 3 * time.Millisecond, TTFT: 50 * time.Millisecond, ITL: 10 * time.Millisecond}
	requests := func(yield func(*result.Request) bool) {
		for q := range load.All() {
			if q.Iteration == 2500 { // one that is slower than all others, everywhere
				q.TokenGaps[0] = 3_000_000
				q.TokenGaps[5] = 1_234_000
				q.End = new(int64(5_000_000))
			}
			if !yield(q) {
				return
			}
		}
	}
	samples := func(yield func(*result.Sample) bool) {
		for i := range 20000 {
			v := 50.0
			if i == 7777 {
				v = 99
			}
			yield(&result.Sample{At: resulttest.Began.Add(time.Duration(i) * time.Millisecond / 2).UnixNano(), Case: 1, Kind: "npu", Values: map[string]float64{"aicore_pct": v}})
		}
	}
	d := Load(resulttest.Folder(t, sized(load), requests, samples), English)
	by := map[string]Figure{}
	for _, f := range d.Case(0) {
		by[f.ID] = f
	}
	largest := func(id string, of func(chart.Point) float64) float64 {
		v := math.Inf(-1)
		for _, s := range by[id].Chart.Series {
			for _, p := range s.Points {
				if x := of(p); !math.IsNaN(x) {
					v = max(v, x)
				}
			}
		}
		return v
	}
	f := func(id string, of func(chart.Point) float64, want float64) {
		t.Helper()
		if got := largest(id, of); math.Abs(got-want) > want*1e-6 {
			t.Errorf("%s goes up to %v, not %v", id, got, want)
		}
	}
	high := func(p chart.Point) float64 { return p.High }
	f("case-1-ttft", high, 3000)
	f("case-1-devices-use", high, 99)
	var slowest Row
	for _, r := range d.Slowest(0) {
		if r.Iteration == 2500 {
			slowest = r
		}
	}
	if slowest.Gap == nil || *slowest.Gap != 1234 || !slices.Contains(slowest.Why, SlowE2EL) || !slices.Contains(slowest.Why, SlowGap) || !slices.Contains(slowest.Why, SlowTTFT) {
		t.Errorf("the slowest request is %+v", slowest)
	}
	for _, s := range by["case-1-cdf"].Chart.Series {
		if last := s.Points[len(s.Points)-1]; s.Name == "ITL" && (last.X != 1234 || last.Y != 100) {
			t.Errorf("the distribution of ITL ends at %+v", last)
		}
	}
	for _, s := range by["case-1-requests"].Chart.Series {
		if s.Ink == "prefill" && !slices.ContainsFunc(s.Points, func(p chart.Point) bool { return p.High-p.Low == 3 }) {
			t.Error("the slowest request is not among the bars")
		}
	}
}

// In flight: what is counted is what was there.
func TestInFlight(t *testing.T) {
	var all []moments
	for _, r := range [][2]int{{0, 10}, {5, 15}, {15, 20}, {15, 30}} { // seconds
		all = append(all, moments{time.Duration(r[0]) * time.Second, 1}, moments{time.Duration(r[1]) * time.Second, -1})
	}
	slices.SortFunc(all, func(a, b moments) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return int(a.change - b.change)
	})
	edges := func(i int) (from, to time.Duration) { // the last one is longer
		return []time.Duration{0, 10 * time.Second}[i], []time.Duration{10 * time.Second, 30 * time.Second}[i]
	}
	l := levelOf(all, edges, 2)
	want := level{low: []float64{1, 1}, high: []float64{2, 2}, mean: []float64{1.5, 1.25}}
	if fmt.Sprint(l) != fmt.Sprint(want) {
		t.Errorf("%v, not %v", l, want)
	}
}

// Buckets that get too narrow for the time become wider, and lose nothing.
func TestBucketsFold(t *testing.T) {
	b := newBuckets(time.Millisecond, 10)
	for i := range 1000 {
		b.add(time.Duration(i)*time.Millisecond, float64(i))
	}
	b.add(-time.Second, 5000)
	n, sum, most := 0, 0.0, 0.0
	for _, v := range b.all {
		n, sum, most = n+v.n, sum+v.sum, max(most, v.max)
	}
	if n != 1001 || sum != 499500+5000 || most != 5000 || len(b.all) > 10 || b.width != 128*time.Millisecond {
		t.Errorf("%d values, sum %v, most %v, %d buckets of %v", n, sum, most, len(b.all), b.width)
	}
}

// A file that was cut off gives what it has, and says so.
func TestCutOff(t *testing.T) {
	load := resulttest.Load{Case: 1, Requests: 300, Tokens: 10, Every: 10 * time.Millisecond, TTFT: 50 * time.Millisecond, ITL: 10 * time.Millisecond}
	run := resulttest.Folder(t, sized(load), load.All(), nil)
	path := filepath.Join(run.Dir, result.RecordsName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := decompress(t, data)
	rewrite(t, path, text[:len(text)*2/3])
	d := Load(run, English)
	if len(d.cases[0].requests) < 150 || len(d.cases[0].requests) > 250 {
		t.Errorf("%d requests were read", len(d.cases[0].requests))
	}
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "could be read up to request") {
		t.Errorf("notes %q", d.Notes)
	}
	wellFormed(t, figuresOf(d))
}

func decompress(t testing.TB, data []byte) []byte {
	t.Helper()
	r, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := r.DecodeAll(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func rewrite(t testing.TB, path string, text []byte) {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := os.WriteFile(path, w.EncodeAll(text, nil), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Records that cannot be are left out and counted; nothing of them ends the reading.
func TestOddRecords(t *testing.T) {
	at := resulttest.Began.UnixNano()
	good := func() *result.Request {
		return &result.Request{Case: 1, Kind: "llm", Started: at, End: new(int64(100000)), Status: 200, TokenGaps: []int64{50000, 1000, 1000}, OutputTokens: &result.TokenCount{N: 3, Source: "usage"}}
	}
	f := func(what string, change func(*result.Request), read, odd int) {
		t.Helper()
		q := good()
		change(q)
		load := resulttest.Load{Case: 1, Requests: 1}
		run := resulttest.Folder(t, sized(load), slices.Values([]*result.Request{good(), q}), nil)
		d := Load(run, English)
		if got := d.cases[0]; len(got.requests) != read || got.odd != odd {
			t.Errorf("%s: %d were read, %d are odd; want %d and %d", what, len(got.requests), got.odd, read, odd)
		}
		wellFormed(t, figuresOf(d))
		d.Slowest(0)
	}
	f("good", func(*result.Request) {}, 2, 0)
	f("no case", func(q *result.Request) { q.Case = 0 }, 1, 0)
	f("a case that is not there", func(q *result.Request) { q.Case = 77 }, 1, 0)
	f("ends before it starts", func(q *result.Request) { q.End = new(int64(-5)) }, 1, 1)
	f("goes back", func(q *result.Request) { q.TokenGaps[1] = -1 }, 2, 0) // it is taken as arriving with the one before
	f("a negative first token", func(q *result.Request) { q.TokenGaps[0] = -40 }, 1, 1)
	f("years away", func(q *result.Request) { q.Started = 1 }, 1, 1)
	f("an end of years", func(q *result.Request) { q.End = new(int64(math.MaxInt64 / 1000)) }, 1, 1)
	f("no times at all", func(q *result.Request) { *q = result.Request{Case: 1, Kind: "llm"} }, 1, 1)
	f("never sent", func(q *result.Request) {
		*q = result.Request{Case: 1, Kind: "llm", ScheduledAt: at, EndedAt: at + 1e9, Error: &result.RequestError{Kind: "connect", Message: "refused"}}
	}, 2, 0)
	f("plain http", func(q *result.Request) { q.Kind, q.TokenGaps, q.OutputTokens = "http", nil, nil }, 2, 0)
	f("many tokens", func(q *result.Request) { q.OutputTokens.N = math.MaxInt64; q.Tokens = []int{-1, math.MaxInt, 1} }, 2, 0)
}

func FuzzLoad(f *testing.F) {
	load := resulttest.Load{Case: 1, Requests: 3, Tokens: 3, Every: time.Millisecond, TTFT: time.Millisecond, ITL: time.Millisecond, Fail: 2}
	var lines []byte
	for q := range load.All() {
		line, err := json.Marshal(q)
		if err != nil {
			f.Fatal(err)
		}
		lines = append(append(lines, line...), '\n')
	}
	f.Add(lines, []byte(`{"unix_ns":1772600767100000000,"case":1,"kind":"npu","values":{"power_w":96}}`), 12.5)
	f.Add([]byte(`{"case":1,"kind":"llm","started_unix_ns":1772600767000000000,"end_us":-1}`), []byte(`{"case":1}`), -1.0)
	f.Add([]byte(`{"case":1,"kind":"http","ended_unix_ns":1772600767000000000,"error":{"kind":"x"}}`), []byte(``), 1e300)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, requests, samples []byte, duration float64) {
		rewrite(t, filepath.Join(dir, result.RecordsName), requests)
		rewrite(t, filepath.Join(dir, result.SamplesName), samples)
		r := sized(load, load)
		r.Cases[0].Duration = duration
		d := Load(&result.Run{Dir: dir, Result: r}, English)
		wellFormed(t, figuresOf(d))
		d.Slowest(0)
	})
}
