package sign

import (
	"cmp"
	"slices"
	"strings"

	"weir/runtime/transport"
)

// canonicalRequest is the form of a request that both ends can make, and of
// which the hash is signed. signed are fields with names in lower case, sorted by
// them.
func canonicalRequest(method, uri string, signed []transport.Header, body []byte) string {
	path, query, _ := strings.Cut(uri, "?")
	var b strings.Builder
	b.WriteString(method)
	b.WriteByte('\n')
	b.WriteString(canonicalPath(path))
	b.WriteByte('\n')
	b.WriteString(canonicalQuery(query))
	b.WriteByte('\n')
	for _, f := range signed {
		b.WriteString(f.Name)
		b.WriteByte(':')
		b.WriteString(strings.TrimSpace(f.Value))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(names(signed))
	b.WriteByte('\n')
	b.WriteString(hash(body))
	return b.String()
}

func names(signed []transport.Header) string {
	var all []string
	for _, f := range signed {
		all = append(all, f.Name)
	}
	return strings.Join(all, ";")
}

// canonicalPath encodes each segment anew, and ends with a slash.
func canonicalPath(path string) string {
	segments := strings.Split(unescape(path, false), "/")
	for i, s := range segments {
		segments[i] = escape(s)
	}
	path = strings.Join(segments, "/")
	if !strings.HasSuffix(path, "/") {
		path += "/"
	}
	return path
}

// canonicalQuery encodes each parameter anew, and sorts them by name and then by
// value, as they are before encoding.
func canonicalQuery(query string) string {
	type parameter struct{ name, value string }
	var all []parameter
	for one := range strings.SplitSeq(query, "&") {
		if one == "" {
			continue
		}
		name, value, _ := strings.Cut(one, "=")
		all = append(all, parameter{unescape(name, true), unescape(value, true)})
	}
	slices.SortFunc(all, func(a, b parameter) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	var b strings.Builder
	for i, p := range all {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escape(p.name))
		b.WriteByte('=')
		b.WriteString(escape(p.value))
	}
	return b.String()
}

const upperHex = "0123456789ABCDEF"

// escape percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// unescape undoes percent-encoding, and leaves what is none. In a query a plus
// is a space.
func unescape(s string, plus bool) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			b.WriteByte(byte(unhex(s[i+1])<<4 | unhex(s[i+2])))
			i += 2
		case c == '+' && plus:
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
