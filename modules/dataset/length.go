package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
)

// maxLength bounds every length, in tokens: ten times the longest context known.
const maxLength = 100_000_000

// maxRanks bounds the values of a Zipf distribution.
const maxRanks = 1 << 20

// Law is the name of a distribution of lengths.
type Law string

const (
	Normal    Law = "normal"    // Mean, Std
	Uniform   Law = "uniform"   // every whole number from Min to Max
	Lognormal Law = "lognormal" // Mean, Std of the lengths themselves
	Zipf      Law = "zipf"      // Min+r with a probability in proportion to 1/(r+1)^Exponent, up to Max
	Empirical Law = "empirical" // one of Values
)

// Length is how long prompts or outputs are, in tokens. What is drawn is cut to
// whole numbers and then clipped to Min and Max (generate_dataset.py:
// normal(avg, std).astype(int), clip). With Std 0 all are equal.
type Length struct {
	Law       Law // "": Normal
	Mean, Std float64
	Min       int // 0: the least that is possible
	Max       int // 0: no limit
	Exponent  float64
	Values    []int

	ranks []float64 // of Zipf: cumulative weights
}

// Fixed is the length n.
func Fixed(n int) Length { return Length{Mean: float64(n), Min: n, Max: n} }

// complete checks a length and returns it with its limits filled in. least is
// the shortest that is possible, and why tells the reason for it.
func (l Length) complete(what string, least int, why string) (Length, error) {
	fault := func(format string, args ...any) (Length, error) {
		return l, fmt.Errorf(what+": "+format, args...)
	}
	switch l.Law {
	case "", Normal, Lognormal:
		if l.Min == 0 && l.Mean >= 1 {
			l.Min = least
		}
		if !(l.Mean >= 1 && l.Mean <= maxLength) { // also NaN
			return fault("a length of %v tokens is out of range (%d to %d)", l.Mean, least, maxLength)
		}
		if !(l.Std >= 0 && l.Std <= maxLength) {
			return fault("a standard deviation of %v tokens is out of range (0 to %d)", l.Std, maxLength)
		}
	case Uniform, Zipf:
		if l.Min == 0 {
			l.Min = least
		}
		if l.Max == 0 {
			return fault("max is missing: the %s distribution goes from min to max", l.Law)
		}
	case Empirical:
		if len(l.Values) == 0 {
			return fault("there are no lengths to draw from")
		}
		if l.Min == 0 {
			l.Min = least
		}
	default:
		return fault("there is no distribution %q: there are normal, uniform, lognormal, zipf and empirical", l.Law)
	}
	if l.Max == 0 {
		l.Max = maxLength
	}
	switch {
	case l.Max > maxLength:
		return fault("a maximum of %d tokens is out of range (at most %d)", l.Max, maxLength)
	case l.Min < least:
		return fault("%d tokens are impossible, the least is %d%s", l.Min, least, why)
	case l.Min > l.Max:
		return fault("the minimum of %d tokens is greater than the maximum of %d", l.Min, l.Max)
	}
	if l.Law == Zipf {
		var err error
		if l.ranks, err = zipfRanks(l.Exponent, l.Max-l.Min+1); err != nil {
			return fault("%w", err)
		}
	}
	return l, nil
}

// zipfRanks are the cumulative weights of n ranks.
func zipfRanks(s float64, n int) ([]float64, error) {
	if !(s > 0 && s <= 100) {
		return nil, fmt.Errorf("an exponent s of %v is out of range: it is above 0, such as 1.1", s)
	}
	if n > maxRanks {
		return nil, fmt.Errorf("a zipf distribution of %d values is too wide: max − min is at most %d", n, maxRanks-1)
	}
	ranks := make([]float64, n)
	sum := 0.0
	for r := range ranks {
		sum += math.Pow(float64(r+1), -s)
		ranks[r] = sum
	}
	return ranks, nil
}

// draw returns one length. The length is complete.
func (l *Length) draw(rng *rand.Rand) int {
	var x float64
	switch l.Law {
	case Uniform:
		return l.Min + rng.IntN(l.Max-l.Min+1)
	case Zipf:
		at := rng.Float64() * l.ranks[len(l.ranks)-1]
		return l.Min + min(sort.SearchFloat64s(l.ranks, at), len(l.ranks)-1)
	case Empirical:
		x = float64(l.Values[rng.IntN(len(l.Values))])
	case Lognormal:
		// Of a lognormal with mean m and deviation s: σ² = ln(1 + s²/m²), μ = ln m − σ²/2.
		variance := math.Log1p(l.Std / l.Mean * l.Std / l.Mean)
		x = math.Trunc(math.Exp(math.Log(l.Mean) - variance/2 + math.Sqrt(variance)*rng.NormFloat64()))
	default:
		x = math.Trunc(l.Mean + l.Std*rng.NormFloat64())
	}
	return int(min(max(x, float64(l.Min)), float64(l.Max)))
}
