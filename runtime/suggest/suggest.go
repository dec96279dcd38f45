// Package suggest finds what a misspelt name was meant to be, for error messages.
package suggest

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the candidate that differs from name by the fewest letters,
// case aside, or "" when none is near enough to have been meant: more than two
// letters, and more than a third of the name, are too many. Two neighbours that have
// changed places are the nearest of all.
func Nearest(name string, candidates []string) string {
	best, fewest := "", max(2, len(name)/3)+1
	for _, c := range candidates {
		if swapped(strings.ToLower(name), strings.ToLower(c)) {
			return c
		}
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(c)); d < fewest {
			best, fewest = c, d
		}
	}
	return best
}

// swapped tells whether two letters of a beside each other make it b in the other order.
func swapped(a, b string) bool {
	for i := 1; i < len(a); i++ {
		if a[i-1] != a[i] && a[:i-1]+a[i:i+1]+a[i-1:i]+a[i+1:] == b {
			return true
		}
	}
	return false
}
