package transport

import (
	"bytes"
	"slices"
	"strings"
)

// secretFields are fields whose values nobody should read in a message.
var secretFields = []string{
	"Authorization", "Proxy-Authorization", "Cookie", "X-Apig-AppCode", "X-Auth-Token", "X-Security-Token", "X-Api-Key", "Api-Key", "apikey",
}

// repeatsSecret tells whether what has come has the beginning of a secret that the
// request was sent with: so messages must not quote it. A service that is none of
// HTTP may send back all that it is sent.
func (x *Exchange) repeatsSecret(come []byte) bool {
	repeats := func(value string) bool {
		_, word, two := strings.Cut(value, " ") // of "Bearer …", what follows
		if !two {
			word = value
		}
		return word != "" && bytes.Contains(come, []byte(word[:min(8, len(word))]))
	}
	if x.client.forwards() && repeats(x.client.proxy.login) {
		return true
	}
	return slices.ContainsFunc(x.fields, func(f Header) bool {
		return slices.ContainsFunc(secretFields, func(name string) bool { return strings.EqualFold(f.Name, name) }) && repeats(f.Value)
	})
}
