package docs_test

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestTranslation holds that README.zh-CN.md has what README.md has: the sections, tables
// and lists, in the same order the same code but for its comments, and the same links.
func TestTranslation(t *testing.T) {
	const english, chinese = "../README.md", "../README.zh-CN.md"
	for what, of := range map[string]func(string) []string{
		"sections, rows of tables and items of lists": structure,
		"blocks of code": func(page string) (all []string) {
			for _, b := range blocks(t, page) {
				all = append(all, b.language+"\n"+comment.ReplaceAllString(b.code, ""))
			}
			return all
		},
		"links": links,
	} {
		a, b := of(english), of(chinese)
		for i := range max(len(a), len(b)) {
			if i >= len(a) || i >= len(b) || a[i] != b[i] {
				at := func(all []string) []string { return all[min(i, len(all)):min(i+1, len(all))] }
				t.Errorf("%s differ: README.md has %d, README.zh-CN.md %d; the first that differs is\n%q\n%q", what, len(a), len(b), at(a), at(b))
				break
			}
		}
	}
}

var (
	comment = regexp.MustCompile(`(?m)\s*(^|\s)# .*$`)
	codes   = regexp.MustCompile("(?s)```.*?\n```")
	// What a line is: a heading's level, a row with its first cell where that is code, an item.
	kinds = regexp.MustCompile("(?m)^(#+ |\\| (?:`[^|]*|\\d+) \\||\\|---|\\* |\\d+\\. )")
)

// structure is what the lines of a page are that are not plain text.
func structure(page string) []string {
	text, _ := os.ReadFile(page) // pages has found it
	return kinds.FindAllString(codes.ReplaceAllString(string(text), ""), -1)
}

// links are where a page leads to, sorted: sentences have another order in another language.
func links(page string) (all []string) {
	text, _ := os.ReadFile(page)
	for _, found := range link.FindAllStringSubmatch(string(text), -1) {
		if found[1] != "README.md" && found[1] != "README.zh-CN.md" { // each other
			all = append(all, found[1])
		}
	}
	slices.Sort(all)
	return all
}
