package script

import "weir/runtime/suggest"

// didYouMean is the hint for a misspelt name, "" when nothing is like it.
func didYouMean(name string, candidates []string) string {
	if near := suggest.Nearest(name, candidates); near != "" {
		return "did you mean " + quote(near) + "?"
	}
	return ""
}

func quote(s string) string { return `"` + s + `"` }
