package chart

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// labels writes the labels of points where there is room: beside its point, above or
// below it, on none of the other points, labels and lines, and beside the axes. A label
// that has no room is left out; its point is there, and has its title.
func (l *layout) labels(c draw.Canvas) {
	var taken []vg.Rectangle
	around := func(at vg.Point, r vg.Length) vg.Rectangle {
		return vg.Rectangle{Min: vg.Point{X: at.X - r, Y: at.Y - r}, Max: vg.Point{X: at.X + r, Y: at.Y + r}}
	}
	type label struct {
		at   vg.Point
		text string
		of   int // its series
	}
	var labels []label
	var lines []vg.Rectangle
	for i, s := range l.chart.Series {
		if s.Kind == Points && s.Joined || s.Kind == Line {
			for _, run := range l.runs(c, s.Points) {
				lines = append(lines, alongside(run)...)
			}
		}
		if s.Kind != Points {
			continue
		}
		for _, p := range s.Points {
			at, ok := l.at(c, p.X, p.Y)
			if !ok || !c.Contains(at) {
				continue
			}
			taken = append(taken, around(at, pointRadius))
			if p.Label != "" {
				labels = append(labels, label{at, p.Label, i})
			}
		}
	}
	style := l.style
	style.Color = color("ink")
	height := style.Font.Size
	for _, label := range labels {
		width := style.Width(label.text)
		for _, try := range places {
			place := label.at.Add(try.d)
			box := vg.Rectangle{Min: vg.Point{X: place.X + width*vg.Length(try.x), Y: place.Y + height*vg.Length(try.y)}}
			box.Max = box.Min.Add(vg.Point{X: width, Y: height})
			if box.Min.X < c.Min.X || box.Max.X > c.Max.X+rightMargin || box.Min.Y < c.Min.Y || box.Max.Y > c.Max.Y || overlaps(box, taken) || overlaps(box, lines) {
				continue
			}
			taken = append(taken, box)
			style.XAlign, style.YAlign = try.x, try.y
			if group, ok := canvasOf(c).(*svg); ok {
				group.begin(label.of, "")
				write(c, style, place, label.text)
				group.end()
			} else {
				write(c, style, place, label.text)
			}
			break
		}
	}
}

// places are where a label may be, the better ones first.
var places = []struct {
	x draw.XAlignment
	y draw.YAlignment
	d vg.Point // from its point
}{
	{draw.XLeft, draw.YCenter, vg.Point{X: labelGap}},
	{draw.XLeft, draw.YTop, vg.Point{X: labelGap}},
	{draw.XRight, draw.YBottom, vg.Point{X: -labelGap}},
	{draw.XRight, draw.YCenter, vg.Point{X: -labelGap}},
	{draw.XCenter, draw.YBottom, vg.Point{Y: labelGap}},
	{draw.XCenter, draw.YTop, vg.Point{Y: -labelGap}},
	{draw.XLeft, draw.YBottom, vg.Point{X: labelGap, Y: labelGap}},
	{draw.XLeft, draw.YTop, vg.Point{X: labelGap, Y: -labelGap}},
	{draw.XRight, draw.YBottom, vg.Point{X: -labelGap, Y: labelGap}},
	{draw.XRight, draw.YTop, vg.Point{X: -labelGap, Y: -labelGap}},
}

const labelGap = pointRadius + 3

// alongside are small squares that cover a line.
func alongside(run []vg.Point) (squares []vg.Rectangle) {
	for i := 1; i < len(run); i++ {
		a, b := run[i-1], run[i]
		parts := max(1, int(max(b.X-a.X, a.X-b.X, b.Y-a.Y, a.Y-b.Y)/3))
		for k := range parts + 1 {
			f := vg.Length(k) / vg.Length(parts)
			at := vg.Point{X: a.X + f*(b.X-a.X), Y: a.Y + f*(b.Y-a.Y)}
			squares = append(squares, vg.Rectangle{Min: at.Sub(vg.Point{X: 1, Y: 1}), Max: at.Add(vg.Point{X: 1, Y: 1})})
		}
	}
	return squares
}

func overlaps(box vg.Rectangle, taken []vg.Rectangle) bool {
	for _, t := range taken {
		if box.Min.X < t.Max.X && t.Min.X < box.Max.X && box.Min.Y < t.Max.Y && t.Min.Y < box.Max.Y {
			return true
		}
	}
	return false
}
