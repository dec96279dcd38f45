package compare

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"weir/runtime/result"
)

// estimate is what one side knows of a statistic.
type estimate struct {
	value  float64
	ok     bool
	byRun  []float64 // of each of several runs
	drawn  []float64 // resamples; nil: there are no requests to draw
	blocks float64   // that these were drawn from
	atom   float64   // of a share: what one request is of it
	tooFew string    // why nothing can be concluded from the requests
	length int       // of a block, requests
}

// estimate works a statistic out. seed tells this draw from all others.
func (o *Options) estimate(s statistic, p *point, seed uint64) (e estimate) {
	sum := 0.0
	for _, c := range p.runs {
		if v, ok := s.told(c.Case); ok {
			e.byRun = append(e.byRun, v)
			sum += v
		}
	}
	told := len(e.byRun) > 0
	if told {
		e.value, e.ok = sum/float64(len(e.byRun)), true
	}
	of, ok := s.sample(p.runs)
	if !ok {
		return e
	}
	at := ratio(of.runs)
	e.ok = true
	if !told || s.metric != "throughput" && (len(p.runs) > 1 || !p.runs[0].partly()) {
		e.value = of.value(at)
	}
	if len(p.runs) > 1 {
		e.byRun = e.byRun[:0]
		for _, c := range p.runs {
			if one, ok := s.sample([]caseRun{c}); ok {
				e.byRun = append(e.byRun, one.value(ratio(one.runs)))
			}
		}
	}

	var drawn []blocks
	for _, one := range of.runs {
		b := one.blocks()
		if !b.enough {
			e.tooFew = fewRequests(len(one.num), b.memory)
		}
		drawn = append(drawn, b)
		e.blocks += b.count
		e.length = max(e.length, b.length)
	}
	if e.tooFew != "" {
		return e
	}
	ratios := make([]float64, o.Resamples)
	resample(drawn, rand.New(rand.NewPCG(o.Seed, seed)), ratios)
	for _, r := range ratios {
		if math.IsNaN(r) || math.IsInf(r, 0) { // nothing but requests that ended at one moment
			e.tooFew = "the requests do not go by in time: most of them ended at the same moment"
			return e
		}
	}
	if p, ok := percentile(s.stat); ok {
		if e.tooFew = o.thin(p, of, ratios, e.blocks); e.tooFew != "" {
			return e
		}
	}
	for i, r := range ratios {
		ratios[i] = of.value(r)
	}
	e.drawn = ratios
	if s.share {
		e.atom = 1 / float64(of.n)
	}
	return e
}

// thin says why the resampled shares of samples below a percentile are not enough to go
// by; "" when they are.
func (o *Options) thin(p float64, of sampled, ratios []float64, blocks float64) string {
	beyond := 0
	for _, r := range ratios {
		if of.beyond(r) {
			beyond++
		}
	}
	if float64(beyond) > (1-o.Confidence)/2*float64(len(ratios)) {
		return fmt.Sprintf("the interval of p%g reaches beyond the largest sample: there are too few", p)
	}
	// What n samples are worth that are alike. Where each request has one, it is the
	// number of blocks that tells: the share itself is too rough. The floor is for samples
	// that do not depend on each other, and chance makes a few of these to a block, too.
	worth := blocks
	if of.many {
		_, variance := moments(ratios)
		if worth = blocks; variance > 0 {
			worth = min(blocks*10, p/100*(1-p/100)/variance)
		}
	}
	if floor := float64(result.Floor(p)) / 5; worth < min(floor, mostBlocks/2) {
		return fmt.Sprintf("neighbouring requests are alike, and the %d here are worth some %.0f samples: too few for p%g", of.n, worth, p)
	}
	return ""
}

func fewRequests(n int, memory float64) string {
	if n < fewestRequests {
		return fmt.Sprintf("%d requests are too few: it takes %d at least", n, fewestRequests)
	}
	return fmt.Sprintf("too few requests: neighbours are alike over some %.0f of them, and there are %d", memory, n)
}

// partly tells whether the requests that are known are not just those that the result's
// numbers come from.
func (c caseRun) partly() bool {
	d := c.run.cases[c.number]
	return kept(c) > 1 || d != nil && d.every > 1 || c.Window == result.WindowSteady
}

// seedOf makes a number of what a draw is for.
func seedOf(parts ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, parts...)
	return h.Sum64()
}

// moments are the mean and the variance.
func moments(x []float64) (mean, variance float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for _, v := range x {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / float64(len(x)-1)
}

// difference is how far the new one is from the base on the scale on which they are
// compared: that of logarithms, where a difference is a ratio, or the plain one.
type difference struct {
	logs     bool
	share    bool // of requests
	d, se    float64
	df       float64    // degrees of freedom; +Inf: as many as you like
	known    bool       // there is a standard error
	repeated bool       // run-to-run noise is in it
	noise    [2]float64 // standard deviation between the runs of a side; NaN: it has one
	why      string     // there is none
}

// differ compares two estimates. What differs between runs counts when it is more than
// what the requests of a run let expect, or too little to be explained by them: then each
// run is one sample, and the two sides are taken to vary alike.
func differ(a, b estimate, share bool) (d difference) {
	d.share = share
	d.logs = !share && positive(a) && positive(b)
	scale := func(v float64) float64 {
		if d.logs {
			return math.Log(v)
		}
		return v
	}
	d.d = scale(b.value) - scale(a.value)

	var within, withinDF, between, squares, free float64
	drawn := true
	for i, e := range []estimate{a, b} {
		d.noise[i] = math.NaN()
		if len(e.byRun) > 1 {
			scaled := make([]float64, len(e.byRun))
			for i, v := range e.byRun {
				scaled[i] = scale(v)
			}
			_, v := moments(scaled)
			d.noise[i] = math.Sqrt(v)
			squares += v * float64(len(scaled)-1)
			free += float64(len(scaled) - 1)
		}
		if e.drawn == nil {
			drawn = false
			continue
		}
		scaled := make([]float64, len(e.drawn))
		for i, v := range e.drawn {
			scaled[i] = scale(v)
		}
		_, v := moments(scaled)
		v = v*e.blocks/(e.blocks-1) + e.atom*e.atom
		within += v
		withinDF += v * v / (e.blocks - 1)
	}
	if free > 0 {
		d.repeated = true
		between = squares / free * (1/float64(len(a.byRun)) + 1/float64(len(b.byRun)))
	}
	switch {
	case drawn:
		d.known, d.se, d.df = true, math.Sqrt(within), math.Inf(1)
		if withinDF > 0 {
			d.df = square(within) / withinDF
		}
		if between > within || between > 0 && !share && between < within*unlikely(free) {
			d.se, d.df = math.Sqrt(between), free
		}
	case free >= 2:
		d.known, d.se, d.df = true, math.Sqrt(between), free
	case a.tooFew != "":
		d.why = a.tooFew
	case b.tooFew != "":
		d.why = b.tooFew
	default:
		d.why = "the single requests are not known: an interval takes a file of requests, or three runs or more"
	}
	return d
}

// unlikely is the share of its true value below which a variance that is measured with so
// many degrees of freedom falls once in a thousand times. Where the runs vary by so much
// less than their requests let expect, these are too few or too regular to tell: what
// comes in a few waves.
func unlikely(df float64) float64 { return distuv.ChiSquared{K: df}.Quantile(0.001) / df }

func square(v float64) float64 { return v * v }

// positive tells whether everything that is known of a statistic is above 0.
func positive(e estimate) bool {
	ok := e.value > 0
	for _, list := range [][]float64{e.byRun, e.drawn} {
		for _, v := range list {
			ok = ok && v > 0
		}
	}
	return ok
}

// student is the distribution of a difference over its standard error.
func (d difference) student() distuv.StudentsT {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: max(1, min(d.df, 1e6))}
}

// p is how often chance alone makes a difference as large, or larger.
func (d difference) p() float64 {
	switch {
	case d.d == 0:
		return 1
	case d.se == 0:
		return 0
	}
	return min(1, 2*d.student().CDF(-math.Abs(d.d)/d.se))
}

// interval is where the true difference is with some confidence.
func (d difference) interval(confidence float64) (low, high float64) {
	half := 0.0
	if d.se > 0 {
		half = d.student().Quantile((1+confidence)/2) * d.se
	}
	return d.d - half, d.d + half
}
