package declarations

import (
	"fmt"
	"strings"
)

// scanner goes through a file of declarations. Comments and strings may hold any
// character, so that nothing is found by searching for it.
type scanner struct {
	path string
	text string
	at   int
}

// fail is an error at the scanner's place.
func (s *scanner) fail(format string, args ...any) error {
	before := s.text[:min(s.at, len(s.text))]
	line := 1 + strings.Count(before, "\n")
	return fmt.Errorf("%s:%d:%d: %s", s.path, line, s.at-strings.LastIndexByte(before, '\n'), fmt.Sprintf(format, args...))
}

// space skips blanks and comments, and returns the text of the last doc comment
// among them: that of what follows. first is the doc comment before the last, "" when
// there are not two of them.
func (s *scanner) space() (doc, first string, err error) {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			s.at++
		case strings.HasPrefix(rest, "//"), strings.HasPrefix(rest, "/*"):
			end := commentEnd(rest)
			if end < 0 {
				return "", "", s.fail("the comment has no end")
			}
			if strings.HasPrefix(rest, "/**") && end > len("/**/") {
				first, doc = doc, commentText(rest[:end])
			}
			s.at += end
		default:
			return doc, first, nil
		}
	}
	return doc, first, nil
}

// commentEnd is the length of the comment that a text begins with, -1 when it has no end.
func commentEnd(text string) int {
	if strings.HasPrefix(text, "//") {
		if end := strings.IndexByte(text, '\n'); end >= 0 {
			return end + 1
		}
		return len(text)
	}
	if end := strings.Index(text[2:], "*/"); end >= 0 {
		return end + 4
	}
	return -1
}

// commentText is what a doc comment says: Markdown.
func commentText(comment string) string {
	lines := strings.Split(strings.TrimSuffix(strings.TrimPrefix(comment, "/**"), "*/"), "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, " \t\r")
		if trimmed := strings.TrimLeft(line, " \t"); i > 0 {
			line = strings.TrimPrefix(trimmed, "*")
		}
		lines[i] = strings.TrimPrefix(line, " ")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// word is the name or keyword at the scanner's place, "" when there is none.
func (s *scanner) word() string {
	end := s.at
	for end < len(s.text) && isWord(s.text[end]) {
		end++
	}
	return s.text[s.at:end]
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// take skips a keyword with what follows it up to the next word; false: it is not there.
func (s *scanner) take(keyword string) bool {
	if s.word() != keyword {
		return false
	}
	s.at += len(keyword)
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
	return true
}

// until moves to the first of the stops that is in no bracket, comment or string, and
// returns what was before it. At a closing bracket that was not opened it stops, too.
func (s *scanner) until(stops string) (string, error) {
	from, depth := s.at, 0
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case strings.HasPrefix(s.text[s.at:], "//"), strings.HasPrefix(s.text[s.at:], "/*"):
			end := commentEnd(s.text[s.at:])
			if end < 0 {
				return "", s.fail("the comment has no end")
			}
			s.at += end
			continue
		case c == '"' || c == '\'' || c == '`':
			if err := s.skipString(c); err != nil {
				return "", err
			}
			continue
		case depth == 0 && (strings.IndexByte(stops, c) >= 0 || strings.IndexByte(")]}", c) >= 0):
			return s.text[from:s.at], nil
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		}
		s.at++
	}
	s.at = from
	return "", s.fail("there is no %q after this", stops)
}

func (s *scanner) skipString(quote byte) error {
	for i := s.at + 1; i < len(s.text); i++ {
		switch s.text[i] {
		case '\\':
			i++
		case quote:
			s.at = i + 1
			return nil
		}
	}
	return s.fail("the string has no end")
}
