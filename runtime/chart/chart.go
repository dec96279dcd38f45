// Package chart draws charts: numbers in, a picture out, as inline SVG for a page or as
// PNG for a chat or a slide. It knows nothing of what the numbers mean.
//
// gonum.org/v1/plot lays out the axes and draws; the package adds what a page needs: a
// canvas whose colours are CSS variables, series that a script can find and switch off,
// ticks at 1, 2, 5, times as people write them, and labels of points that keep out of
// each other's way. Both kinds of picture are drawn by the same code.
//
// Nothing here is safe for concurrent use, and nothing has state.
package chart

import (
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Chart is one chart. What is not finite, and what a log axis has no place for, is
// left out of the picture; a line has a gap there.
type Chart struct {
	Width, Height float64 // of the picture, CSS pixels at its natural size; 0: 640 and 300
	X, Y          Axis
	Shades        []Shade // ranges of x, drawn behind everything
	Series        []Series
}

// Axis is one axis. Without Min and Max it is as long as the data are, and a linear
// one begins at 0 when nothing is below.
type Axis struct {
	Label    string // in words: above the y axis, below the x axis; "": none
	Unit     string // of the values: "ms" is written as people write times; others stand behind the label
	Scale    Scale
	Min, Max float64 // both 0: as the data are
	Rows     bool    // y axis: rows of bars from the top down, without numbers
}

// Scale is how values become places.
type Scale int

const (
	Linear  Scale = iota
	Log           // ticks at 1, 2, 5
	Seconds       // linear, written as 12 s, 1:30 or 2:05:00
)

// Kind is how a series is drawn.
type Kind int

const (
	Line   Kind = iota // through the points
	Step               // each value holds until the next point
	Band               // filled from Low to High
	Points             // each with its Label
	Bars               // from Point.Low to Point.High along x, in row Point.Y
)

// Series is one series of a chart.
type Series struct {
	Name   string
	Ink    Ink // "": one of series-1 … series-8, by its place
	Kind   Kind
	Points []Point
	Joined bool // Points: with a line through them
	Dashed bool // the line is
	Small  bool // the points are
	Note   bool // it explains another series, such as the band around a line: no entry in the legend of its own
}

// Point is one value of a series.
type Point struct {
	X, Y      float64
	Low, High float64 // of Band and Bars
	Label     string  // of Points
	Title     string  // of Points: shown when the pointer rests on it; "": none
	Mark      Mark
}

// Mark is the shape of a point.
type Mark int

const (
	Dot Mark = iota
	Triangle
	Cross
)

// Shade is a range of x that is darker than the rest.
type Shade struct{ From, To float64 }

// Entry is one line of a legend.
type Entry struct {
	Series int // number in Chart.Series
	Name   string
	Ink    Ink
	Kind   Kind
	Dashed bool
}

// Legend is what the chart's colours mean.
func (c *Chart) Legend() []Entry {
	var entries []Entry
	for i, s := range c.Series {
		if !s.Note && s.Name != "" {
			if s.Joined {
				s.Kind = Line
			}
			entries = append(entries, Entry{i, s.Name, c.ink(i), s.Kind, s.Dashed})
		}
	}
	return entries
}

func (c *Chart) ink(i int) Ink {
	if s := c.Series[i]; s.Ink != "" {
		return s.Ink
	}
	return inks[i%8].name
}

const (
	defaultWidth, defaultHeight = 640, 300

	// Room left of and right of the data, so that charts of a page, one below the
	// other, have the same x axis.
	leftMargin, rightMargin = 78, 14
)

// layout is a plot and where its parts are.
type layout struct {
	*plot.Plot
	chart  *Chart
	canvas draw.Canvas // of the axes and the data
	data   draw.Canvas // of the data
	edge   vg.Length   // left end of the whole
	style  text.Style  // of all text
}

// lay puts the chart into an area. size is the largest size of the text, which is what
// there is room for.
func (c *Chart) lay(area draw.Canvas, texts handler, face font.Font, size float64) *layout {
	p := plot.New()
	p.BackgroundColor = nil
	p.TextHandler = texts
	face.Size = vg.Length(size)
	l := &layout{Plot: p, chart: c, style: text.Style{Color: textColor, Font: face, Handler: texts}}
	if c.Y.heading() != "" {
		area.Max.Y -= vg.Length(size * 1.5)
	}
	if c.X.heading() != "" {
		area.Min.Y += vg.Length(size * 1.3)
	}
	c.scales(p)
	plotWidth, plotHeight := float64(area.Max.X-area.Min.X)-leftMargin-rightMargin, float64(area.Max.Y-area.Min.Y)-1.6*size
	wide := func(label string) float64 { return float64(l.style.Width(label)) + 12 }
	for _, a := range []struct {
		of    *plot.Axis
		marks []plot.Tick
	}{
		{&p.X, c.X.ticks(p.X.Min, p.X.Max, plotWidth, wide)},
		{&p.Y, c.Y.ticks(p.Y.Min, p.Y.Max, plotHeight, func(string) float64 { return max(1.3*size, 25) })},
	} {
		a.of.Tick.Label.Handler, a.of.Label.TextStyle.Handler = texts, texts
		a.of.Tick.Label.Font, a.of.Tick.Label.Color = l.style.Font, l.style.Color
		a.of.Tick.Marker = plot.ConstantTicks(a.marks)
		a.of.Tick.Length, a.of.Padding, a.of.Width = 0, 0, 0
	}
	p.X.Padding = 4
	p.Y.Padding = 2

	// As wide as all other charts: the plot's own margins depend on its numbers.
	edges := area
	for range 2 { // labels that hang over an edge make room of their own
		data := p.DataCanvas(area)
		area.Min.X += edges.Min.X + leftMargin - data.Min.X
		area.Max.X += edges.Max.X - rightMargin - data.Max.X
		area.Min.X, area.Max.X = max(area.Min.X, edges.Min.X), min(area.Max.X, edges.Max.X)
	}
	l.edge = edges.Min.X
	l.canvas, l.data = area, p.DataCanvas(area)
	return l
}

// heading is what stands at an axis.
func (a Axis) heading() string {
	switch {
	case a.Unit == "" || a.Unit == "ms" || a.Scale == Seconds:
		return a.Label
	case a.Label == "":
		return a.Unit
	case strings.EqualFold(a.Label, a.Unit):
		return a.Label
	}
	return a.Label + " (" + a.Unit + ")"
}

// scales sets the range and the scale of the axes.
func (c *Chart) scales(p *plot.Plot) {
	xs, ys := c.extent()
	p.X.Min, p.X.Max = c.X.span(xs)
	p.Y.Min, p.Y.Max = c.Y.span(ys)
	if c.X.Scale == Log {
		p.X.Scale = plot.LogScale{}
	} else if c.labelled() && c.X.Min == c.X.Max {
		p.X.Max += (p.X.Max - p.X.Min) * 0.1 // for the label of the last point
	}
	switch {
	case c.Y.Scale == Log:
		p.Y.Scale = plot.LogScale{}
		if c.labelled() {
			// The lowest line has its labels below it.
			p.Y.Min /= math.Pow(p.Y.Max/p.Y.Min, 0.15)
		}
	case c.Y.Rows:
		p.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}}
	}
}

func (c *Chart) labelled() bool {
	return slices.ContainsFunc(c.Series, func(s Series) bool {
		return slices.ContainsFunc(s.Points, func(p Point) bool { return p.Label != "" })
	})
}

// extent is from where to where values are, of those that can be drawn.
func (c *Chart) extent() (xs, ys span) {
	xs, ys = nothing(), nothing()
	for _, s := range c.Series {
		for _, p := range s.Points {
			switch s.Kind {
			case Bars:
				xs.add(p.Low, c.X.Scale)
				xs.add(p.High, c.X.Scale)
				ys.add(p.Y-0.5, c.Y.Scale)
				ys.add(p.Y+0.5, c.Y.Scale)
			case Band:
				xs.add(p.X, c.X.Scale)
				ys.add(p.Low, c.Y.Scale)
				ys.add(p.High, c.Y.Scale)
			default:
				xs.add(p.X, c.X.Scale)
				ys.add(p.Y, c.Y.Scale)
			}
		}
	}
	return xs, ys
}

// span is a range of values; min > max: there is none.
type span struct{ min, max float64 }

func nothing() span { return span{math.Inf(1), math.Inf(-1)} }

// farthest is the largest number that is drawn: differences and squares of it can be
// computed.
const farthest = 1e100

func drawable(v float64, s Scale) bool {
	return math.Abs(v) <= farthest && (s != Log || v >= 1/farthest)
}

func (s *span) add(v float64, scale Scale) {
	if drawable(v, scale) {
		s.min, s.max = min(s.min, v), max(s.max, v)
	}
}

// span is the range of an axis whose data have a range.
func (a Axis) span(data span) (low, high float64) {
	if a.Min < a.Max && drawable(a.Min, a.Scale) && drawable(a.Max, a.Scale) {
		return a.Min, a.Max
	}
	low, high = data.min, data.max
	if low > high {
		if a.Scale == Log {
			return 1, 10
		}
		return 0, 1
	}
	switch {
	case a.Scale == Log:
		// Some air at the ends, and never less than a factor of 2.
		air := max(math.Pow(high/low, 0.02), math.Sqrt(max(1, 2*low/high)))
		return low / air, high * air
	case a.Rows:
		return low, high
	}
	low = min(low, 0)
	if low == high {
		return low, low + 1
	}
	if a.Scale == Seconds {
		return low, high
	}
	air := (high - low) * 0.05
	if low < 0 {
		low -= air
	}
	return low, high + air
}
