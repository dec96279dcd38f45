package publish

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/exp/api/remote"

	"weir/runtime/result"
	"weir/runtime/transport"
)

// Prometheus is a receiver of Prometheus' remote-write protocol, version 1: Prometheus
// itself, and what stores for it.
type Prometheus struct {
	URL                string // of the receiver, such as http://127.0.0.1:9090/api/v1/write
	Username, Password string // of basic authentication; "": none
	BearerToken        string // ""; none
	Headers            http.Header
	TLS                *tls.Config       // nil: the system's certificates
	Transport          http.RoundTripper // nil: the network, with TLS
}

const (
	firstLimit  = 5 * time.Second  // of the first push, before the run
	pushLimit   = 10 * time.Second // of one attempt
	mostSeries  = 2000             // of one request, which receivers limit
	mostAnswer  = 64 << 10         // bytes of an answer that are read
	leastDelay  = time.Second      // before a push is repeated …
	mostDelay   = 10 * time.Second // … and at most, unless the receiver says for how long to wait
	mostRepeats = 6
)

// staleNaN is the value by which Prometheus knows that a series has ended.
var staleNaN = math.Float64frombits(0x7ff0000000000002)

// prometheus sends snapshots to one.
type prometheus struct {
	url    string // as it is shown …
	secret string // … and as it is
	api    *remote.API
	common []label
}

func (c *Prometheus) open(ctx context.Context, of identity, first *snapshot) (*outlet, error) {
	if c == nil {
		return nil, nil
	}
	p, err := newPrometheus(c, of)
	if err == nil {
		err = p.probe(ctx, first)
	}
	if err != nil {
		return nil, fmt.Errorf("--prometheus-write: %w", err)
	}
	return newOutlet(p, result.Published{To: "prometheus", URL: p.url}), nil
}

func newPrometheus(c *Prometheus, of identity) (*prometheus, error) {
	u, err := parseURL(c.URL, "http://127.0.0.1:9090/api/v1/write")
	if err != nil {
		return nil, err
	}
	via := &authorized{username: c.Username, password: c.Password, token: c.BearerToken, headers: c.Headers, agent: "weir/" + of.version, next: c.Transport}
	if u.User != nil {
		via.username = u.User.Username()
		via.password, _ = u.User.Password()
		u.User = nil
	}
	if via.next == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.TLSClientConfig = c.TLS
		via.next = t
	}
	api, err := remote.NewAPI(u.String(),
		remote.WithAPIPath(""), // it is in the URL
		remote.WithAPIHTTPClient(&http.Client{Transport: via, Timeout: pushLimit, CheckRedirect: stay}),
		remote.WithAPIBackoff(remote.BackoffConfig{Min: leastDelay, Max: mostDelay, MaxRetries: mostRepeats}),
	)
	if err != nil {
		return nil, err
	}
	p := &prometheus{url: transport.HideQuery(u.String()), secret: u.String(), api: api, common: []label{{name: "job", value: "weir"}, {name: "run", value: of.run}, {name: "script", value: of.script}}}
	if of.host != "" {
		p.common = append(p.common, label{name: "instance", value: of.host})
	}
	return p, nil
}

// parseURL reads the URL of a receiver.
func parseURL(text, example string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err == nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		err = errors.New("it is no http:// or https:// URL")
	}
	if wrong, ok := errors.AsType[*url.Error](err); ok { // which holds the URL, and so its login
		err = wrong.Err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n  hint: give it such as %s", result.HideLogin(transport.HideQuery(text)), err, example)
	}
	return u, nil
}

// stay follows no redirection: a POST would become a GET, whose answer says nothing.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// probe pushes once, without any repetition.
func (p *prometheus) probe(ctx context.Context, first *snapshot) error {
	ctx, cancel := context.WithTimeoutCause(ctx, firstLimit, fmt.Errorf("no answer within %v", firstLimit))
	defer cancel()
	var refused error
	err := p.write(ctx, first, remote.WithWriteRetryCallback(func(err error) {
		refused = err
		cancel()
	}))
	if err == nil {
		return nil
	}
	if refused == nil && ctx.Err() != nil {
		refused = context.Cause(ctx)
	}
	return fmt.Errorf("push to %s: %s\n  hint: %s", p.url, p.said(cmp.Or(refused, err)), hint(err))
}

// hint is what to try, by what a receiver said.
func hint(err error) string {
	switch said := err.Error(); {
	case strings.Contains(said, "404"):
		return "Prometheus takes pushes at /api/v1/write when it was started with --web.enable-remote-write-receiver (Mimir: /api/v1/push)"
	case strings.Contains(said, "401"), strings.Contains(said, "403"):
		return "WEIR_PROMETHEUS_USERNAME and WEIR_PROMETHEUS_PASSWORD, or WEIR_PROMETHEUS_BEARER_TOKEN, or WEIR_PROMETHEUS_HEADERS give what it wants"
	}
	return "without the flag, the run pushes nothing; once it goes on, a receiver that fails does not end it"
}

// said is what went wrong, without what nobody should read.
func (p *prometheus) said(err error) string {
	return excerpt(errors.New(strings.ReplaceAll(err.Error(), p.secret, p.url)))
}

// excerpt is the beginning of what went wrong: an answer may be a whole page.
func excerpt(err error) string { return transport.Excerpt(strings.TrimSpace(err.Error())) }

func (p *prometheus) send(ctx context.Context, s *snapshot) error {
	if err := p.write(ctx, s); err != nil {
		return errors.New(p.said(err))
	}
	return nil
}

// write sends a snapshot, in as many requests as it takes.
func (p *prometheus) write(ctx context.Context, s *snapshot, o ...remote.WriteOption) error {
	for part := range slices.Chunk(p.encode(s), mostSeries) {
		if _, err := p.api.Write(ctx, remote.WriteV1MessageType, &writeRequest{series: part, metadata: metadataOf(s)}, o...); err != nil {
			return err
		}
	}
	return nil
}

// timeSeries is a series as the protocol has it.
type timeSeries struct {
	labels []label // sorted by name
	points []point // by time
}

type point struct {
	ms    int64 // since 1970
	value float64
}

// encode makes the time series of a snapshot. One that is new begins with a 0 where the
// snapshot before would have had it, as otherwise rates would lack what it begins with.
func (p *prometheus) encode(s *snapshot) (all []timeSeries) {
	now, before := s.at.UnixMilli(), s.before.UnixMilli()
	for _, v := range s.samples {
		at := now
		if !v.at.IsZero() {
			at = v.at.UnixMilli()
		}
		for labels, value := range p.values(v.series, v.value, v.dist) {
			one := timeSeries{labels: labels}
			if v.fresh && v.kind != gauge && !s.before.Before(v.begun) {
				one.points = append(one.points, point{before, 0})
			}
			one.points = append(one.points, point{at, value})
			all = append(all, one)
		}
	}
	for _, v := range s.ended {
		for labels := range p.values(v, 0, nil) {
			all = append(all, timeSeries{labels, []point{{s.at.Add(endsAfter).UnixMilli(), staleNaN}}})
		}
	}
	return all
}

// values yields the time series that a series is: of a histogram, one for each bucket.
func (p *prometheus) values(v *series, value float64, d *distribution) func(yield func([]label, float64) bool) {
	return func(yield func([]label, float64) bool) {
		if v.kind != latencies {
			yield(p.labels(v, v.name), value)
			return
		}
		if d == nil {
			d = &distribution{counts: make([]uint64, len(v.bounds)+1)}
		}
		var below uint64
		for i, n := range d.counts {
			below += n
			le := "+Inf"
			if i < len(v.bounds) {
				le = strconv.FormatFloat(v.bounds[i], 'g', -1, 64)
			}
			if !yield(p.labels(v, v.name+"_bucket", label{name: "le", value: le}), float64(below)) {
				return
			}
		}
		_ = yield(p.labels(v, v.name+"_sum"), d.sum) && yield(p.labels(v, v.name+"_count"), float64(d.n))
	}
}

func (p *prometheus) labels(v *series, name string, own ...label) []label {
	all := slices.Concat(p.common, v.labels, own)
	all = append(all, label{name: "__name__", value: name})
	all = slices.DeleteFunc(all, func(l label) bool { return l.value == "" }) // which is as good as none
	slices.SortFunc(all, func(a, b label) int { return cmp.Compare(a.name, b.name) })
	return all
}

// metadataOf are the metrics of a snapshot, each once.
func metadataOf(s *snapshot) (all []*metric) {
	seen := map[*metric]bool{}
	for _, v := range s.samples {
		if !seen[v.metric] {
			seen[v.metric] = true
			all = append(all, v.metric)
		}
	}
	return all
}

// authorized adds to requests what the receiver wants to know, and bounds its answers.
type authorized struct {
	username, password, token, agent string
	headers                          http.Header
	next                             http.RoundTripper
}

func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", a.agent)
	switch {
	case a.token != "":
		r.Header.Set("Authorization", "Bearer "+a.token)
	case a.username != "" || a.password != "":
		r.SetBasicAuth(a.username, a.password)
	}
	for name, values := range a.headers {
		r.Header[name] = values
	}
	answer, err := a.next.RoundTrip(r)
	if err == nil {
		answer.Body = bounded{io.LimitReader(answer.Body, mostAnswer), answer.Body}
	}
	return answer, err
}

type bounded struct {
	io.Reader
	io.Closer
}
