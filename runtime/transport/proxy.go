package transport

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"weir/runtime/metrics"
)

// proxy is an HTTP proxy on the way to a service. It does not change, and may be
// used by several goroutines.
type proxy struct {
	addr   string
	login  string            // value of Proxy-Authorization; "": none
	secret *strings.Replacer // takes the login out of a text; nil: none
	tls    *tls.Config       // nil: plain HTTP is spoken with it
}

// newProxy finds the proxy for a service by Options.Proxy; nil for none. An https
// proxy is trusted by roots.
func newProxy(option string, service *url.URL, roots *x509.CertPool) (*proxy, error) {
	var u *url.URL
	var err error
	switch option {
	case "":
		return nil, nil
	case FromEnvironment:
		u, err = proxyFromEnvironment(service)
	default:
		u, err = parseProxy(option)
	}
	if err != nil || u == nil {
		return nil, err
	}
	p := &proxy{addr: Address(u)}
	if u.Scheme == "https" {
		p.tls = newTLSConfig(u.Hostname(), roots)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		basic := base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password))
		p.login = "Basic " + basic
		hidden := []string{basic, "…"}
		if password != "" {
			hidden = append(hidden, password, "…", url.QueryEscape(password), "…", url.PathEscape(password), "…")
		}
		p.secret = strings.NewReplacer(hidden...)
	}
	return p, nil
}

// parseProxy reads the URL of a proxy; its errors do not show the password.
func parseProxy(raw string) (*url.URL, error) {
	u, err := ParseURL(raw)
	if err != nil {
		return nil, fmt.Errorf("option proxy: %w; a proxy is given as http://host:port or http://user:password@host:port", err)
	}
	return u, nil
}

// proxyFromEnvironment is the proxy that the environment has for a service; nil
// for none. Its values may be without a scheme, as in "proxy.example:3128".
func proxyFromEnvironment(service *url.URL) (*url.URL, error) {
	env := httpproxy.FromEnvironment()
	name, value := "HTTP_PROXY", env.HTTPProxy
	if service.Scheme == "https" {
		name, value = "HTTPS_PROXY", env.HTTPSProxy
	}
	if value == "" {
		return nil, nil
	}
	if !strings.Contains(value, "://") {
		value = "http://" + value
		env.HTTPProxy, env.HTTPSProxy = value, value
	}
	if _, err := parseProxy(value); err != nil {
		return nil, fmt.Errorf("%s in the environment: %w", name, err)
	}
	return env.ProxyFunc()(service)
}

func (p *proxy) String() string { return "the proxy " + p.addr }

// hide takes the login out of a text, which the proxy may have repeated, and
// makes one line of it.
func (p *proxy) hide(text string) string {
	if p.secret != nil {
		text = p.secret.Replace(text)
	}
	return Excerpt(text)
}

// loginFault is what a proxy means that answers 407 (Proxy Authentication Required).
func (p *proxy) loginFault() *metrics.Error {
	return &metrics.Error{Kind: "proxy", Status: 407, Message: p.String() + " wants a login" + p.loginHint()}
}

func (p *proxy) loginHint() string {
	if p.login == "" {
		return ": give a user and a password in the option proxy, as in http://user:password@" + p.addr
	}
	return ": it does not take the user and password of the option proxy, or wants another scheme than Basic"
}
