package chart

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	imagedraw "image/draw"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/font"
	plottext "gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"weir/runtime/result/resulttest"
)

// One of each kind of series, on each kind of axis.
var small = map[string]*Chart{
	"points": {Height: 200, X: Axis{Label: "load", Unit: "requests/s"}, Y: Axis{Label: "TTFT", Unit: "ms", Scale: Log}, Series: []Series{
		{Name: "p50", Kind: Points, Joined: true, Points: []Point{{X: 1, Y: 100, Label: "rate 1", Title: "rate 1: <100 ms>"}, {X: 2, Y: 120, Label: "rate 2"}, {X: 4, Y: 900, Label: "rate 4 INVALID", Mark: Cross}}},
		{Name: "p99 & more", Kind: Points, Joined: true, Dashed: true, Points: []Point{{X: 1, Y: 210}, {X: 2, Y: 300, Mark: Triangle}, {X: 4, Y: 5000}}},
	}},
	"time": {Height: 160, X: Axis{Scale: Seconds, Max: 90}, Y: Axis{Unit: "%", Max: 100}, Shades: []Shade{{0, 10}, {80, 90}}, Series: []Series{
		{Name: "range", Kind: Band, Note: true, Points: []Point{{X: 0, Low: 10, High: 30}, {X: 45, Low: 20, High: 60}, {X: 90, Low: 0, High: 5}}},
		{Name: "mean", Kind: Line, Points: []Point{{X: 0, Y: 20}, {X: 45, Y: 40}, {X: 60, Y: math.NaN()}, {X: 90, Y: 2}}},
		{Name: "steps", Kind: Step, Points: []Point{{X: 0, Y: 1}, {X: 30, Y: 3}, {X: 60, Y: 3}, {X: 90, Y: 0}}},
	}},
	"bars": {Height: 120, X: Axis{Scale: Seconds, Max: 3}, Y: Axis{Rows: true}, Series: []Series{
		{Name: "prefill", Ink: "prefill", Kind: Bars, Points: []Point{{Y: 0, Low: 0, High: 1}, {Y: 1, Low: 0.5, High: 1.25}}},
		{Name: "decode", Ink: "decode", Kind: Bars, Points: []Point{{Y: 0, Low: 1, High: 2.5}, {Y: 1, Low: 1.25, High: 3}}},
	}},
}

func TestSVG(t *testing.T) {
	for name, c := range small {
		svg := string(c.SVG())
		resulttest.Golden(t, name+".svg", strings.ReplaceAll(svg, "><", ">\n<")+"\n")
		check(t, name, c)
	}
}

// check looks at what every picture has to be: well-formed, with all series, and with
// finite numbers. It returns the texts.
func check(t *testing.T, name string, c *Chart) {
	t.Helper()
	svg := c.SVG()
	series := map[string]bool{}
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v in %s", name, err, svg)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range start.Attr {
			if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") {
				t.Errorf("%s: %s=%q", name, a.Name.Local, a.Value)
			}
			if a.Name.Local == "data-series" {
				series[a.Value] = true
			}
		}
	}
	for i := range c.Series {
		if !series[strconv.Itoa(i)] {
			t.Errorf("%s: series %d is not there", name, i)
		}
	}
}

// What a script needs to turn places into values.
func TestPlacesAreValues(t *testing.T) {
	c := small["points"]
	svg := string(c.SVG())
	root := svg[:strings.Index(svg, ">")]
	axis := func(name string) (kind string, v [4]float64) {
		_, rest, _ := strings.Cut(root, "data-"+name+`="`)
		rest, _, _ = strings.Cut(rest, `"`)
		parts := strings.Split(rest, ",")
		for i := range v {
			v[i], _ = strconv.ParseFloat(parts[i+1], 64)
		}
		return parts[0], v
	}
	kind, x := axis("x")
	if kind != "linear" {
		t.Errorf("x is %s", kind)
	}
	kind, y := axis("y")
	if kind != "log" {
		t.Errorf("y is %s", kind)
	}
	_, path, _ := strings.Cut(svg, `data-name="p50"><path fill="none" stroke="var(--series-1,#1f6feb)" stroke-width="1.8" d="M`)
	path, _, _ = strings.Cut(path, `"`)
	points := strings.FieldsFunc(path, func(r rune) bool { return r == 'L' || r == 'M' })
	if len(points) != 3 {
		t.Fatalf("the line is %s", path)
	}
	for i, p := range points {
		px, py, _ := strings.Cut(p, ",")
		fx, _ := strconv.ParseFloat(px, 64)
		fy, _ := strconv.ParseFloat(py, 64)
		vx := x[0] + (fx-x[2])/(x[3]-x[2])*(x[1]-x[0])
		vy := y[0] * math.Pow(y[1]/y[0], (fy-y[2])/(y[3]-y[2]))
		want := c.Series[0].Points[i]
		if math.Abs(vx-want.X) > 1e-3 || math.Abs(vy/want.Y-1) > 1e-3 {
			t.Errorf("point %d is read as %v, %v; it is %v, %v", i, vx, vy, want.X, want.Y)
		}
	}
}

// Labels of axes are inside the picture and do not touch, whatever the range is, at the
// largest size that text takes on a phone.
func TestTicksHaveRoom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	style := plottext.Style{Font: sans, Handler: handler{plottext.Plain{Fonts: font.DefaultCache}}}
	style.Font.Size = textSize
	type box struct{ from, to, y float64 }
	for i := range 240 {
		low := math.Pow(10, random.Float64()*12-6)
		c := &Chart{Height: 140 + random.Float64()*300, Series: []Series{{Points: []Point{{X: low, Y: low}, {X: low * math.Pow(10, random.Float64()*7), Y: low * math.Pow(10, random.Float64()*7)}}}},
			X: Axis{Scale: Scale(i % 3), Unit: []string{"ms", "tokens/s"}[i/3%2]}, Y: Axis{Scale: Scale(i / 2 % 2), Unit: []string{"ms", "W"}[i/5%2]}}
		if c.X.Scale == Seconds {
			c.Series[0].Points[0].X = 0
		}
		var columns, rows []box
		for d := xml.NewDecoder(bytes.NewReader(c.SVG())); ; {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			start, ok := token.(xml.StartElement)
			if !ok || start.Name.Local != "text" {
				continue
			}
			at := map[string]string{}
			for _, a := range start.Attr {
				at[a.Name.Local] = a.Value
			}
			inside, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			text := string(inside.(xml.CharData))
			x, _ := strconv.ParseFloat(at["x"], 64)
			y, _ := strconv.ParseFloat(at["y"], 64)
			width := float64(style.Width(text))
			switch at["text-anchor"] {
			case "middle":
				columns = append(columns, box{x - width/2, x + width/2, y})
			case "end":
				if x > 100 {
					continue // the heading of the x axis
				}
				rows = append(rows, box{x - width, x, y})
			}
		}
		if len(columns) < 2 || len(rows) < 2 {
			t.Errorf("chart %d (%+v) has %d and %d ticks", i, c.Series[0].Points, len(columns), len(rows))
		}
		for k, b := range columns {
			if b.from < 0 || b.to > 640 || k > 0 && b.from < columns[k-1].to+2 {
				t.Errorf("chart %d: the label %+v of the x axis has no room beside %+v", i, b, columns[max(k-1, 0)])
			}
		}
		for k, b := range rows {
			if b.from < 0 || k > 0 && rows[k-1].y-b.y < textSize {
				t.Errorf("chart %d: the label %+v of the y axis has no room beside %+v", i, b, rows[max(k-1, 0)])
			}
		}
	}
}

func TestPNG(t *testing.T) {
	for name, c := range small {
		f := func(o PNGOptions, width int) {
			t.Helper()
			var picture bytes.Buffer
			if err := c.PNG(&picture, o); err != nil {
				t.Fatal(err)
			}
			img, err := png.Decode(&picture)
			if err != nil {
				t.Fatal(err)
			}
			if img.Bounds().Dx() != width {
				t.Errorf("%s is %d wide, not %d", name, img.Bounds().Dx(), width)
			}
			ink := 0
			pixels := image.NewRGBA(img.Bounds())
			imagedraw.Draw(pixels, pixels.Bounds(), img, image.Point{}, imagedraw.Src)
			white := func(x, y int) bool {
				at := pixels.PixOffset(x, y)
				return string(pixels.Pix[at:at+3]) == "\xff\xff\xff"
			}
			for x := range img.Bounds().Dx() {
				for y := range img.Bounds().Dy() {
					if white(x, y) {
						continue
					}
					ink++
					if x < 8 || y < 8 || x >= img.Bounds().Dx()-8 || y >= img.Bounds().Dy()-8 {
						t.Fatalf("%s: something is cut off at the edge, at %d, %d", name, x, y)
					}
				}
			}
			if ink < 2000 {
				t.Errorf("%s has only %d points that are not white", name, ink)
			}
		}
		f(PNGOptions{Title: "What it is", Subtitle: "of what"}, 1600)
		f(PNGOptions{Title: strings.Repeat("A title that is far too long ", 20), Width: 900}, 900)
		if han, ok := HanFont(); ok && name == "time" {
			f(PNGOptions{Title: "时延分布", Font: han}, 1600)
		}
	}
}

func TestLegend(t *testing.T) {
	got := fmt.Sprint(small["time"].Legend())
	if want := fmt.Sprint([]Entry{{1, "mean", "series-2", Line, false}, {2, "steps", "series-3", Step, false}}); got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

// Labels are on no other point and no other label.
func TestLabelsKeepApart(t *testing.T) {
	c := &Chart{X: Axis{}, Y: Axis{}, Series: []Series{{Kind: Points, Joined: true}, {Kind: Points}}}
	for i := range 40 {
		x := float64(i)
		c.Series[0].Points = append(c.Series[0].Points, Point{X: x, Y: 10 + math.Sin(x/3)*5, Label: "case " + strconv.Itoa(i)})
		c.Series[1].Points = append(c.Series[1].Points, Point{X: x, Y: 12 + math.Sin(x/3)*5, Label: "other " + strconv.Itoa(i)})
	}
	svg := string(c.SVG())
	style := plottext.Style{Font: sans, Handler: handler{plottext.Plain{Fonts: font.DefaultCache}}}
	style.Font.Size = textSize
	var boxes []vg.Rectangle
	for _, line := range strings.Split(svg, "<text ")[1:] {
		var x, y float64
		text := line[strings.Index(line, ">")+1 : strings.Index(line, "</text>")]
		if !strings.HasPrefix(text, "case") && !strings.HasPrefix(text, "other") {
			continue
		}
		fmt.Sscanf(line, `x="%f" y="%f"`, &x, &y)
		width := float64(style.Width(text))
		switch {
		case strings.Contains(line, `"middle"`):
			x -= width / 2
		case strings.Contains(line, `"end"`):
			x -= width
		}
		// The letters without what hangs below the line: between the two are 0.8 em.
		top := y
		switch {
		case strings.Contains(line, `dy="0.35em"`):
			top -= 0.4 * textSize
		case !strings.Contains(line, "dy="):
			top -= 0.8 * textSize
		}
		box := vg.Rectangle{Min: vg.Point{X: vg.Length(x), Y: vg.Length(top)}, Max: vg.Point{X: vg.Length(x + width), Y: vg.Length(top + 0.7*textSize)}}
		if overlaps(box, boxes) {
			t.Errorf("%s is over another label", text)
		}
		boxes = append(boxes, box)
	}
	if len(boxes) < 5 {
		t.Errorf("only %d labels are there", len(boxes))
	}
}

func FuzzChart(f *testing.F) {
	f.Add(1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 7)
	f.Add(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0)
	f.Add(math.NaN(), math.Inf(1), -1.0, 1e308, 5.0, 1.0, 12)
	f.Add(1e-300, 1e300, -1e300, 5e-324, math.Inf(-1), 1e99, 33)
	f.Fuzz(func(t *testing.T, a, b, c, d, low, high float64, what int) {
		what &= 0xffff
		points := []Point{{X: a, Y: b, Low: c, High: d, Label: "a\x00<&", Title: "\xff"}, {X: b, Y: c, Low: a, High: b}, {X: c, Y: d, Low: b, High: a}, {X: d, Y: a, Low: low, High: high}}
		chart := &Chart{Width: low, Height: high, X: Axis{Scale: Scale(what % 3), Min: low, Max: high, Unit: "ms"}, Y: Axis{Scale: Scale(what / 3 % 2), Rows: what/6%2 == 1, Min: c, Max: d},
			Shades: []Shade{{a, b}}, Series: []Series{{Name: "a\x01\"", Kind: Kind(what / 12 % 5), Points: points, Joined: true}, {Kind: Kind(what / 60 % 5), Points: points}}}
		check(t, "fuzzed", chart)
	})
}
