package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// maxLength bounds every length, in tokens: ten times the longest context known.
const maxLength = 100_000_000

// Length is how long prompts or outputs are, in tokens: a normal distribution,
// cut to whole numbers and then clipped to Min and Max. With Std 0 all are equal.
type Length struct {
	Mean, Std float64
	Min       int // 0: the least that is possible
	Max       int // 0: no limit
}

// Fixed is the length n.
func Fixed(n int) Length { return Length{Mean: float64(n), Min: n, Max: n} }

// complete checks a length and returns it with its limits filled in. least is
// the shortest that is possible, and why tells the reason for it.
func (l Length) complete(what string, least int, why string) (Length, error) {
	if l.Min == 0 && l.Mean >= 1 {
		l.Min = least
	}
	if l.Max == 0 {
		l.Max = maxLength
	}
	switch {
	case !(l.Mean >= 1 && l.Mean <= maxLength): // also NaN
		return l, fmt.Errorf("%s: a length of %v tokens is out of range (%d to %d)", what, l.Mean, least, maxLength)
	case !(l.Std >= 0 && l.Std <= maxLength):
		return l, fmt.Errorf("%s: a standard deviation of %v tokens is out of range (0 to %d)", what, l.Std, maxLength)
	case l.Max > maxLength:
		return l, fmt.Errorf("%s: a maximum of %d tokens is out of range (at most %d)", what, l.Max, maxLength)
	case l.Min < least:
		return l, fmt.Errorf("%s: %d tokens are impossible, the least is %d%s", what, l.Min, least, why)
	case l.Min > l.Max:
		return l, fmt.Errorf("%s: the minimum of %d tokens is greater than the maximum of %d", what, l.Min, l.Max)
	}
	return l, nil
}

// draw returns one length.
func (l Length) draw(rng *rand.Rand) int {
	n := math.Trunc(l.Mean + l.Std*rng.NormFloat64())
	return int(min(max(n, float64(l.Min)), float64(l.Max)))
}
