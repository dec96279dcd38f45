package access

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// host is where requests may go.
type host struct {
	any  bool   // everywhere
	name string // see hostName
	port string // "": every one
}

// Connect tells whether a connection may be made to an address that Host allows: not in a
// dry run.
func (a *Access) Connect(address string) error {
	if a == nil || !a.rules.Dry {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.withhold(fmt.Sprintf("no request is sent to %s in a dry run", address))
}

// Host tells whether the script may send requests to an address, given as host:port. In a
// dry run it may say everything, since [Access.Connect] lets nothing through.
func (a *Access) Host(address string) error {
	if a == nil || !a.rules.Limited && !a.rules.OnlyHosts || a.rules.Dry {
		return nil
	}
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("the address %q is not of the form host:port: %w", address, err)
	}
	name = hostName(name)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.allowed[net.JoinHostPort(name, port)] {
		return nil
	}
	for _, h := range a.hosts {
		if h.any || h.name == name && (h.port == "" || h.port == port) {
			return nil
		}
	}
	return &Refused{
		Message: fmt.Sprintf("the script may not send requests to %s: the run does not name that host", address),
		Hint:    "allow it with --allow-host " + address,
	}
}

// Serve allows an address, host:port, where the run itself has begun to serve, such as that
// of a simulator.
func (a *Access) Serve(address string) {
	if a == nil {
		return
	}
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.allowed[net.JoinHostPort(hostName(name), port)] = true
}

// CheckHost tells what is wrong with a host of Rules.
func CheckHost(text string) error {
	_, err := parseHost(text)
	return err
}

// parseHost reads a host that is named: host, host:port, or the URL of a service, which is
// one of its port alone; * is every host. IPv6 addresses may stand in brackets.
func parseHost(text string) (host, error) {
	if text == "*" {
		return host{any: true}, nil
	}
	if strings.Contains(text, "://") {
		return hostOfURL(text)
	}
	if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")); err == nil {
		return host{name: hostName(addr.String())}, nil
	}
	name, port := text, ""
	if strings.Contains(text, ":") {
		var err error
		if name, port, err = net.SplitHostPort(text); err != nil {
			return host{}, fmt.Errorf("%q is no host, such as example.com, example.com:8000 or [::1]:8000", text)
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
			return host{}, fmt.Errorf("%q: %q is no port", text, port)
		}
	}
	if err := checkName(name); err != nil {
		return host{}, fmt.Errorf("%q is no host: %w", text, err)
	}
	return host{name: hostName(name), port: port}, nil
}

func hostOfURL(text string) (host, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return host{}, fmt.Errorf("%q is no URL of a service", text)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[strings.ToLower(u.Scheme)]
	}
	if port == "" {
		return host{}, fmt.Errorf("%q is no URL of a service: http:// and https:// are", text)
	}
	return host{name: hostName(u.Hostname()), port: port}, nil
}

// checkName refuses what cannot be a host's name, among it numbers alone.
func checkName(name string) error {
	if _, err := netip.ParseAddr(name); err == nil {
		return nil
	}
	letter := false
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 0x7f:
			letter = true
		case r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_':
		default:
			return fmt.Errorf("it has a %q in it", r)
		}
	}
	if !letter {
		return errors.New("it has no letter in it, and is no IP address")
	}
	return nil
}

// hostName makes names equal that are the same to the network: letters of ASCII in lower
// case, and only these, no dot at the end, IP addresses in one spelling.
func hostName(name string) string {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Unmap().String()
	}
	lower := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
	return strings.TrimSuffix(lower, ".")
}
