package llm

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"weir/runtime/transport"
)

// targets are the places that an endpoint's requests go to.
type targets struct {
	list  []target
	next  *atomic.Uint64 // whose turn it is; the same endpoint of all runtimes shares it
	least bool           // the one with the fewest requests in flight, instead of each in turn
}

// target is one of them.
type target struct {
	client   *transport.Client
	base     *url.URL
	path     place
	whole    place // for answers that are not streamed
	host     string
	inFlight *atomic.Int64 // of all endpoints that send to this host
}

// place is a path, which may name the model.
type place struct {
	uri     string // as it goes into the request line, where it does not
	pattern string // "": it does not
	model   string // where a request names none
}

// modelPlace stands for the model's name in a backend's path.
const modelPlace = "{model}"

func newPlace(base *url.URL, path, model string) place {
	if strings.Contains(path, modelPlace) {
		return place{pattern: path, model: model}
	}
	return place{uri: join(base, path).RequestURI()}
}

// uri is where a request for a model goes.
func (t *target) uri(model string, stream bool) string {
	p := &t.path
	if !stream {
		p = &t.whole
	}
	if p.pattern == "" {
		return p.uri
	}
	return join(t.base, strings.ReplaceAll(p.pattern, modelPlace, url.PathEscape(cmp.Or(model, p.model)))).RequestURI()
}

// needsModel tells whether a request without a model has no place to go to.
func (ts *targets) needsModel() bool {
	p := &ts.list[0].path
	return p.pattern != "" && p.model == ""
}

// aim makes an endpoint's targets: base URLs with a path, or URLs as they are.
// number tells the endpoints of one script apart.
func (m *Module) aim(e *endpoint, number int, bases, verbatim []string, path string, options transport.Options) error {
	urls := bases
	if len(verbatim) > 0 {
		urls = verbatim
	}
	if len(urls) == 0 {
		return fmt.Errorf(`no url; give the base URL of the service, such as "http://127.0.0.1:8000"`)
	}
	whole := path
	if path == "" {
		path, whole = e.backend.path, e.backend.wholePath
	}
	if whole == "" {
		whole = path
	}
	e.targets.next = m.turn(number)
	for _, raw := range urls {
		client, u, err := m.clients.Client(raw, options)
		if err != nil {
			return err
		}
		if e.keepAlive {
			client.KeepsConnections(e.limits.Connect)
		}
		t := target{client: client, base: u, host: u.Host, inFlight: m.flying(u.Host)}
		if len(verbatim) > 0 {
			t.path = place{uri: u.RequestURI()}
			t.whole = t.path
		} else {
			t.path, t.whole = newPlace(u, path, e.backend.model), newPlace(u, whole, e.backend.model)
		}
		e.targets.list = append(e.targets.list, t)
		m.noteService(e, &t, len(verbatim) > 0)
	}
	return nil
}

// turn returns the counter of an endpoint, which is the same in all runtimes: they
// make their endpoints in the same order.
func (m *Module) turn(number int) *atomic.Uint64 {
	return m.counter("endpoint "+strconv.Itoa(number), func() any { return new(atomic.Uint64) }).(*atomic.Uint64)
}

// gate returns the gate of an endpoint, nil where there is no limit.
func (m *Module) gate(number, limit int) gate {
	if limit == 0 {
		return nil
	}
	return m.counter(fmt.Sprintf("prefill %d %d", number, limit), func() any { return make(gate, limit) }).(gate)
}

// flying returns the number of requests in flight to a host.
func (m *Module) flying(host string) *atomic.Int64 {
	return m.counter("host "+host, func() any { return new(atomic.Int64) }).(*atomic.Int64)
}

func (m *Module) counter(name string, make func() any) any {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counters[name] == nil {
		m.counters[name] = make()
	}
	return m.counters[name]
}

// pick chooses the target of the next request, which is then in flight until done
// is called with it. Where there is another one than avoid, it is not that.
func (ts *targets) pick(avoid *target) *target {
	n := len(ts.list)
	first := 0
	switch at := ts.index(avoid); {
	case n == 1:
	case at >= 0: // the one after it, and nobody loses a turn by that
		first = (at + 1) % n
	default:
		first = int((ts.next.Add(1) - 1) % uint64(n))
	}
	best := &ts.list[first]
	for i := 1; i < n && ts.least; i++ {
		if t := &ts.list[(first+i)%n]; t != avoid && t.inFlight.Load() < best.inFlight.Load() {
			best = t
		}
	}
	best.inFlight.Add(1)
	return best
}

// index is where a target is in the list, -1: nowhere.
func (ts *targets) index(t *target) int {
	for i := range ts.list {
		if &ts.list[i] == t {
			return i
		}
	}
	return -1
}

// done ends a request.
func (t *target) done() { t.inFlight.Add(-1) }

// join adds a backend's path to a base URL. A base that ends in /v1, as OpenAI
// clients are given it, is not given a second one. The path is escaped already.
func join(base *url.URL, path string) *url.URL {
	trimmed := strings.TrimRight(base.EscapedPath(), "/")
	if strings.HasSuffix(trimmed, "/v1") && strings.HasPrefix(path, "/v1/") {
		trimmed = strings.TrimSuffix(trimmed, "/v1")
	}
	joined := *base
	joined.RawPath = trimmed + "/" + strings.TrimLeft(path, "/")
	plain, err := url.PathUnescape(joined.RawPath)
	if err != nil { // a percent sign that stands for itself
		plain, joined.RawPath = joined.RawPath, ""
	}
	joined.Path = plain
	return &joined
}
