package serving

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"

	"weir/runtime/prom"
	"weir/runtime/transport"
)

// Snapshot is what a server said at a moment. It does not change.
type Snapshot struct {
	URL     string
	At      time.Time // the middle of the call
	Kind    string    // such as "vllm"; of a page of several, "vllm+triton"
	Models  []string
	Engines int      // engines, ranks or models of which it tells
	Unread  []string // the beginnings of lines that could not be read

	together bool    // counters of several models are summed
	started  float64 // the process, Unix seconds; 0: the page does not tell
	gauges   map[string]float64
	counters map[string]count // by their series
	times    map[string]total // by their series
}

// count is one series of a counter.
type count struct {
	what, part string
	v          float64
}

// total is one series of a histogram or a summary, ms.
type total struct {
	what    string
	n, sum  float64
	buckets []bucket // cumulative, by ascending bounds, without the open one; nil: of a summary
}

// bucket says how many were at most bound.
type bucket struct{ bound, n float64 }

// mostSeries is how many series of a page are kept. One with more is none of a server.
const mostSeries = 50_000

// Gauges are what a time line shows: running, waiting, kv_cache_pct, … The map is the
// snapshot's.
func (s *Snapshot) Gauges() map[string]float64 { return s.gauges }

// Slim is the snapshot without its histograms, which most of its memory goes to: all
// that Compare wants of those in the middle of a case.
func (s *Snapshot) Slim() *Snapshot {
	slim := *s
	slim.times = nil
	return &slim
}

// page is one that is being read.
type page struct {
	prom.Page
	text []byte
	*Snapshot
	model  string
	server *server
}

// read makes a snapshot of a page.
func read(text []byte, model string) (*Snapshot, error) {
	families, unread, err := prom.Parse(text)
	if err != nil {
		return nil, err
	}
	for i := range unread {
		unread[i] = transport.Excerpt(unread[i])
	}
	s := &Snapshot{Unread: unread, gauges: map[string]float64{}, counters: map[string]count{}, times: map[string]total{}}
	if f := families["process_start_time_seconds"]; f != nil && len(f.Metric) == 1 {
		s.started, _ = prom.Value(f.Metric[0])
	}
	var kinds []string
	for i := range servers {
		p := page{families, text, s, model, &servers[i]}
		if p.marked() {
			kinds = append(kinds, p.server.kind)
			p.read()
		}
	}
	if len(kinds) == 0 {
		return nil, errors.New(strange(families))
	}
	if len(s.counters)+len(s.times) > mostSeries {
		return nil, fmt.Errorf("it has more than %d series", mostSeries)
	}
	s.Kind = strings.Join(kinds, "+")
	slices.Sort(s.Models)
	s.Models = slices.Compact(s.Models)
	return s, nil
}

// strange says what a page of an unknown server has.
func strange(families prom.Page) string {
	names := slices.Sorted(maps.Keys(families))
	if len(names) == 0 {
		return "it has no metrics"
	}
	return fmt.Sprintf("its names are of no server that weir knows, such as %q", names[len(names)/2])
}

// marked tells whether the page has names of the server.
func (p *page) marked() bool {
	for _, mark := range p.server.marks {
		begin, many := strings.CutSuffix(mark, "*")
		if !many {
			if p.Page[mark] != nil {
				return true
			}
			continue
		}
		for name := range p.Page {
			if strings.HasPrefix(name, begin) {
				return true
			}
		}
	}
	return false
}

// read takes what the server's table has names for and nothing has told yet.
func (p *page) read() {
	told := map[string]bool{}
	for _, c := range p.counters {
		told[c.what] = true
	}
	for _, t := range p.times {
		told[t.what] = true
	}
	for _, r := range p.server.gauges {
		if _, already := p.gauges[r.what]; !already {
			p.gauge(&r)
		}
	}
	for _, r := range p.server.counters {
		if !told[r.what] {
			p.counter(&r)
		}
	}
	for _, r := range p.server.times {
		if !told[r.what] {
			p.time(&r)
		}
	}
}

// series is one of a family.
type series struct {
	name   string
	metric *dto.Metric
}

// key tells the series of a page apart, whatever the order of their labels.
func (s series) key() string {
	labels := make([]string, len(s.metric.Label))
	for i, l := range s.metric.Label {
		labels[i] = "\x00" + l.GetName() + "\x00" + l.GetValue()
	}
	slices.Sort(labels)
	return s.name + strings.Join(labels, "")
}

// find returns the series of the first of several names that the page has.
func (p *page) find(from []string) []series {
	for _, sum := range from {
		var all []series
		for _, term := range strings.Split(sum, " + ") {
			some := p.choose(term)
			if some == nil {
				all = nil
				break
			}
			all = append(all, some...)
		}
		if all != nil {
			return all
		}
	}
	return nil
}

// choose returns the series of a name, which may choose a label's value.
func (p *page) choose(term string) []series {
	name, choice, chosen := strings.Cut(strings.TrimSuffix(term, "}"), "{")
	label, value, _ := strings.Cut(choice, "=")
	family := p.Page[name]
	if family == nil { // SGLang and vLLM have had counters without it; OpenMetrics leaves it out of the family's name
		family = p.Page[strings.TrimSuffix(name, "_total")]
	}
	if family == nil {
		return nil
	}
	var all []series
	for _, m := range family.Metric {
		if !chosen || prom.Label(m, label) == value {
			all = append(all, series{name, m})
		}
	}
	return p.once(p.asked(all))
}

// modelOf is the model that a series is of, "" when it does not tell.
func modelOf(m *dto.Metric) string {
	return cmp.Or(prom.Label(m, "model_name"), prom.Label(m, "model"), prom.Label(m, "name"))
}

// asked leaves the series of the model that is asked for, when there are any.
func (p *page) asked(all []series) []series {
	if p.model == "" {
		return all
	}
	if own := slices.DeleteFunc(slices.Clone(all), func(s series) bool { return modelOf(s.metric) != p.model }); len(own) > 0 {
		return own
	}
	return all
}

// once leaves one of the ranks that tell the same.
func (p *page) once(all []series) []series {
	if len(p.server.replicas) == 0 {
		return all
	}
	rank := func(s series) (n string) {
		for _, label := range p.server.replicas {
			n += fmt.Sprintf("%6s", prom.Label(s.metric, label))
		}
		return n
	}
	first := map[string]int{}
	var kept []series
	for _, s := range all {
		rest := series{s.name, &dto.Metric{Label: slices.DeleteFunc(slices.Clone(s.metric.Label), func(l *dto.LabelPair) bool {
			return slices.Contains(p.server.replicas, l.GetName())
		})}}
		at, known := first[rest.key()]
		switch {
		case !known:
			first[rest.key()] = len(kept)
			kept = append(kept, s)
		case rank(s) < rank(kept[at]):
			kept[at] = s
		}
	}
	return kept
}

// factor is what a rule multiplies by.
func (r *rule) factor() float64 { return cmp.Or(r.scale, 1) }

func (p *page) gauge(r *rule) {
	all := p.find(r.from)
	sum, most, n := 0.0, math.Inf(-1), 0
	for _, s := range all {
		if v, ok := prom.Value(s.metric); ok {
			sum += v
			most = max(most, v)
			n++
		}
		p.note(s)
	}
	if n == 0 {
		return
	}
	p.Engines = max(p.Engines, n)
	switch {
	case r.per != nil:
		of := 0.0
		for _, s := range p.find(r.per) {
			if v, ok := prom.Value(s.metric); ok {
				of += v
			}
		}
		if of > 0 {
			p.set(r.what, sum/of*r.factor())
		}
	case r.mean:
		p.set(r.what, sum/float64(n)*r.factor())
		if n > 1 {
			p.set(r.what+"_max", most*r.factor())
		}
	default:
		p.set(r.what, sum*r.factor())
	}
}

// set keeps a gauge. vLLM says -1 of a prefix cache that it has not.
func (p *page) set(what string, v float64) {
	if v >= 0 && !math.IsInf(v, 0) {
		p.gauges[what] = v
	}
}

// note keeps the model that a series names.
func (p *page) note(s series) {
	if m := modelOf(s.metric); m != "" && len(p.Models) < mostSeries {
		p.Models = append(p.Models, m)
	}
}

func (p *page) counter(r *rule) {
	all := p.find(r.from)
	if len(all) == 0 && p.declared(r.from) {
		p.counters[r.what] = count{what: r.what}
	}
	p.count(r.what, r.part, r.factor(), all)
	for _, s := range all {
		p.together = p.together || modelOf(s.metric) != modelOf(all[0].metric)
	}
}

// declared tells whether the page says of which type one of the names is. A counter
// with labels has no series before it has counted something.
func (p *page) declared(from []string) bool {
	return slices.ContainsFunc(from, func(name string) bool {
		return bytes.Contains(p.text, []byte("# TYPE "+name+" "))
	})
}

func (p *page) count(what, part string, factor float64, all []series) {
	for _, s := range all {
		if v, ok := sumOf(s.metric); ok {
			p.counters[what+"\x00"+s.key()] = count{what, prom.Label(s.metric, part), v * factor}
			p.note(s)
		}
	}
}

// sumOf is a counter's number; of a histogram or a summary, their sum.
func sumOf(m *dto.Metric) (float64, bool) {
	var v float64
	switch {
	case m.Histogram != nil:
		v = m.Histogram.GetSampleSum()
	case m.Summary != nil:
		v = m.Summary.GetSampleSum()
	default:
		return prom.Value(m)
	}
	return v, !math.IsNaN(v) && !math.IsInf(v, 0)
}

// What the counters are called that a time is the quotient of.
const (
	sumSuffix   = " sum"
	countSuffix = " count"
)

func (p *page) time(r *rule) {
	all := p.find(r.from)
	if r.per != nil {
		p.count(r.what+sumSuffix, "", r.factor(), all)
		p.count(r.what+countSuffix, "", 1, p.find(r.per))
		return
	}
	for _, s := range all {
		if t, ok := totalOf(s.metric, r.factor()); ok {
			t.what = r.what
			p.times[r.what+"\x00"+s.key()] = t
		} else if s.metric.Counter != nil || s.metric.Untyped != nil {
			p.count(r.what+sumSuffix, "", r.factor(), []series{s})
		}
	}
}

// mostCount is the largest count that is believed: floating-point numbers are exact so far.
const mostCount = 1 << 53

// totalOf reads a histogram or a summary.
func totalOf(m *dto.Metric, factor float64) (total, bool) {
	var t total
	switch {
	case m.Histogram != nil:
		h := m.Histogram
		t.n, t.sum = float64(h.GetSampleCount()), h.GetSampleSum()*factor
		for _, b := range h.Bucket {
			n, bound := float64(b.GetCumulativeCount()), b.GetUpperBound()
			switch {
			case math.IsInf(bound, 1):
				t.n = cmp.Or(t.n, n)
			case !math.IsNaN(bound) && !math.IsInf(bound, 0):
				t.buckets = append(t.buckets, bucket{bound * factor, n})
			}
		}
		slices.SortFunc(t.buckets, func(a, b bucket) int { return cmp.Compare(a.bound, b.bound) })
		t.buckets = slices.CompactFunc(t.buckets, func(a, b bucket) bool { return a.bound == b.bound })
		if len(t.buckets) > 0 && t.buckets[len(t.buckets)-1].n > mostCount {
			return t, false
		}
	case m.Summary != nil: // its quantiles are of a time of its own, and cannot be subtracted
		t.n, t.sum = float64(m.Summary.GetSampleCount()), m.Summary.GetSampleSum()*factor
	default:
		return t, false
	}
	return t, t.n <= mostCount && !math.IsNaN(t.sum) && !math.IsInf(t.sum, 0)
}
