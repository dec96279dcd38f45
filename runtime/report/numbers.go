package report

import (
	"math"
	"strconv"
	"strings"
	"time"

	"weir/runtime/result"
)

// absent stands where there is no value. What is absent is never shown as 0.
const absent = "–"

// number writes a value with four significant digits, or all of those before the
// point, and never more than three behind it.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return absent
	}
	digits := 0
	switch a := math.Abs(v); {
	case a == math.Trunc(a):
	case a < 10:
		digits = 3
	case a < 100:
		digits = 2
	case a < 1000:
		digits = 1
	}
	text := strconv.FormatFloat(v, 'f', digits, 64)
	if v != 0 && math.Abs(v) < 0.0005 {
		text = strconv.FormatFloat(v, 'g', 3, 64)
	}
	return grouped(text)
}

// value is number of what may be absent.
func value(v *float64) string {
	if v == nil {
		return absent
	}
	return number(*v)
}

// vague marks a percentile of too few samples to be known, as on the terminal.
const vague = "~"

// percentile writes the p-th one of a metric; what is no percentile has a p of 0 or 100.
func percentile(m *result.Metric, p float64, v *float64) string {
	if v == nil || m.Supports(p) {
		return value(v)
	}
	return vague + value(v)
}

func whole(n int64) string { return grouped(strconv.FormatInt(n, 10)) }

// percent writes a share of 0…1 in percent.
func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 1, 64) + " %" }

// grouped puts commas between the thousands of a number that FormatFloat has written.
func grouped(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	end := strings.IndexAny(text, ".e")
	if end < 0 {
		end = len(text)
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, r := range text[:end] {
		if i > 0 && (end-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String() + text[end:]
}

// size writes a size in the largest binary unit that it has.
func size(n int64) string {
	const units = "KMGTP"
	v, unit := float64(n), ""
	for i := 0; i < len(units) && v >= 1024; i++ {
		v, unit = v/1024, units[i:i+1]+"i"
	}
	return strconv.FormatFloat(v, 'f', min(max(len(unit)-1, 0), 1), 64) + " " + unit + "B"
}

// span writes how long something took.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return number(max(d, 0).Round(time.Millisecond).Seconds()) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " min " + strconv.Itoa(int(d/time.Second)%60) + " s"
	}
	return strconv.Itoa(int(d/time.Hour)) + " h " + strconv.Itoa(int(d/time.Minute)%60) + " min"
}

// seconds is span of a number of seconds, which may come from a file.
func seconds(s float64) string {
	if math.IsNaN(s) || s < 0 || s > 1e9 {
		return absent
	}
	return span(time.Duration(s * float64(time.Second)))
}

// moment writes a date and time with its zone.
func moment(t time.Time) string { return t.Format("2006-01-02 15:04:05 -07:00") }
