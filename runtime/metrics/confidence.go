package metrics

import (
	"math"

	"weir/runtime/result"
)

// The confidence interval of a mean has to know that requests which run at the same time
// have much in common, and so have the gaps of one request: 10,000 gaps of 100 requests
// are not 10,000 independent samples. So the samples are added up by the request's number,
// in at most maxRows rows of as many successive requests each, and what is told from how
// the rows scatter around the mean is its long-run variance: the estimator of Lazarus,
// Lewis, Stock and Watson (HAR Inference, Journal of Business & Economic Statistics 36,
// 2018), which weighs the first few cosine transforms equally and compares with Student's t
// of as many degrees of freedom. docs/metrics.md has the formula.

const (
	maxRows   = 128 // a power of two
	leastRows = 20  // with samples, without which there is no interval
)

// means are what the means of distributions come from, by number of the request.
type means struct {
	shift uint // a row is of 1<<shift requests
	rows  []meanRow
}

type meanRow [distributions]struct {
	sum float64
	n   int64
}

// row gives the row of a request.
func (m *means) row(number int64) *meanRow {
	at := int(number >> m.shift)
	if at >= maxRows {
		to := m.shift
		for number>>to >= maxRows {
			to++
		}
		m.widen(to)
		at = int(number >> m.shift)
	}
	if at >= len(m.rows) {
		m.rows = append(m.rows, make([]meanRow, at+1-len(m.rows))...)
	}
	return &m.rows[at]
}

// widen makes rows of 1<<shift requests.
func (m *means) widen(shift uint) {
	by := shift - m.shift
	for i := range m.rows {
		if to := i >> by; to < i {
			m.rows[to].merge(&m.rows[i])
			m.rows[i] = meanRow{}
		}
	}
	m.rows = m.rows[:(len(m.rows)+1<<by-1)>>by]
	m.shift = shift
}

func (row *meanRow) merge(o *meanRow) {
	for id := range row {
		row[id].sum += o[id].sum
		row[id].n += o[id].n
	}
}

// merge adds the rows of another shard, which may be widened.
func (m *means) merge(o *means) {
	switch {
	case len(o.rows) == 0:
		return
	case o.shift < m.shift:
		o.widen(m.shift)
	case o.shift > m.shift:
		m.widen(o.shift)
	}
	if n := len(o.rows) - len(m.rows); n > 0 {
		m.rows = append(m.rows, make([]meanRow, n)...)
	}
	for i := range o.rows {
		m.rows[i].merge(&o.rows[i])
	}
}

// interval is the 95 % confidence interval of the mean of a distribution; false: there
// are too few requests with samples of it to tell.
func (m *means) interval(id int) (low, high float64, ok bool) {
	var sums, counts []float64
	sum, n := 0.0, 0.0
	for i := range m.rows {
		if of := &m.rows[i][id]; of.n > 0 {
			sums, counts = append(sums, of.sum), append(counts, float64(of.n))
			sum += of.sum
			n += float64(of.n)
		}
	}
	if len(sums) < leastRows {
		return 0, 0, false
	}
	mean := sum / n
	for i := range sums {
		sums[i] -= mean * counts[i]
	}
	rows := float64(len(sums))
	variance, degrees := longRun(sums)
	half := studentT(degrees) * math.Sqrt(variance*rows/(rows-1)) / n
	return mean - half, mean + half, true
}

// longRun is the variance of the sum of a series whose mean is 0 and whose neighbours are
// alike, and the degrees of freedom with which that is known.
func longRun(series []float64) (variance float64, degrees int) {
	n := float64(len(series))
	degrees = max(2, int(0.4*math.Cbrt(n*n)))
	squares := 0.0
	for j := 1; j <= degrees; j++ {
		transform := 0.0
		for t, v := range series {
			transform += v * math.Cos(math.Pi*float64(j)*(float64(t)+0.5)/n)
		}
		squares += transform * transform * 2
	}
	return squares / float64(degrees), degrees
}

// studentT is the 97.5th percentile of Student's t; maxRows rows have 10 degrees of freedom.
func studentT(degrees int) float64 {
	return [...]float64{2: 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281}[degrees]
}

// intervals gives the means of a case their confidence intervals. Which gaps are samples
// of itl_decode is known later than whose they are, so that has none.
func (r *Recorder) intervals(c *result.Case) {
	var all means
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		all.merge(&s.means)
		s.mu.Unlock()
	}
	for id, d := range distributionNames {
		m := c.Metrics[d.name]
		if m == nil || m.Avg == nil {
			continue
		}
		if low, high, ok := all.interval(id); ok {
			m.AvgLow, m.AvgHigh = &low, &high
		}
	}
}
