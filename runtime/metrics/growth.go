package metrics

import (
	"math"

	"weir/runtime/result"
)

// growth adds up what a straight line through points (x, y) takes: means, and
// sums of products of deviations from them.
type growth struct {
	n          int64
	x, y       float64 // means
	xx, yy, xy float64 // Σ(x−x̄)², Σ(y−ȳ)², Σ(x−x̄)(y−ȳ)
}

func (g *growth) add(x, y float64) { g.merge(&growth{n: 1, x: x, y: y}) }

// merge adds the points of another sum.
func (g *growth) merge(o *growth) {
	if o.n == 0 {
		return
	}
	n := g.n + o.n
	dx, dy := o.x-g.x, o.y-g.y
	weight := float64(g.n) * float64(o.n) / float64(n)
	g.xx += o.xx + dx*dx*weight
	g.yy += o.yy + dy*dy*weight
	g.xy += o.xy + dx*dy*weight
	g.x += dx * float64(o.n) / float64(n)
	g.y += dy * float64(o.n) / float64(n)
	g.n = n
}

// result is the line's slope; nil when the points do not make one.
func (g *growth) result() *result.Growth {
	if g.n < 3 || g.xx == 0 {
		return nil
	}
	slope := g.xy / g.xx
	rest := max(0, g.yy-slope*g.xy) // what the line does not explain
	return &result.Growth{N: g.n, Slope: slope, StdErr: math.Sqrt(rest / float64(g.n-2) / g.xx)}
}
