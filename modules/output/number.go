package output

import (
	"math"
	"strconv"
	"strings"
)

// Round rounds as Python's round(x, decimals) does: the exact binary value
// correctly, and exact halves to the even neighbour. So 2.675 becomes 2.67,
// because the number nearest to 2.675 is a little less.
func Round(x float64, decimals int) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', decimals, 64), 64)
	if err != nil {
		return x // not reached: it is a number that was just printed
	}
	return rounded
}

// FormatFloat writes a number as Python's str(float) does: with the fewest
// digits that give the same number again, at least one of them behind the point,
// and with an exponent below 0.0001 and from 1e16 on.
func FormatFloat(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	if size := math.Abs(x); size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	s := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// maxSafeInteger is the largest whole number below which JavaScript has all.
const maxSafeInteger = 1<<53 - 1

// whole reports whether JavaScript's number x stands for an integer.
func whole(x float64) bool {
	return x == math.Trunc(x) && math.Abs(x) <= maxSafeInteger
}
