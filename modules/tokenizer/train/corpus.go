package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The corpus is our own: prose written for this purpose, and a list of common
// words from which word forms are made.
var (
	//go:embed prose.txt
	prose string
	//go:embed words.txt
	words string
)

// pieces is the pre-tokenizer of GPT-2 but for one thing that Go's regexp lacks:
// it leaves the last blank of a run in the run. Merges never cross pieces.
var pieces = regexp.MustCompile(`'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+`)

// endings make word forms. Those that make no English word cost little: rare
// forms share their parts with frequent ones.
var endings = []string{"", "s", "ed", "ing", "er", "ly", "ion", "able", "ness", "ment"}

// bareWords is how many words at the start of the list take no endings: "the",
// "of", "and" and their like.
const bareWords = 190

// countPieces returns how often each piece occurs, by a weight: the prose as it
// is, and the words about by Zipf's law.
func countPieces() map[string]int {
	counts := map[string]int{}
	for _, piece := range pieces.FindAllString(prose, -1) {
		counts[piece] += 40
	}

	const scale = 200_000
	rank := 0
	seen := map[string]bool{}
	for _, word := range strings.Fields(words) {
		if seen[word] {
			continue
		}
		seen[word] = true
		rank++
		for i, ending := range endings {
			if i > 0 && rank <= bareWords {
				break
			}
			weight := scale / (rank + 20) / (1 + 3*i)
			form := word + ending
			counts[" "+form] += weight + 8
			counts[form] += weight/10 + 2
			counts[" "+capital(form)] += weight/10 + 2
			counts[capital(form)] += weight/20 + 1
		}
	}

	// The prefixes of the prompts that weir makes, and numbers.
	counts["Hello"] += scale
	for n := range 100 {
		counts[fmt.Sprintf("%d", n)] += 200
		counts[fmt.Sprintf(" %d", n)] += 200
	}
	for n := range 12 {
		counts[strings.Repeat(" ", n+2)] += 400
		counts["\n"+strings.Repeat("\t", n)] += 400
		counts["\n"+strings.Repeat(" ", n)] += 400
	}
	return counts
}

func capital(word string) string {
	first, size := utf8.DecodeRuneInString(word)
	return string(unicode.ToUpper(first)) + word[size:]
}
