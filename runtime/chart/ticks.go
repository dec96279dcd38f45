package chart

import (
	"math"
	"strconv"
	"strings"
	"time"

	"gonum.org/v1/plot"
)

// ticks are the marks of an axis: as many as have room, room being how long the axis
// is, and takes how much of it a label needs, with what is left free beside it. Those without a label are grid lines.
func (a Axis) ticks(low, high, room float64, takes func(label string) float64) []plot.Tick {
	if a.Rows {
		return nil
	}
	if a.Scale == Log {
		return a.logTicks(low, high, room, takes)
	}
	return a.evenTicks(low, high, func(v float64) float64 { return (v - low) / (high - low) * room }, takes)
}

// evenTicks are as many round values with even steps as have room where place puts them.
func (a Axis) evenTicks(low, high float64, place func(float64) float64, takes func(string) float64) []plot.Tick {
	var best []plot.Tick
	for n := 10; n >= 1 && len(best) < 2; n-- {
		var marks []plot.Tick
		fits, end := true, math.Inf(-1)
		for _, v := range steps(low, high, n, a.Scale == Seconds) {
			label := a.Format(v)
			half := takes(label) / 2
			fits = fits && place(v)-half >= end
			end = place(v) + half
			marks = append(marks, plot.Tick{Value: v, Label: label})
		}
		if fits && len(marks) > len(best) {
			best = marks
		}
	}
	return best
}

// logTicks labels as many of a decade's digits as fit: all nine, 1 2 3 5 7, 1 2 5,
// 1 3, or its 1 alone, with 2 and 5 as lines, then each second decade, and so on.
func (a Axis) logTicks(low, high, room float64, takes func(string) float64) []plot.Tick {
	first, last := int(math.Floor(math.Log10(low))), int(math.Ceil(math.Log10(high)))
	place := func(v float64) float64 { return math.Log(v/low) / math.Log(high/low) * room }
	var best []plot.Tick
	most := 0
	for try := 0; try < 5+last-first && most < 3; try++ {
		labels := []string{"123456789", "12357", "125", "13", "1"}[min(try, 4)]
		every := max(1, try-3) // of the decades
		var marks []plot.Tick
		labelled, fits, end := 0, true, math.Inf(-1)
		for e := first; e <= last; e++ {
			for digit := 1; digit <= 9; digit++ {
				v := parse(float64(digit), e)
				if v < low || v > high {
					continue
				}
				mark := plot.Tick{Value: v}
				switch sign := string(rune('0' + digit)); {
				case strings.Contains(labels, sign) && (e-first)%every == 0:
					mark.Label = a.Format(v)
					half := takes(mark.Label) / 2
					fits = fits && place(v)-half >= end
					end = place(v) + half
					labelled++
				case every > 2 || !strings.Contains("125", sign):
					continue
				}
				marks = append(marks, mark)
			}
		}
		if fits && labelled > most {
			best, most = marks, labelled
		}
	}
	if even := a.evenTicks(low, high, place, takes); len(even) > most && high/low < 20 {
		return even // it is short, and where few digits are
	}
	return best
}

// parse is digit · 10^e, to the last bit what the decimal number is.
func parse(digit float64, e int) float64 {
	v, _ := strconv.ParseFloat(strconv.Itoa(int(digit))+"e"+strconv.Itoa(e), 64)
	return v
}

// steps are round values from low to high, n or a few more or less.
func steps(low, high float64, n int, seconds bool) []float64 {
	step := roundUp((high-low)/float64(n), seconds)
	var values []float64
	for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-9 && len(values) < 50; i++ {
		v := i * step
		if step < 1 {
			// 3 · 0.1 is to be 0.3.
			v = math.Round(v*1e12/step) * step / 1e12
		}
		values = append(values, v+0) // no -0
	}
	return values
}

// roundUp is the next of 1, 2, 5 · 10^e, of seconds beyond a minute one that clocks
// have.
func roundUp(v float64, seconds bool) float64 {
	if seconds && v > 10 {
		for _, s := range []float64{15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400} {
			if v <= s {
				return s
			}
		}
	}
	e := math.Floor(math.Log10(v))
	if math.IsInf(e, 0) || math.IsNaN(e) {
		return 1
	}
	for _, digit := range []float64{1, 2, 5} {
		if s := parse(digit, int(e)); v <= s*(1+1e-9) {
			return s
		}
	}
	return parse(1, int(e)+1)
}

// Format writes a value as the ticks of the axis have it.
func (a Axis) Format(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case a.Scale == Seconds:
		return Clock(v)
	case a.Unit == "ms":
		return Milliseconds(v)
	}
	return Number(v)
}

// Number writes a number with three figures: 0.25, 48, 1.5k, 12M.
func Number(v float64) string {
	for _, p := range []struct {
		scale float64
		sign  string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		// What rounds up to the next prefix has that.
		if math.Abs(v) >= 0.9995*p.scale {
			return figures(v/p.scale) + p.sign
		}
	}
	return figures(v)
}

// figures is v with three figures and no zeros behind the point.
func figures(v float64) string {
	if v == 0 {
		return "0"
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if a := math.Abs(rounded); a < 1e-5 || a >= 1e6 {
		return strconv.FormatFloat(rounded, 'g', -1, 64)
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// Milliseconds writes a time of v ms as people do: 350 µs, 20 ms, 1.5 s, 3 min.
func Milliseconds(v float64) string {
	if v == 0 {
		return "0"
	}
	switch a := math.Abs(v); {
	case a < 0.9995:
		return figures(v*1e3) + " µs"
	case a < 999.5:
		return figures(v) + " ms"
	case a < 120e3:
		return figures(v/1e3) + " s"
	case a < 7200e3:
		return figures(v/60e3) + " min"
	}
	return Number(v/3600e3) + " h"
}

// Clock writes a time of v seconds: 0.5 s, 12 s, 1:30, 2:05:00.
func Clock(v float64) string {
	if v < 0 {
		return "−" + Clock(-v)
	}
	if v == 0 {
		return "0"
	}
	if v < 59.95 || v > 1e9 {
		return Number(v) + " s"
	}
	d := time.Duration(math.Round(v*10)) * 100 * time.Millisecond
	h, m, s := int(d.Hours()), int(d.Minutes())%60, d.Seconds()
	s = math.Mod(s, 60)
	two := func(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }
	seconds := two(int(s))
	if tenth := int(math.Round(s*10)) % 10; tenth != 0 {
		seconds += "." + strconv.Itoa(tenth)
	}
	if h > 0 {
		return strconv.Itoa(h) + ":" + two(m) + ":" + seconds
	}
	return strconv.Itoa(m) + ":" + seconds
}
