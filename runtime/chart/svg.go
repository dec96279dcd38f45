package chart

import (
	"bytes"
	"fmt"
	"html"
	"image"
	imagecolor "image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// SVG draws the chart for a page: an <svg> of class "chart" that is as wide as what it
// stands in.
//
//   - Colours are CSS variables by the names of [Ink], with those of a light page as
//     their defaults; [Variables] and [CSS] go into the page's style.
//   - Each series is a <g class="series" data-series="NUMBER" data-name="NAME">; labels of
//     points are in groups of the same class and number.
//   - data-x and data-y of the root say how values become places: the scale ("linear" or
//     "log"), the values at both ends of the axis, and the coordinates of these. An axis
//     of rows has no data-y.
//   - The commands of paths are M, L, H, V and Z with absolute coordinates, and only
//     those: the points of a line are its values. Points are circle elements or paths in a
//     group with a title.
func (c *Chart) SVG() []byte {
	width, height := c.size()
	canvas := &svg{height: height}
	area := draw.NewCanvas(canvas, vg.Length(width), vg.Length(height))
	// What is not to be cut off at the edge of the picture.
	area.Min.X, area.Max.X = 2, area.Max.X-2
	area.Min.Y, area.Max.Y = 2, area.Max.Y-4
	l := c.lay(area, handler{text.Plain{Fonts: font.DefaultCache}}, sans, textSize)
	l.add()
	l.Draw(l.canvas)

	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" font-size="12" font-family="inherit" role="img"%s`, number(width), number(height), paint("fill", textColor))
	d := l.data
	axis := func(name string, of *plot.Axis, scale Scale, from, to vg.Length) {
		kind := "linear"
		if scale == Log {
			kind = "log"
		}
		fmt.Fprintf(&out, ` data-%s="%s,%g,%g,%s,%s"`, name, kind, of.Min, of.Max, number(float64(from)), number(float64(to)))
	}
	axis("x", &l.X, c.X.Scale, d.Min.X, d.Max.X)
	if !c.Y.Rows {
		axis("y", &l.Y, c.Y.Scale, canvas.y(d.Min.Y), canvas.y(d.Max.Y))
	}
	out.WriteString(">")
	out.Write(canvas.out.Bytes())
	out.WriteString("</svg>")
	return out.Bytes()
}

func (c *Chart) size() (width, height float64) {
	width, height = c.Width, c.Height
	if !(width > 0) {
		width = defaultWidth
	}
	if !(height > 0) {
		height = defaultHeight
	}
	// Smaller ones have no room for their axes.
	return min(max(width, 200), 4000), min(max(height, 80), 4000)
}

// textColor is the colour of text that has no other.
var textColor = color("ink-soft")

var sans = font.Font{Typeface: "Liberation", Variant: "Sans"}

// svg is a canvas of gonum's plots that writes SVG. Origin and direction of y are those
// of SVG; nothing that charts draw is rotated, moved or scaled by the canvas.
type svg struct {
	height float64
	out    bytes.Buffer
	pen    pen
	stack  []pen
}

// pen is how the next path is drawn.
type pen struct {
	color  imagecolor.Color
	width  vg.Length
	dashes []vg.Length
}

// canvasOf is what a canvas draws on in the end.
func canvasOf(c vg.Canvas) vg.Canvas {
	for {
		switch d := c.(type) {
		case draw.Canvas:
			c = d.Canvas
		case *draw.Canvas:
			c = d.Canvas
		default:
			return c
		}
	}
}

func (s *svg) y(v vg.Length) vg.Length { return vg.Length(s.height) - v }

func (s *svg) begin(series int, name string) {
	fmt.Fprintf(&s.out, `<g class="series" data-series="%d"`, series)
	if name != "" {
		fmt.Fprintf(&s.out, ` data-name="%s"`, html.EscapeString(valid(name)))
	}
	s.out.WriteString(">")
}

func (s *svg) end()             { s.close("</g>") }
func (s *svg) close(tag string) { s.out.WriteString(tag) }

func (s *svg) title(text string) {
	fmt.Fprintf(&s.out, "<g><title>%s</title>", html.EscapeString(valid(text)))
}

// valid is the text without characters that XML does not allow.
func valid(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// paint is a colour as an attribute.
func paint(attribute string, c imagecolor.Color) string {
	ink, ok := c.(namedColor)
	if !ok {
		r, g, b, _ := c.RGBA()
		return fmt.Sprintf(` %s="#%02x%02x%02x"`, attribute, r>>8, g>>8, b>>8)
	}
	value := fmt.Sprintf(` %s="var(--%s,#%02x%02x%02x)"`, attribute, ink.name, ink.R, ink.G, ink.B)
	if ink.A < 255 {
		value += fmt.Sprintf(` %s-opacity="%s"`, attribute, number(float64(ink.A)/255))
	}
	return value
}

// number is a coordinate in as few characters as show it.
func number(v float64) string {
	s := strconv.FormatFloat(v, 'f', 2, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}

// path is the data of a path.
func (s *svg) path(p vg.Path) string {
	var d strings.Builder
	var x, y string
	for _, part := range p {
		px, py := number(float64(part.Pos.X)), number(float64(s.y(part.Pos.Y)))
		switch part.Type {
		case vg.MoveComp:
			d.WriteString("M" + px + "," + py)
		case vg.LineComp:
			switch {
			case px == x && py == y:
			case py == y:
				d.WriteString("H" + px)
			case px == x:
				d.WriteString("V" + py)
			default:
				d.WriteString("L" + px + "," + py)
			}
		case vg.CloseComp:
			d.WriteString("Z")
			continue
		}
		x, y = px, py
	}
	return d.String()
}

// Stroke implements [vg.Canvas].
func (s *svg) Stroke(p vg.Path) {
	if s.pen.width <= 0 || len(p) < 2 {
		return
	}
	s.out.WriteString(`<path fill="none"` + paint("stroke", s.pen.color))
	fmt.Fprintf(&s.out, ` stroke-width="%s"`, number(float64(s.pen.width)))
	if len(s.pen.dashes) > 0 {
		parts := make([]string, len(s.pen.dashes))
		for i, d := range s.pen.dashes {
			parts[i] = number(float64(d))
		}
		fmt.Fprintf(&s.out, ` stroke-dasharray="%s"`, strings.Join(parts, " "))
	}
	s.out.WriteString(` d="` + s.path(p) + `"/>`)
}

// Fill implements [vg.Canvas].
func (s *svg) Fill(p vg.Path) {
	if len(p) == 0 {
		return
	}
	for _, part := range p {
		if part.Type == vg.ArcComp && math.Abs(part.Angle) >= 2*math.Pi {
			fmt.Fprintf(&s.out, `<circle cx="%s" cy="%s" r="%s"%s/>`, number(float64(part.Pos.X)), number(float64(s.y(part.Pos.Y))), number(float64(part.Radius)), paint("fill", s.pen.color))
			return
		}
	}
	s.out.WriteString("<path" + paint("fill", s.pen.color) + ` d="` + s.path(p) + `"/>`)
}

// FillString implements [vg.Canvas]; text comes through handler instead.
func (s *svg) FillString(f font.Face, at vg.Point, text string) { s.text(at, text, "", "") }

func (s *svg) text(at vg.Point, text, anchor, shift string) {
	fmt.Fprintf(&s.out, `<text x="%s" y="%s"`, number(float64(at.X)), number(float64(s.y(at.Y))))
	for _, a := range [][2]string{{"text-anchor", anchor}, {"dy", shift}} {
		if a[1] != "" {
			fmt.Fprintf(&s.out, ` %s="%s"`, a[0], a[1])
		}
	}
	if s.pen.color != textColor {
		s.out.WriteString(paint("fill", s.pen.color))
	}
	s.out.WriteString(">" + html.EscapeString(valid(text)) + "</text>")
}

// SetColor implements [vg.Canvas].
func (s *svg) SetColor(c imagecolor.Color) { s.pen.color = c }

// SetLineWidth implements [vg.Canvas].
func (s *svg) SetLineWidth(w vg.Length) { s.pen.width = w }

// SetLineDash implements [vg.Canvas].
func (s *svg) SetLineDash(pattern []vg.Length, _ vg.Length) { s.pen.dashes = pattern }

// Push implements [vg.Canvas].
func (s *svg) Push() { s.stack = append(s.stack, s.pen) }

// Pop implements [vg.Canvas].
func (s *svg) Pop() {
	s.pen = s.stack[len(s.stack)-1]
	s.stack = s.stack[:len(s.stack)-1]
}

// Rotate, Translate, Scale and DrawImage implement [vg.Canvas]; charts have no use for
// them.
func (s *svg) Rotate(float64)                      {}
func (s *svg) Translate(vg.Point)                  {}
func (s *svg) Scale(_, _ float64)                  {}
func (s *svg) DrawImage(vg.Rectangle, image.Image) {}
