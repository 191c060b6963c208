
import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
)

// downloader is how a URL is fetched, and a check of each host on the way. Where the API itself is at a private address,
// any address will do. Otherwise connections are made to addresses of the open Internet alone, which are looked at when
// the connection is made, so that no second look-up can change them; what a proxy or a transport of the caller's own
// does is out of sight, so that there the addresses that this machine knows are looked at before.
func downloader(ctx context.Context, origin *connection, at *url.URL) (http.RoundTripper, func(host string) error) {
	free := func(string) error { return nil }
	used := http.DefaultTransport
	if origin != nil {
		if origin.settings.client.Transport != nil {
			used = origin.settings.client.Transport
		}
		if base, err := url.Parse(origin.settings.baseURL); err == nil && isPrivate(ctx, base.Hostname()) {
			return used, free
		}
	}
	plain, isPlain := used.(*http.Transport)
	if isPlain {
		proxy := (*url.URL)(nil)
		if plain.Proxy != nil {
			proxy, _ = plain.Proxy(&http.Request{URL: at, Host: at.Host})
		}
		known := used == standard.Transport || used == http.DefaultTransport
		if proxy == nil && (known || (plain.DialContext == nil && plain.DialTLSContext == nil)) {
			return guarded(plain, origin), free
		}
	}
	return used, func(host string) error {
		if isPrivate(ctx, host) {
			return private(origin, host)
		}
		return nil
	}
}

func private(origin *connection, host string) error {
	message := "not fetched: " + host + " is at a private address"
	if origin == nil {
		message += ", where only a client goes whose API is at one; an object that was read back from JSON has no client"
	}
	return invalidFile(message)
}

// guarded is a transport that connects to addresses of the open Internet alone.
func guarded(plain *http.Transport, origin *connection) http.RoundTripper {
	made := plain.Clone()
	made.DisableKeepAlives = true
	made.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		for _, one := range found {
			if !isPublic(one) {
				return nil, private(origin, host)
			}
		}
		return connecting.DialContext(ctx, network, net.JoinHostPort(found[0].Unmap().String(), port))
	}
	return made
}

// isPrivate says whether a host is at a private address, or at none that this machine knows.
func isPrivate(ctx context.Context, host string) bool {
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for _, one := range found {
		if !isPublic(one) {
			return true
		}
	}
	return err == nil && len(found) == 0
}

// Networks that are not of the open Internet, beside those that the standard library knows.
var reserved = func() []netip.Prefix {
	var made []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		made = append(made, netip.MustParsePrefix(text))
	}
	return made
}()

// isPublic says whether an address is one of the open Internet. An IPv4 address inside an IPv6 one is unwrapped.
func isPublic(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	if told := address.As16(); address.Is6() && told[0] == 0x20 && told[1] == 0x02 { // 6to4
		address = netip.AddrFrom4([4]byte(told[2:6]))
	} else if address.Is6() && netip.MustParsePrefix("64:ff9b::/96").Contains(address) { // NAT64
		address = netip.AddrFrom4([4]byte(told[12:16]))
	}
	for _, one := range reserved {
		if one.Contains(address) {
			return false
		}
	}
	return address.IsGlobalUnicast() && !address.IsPrivate() && !address.IsLoopback() && !address.IsLinkLocalUnicast()
}
