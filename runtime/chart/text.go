package chart

import (
	"strconv"

	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// handler places text by the height of its capitals, which is about the same in all
// fonts. gonum's own goes by what a font says of its lines, and fonts with Chinese
// characters say a lot. In SVG it is left to the browser where text goes from its
// place, as font and size are the page's.
type handler struct{ text.Plain }

// below is how far a line's baseline is below its place, in parts of the size.
var below = map[draw.YAlignment]float64{draw.YTop: 0.8, draw.YCenter: 0.35}

var anchors = map[draw.XAlignment]string{draw.XCenter: "middle", draw.XRight: "end"}

// Draw implements [text.Handler].
func (h handler) Draw(c vg.Canvas, txt string, style text.Style, at vg.Point) {
	if txt == "" {
		return
	}
	at.Y -= lift(style)
	c.SetColor(style.Color)
	if s, ok := canvasOf(c).(*svg); ok {
		shift := ""
		if em := below[style.YAlign]; em > 0 {
			shift = strconv.FormatFloat(em, 'f', -1, 64) + "em"
		}
		s.text(at, txt, anchors[style.XAlign], shift)
		return
	}
	at.X += vg.Length(style.XAlign) * style.Width(txt)
	at.Y -= style.Font.Size * vg.Length(below[style.YAlign])
	c.FillString(h.Fonts.Lookup(style.Font, style.Font.Size), at, txt)
}

// lift is by how much gonum's axes place their text too high.
func lift(style text.Style) vg.Length {
	extents := style.FontExtents()
	return extents.Height - extents.Ascent
}

// write writes a text at its place.
func write(c draw.Canvas, style text.Style, at vg.Point, txt string) {
	at.Y += lift(style)
	c.FillText(style, at, txt)
}
