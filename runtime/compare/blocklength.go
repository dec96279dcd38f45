package compare

import "math"

// blockLength is how many neighbours in time are drawn together, so that the blocks
// hardly depend on each other: the rule of Politis and White (2004, corrected by Patton,
// Politis and White 2009) for the circular block bootstrap of a mean, of a series whose
// mean is taken away here. It grows with how long the memory of the series is; 1 is that
// of a series without any.
func blockLength(x []float64) float64 {
	n := len(x)
	if n < 4 {
		return 1
	}
	mean := 0.0
	for _, v := range x {
		mean += v
	}
	mean /= float64(n)
	covariance := func(lag int) float64 {
		sum := 0.0
		for i := lag; i < n; i++ {
			sum += (x[i] - mean) * (x[i-lag] - mean)
		}
		return sum / float64(n)
	}
	r := []float64{covariance(0)}
	if r[0] <= 0 {
		return 1
	}

	// The memory ends before the first run of quiet lags: correlations that chance
	// explains.
	logN := math.Log10(float64(n))
	quiet := max(5, int(math.Ceil(math.Sqrt(logN))))
	limit := 2 * math.Sqrt(logN/float64(n)) * r[0]
	longest := min(n-1, int(math.Ceil(math.Sqrt(float64(n))))+quiet)
	memory, calm := 0, 0
	for lag := 1; lag <= longest && calm < quiet; lag++ {
		r = append(r, covariance(lag))
		if math.Abs(r[lag]) < limit {
			calm++
		} else {
			memory, calm = lag, 0
		}
	}

	// With the flat-top window over twice that, which needs no lag beyond.
	window := min(2*max(memory, 1), longest)
	spectrum, slope := r[0], 0.0
	for lag := 1; lag <= window; lag++ {
		if lag == len(r) {
			r = append(r, covariance(lag))
		}
		weight := min(1, 2*(1-float64(lag)/float64(window)))
		spectrum += 2 * weight * r[lag]
		slope += 2 * weight * float64(lag) * r[lag]
	}
	bound := min(3*math.Sqrt(float64(n)), float64(n)/3)
	if spectrum <= 0 {
		return bound
	}
	b := math.Cbrt(2*slope*slope/(4./3*spectrum*spectrum)) * math.Cbrt(float64(n))
	return max(1, min(b, bound))
}

// period is the length, from..to, after which the series is most like itself. What comes
// in waves is drawn in whole ones then: blocks with a wave more or less would differ by
// it, and make intervals wider than they are.
func period(x []float64, from, to int) int {
	best, most := to, math.Inf(-1)
	for lag := max(1, from); lag <= min(to, len(x)-1); lag++ {
		sum := 0.0
		for i := lag; i < len(x); i++ {
			sum += x[i] * x[i-lag]
		}
		if sum /= float64(len(x) - lag); sum > most {
			best, most = lag, sum
		}
	}
	return best
}
