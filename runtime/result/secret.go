package result

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Hidden stands in a result for a secret.
const Hidden = "…"

// HasHidden tells whether something of a value is hidden in a result: of a text, or of one
// in a list.
func HasHidden(v any) bool {
	switch v := v.(type) {
	case string:
		return v == Hidden || strings.Contains(v, "="+Hidden) || strings.Contains(v, "://"+Hidden+"@")
	case []any:
		return slices.ContainsFunc(v, HasHidden)
	}
	return false
}

// SecretName tells whether what is called so — a flag, an environment variable, a
// setting — may be a secret, such as HF_TOKEN, apiKey or --ssl-keyfile-password. What
// only counts tokens, or says where a tokenizer or a file of keys is, is none.
func SecretName(name string) bool {
	all := words(name)
	for i, word := range all {
		switch word {
		case "password", "passwd", "passphrase", "pwd", "pass", "secret", "secrets", "credential", "credentials", "auth", "authorization",
			"cookie", "signature", "appcode", "apikey", "apikeys", "accesskey", "secretkey", "authtoken", "ak", "sk":
			return true
		case "key", "keys", "token":
			special := i > 0 && slices.Contains([]string{"bos", "eos", "pad", "unk", "sep", "cls", "mask"}, all[i-1])
			if i == len(all)-1 && !special || i > 0 && slices.Contains([]string{"api", "access", "secret", "private", "auth"}, all[i-1]) {
				return true
			}
		}
	}
	return false
}

// words are those of a name, in lower case: of X-Auth-Token, ssl_keyfile or apiKey.
func words(name string) (all []string) {
	start, before := 0, rune(0)
	cut := func(end int) {
		if end > start {
			all = append(all, strings.ToLower(name[start:end]))
		}
	}
	for i, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			cut(i)
			start = i + utf8.RuneLen(r)
		case unicode.IsUpper(r) && unicode.IsLower(before):
			cut(i)
			start = i
		}
		before = r
	}
	cut(len(name))
	return all
}

// HideLogin takes the user and the password out of a text that is a URL or has some in
// it: what stands between "://" and the last @ before the path.
func HideLogin(text string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "://")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteString("://")
		end := strings.IndexAny(rest, "/?# \t\n\"',")
		if end < 0 {
			end = len(rest)
		}
		if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
			b.WriteString(Hidden)
			rest = rest[at:]
		}
		text = rest
	}
}

// assigned is a name with its value: of a command line (--api-key x, --api-key=x), of
// JSON or of a program's data ("api_key": "x", api_key='x').
var assigned = regexp.MustCompile(`(--?)?([A-Za-z_][\w.-]*)(\\?["']?\s*[:=]\s*|\s+)(\\?["']?)((?i:bearer\s+|basic\s+)?[^\s"',;&}\])\\]+)`)

// HideAssigned takes the values of what is called like a secret out of a text that has
// names and values in it, such as a command line.
func HideAssigned(text string) string {
	var b strings.Builder
	for text != "" {
		at := assigned.FindStringSubmatchIndex(text)
		if at == nil {
			break
		}
		part := func(i int) string { // "" for what is not there
			if at[2*i] < 0 {
				return ""
			}
			return text[at[2*i]:at[2*i+1]]
		}
		value := at[10]
		if !SecretName(part(2)) || part(1) == "" && strings.TrimSpace(part(3)) == "" || strings.HasPrefix(part(5), "-") {
			// The value may itself be a name.
			b.WriteString(text[:value])
			text = text[value:]
			continue
		}
		b.WriteString(text[:value] + Hidden)
		text = text[at[11]:]
	}
	return b.String() + text
}
