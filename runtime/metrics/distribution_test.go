package metrics_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/montanaflynn/stats"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// observed makes the distribution of values, of which limit are kept exactly.
func observed(t *testing.T, limit int, values []float64) *result.Metric {
	t.Helper()
	r := metrics.NewRecorder(metrics.Options{ExactLimit: limit})
	for _, v := range values {
		if err := r.Observe("sample", metrics.Trend, "ms", v); err != nil {
			t.Fatal(err)
		}
	}
	return r.Finish(result.Counts{}, nil, metrics.Rules{}).Metrics["sample"]
}

// The percentiles are those of numpy 2.4, to the last bit:
//
//	[repr(float(x)) for x in numpy.percentile(v, [50, 75, 90, 95, 99, 99.9])]
func TestPercentilesAreNumpys(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i) // not in order
	}
	cubes := make([]float64, 7)
	for i := range cubes {
		cubes[i] = math.Pow(float64(i+1), 3) / 7
	}
	for _, row := range []struct {
		values []float64
		want   []float64 // p50 p75 p90 p95 p99 p99.9
	}{
		{[]float64{5}, []float64{5, 5, 5, 5, 5, 5}},
		{[]float64{3, 1}, []float64{2, 2.5, 2.8, 2.9, 2.98, 2.998}},
		{hundred, []float64{50.5, 75.25, 90.10000000000001, 95.05, 99.01, 99.90100000000001}},
		{[]float64{0.1, 0.7, 3.3, 12.5, 12.5, 100.25, 1e6}, []float64{12.5, 56.375, 400060.1500000004, 700030.0749999993, 940006.0149999995, 994000.6015000007}},
		{cubes, []float64{9.142857142857142, 24.357142857142858, 38.11428571428572, 43.55714285714284, 47.911428571428566, 48.89114285714287}},
		{[]float64{-3.5, -1, 0, 0, 2, 1e9}, []float64{0.0, 1.5, 500000001.0, 750000000.5, 950000000.1000001, 995000000.010001}},
		{[]float64{0.1, 0.2, 0.3, 0.1, 0.2, 0.7, 0.30000000000000004}, []float64{0.2, 0.30000000000000004, 0.4600000000000002, 0.5799999999999997, 0.6759999999999997, 0.6976000000000002}},
	} {
		m := observed(t, 0, row.values)
		got := []float64{*m.P50, *m.P75, *m.P90, *m.P95, *m.P99, *m.P999}
		if !slices.Equal(got, row.want) || m.Estimator != "exact" {
			t.Errorf("%v: %v (%s), want %v (exact)", row.values, got, m.Estimator, row.want)
		}
		if m.Quantile(0) != slices.Min(row.values) || m.Quantile(100) != slices.Max(row.values) {
			t.Errorf("%v: from %v to %v, want from the least to the greatest", row.values, m.Quantile(0), m.Quantile(100))
		}
		if q := m.Quantile(-1); !math.IsNaN(q) {
			t.Errorf("percentile -1 is %v, want NaN", q)
		}
	}
}

// Our percentiles, which sort once, against those of the library, which sorts
// each time.
func TestPercentilesAgainstLibrary(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		values := make([]float64, 1+rng.IntN(300))
		for i := range values {
			values[i] = rng.NormFloat64() * math.Pow(10, float64(rng.IntN(6)))
		}
		m := observed(t, 0, values)
		for _, p := range []float64{0.1, 1, 12.3, 33, 50, 66.6, 90, 99, 99.99, 100} {
			want, err := stats.Percentile(values, p)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Quantile(p); math.Abs(got-want) > 1e-12*max(math.Abs(slices.Max(values)), math.Abs(slices.Min(values))) {
				t.Errorf("percentile %v of %d values: %v, the library has %v", p, len(values), got, want)
			}
		}
	}
}

// Past the limit, each percentile is off by 0.1% of itself at most; extremes,
// mean and standard deviation are those of all samples.
func TestHistogramErrorBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for name, sample := range map[string]func() float64{
		"latencies":         func() float64 { return math.Exp(rng.NormFloat64()*1.5 + 3) },
		"counts":            func() float64 { return float64(rng.IntN(2000)) },
		"tiny":              func() float64 { return rng.ExpFloat64() * 1e-9 },
		"huge":              func() float64 { return rng.ExpFloat64() * 1e15 },
		"of both signs":     func() float64 { return rng.NormFloat64() * 50 },
		"mostly zero":       func() float64 { return max(0, rng.NormFloat64()-2) },
		"nine decades":      func() float64 { return math.Pow(10, rng.Float64()*9-4) },
		"all the same":      func() float64 { return 8.25 },
		"all zero":          func() float64 { return 0 },
		"later ones larger": func() func() float64 { n := 0.0; return func() float64 { n++; return n } }(),
	} {
		values := make([]float64, 20_000)
		for i := range values {
			values[i] = sample()
		}
		hdr, exact := observed(t, 100, values), observed(t, 0, values)
		if hdr.Estimator != "hdr" || exact.Estimator != "exact" || hdr.N != exact.N {
			t.Fatalf("%s: %s and %s of %d and %d samples", name, hdr.Estimator, exact.Estimator, hdr.N, exact.N)
		}
		for p := 0.0; p <= 100; p += 0.37 {
			got, want := hdr.Quantile(p), exact.Quantile(p)
			if math.Abs(got-want) > 0.001*math.Abs(want) {
				// Between samples of different signs the bound is that of the samples.
				if place := p / 100 * float64(len(values)-1); want != 0 && exact.Quantile(100*math.Floor(place)/float64(len(values)-1)) < 0 &&
					exact.Quantile(100*math.Ceil(place)/float64(len(values)-1)) > 0 {
					continue
				}
				t.Errorf("%s: percentile %.2f is %v, want %v ± 0.1%%", name, p, got, want)
			}
		}
		if *hdr.Min != *exact.Min || *hdr.Max != *exact.Max {
			t.Errorf("%s: from %v to %v, want from %v to %v", name, *hdr.Min, *hdr.Max, *exact.Min, *exact.Max)
		}
		scale := max(math.Abs(*exact.Max), math.Abs(*exact.Min))
		if math.Abs(*hdr.Avg-*exact.Avg) > 1e-9*scale || math.Abs(*hdr.Std-*exact.Std) > 1e-9*scale {
			t.Errorf("%s: mean %v ± %v, want %v ± %v", name, *hdr.Avg, *hdr.Std, *exact.Avg, *exact.Std)
		}
	}
}

func TestLimitIsExact(t *testing.T) {
	values := make([]float64, 1000)
	for i := range values {
		values[i] = float64(i) + 0.123
	}
	if m := observed(t, 1000, values); m.Estimator != "exact" {
		t.Errorf("1000 samples with a limit of 1000: %s, want exact", m.Estimator)
	}
	if m := observed(t, 999, values); m.Estimator != "hdr" {
		t.Errorf("1000 samples with a limit of 999: %s, want hdr", m.Estimator)
	}
}
