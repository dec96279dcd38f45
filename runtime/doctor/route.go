package doctor

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// routeLimit bounds the looking up of a name.
const routeLimit = 3 * time.Second

// Route tells whether a service is on this machine, and which network interface leads
// to it otherwise: "" is not known. No packet is sent to it.
func Route(ctx context.Context, service *url.URL) (local bool, network string) {
	port := service.Port()
	if port == "" {
		port = "80"
	}
	ctx, cancel := context.WithTimeout(ctx, routeLimit)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", net.JoinHostPort(service.Hostname(), port))
	if err != nil {
		return false, ""
	}
	defer c.Close()
	from, to := address(c.LocalAddr()), address(c.RemoteAddr())
	if to.IsLoopback() || from == to {
		return true, ""
	}
	all, err := net.Interfaces()
	if err != nil {
		return false, ""
	}
	for _, i := range all {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == from {
				return false, i.Name
			}
		}
	}
	return false, ""
}

func address(a net.Addr) netip.Addr {
	p, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr().Unmap().WithZone("")
}
