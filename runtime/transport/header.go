package transport

import (
	"fmt"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// CheckHeader tells what keeps a name and a value from being a header field, nil
// for nothing. The transport writes fields as they are, so whoever takes them
// from outside checks them first: a line end would begin another field. A value
// may be empty and may have bytes above ASCII.
func CheckHeader(name, value string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%q is not the name of a header: use letters, digits and -", nameOnly(name))
	}
	if !httpguts.ValidHeaderFieldValue(value) {
		return fmt.Errorf("the value of header %s has a line end or another control character in it: remove it", name)
	}
	return nil
}

// nameOnly cuts what was given as a name where it cannot be one any more: the
// rest may be a value, as of "Authorization: Bearer …", which nobody should read,
// unless it is too short for a secret.
func nameOnly(text string) string {
	const short = 4
	for i, r := range text {
		if after := i + len(string(r)); !httpguts.IsTokenRune(r) && len(text)-after > short {
			return strings.ToValidUTF8(text[:after], "\ufffd") + "…"
		}
	}
	return text
}
