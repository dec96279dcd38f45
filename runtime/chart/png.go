package chart

import (
	"io"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// PNGOptions say what stands around a chart in a picture of its own.
type PNGOptions struct {
	Title    string
	Subtitle string  // a line below it
	Width    float64 // of the picture, pixels; 0: 1600. It is drawn at twice the size of one on a page
	Font     Font    // the zero Font has Latin, Greek and Cyrillic letters
}

// PNG draws the chart with its title, the words of its axes and its legend, on white.
func (c *Chart) PNG(w io.Writer, o PNGOptions) error {
	const scale = 2
	width := o.Width / scale
	if !(width > 0) {
		width = 800
	}
	natural, height := c.size()
	height *= max(1, width/natural) // charts keep their shape
	face := o.Font.face()
	texts := handler{text.Plain{Fonts: font.DefaultCache}}
	style := text.Style{Color: color("ink"), Font: face, Handler: texts}
	style.Font.Size = 13

	const margin, legendGap = 16, 6
	rows := legendRows(c.Legend(), style, vg.Length(width-2*margin))
	head := vg.Length(margin)
	if o.Title != "" {
		head += 26
	}
	if o.Subtitle != "" {
		head += 18
	}
	head += legendGap + vg.Length(len(rows))*20
	height += float64(head) + margin

	canvas := vgimg.NewWith(vgimg.UseWH(vg.Length(width), vg.Length(height)), vgimg.UseDPI(72*scale), vgimg.UseBackgroundColor(color("paper")))
	area := draw.New(canvas)
	y := area.Max.Y - margin
	line := func(size vg.Length, ink Ink, text string) {
		s := style
		s.Font.Size, s.Color, s.YAlign = size, color(ink), draw.YTop
		write(area, s, vg.Point{X: margin, Y: y}, fit(s, text, vg.Length(width-2*margin)))
	}
	if o.Title != "" {
		line(18, "ink", o.Title)
		y -= 26
	}
	if o.Subtitle != "" {
		line(12.5, "ink-soft", o.Subtitle)
		y -= 18
	}
	y -= legendGap
	for _, row := range rows {
		x := vg.Length(margin)
		for _, e := range row {
			e.swatch(area, x, y-8)
			s := style
			s.YAlign = draw.YCenter
			write(area, s, vg.Point{X: x + swatchWidth + 6, Y: y - 8}, e.Name)
			x += e.width(style)
		}
		y -= 20
	}
	area.Max.Y = area.Max.Y - head - 4
	area.Min.Y += margin - 4
	area.Min.X += margin
	area.Max.X -= margin
	l := c.lay(area, texts, face, 12)
	l.add()
	l.Draw(l.canvas)
	_, err := vgimg.PngCanvas{Canvas: canvas}.WriteTo(w)
	return err
}

const swatchWidth = 18

func (e Entry) width(s text.Style) vg.Length { return swatchWidth + 6 + s.Width(e.Name) + 18 }

// legendRows are the entries, as many in a row as there is room for.
func legendRows(entries []Entry, s text.Style, room vg.Length) [][]Entry {
	if len(entries) < 2 {
		return nil // the title says it
	}
	var rows [][]Entry
	left := vg.Length(0)
	for _, e := range entries {
		e.Name = fit(s, e.Name, room/2)
		width := e.width(s)
		if len(rows) == 0 || width > left {
			rows, left = append(rows, nil), room
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		left -= width
	}
	return rows
}

// fit shortens a text to the room that there is.
func fit(s text.Style, txt string, room vg.Length) string {
	if s.Width(txt) <= room {
		return txt
	}
	letters := []rune(txt)
	for len(letters) > 0 && s.Width(string(letters)+"…") > room {
		letters = letters[:len(letters)-1]
	}
	return string(letters) + "…"
}

// swatch draws the colour of an entry as the series is drawn.
func (e Entry) swatch(c draw.Canvas, x, y vg.Length) {
	ink := color(e.Ink)
	switch e.Kind {
	case Bars, Band:
		if e.Kind != Bars {
			ink = ink.faded(0.4)
		}
		c.FillPolygon(ink, []vg.Point{{X: x, Y: y - 5}, {X: x + swatchWidth, Y: y - 5}, {X: x + swatchWidth, Y: y + 5}, {X: x, Y: y + 5}})
	case Points:
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: ink, Radius: pointRadius, Shape: draw.CircleGlyph{}}, vg.Point{X: x + swatchWidth/2, Y: y})
	default:
		style := draw.LineStyle{Color: ink, Width: 2.5}
		if e.Dashed {
			style.Dashes = []vg.Length{5, 4}
		}
		c.StrokeLine2(style, x, y, x+swatchWidth, y)
	}
}
