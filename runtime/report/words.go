package report

import (
	"fmt"
	"strings"
)

// Lang is a language that reports are written in.
type Lang string

const (
	English Lang = "en"
	Chinese Lang = "zh"
)

// ParseLang reads the name of a language.
func ParseLang(name string) (Lang, error) {
	switch l := Lang(name); l {
	case English, Chinese:
		return l, nil
	}
	return "", fmt.Errorf("%q is no language of reports; there are en (English) and zh (Chinese)", name)
}

// FromEnvironment is the language of the locale: the first of LC_ALL, LC_MESSAGES and
// LANG that is set, as POSIX has it.
func FromEnvironment(lookup func(name string) (string, bool)) Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value, _ := lookup(name); value != "" {
			if strings.HasPrefix(strings.ToLower(value), "zh") {
				return Chinese
			}
			return English
		}
	}
	return English
}

// Tag is the language for HTML's lang attribute.
func (l Lang) Tag() string {
	if l == Chinese {
		return "zh-CN"
	}
	return "en"
}

// T is a text of the reports in the language. A key that there is none for is
// returned as it is, which a test does not let happen.
func (l Lang) T(key string) string {
	w, ok := words[key]
	switch {
	case !ok:
		return key
	case l == Chinese:
		return w.zh
	}
	return w.en
}

// F is T of a text with verbs of fmt in it. Both languages take the values in the same
// order, or number them (%[2]s).
func (l Lang) F(key string, values ...any) string { return fmt.Sprintf(l.T(key), values...) }

// word is a text in every language.
type word struct{ en, zh string }

// words are all texts of the reports but the definitions of metrics. Names of metrics
// (TTFT, ITL, …), of rules and of fields stay what they are in every language, and what
// comes from a run is shown as it is.
var words = map[string]word{
	"report": {"Report", "报告"},
}
