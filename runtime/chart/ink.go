package chart

import (
	"fmt"
	imagecolor "image/color"
	"strings"
)

// Ink is a colour by its name: the CSS variable --NAME of a page, which light and dark
// pages and print give values of their own.
type Ink string

// inks are all of them, with their values on a light and on a dark page. The first
// eight are those of series without an ink.
var inks = []struct {
	name        Ink
	light, dark uint32 // 0xRRGGBB
}{
	{"series-1", 0x1f6feb, 0x6cb0ff},
	{"series-2", 0xd9580f, 0xffa157},
	{"series-3", 0x1a7f4b, 0x56d68c},
	{"series-4", 0x8e44ad, 0xcf9bf0},
	{"series-5", 0x0b8793, 0x4fd0dd},
	{"series-6", 0xc2255c, 0xff8fb5},
	{"series-7", 0x8a6d00, 0xe3c34a},
	{"series-8", 0x5b6675, 0xa7b3c4},

	{"ink", 0x1b1f24, 0xe8ebef},
	{"ink-soft", 0x57606a, 0xa4afbb},
	{"grid", 0xdde2e8, 0x333b45},
	{"paper", 0xffffff, 0x14181d},

	// What happens to a request.
	{"scheduled", 0xc3cad2, 0x4b5663}, // the client has not sent it yet
	{"waiting", 0x8892a0, 0x77828f},
	{"prefill", 0xc97a00, 0xf2b04a},
	{"decode", 0x3b82f6, 0x4e92f7},
	{"failed", 0xd1242f, 0xff6b6b},
	{"good", 0x1a7f4b, 0x56d68c},
}

// color is the ink on a light page. The canvas of SVG finds its name again.
func color(name Ink) namedColor {
	for _, i := range inks {
		if i.name == name {
			return namedColor{name, imagecolor.NRGBA{R: uint8(i.light >> 16), G: uint8(i.light >> 8), B: uint8(i.light), A: 255}}
		}
	}
	return namedColor{name, imagecolor.NRGBA{A: 255}}
}

// namedColor is a colour that knows its name.
type namedColor struct {
	name Ink
	imagecolor.NRGBA
}

// faded is the colour, seen through.
func (c namedColor) faded(opacity float64) namedColor {
	c.A = uint8(255 * opacity)
	return c
}

// Variables are the CSS declarations that give every ink its value: to be put into a
// rule, such as one for :root.
func Variables(dark bool) string {
	var css strings.Builder
	for _, i := range inks {
		value := i.light
		if dark {
			value = i.dark
		}
		fmt.Fprintf(&css, "--%s:#%06x;", i.name, value)
	}
	return css.String()
}

// CSS are the rules of charts that are needed beside the variables: text grows where a
// picture is scaled down, for which there is room. A chart has to stand in an element of
// class "chart-box".
const CSS = `.chart-box{container-type:inline-size}
.chart{display:block;width:100%;height:auto;font-size:12px;font-variant-numeric:tabular-nums}
@container (max-width:620px){.chart{font-size:15px}}
@container (max-width:480px){.chart{font-size:18.5px}}
@container (min-width:760px){.chart{font-size:10.5px}}
@container (min-width:960px){.chart{font-size:8.5px}}
.chart .series[hidden]{display:none}
`

// textSize is the largest size that text in a chart takes in CSS, pixels of a picture
// of natural size.
const textSize = 18.5
