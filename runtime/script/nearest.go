package script

import "slices"

// nearest returns the candidate that is most like name, "" when none is near
// enough to have been meant.
func nearest(name string, candidates []string) string {
	best, bestDistance := "", max(2, len(name)/3)+1
	for _, candidate := range candidates {
		if d := distance(name, candidate); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two strings, in runes.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range from {
		previous := slices.Clone(row)
		row[0] = i + 1
		for j, y := range to {
			cost := 1
			if x == y {
				cost = 0
			}
			row[j+1] = min(previous[j]+cost, previous[j+1]+1, row[j]+1)
		}
	}
	return row[len(to)]
}

// didYouMean is the hint for a misspelt name, "" when nothing is like it.
func didYouMean(name string, candidates []string) string {
	if near := nearest(name, candidates); near != "" {
		return "did you mean " + quote(near) + "?"
	}
	return ""
}

func quote(s string) string { return `"` + s + `"` }
