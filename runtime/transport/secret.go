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
		return isSecret(f.Name) && repeats(f.Value)
	})
}

// Redact takes the secrets out of a message that a service has sent, which may quote
// the header fields that it was asked with: those that are secrets, and others.
func Redact(message string, sent []Header, others ...string) string {
	const shortest = 4 // less is no secret, and would be found everywhere
	for _, secret := range others {
		if len(secret) >= shortest {
			message = strings.ReplaceAll(message, secret, "…")
		}
	}
	for _, f := range sent {
		if !isSecret(f.Name) {
			continue
		}
		for _, word := range strings.Fields(f.Value) {
			if len(word) >= shortest && !strings.EqualFold(word, "Bearer") && !strings.EqualFold(word, "Basic") {
				message = strings.ReplaceAll(message, word, "…")
			}
		}
	}
	return message
}

func isSecret(name string) bool {
	return slices.ContainsFunc(secretFields, func(secret string) bool { return strings.EqualFold(name, secret) })
}
