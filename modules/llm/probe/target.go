package probe

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"weir/runtime/transport"
)

// target is a service's base URL, and what the URL that was given says besides.
type target struct {
	base     *url.URL
	path     string   // of a request, behind the base's; "": none
	backends []string // that have requests of that path
	model    string   // that the path names
}

// parseTarget reads the URL of a service, or of one of its requests.
func parseTarget(raw string) (*target, error) {
	raw = strings.TrimSpace(raw)
	if raw != "" && !strings.Contains(raw, "://") && !strings.HasPrefix(raw, "/") {
		raw = "http://" + raw
	}
	u, err := transport.ParseURL(raw)
	if err != nil {
		return nil, err
	}
	if u.User != nil {
		return nil, errors.New("a user and a password in the URL are not sent; give them as a header, Authorization")
	}
	u.Fragment, u.RawFragment, u.RawPath = "", "", ""
	t := &target{base: u}
	path := strings.TrimRight(u.Path, "/")
	u.Path = path
	if at := modelPath.FindStringSubmatchIndex(path); at != nil {
		u.Path, t.path, t.model = path[:at[0]], path[at[0]:], path[at[2]:at[3]]
		t.backends = []string{"triton", "trt", "mindie-triton"}
		return t, nil
	}
	longest := ""
	for _, known := range knownPaths() {
		if len(known) > len(longest) && strings.HasSuffix(path, known) {
			longest = known
		}
	}
	if longest != "" {
		u.Path = strings.TrimSuffix(path, longest)
		t.path = longest
	}
	u.Path = strings.TrimSuffix(u.Path, "/v1") // as clients of OpenAI's protocols are given it
	for _, b := range backends {
		if t.path != "" && (b.Path == t.path || b.WholePath == t.path) {
			t.backends = append(t.backends, b.Name)
		}
	}
	return t, nil
}

// modelPath is a request to a model of Triton's or MindIE's.
var modelPath = regexp.MustCompile(`/v2/models/([^/]+)(?:/versions/[^/]+)?/(?:generate|generate_stream|infer)$`)

// knownPaths are those that requests and questions go to.
func knownPaths() []string {
	var all []string
	for _, b := range backends {
		all = append(all, b.Path)
		if b.WholePath != "" {
			all = append(all, b.WholePath)
		}
	}
	for _, w := range ways {
		all = append(all, w.path)
	}
	return append(slices.Clip(all), "/health", "/metrics")
}

// At is where a path of the service is: what its request line has, behind the host.
// base has the query of the URL that was given, in which there may be a key.
func (c Config) At(path string) (base *url.URL, uri string, err error) {
	t, err := parseTarget(c.URL)
	if err != nil {
		return nil, "", err
	}
	return t.base, t.uri(path), nil
}

// shown is the base without its query, which may have a key in it.
func (t *target) shown() string {
	u := *t.base
	u.RawQuery, u.ForceQuery = "", false
	return u.String()
}

// at is the URL of a path, as shown is.
func (t *target) at(path string) string { return t.shown() + path }

// uri is a path as a request line has it, with the base's query.
func (t *target) uri(path string) string {
	u := *t.base
	u.Path += path
	return u.RequestURI()
}
