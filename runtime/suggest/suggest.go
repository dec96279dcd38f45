// Package suggest finds what a misspelt name was meant to be, for error messages.
package suggest

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest returns the candidate that differs from name by the fewest letters,
// case aside, or "" when none is near enough to have been meant: more than two
// letters, and more than a third of the name, are too many.
func Nearest(name string, candidates []string) string {
	best, fewest := "", max(2, len(name)/3)+1
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(c)); d < fewest {
			best, fewest = c, d
		}
	}
	return best
}
