package metrics

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Selector is a metric as thresholds name it: as a whole, or the part of it that
// has certain tags.
type Selector struct {
	Metric string
	Tags   []Tag // in the order of the text; none: all of the metric
}

// Tag is a tag that a part has, as text.
type Tag struct{ Name, Value string }

// ParseSelector reads k6's form: "ttft", "ttft{rate:8}", `ttft{rate:8,case:"a, b"}`.
// A value goes from the first colon to the next comma or to the end, and may have
// colons; blanks around it do not count. What has commas, braces or blanks at its ends
// stands in " or ', between which everything is as it is.
func ParseSelector(text string) (Selector, error) {
	s, rest, err := cutSelector(text)
	if err == nil && rest != "" {
		err = wrongSelector(text, fmt.Sprintf("%q behind the } is too much", rest))
	}
	return s, err
}

// ParseLimit reads a threshold in one piece, as a command line has it:
// "ttft{rate:8}:p(99)<500".
func ParseLimit(text string) (on Selector, expr string, err error) {
	if at := strings.IndexAny(text, "{:"); at >= 0 && text[at] == ':' {
		on, err = ParseSelector(text[:at])
		return on, strings.TrimSpace(text[at+1:]), err
	}
	on, rest, err := cutSelector(text)
	if err != nil {
		return Selector{}, "", err
	}
	expr, ok := strings.CutPrefix(rest, ":")
	if !ok {
		return Selector{}, "", fmt.Errorf("%q: there is no colon between the metric and what it is held against; write it as ttft:p(99)<500 or ttft{rate:8}:p(99)<500", text)
	}
	return on, strings.TrimSpace(expr), nil
}

// cutSelector reads a selector at the beginning of a text.
func cutSelector(text string) (s Selector, rest string, err error) {
	name, tags, selects := strings.Cut(text, "{")
	s.Metric = strings.TrimSpace(name)
	switch {
	case strings.Contains(name, "}"):
		return s, "", wrongSelector(text, "there is a } without a {")
	case s.Metric == "":
		return s, "", wrongSelector(text, "there is no name of a metric")
	case strings.Contains(s.Metric, ":"):
		return s, "", wrongSelector(text, "the name of a metric has no colon")
	case !selects:
		return s, "", nil
	}
	for {
		var tag Tag
		var end byte
		if tag.Name, end, tags, err = word(tags, ":,}"); err == nil && end != ':' {
			err = fmt.Errorf("the tag %q has no value", tag.Name)
		}
		if err == nil {
			tag.Value, end, tags, err = word(tags, ",}")
		}
		if err == nil && slices.ContainsFunc(s.Tags, func(t Tag) bool { return t.Name == tag.Name }) {
			err = fmt.Errorf("the tag %q is there twice", tag.Name)
		}
		if err != nil {
			return s, "", wrongSelector(text, err.Error())
		}
		s.Tags = append(s.Tags, tag)
		if end == '}' {
			return s, strings.TrimSpace(tags), nil
		}
	}
}

func wrongSelector(text, why string) error {
	return fmt.Errorf(`%q: %s; write it as ttft, ttft{rate:8} or ttft{rate:8,model:"a, b"}`, text, why)
}

// word reads a name or a value, and the one of ends that follows it.
func word(text, ends string) (word string, end byte, rest string, err error) {
	text = strings.TrimSpace(text)
	quoted := text != "" && (text[0] == '"' || text[0] == '\'')
	if quoted {
		var closed bool
		if word, text, closed = strings.Cut(text[1:], text[:1]); !closed {
			return "", 0, "", errors.New("a quotation mark is not closed")
		}
		text = strings.TrimSpace(text)
	}
	at := strings.IndexAny(text, ends)
	switch {
	case at < 0:
		return "", 0, "", errors.New("there is no } at the end")
	case quoted && at > 0:
		return "", 0, "", fmt.Errorf("%q follows a quotation mark", text[:at])
	case !quoted:
		word = strings.TrimSpace(text[:at])
	}
	if word == "" && !quoted {
		return "", 0, "", errors.New("a tag lacks its name or its value")
	}
	return word, text[at], text[at+1:], nil
}

// String writes the selector in the form that ParseSelector reads.
func (s Selector) String() string {
	if len(s.Tags) == 0 {
		return s.Metric
	}
	parts := make([]string, len(s.Tags))
	for i, t := range s.Tags {
		parts[i] = quoteWord(t.Name, ":,}") + ":" + quoteWord(t.Value, ",}")
	}
	return s.Metric + "{" + strings.Join(parts, ",") + "}"
}

// quoteWord puts a word in quotation marks where it needs them. One that needs them
// and has both kinds cannot be read back, and was not read from a text.
func quoteWord(word, ends string) string {
	plain := word != "" && strings.TrimSpace(word) == word && !strings.ContainsAny(word, ends) && word[0] != '"' && word[0] != '\''
	switch {
	case plain:
		return word
	case strings.Contains(word, `"`):
		return "'" + word + "'"
	}
	return `"` + word + `"`
}
