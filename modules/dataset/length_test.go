package dataset_test

import (
	"math"
	"testing"

	"weir/modules/dataset"
)

// Lengths of each distribution against its closed form. Bounds are five standard errors wide.
func TestLaws(t *testing.T) {
	const n = 20000
	draw := func(l dataset.Length) (all []float64, mean, std float64) {
		t.Helper()
		d := mustMake(t, dataset.Synthetic{Tokenizer: builtin(t), Count: 1, Input: dataset.Fixed(1), Output: dataset.Fixed(1)})
		d, err := d.Cycle(n)
		if err != nil {
			t.Fatal(err)
		}
		if d, err = d.WithOutput(l, 5); err != nil {
			t.Fatal(err)
		}
		for i := range d.Len() {
			x := float64(at(d, i).OutputTokens)
			all = append(all, x)
			mean += x / n
		}
		for _, x := range all {
			std += (x - mean) * (x - mean) / (n - 1)
		}
		return all, mean, math.Sqrt(std)
	}
	near := func(what string, got, want, within float64) {
		t.Helper()
		if math.Abs(got-want) > within {
			t.Errorf("%s is %.3f, want %.3f ± %.3f", what, got, want, within)
		}
	}

	// Of whole numbers from a to b: (a+b)/2, and ((b−a+1)²−1)/12.
	_, mean, std := draw(dataset.Length{Law: dataset.Uniform, Min: 100, Max: 299})
	want := math.Sqrt((200*200 - 1) / 12.0)
	near("mean of uniform", mean, 199.5, 5*want/math.Sqrt(n))
	near("deviation of uniform", std, want, 0.92)

	// The lengths' own mean and deviation; half a token is cut off.
	_, mean, std = draw(dataset.Length{Law: dataset.Lognormal, Mean: 1000, Std: 500})
	near("mean of lognormal", mean, 999.5, 5*500/math.Sqrt(n))
	near("deviation of lognormal", std, 500, 35) // its fourth moment is large: 6.6 standard errors

	// The median of a lognormal: m/√(1+s²/m²).
	all, _, _ := draw(dataset.Length{Law: dataset.Lognormal, Mean: 1000, Std: 500})
	below := 0.0
	for _, x := range all {
		if x < 1000/math.Sqrt(1.25) {
			below++
		}
	}
	near("share below the median", below/n, 0.5, 5*0.5/math.Sqrt(n))

	// The first two ranks of Zipf: 1/H and 2^−s/H, H the sum of all.
	all, _, _ = draw(dataset.Length{Law: dataset.Zipf, Exponent: 1.2, Min: 10, Max: 109})
	h := 0.0
	for r := range 100 {
		h += math.Pow(float64(r+1), -1.2)
	}
	counts := map[float64]float64{}
	for _, x := range all {
		counts[x]++
	}
	for rank := range 3 {
		p := math.Pow(float64(rank+1), -1.2) / h
		near("share of a rank of zipf", counts[10+float64(rank)]/n, p, 5*math.Sqrt(p*(1-p)/n))
	}
	if counts[9]+counts[110] > 0 {
		t.Error("zipf leaves its limits")
	}

	all, mean, _ = draw(dataset.Length{Law: dataset.Empirical, Values: []int{5, 5, 5, 105}})
	near("mean of empirical", mean, 30, 5*43.3/math.Sqrt(n))
	for _, x := range all {
		if x != 5 && x != 105 {
			t.Fatalf("empirical gives %v", x)
		}
	}

	// Clipped as generate_dataset.py clips: of normal(m, s) cut to whole numbers and clipped to a and b.
	_, mean, _ = draw(dataset.Length{Mean: 160, Std: 30, Min: 140, Max: 170})
	phi := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
	cdf := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	a, b := (141.0-160)/30, (170.0-160)/30
	// E = a·P(x<a+1) + ∫ (x−½) + b·P(x≥b): a cut number is half less than what was drawn, in the mean.
	closed := 140*cdf(a) + (160-0.5)*(cdf(b)-cdf(a)) + 30*(phi(a)-phi(b)) + 170*(1-cdf(b))
	near("mean of the clipped normal", mean, closed, 5*13/math.Sqrt(n))
}
