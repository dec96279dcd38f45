package chart

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// add gives the plot what it draws, from back to front.
func (l *layout) add() {
	l.Add(plotter(l.shades), plotter(l.grid))
	for i := range l.chart.Series {
		l.Add(plotter(func(c draw.Canvas) { l.series(c, i) }))
	}
	l.Add(plotter(l.labels), plotter(l.headings))
}

// plotter draws on the canvas of the data.
type plotter func(draw.Canvas)

// Plot implements [plot.Plotter].
func (f plotter) Plot(c draw.Canvas, _ *plot.Plot) { f(c) }

func (l *layout) shades(c draw.Canvas) {
	for _, s := range l.chart.Shades {
		from, to := max(s.From, l.X.Min), min(s.To, l.X.Max)
		if !(from < to) || l.chart.X.Scale == Log && from <= 0 {
			continue
		}
		x0, x1 := c.X(l.X.Norm(from)), c.X(l.X.Norm(to))
		c.FillPolygon(color("ink").faded(0.06), []vg.Point{{X: x0, Y: c.Min.Y}, {X: x1, Y: c.Min.Y}, {X: x1, Y: c.Max.Y}, {X: x0, Y: c.Max.Y}})
	}
}

// grid has a line at each tick, and the x axis.
func (l *layout) grid(c draw.Canvas) {
	var lines [][]vg.Point
	for _, t := range l.X.Tick.Marker.Ticks(l.X.Min, l.X.Max) {
		x := c.X(l.X.Norm(t.Value))
		lines = append(lines, []vg.Point{{X: x, Y: c.Min.Y}, {X: x, Y: c.Max.Y}})
	}
	for _, t := range l.Y.Tick.Marker.Ticks(l.Y.Min, l.Y.Max) {
		y := c.Y(l.Y.Norm(t.Value))
		lines = append(lines, []vg.Point{{X: c.Min.X, Y: y}, {X: c.Max.X, Y: y}})
	}
	strokeAll(c, draw.LineStyle{Color: color("grid"), Width: 1}, lines)
	c.StrokeLine2(draw.LineStyle{Color: color("ink-soft"), Width: 1}, c.Min.X, c.Min.Y, c.Max.X, c.Min.Y)
}

// headings are the words at the axes.
func (l *layout) headings(c draw.Canvas) {
	style := l.style
	if text := l.chart.Y.heading(); text != "" {
		style.YAlign = draw.YBottom
		write(c, style, vg.Point{X: l.edge, Y: c.Max.Y + style.Font.Size*0.7}, text)
	}
	if text := l.chart.X.heading(); text != "" {
		style.XAlign, style.YAlign = draw.XRight, draw.YTop
		write(c, style, vg.Point{X: c.Max.X, Y: l.canvas.Min.Y - style.Font.Size*0.2}, text)
	}
}

// series draws one series; on a canvas of SVG it is a group that a script can find.
func (l *layout) series(c draw.Canvas, i int) {
	s := &l.chart.Series[i]
	if group, ok := canvasOf(c).(*svg); ok {
		group.begin(i, s.Name)
		defer group.end()
	}
	ink := color(l.chart.ink(i))
	style := draw.LineStyle{Color: ink, Width: 1.8}
	if s.Dashed {
		style.Dashes = []vg.Length{5, 4}
	}
	switch s.Kind {
	case Line:
		l.stroke(c, style, l.runs(c, s.Points))
	case Step:
		l.stroke(c, style, stairs(l.runs(c, s.Points)))
	case Band:
		l.band(c, ink.faded(0.22), s.Points)
	case Bars:
		l.bars(c, ink, s.Points)
	case Points:
		if s.Joined {
			l.stroke(c, style, l.runs(c, s.Points))
		}
		l.points(c, ink, s)
	}
}

// at is the place of a value; false when there is none on the axes.
func (l *layout) at(c draw.Canvas, x, y float64) (vg.Point, bool) {
	if !drawable(x, l.chart.X.Scale) || !drawable(y, l.chart.Y.Scale) {
		return vg.Point{}, false
	}
	return vg.Point{X: c.X(l.X.Norm(x)), Y: c.Y(l.Y.Norm(y))}, true
}

// runs are the places of points without gaps between them.
func (l *layout) runs(c draw.Canvas, points []Point) [][]vg.Point {
	var runs [][]vg.Point
	var run []vg.Point
	for _, p := range points {
		if at, ok := l.at(c, p.X, p.Y); ok {
			run = append(run, at)
			continue
		}
		if len(run) > 0 {
			runs, run = append(runs, run), nil
		}
	}
	if len(run) > 0 {
		runs = append(runs, run)
	}
	return runs
}

// stroke draws lines inside the axes. A point without neighbours is a dot.
func (l *layout) stroke(c draw.Canvas, style draw.LineStyle, runs [][]vg.Point) {
	for _, run := range runs {
		if len(run) == 1 && c.Contains(run[0]) {
			c.DrawGlyph(draw.GlyphStyle{Color: style.Color, Radius: style.Width, Shape: draw.CircleGlyph{}}, run[0])
		}
	}
	c.StrokeLines(style, c.ClipLinesXY(runs...)...) // one path each: where the line is not, there is no value
}

// stairs make steps of lines.
func stairs(runs [][]vg.Point) [][]vg.Point {
	steps := make([][]vg.Point, len(runs))
	for i, run := range runs {
		for j, p := range run {
			if j > 0 {
				steps[i] = append(steps[i], vg.Point{X: p.X, Y: run[j-1].Y})
			}
			steps[i] = append(steps[i], p)
		}
	}
	return steps
}

// band fills what is between Low and High.
func (l *layout) band(c draw.Canvas, ink namedColor, points []Point) {
	var upper, lower []vg.Point
	flush := func() {
		for i := len(lower) - 1; i >= 0; i-- {
			upper = append(upper, lower[i])
		}
		if len(upper) > 2 {
			c.FillPolygon(ink, c.ClipPolygonXY(upper))
		}
		if len(upper) == 2 {
			c.StrokeLine2(draw.LineStyle{Color: ink, Width: 2}, upper[0].X, upper[0].Y, upper[1].X, upper[1].Y)
		}
		upper, lower = nil, nil
	}
	for _, p := range points {
		high, ok := l.at(c, p.X, p.High)
		low, known := l.at(c, p.X, p.Low)
		if !ok || !known {
			flush()
			continue
		}
		upper, lower = append(upper, high), append(lower, low)
	}
	flush()
}

// bars are lines as thick as a row, all in one path.
func (l *layout) bars(c draw.Canvas, ink namedColor, points []Point) {
	const visible = 0.6 // shorter ones are drawn as long as this
	rows := math.Abs(l.Y.Max - l.Y.Min)
	thick := vg.Length(math.Min(14, float64(c.Max.Y-c.Min.Y)/max(rows, 1)*0.8))
	var lines [][]vg.Point
	for _, p := range points {
		from, ok := l.at(c, max(p.Low, l.X.Min), p.Y)
		to, known := l.at(c, min(p.High, l.X.Max), p.Y)
		if !ok || !known || to.X < from.X {
			continue
		}
		if to.X-from.X < visible {
			to.X = from.X + visible
		}
		lines = append(lines, []vg.Point{from, to})
	}
	strokeAll(c, draw.LineStyle{Color: ink, Width: thick}, lines)
}

// strokeAll draws lines as one path, which takes less room than one each.
func strokeAll(c draw.Canvas, style draw.LineStyle, lines [][]vg.Point) {
	var path vg.Path
	for _, line := range lines {
		for i, p := range line {
			if i == 0 {
				path.Move(p)
			} else {
				path.Line(p)
			}
		}
	}
	if len(path) > 0 {
		c.SetLineStyle(style)
		c.Stroke(path)
	}
}

// pointRadius is how large a point is, and how far its label keeps away.
const pointRadius = 4

func (l *layout) points(c draw.Canvas, ink namedColor, s *Series) {
	radius := vg.Length(pointRadius)
	if s.Small {
		radius = 2
	}
	group, _ := canvasOf(c).(*svg)
	for _, p := range s.Points {
		at, ok := l.at(c, p.X, p.Y)
		if !ok || !c.Contains(at) {
			continue
		}
		style := draw.GlyphStyle{Color: ink, Radius: radius, Shape: draw.CircleGlyph{}}
		switch p.Mark {
		case Triangle:
			style.Shape, style.Radius = draw.PyramidGlyph{}, radius+1.5
		case Cross:
			style.Shape, style.Radius = cross{}, radius+1
		}
		if group != nil && p.Title != "" {
			group.title(p.Title)
			c.DrawGlyph(style, at)
			group.close("</g>")
			continue
		}
		c.DrawGlyph(style, at)
	}
}

// cross is an × that is as heavy as the other marks.
type cross struct{}

// DrawGlyph implements [draw.GlyphDrawer].
func (cross) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	r := style.Radius
	c.StrokeLines(draw.LineStyle{Color: style.Color, Width: 2.5},
		[]vg.Point{{X: at.X - r, Y: at.Y - r}, {X: at.X + r, Y: at.Y + r}},
		[]vg.Point{{X: at.X - r, Y: at.Y + r}, {X: at.X + r, Y: at.Y - r}})
}
