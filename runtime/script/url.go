package script

import (
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/dop251/goja"
	"golang.org/x/net/idna"
)

// specialPorts are the schemes that the URL standard knows, with the ports
// that it leaves out.
var specialPorts = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21", "file": ""}

// urlNatives are the functions under the classes of url.js.
func (r *Runtime) urlNatives() *goja.Object {
	natives := r.vm.NewObject()
	_ = natives.Set("parse", func(call goja.FunctionCall) goja.Value {
		parts, err := parseURL(call.Argument(0).String(), text(call.Argument(1)))
		if err != nil {
			r.Throw(err)
		}
		return r.value(parts)
	})
	_ = natives.Set("formEncode", func(call goja.FunctionCall) goja.Value {
		return r.vm.ToValue(formEncoded.Replace(url.QueryEscape(string(utf8Of(call.Argument(0))))))
	})
	_ = natives.Set("formDecode", func(call goja.FunctionCall) goja.Value {
		return r.vm.ToValue(formDecode(call.Argument(0).String()))
	})
	return natives
}

// formEncoded are the two characters that Go's query escaping and the form
// encoding of the URL standard treat differently.
var formEncoded = strings.NewReplacer("%2A", "*", "~", "%7E")

// formDecode undoes the form encoding; a percent sign without two hexadecimal
// digits stands for itself.
func formDecode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b.WriteByte(' ')
			continue
		case s[i] == '%' && i+2 < len(s):
			if c, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b.Write(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

// parseURL takes a URL apart into the properties of the URL class, encoded.
func parseURL(href, base string) (map[string]any, error) {
	href = strings.TrimSpace(href)
	u, err := url.Parse(href)
	if err != nil {
		return nil, TypeErrorf("invalid URL %q: %v", href, reason(err))
	}
	if base != "" {
		b, err := url.Parse(strings.TrimSpace(base))
		if err != nil || b.Scheme == "" {
			return nil, TypeErrorf("invalid base URL %q", base)
		}
		u = b.ResolveReference(u)
	}
	if u.Scheme == "" {
		return nil, TypeErrorf("invalid URL %q: it has no scheme such as http://", href)
	}
	defaultPort, special := specialPorts[u.Scheme]
	if special && u.Scheme != "file" && u.Hostname() == "" {
		return nil, TypeErrorf("invalid URL %q: it has no host", href)
	}
	hostname, err := asciiHost(u.Hostname())
	if err != nil {
		return nil, TypeErrorf("invalid URL %q: the host %q: %v", href, u.Hostname(), err)
	}
	parts := map[string]any{
		"protocol": u.Scheme + ":", "special": special && u.Scheme != "file", "slashes": special || u.Host != "" || strings.HasPrefix(href, u.Scheme+"://"),
		"username": "", "password": "", "hostname": hostname, "port": u.Port(), "search": "", "hash": "",
	}
	if parts["port"] == defaultPort {
		parts["port"] = ""
	}
	if u.User != nil {
		// As it came: encoded.
		name, password, _ := strings.Cut(u.User.String(), ":")
		parts["username"], parts["password"] = name, password
	}
	switch {
	case u.Opaque != "":
		parts["pathname"] = u.Opaque
	case special:
		// Resolving against itself removes the dot segments.
		parts["pathname"] = "/" + strings.TrimPrefix(u.ResolveReference(&url.URL{Path: u.Path, RawPath: u.RawPath}).EscapedPath(), "/")
	default:
		parts["pathname"] = u.EscapedPath()
	}
	if u.RawQuery != "" {
		parts["search"] = "?" + escapeQuery(u.RawQuery)
	}
	if u.Fragment != "" {
		parts["hash"] = "#" + u.EscapedFragment()
	}
	return parts, nil
}

// reason is a parse error without the URL, which the message names already.
func reason(err error) error {
	if e, ok := err.(*url.Error); ok {
		return e.Err
	}
	return err
}

// asciiHost lowers a host name and encodes what is not ASCII; IPv6 addresses
// get their brackets back.
func asciiHost(host string) (string, error) {
	if strings.Contains(host, ":") {
		return "[" + strings.ToLower(host) + "]", nil
	}
	for _, c := range host {
		if c >= 0x80 {
			return idna.Lookup.ToASCII(host)
		}
	}
	return strings.ToLower(host), nil
}

// escapeQuery encodes what may not stand in a query as it is.
func escapeQuery(query string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(query) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"#<>'", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
