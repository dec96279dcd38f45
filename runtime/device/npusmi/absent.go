package npusmi

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// masked are names that whoever published an output has hidden: xxx, x.x.x.
var masked = regexp.MustCompile(`(?i)(^|\s)(x{3,}|x(\.x)+)$`)

// told is a value without its blanks, "" when it says that there is none.
func told(text string) string {
	text = strings.TrimSpace(text)
	switch strings.ToUpper(text) {
	case "NA", "N/A", "-", "--", "NULL", "NONE":
		return ""
	}
	if masked.MatchString(text) {
		return ""
	}
	return text
}

// number reads a value; nil: there is none. false: it is something else.
func number(text string) (*float64, bool) {
	if text = told(text); text == "" {
		return nil, true
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, false
	}
	return &x, true
}

// mostID is the largest number of a card or chip that is taken for one. The ids of
// cards are slots, and some are in the thousands.
const mostID = 1 << 20

// id reads the number of a card or chip; nil: there is none, which is printed as -1
// too. false: it is something else.
func id(text string) (*int, bool) {
	if text = told(text); text == "" || text == "-1" {
		return nil, true
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > mostID {
		return nil, false
	}
	return &n, true
}

const (
	mostUnread = 10  // lines that are handed out
	unreadSize = 200 // bytes of each
)

// unread collects lines that could not be read, each once.
type unread []string

func (u *unread) add(line string) {
	line = strings.TrimSpace(strings.ToValidUTF8(line, "�"))
	if len(line) > unreadSize {
		line = strings.ToValidUTF8(line[:unreadSize], "") + "…"
	}
	if line != "" && len(*u) < mostUnread && !slices.Contains(*u, line) {
		*u = append(*u, line)
	}
}
