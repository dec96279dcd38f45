// Package report makes the pages that show runs: report.html, one file that needs
// neither a network nor a script. Data reads what a run has left behind and chooses its
// figures; package chart draws them; a view puts the result into words and tables, in
// English or Chinese; templates make HTML of that. Whatever comes from a run is escaped
// by html/template, and the page's policy lets nothing be loaded and no script run but
// its own.
//
// A script in the page adds values on hover, legends that switch series, and tables that
// sort and search. Without it every chart and table is there.
package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"weir/runtime/chart"
	"weir/runtime/result"
)

// FileName is the name of a run's report in its folder.
const FileName = "report.html"

// Options say how a report is written.
type Options struct{ Lang Lang }

// Write writes the report of a run as one page.
func Write(w io.Writer, run *result.Run, o Options) error {
	d := Load(run, o.Lang)
	var body strings.Builder
	if err := templates(o.Lang).ExecuteTemplate(&body, "page", newView(run, d, o.Lang)); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	name := run.Result.Script.Name
	return Frame(w, FrameOptions{Lang: o.Lang, Title: o.Lang.F("title", name)}, template.HTML(body.String()))
}

// FrameOptions are what a page says of itself.
type FrameOptions struct {
	Lang  Lang
	Title string
}

// Frame writes a whole page around its body: with the style, the script and the colours
// that all pages of weir have. The body is HTML that is safe.
func Frame(w io.Writer, o FrameOptions, body template.HTML) error {
	texts, err := json.Marshal(map[string]string{
		"copy": o.Lang.T("copy"), "copied": o.Lang.T("copied"), "search": o.Lang.T("search"), "rows": o.Lang.T("rows shown"),
	})
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(script))
	err = templates(o.Lang).ExecuteTemplate(w, "frame.gohtml", struct {
		FrameOptions
		Policy string
		CSS    template.CSS
		JS     template.JS
		Words  string
		Body   template.HTML
	}{
		FrameOptions: o,
		// Attributes of style come from charts. Nothing else may come from anywhere.
		Policy: "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		CSS:    style(), JS: template.JS(script), Words: string(texts), Body: body,
	})
	if err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

//go:embed page.js
var script string

//go:embed page.css
var pageCSS string

//go:embed comparison.css
var comparisonCSS string

// style is the whole of a page's: the colours of charts for light and dark, by the
// system's choice or by the reader's, and always light on paper.
var style = sync.OnceValue(func() template.CSS {
	light, dark := chart.Variables(false), chart.Variables(true)+darkPage
	return template.CSS(":root{" + light + "}\n" + chart.CSS + pageCSS + comparisonCSS +
		"@media screen{:root[data-theme=dark]{" + dark + "color-scheme:dark}:root[data-theme=light]{color-scheme:light}}\n" +
		"@media screen and (prefers-color-scheme:dark){:root:not([data-theme=light]){" + dark + "}}\n")
})

// darkPage are the variables of page.css on a dark page.
const darkPage = "--card:#1c2128;--line:#39424d;--link:#7ab5ff;--VALID:#56d68c;--SUSPECT:#f0b35a;--INVALID:#ff8080;"

//go:embed frame.gohtml page.gohtml comparison.gohtml
var pages embed.FS

// templates are all of them, in a language.
func templates(l Lang) *template.Template {
	if l == Chinese {
		return chineseTemplates()
	}
	return englishTemplates()
}

var (
	englishTemplates = sync.OnceValue(func() *template.Template { return parse(English) })
	chineseTemplates = sync.OnceValue(func() *template.Template { return parse(Chinese) })
)

func parse(l Lang) *template.Template {
	return template.Must(template.New("report").Funcs(template.FuncMap{
		"t":          l.T,
		"f":          l.F,
		"definition": l.Definition,
		"title":      l.title,
		"sample":     sample,
		"svg":        func(c *chart.Chart) template.HTML { return template.HTML(c.SVG()) },
		"clock":      func(c *chart.Chart) bool { return c.X.Scale == chart.Seconds },
	}).ParseFS(pages, "*.gohtml"))
}

// title is how the glossary calls a metric or an idea.
func (l Lang) title(name string) string {
	if _, idea := words["term "+name]; idea {
		return l.T("term " + name)
	}
	return name
}

// sample shows in a legend how a series is drawn.
func sample(e chart.Entry) template.HTML {
	ink := `var(--` + template.HTMLEscapeString(string(e.Ink)) + `)`
	switch e.Kind {
	case chart.Points:
		return template.HTML(`<svg viewBox="0 0 18 10" aria-hidden="true"><circle cx="9" cy="5" r="4" fill="` + ink + `"/></svg>`)
	case chart.Band, chart.Bars:
		return template.HTML(`<svg viewBox="0 0 18 10" aria-hidden="true"><rect x="1" y="1" width="16" height="8" rx="2" fill="` + ink + `"/></svg>`)
	}
	dashes := ""
	if e.Dashed {
		dashes = ` stroke-dasharray="5 3"`
	}
	return template.HTML(`<svg viewBox="0 0 18 10" aria-hidden="true"><path d="M0 5H18" stroke="` + ink + `" stroke-width="2.6"` + dashes + `/></svg>`)
}
