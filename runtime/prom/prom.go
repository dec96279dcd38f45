// Package prom reads pages of metrics in Prometheus' text format, as inference
// servers and exporters of devices serve them.
//
// A page is parsed by prometheus/common's expfmt. That gives up at the first line
// that it cannot read; here such a line is reported and left out, and the rest is read.
package prom

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Page is the families of a page by their names.
type Page map[string]*dto.MetricFamily

const (
	mostBad   = 100      // lines of a page that may be left out. One with more is none
	mostAgain = 64 << 20 // bytes that are parsed again for lines that are wrong only beside others
)

// lineOf finds the number of the line in a message of expfmt.
var lineOf = regexp.MustCompile(`line (\d+)`)

// Parse reads a page. unread are the lines that could not be read, as they are; they
// have been left out. The error is that of a page that is none, such as a web page.
func Parse(page []byte) (families Page, unread []string, err error) {
	if len(page) > 0 && page[len(page)-1] != '\n' { // it was cut off
		page = append(page[:len(page):len(page)], '\n')
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err = parser.TextToMetricFamilies(bytes.NewReader(page))
	if err == nil {
		return families, nil, nil
	}
	// Most bad lines are bad by themselves: they are found in one pass. The parser
	// stops at each of the others, such as a second TYPE of a family.
	lines := slices.DeleteFunc(bytes.SplitAfter(page, []byte("\n")), func(line []byte) bool {
		if len(unread) > mostBad {
			return false
		}
		_, err := parser.TextToMetricFamilies(bytes.NewReader(line))
		if err != nil {
			unread = append(unread, text(line))
		}
		return err != nil
	})
	for again := 0; len(unread) <= mostBad && again <= mostAgain; {
		page = bytes.Join(lines, nil)
		families, err = parser.TextToMetricFamilies(bytes.NewReader(page))
		if err == nil {
			return families, unread, nil
		}
		again += len(page)
		n := 0
		if at := lineOf.FindStringSubmatch(err.Error()); at != nil {
			n, _ = strconv.Atoi(at[1])
		}
		if n < 1 || n > len(lines) {
			break
		}
		unread = append(unread, text(lines[n-1]))
		lines = slices.Delete(lines, n-1, n)
	}
	return nil, nil, fmt.Errorf("no page of Prometheus metrics: %w", err)
}

// text is a line without its end.
func text(line []byte) string { return string(bytes.TrimSuffix(line, []byte("\n"))) }

// Value is a sample's number, whatever its type says; false: it has none, or one
// that is not finite. The numbers of histograms and summaries are read otherwise.
func Value(m *dto.Metric) (float64, bool) {
	v := math.NaN()
	switch {
	case m.Gauge != nil:
		v = m.Gauge.GetValue()
	case m.Counter != nil:
		v = m.Counter.GetValue()
	case m.Untyped != nil:
		v = m.Untyped.GetValue()
	}
	return v, !math.IsNaN(v) && !math.IsInf(v, 0)
}

// Label is the value of a label, "" without one.
func Label(m *dto.Metric, name string) string {
	for _, l := range m.Label {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}
