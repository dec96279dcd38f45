package sim

import "strings"

// defaultVocabulary is what replies are made of unless the configuration brings
// its own words: one word with its blank is one token.
var defaultVocabulary = splitWords(`
 the of and to in is that it was for on are with as at be this have from or
 one had by word but not what all were we when your can said there use an each
 which she do how their if will up other about out many then them these so some
 her would make like him into time has look two more write go see number no way
 could people my than first water been call who oil its now find long down day
 did get come made may part over new sound take only little work know place year
 live me back give most very after thing our just name good sentence man think
 say great where help through much before line right too mean old any same tell
 boy follow came want show also around form three small set put end does another
 well large must big even such because turn here why ask went men read need land
`)

func splitWords(s string) []string {
	words := strings.Fields(s)
	for i, w := range words {
		words[i] = " " + w
	}
	return words
}
