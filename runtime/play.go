package runtime

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dop251/goja"

	"weir/runtime/health"
	"weir/runtime/load"
	"weir/runtime/metrics"
	"weir/runtime/result"
)

// play is a case, or its warm-up, while it is played: all its scenarios at the
// same time.
type play struct {
	spec     *caseSpec
	recorder *metrics.Recorder // of the whole case
	parts    []*part
	selected map[string]*metrics.Recorder // by the case's thresholds inRun
	warmup   bool
	health   *health.Monitor // of this process meanwhile; nil: nobody watches it
	crossed  *crossing       // the threshold that has ended the run; nil: none
	enough   *crossing       // what stopWhen has ended the case for; nil: nothing
	ends     sync.Pool       // of channels that iterations are waited for with
}

// part is one scenario of it.
type part struct {
	*scenario
	number   int
	executor *load.Executor
	recorder *metrics.Recorder // the case's, or one that passes on to it
	bindings []binding         // by runtime
	tags     map[string]string
	outcome  load.Outcome
}

// newPlay prepares a case. Where there are several scenarios, each has a
// recorder of its own besides the case's.
func newPlay(c *caseSpec, bound [][]binding, recorder *metrics.Recorder) *play {
	p := &play{spec: c, recorder: recorder, selected: map[string]*metrics.Recorder{}}
	for metric, list := range c.inRun {
		p.selected[metric] = recorder.Select(list[0].on.Tags)
	}
	for i, s := range c.scenarios {
		own := recorder
		if len(c.scenarios) > 1 {
			own = recorder.Part(s.slo)
		}
		p.add(s, i, s.profile, bound[i], own)
	}
	return p
}

// newWarmup prepares the warm-ups of a case's scenarios.
func newWarmup(c *caseSpec, bound [][]binding, recorder *metrics.Recorder) *play {
	p := &play{spec: c, recorder: recorder, warmup: true}
	for i, s := range c.scenarios {
		if s.warmup != nil {
			p.add(s, i, *s.warmup, bound[i], recorder)
		}
	}
	return p
}

func (p *play) add(s *scenario, number int, profile load.Profile, bindings []binding, recorder *metrics.Recorder) {
	executor, err := load.New(profile)
	if err != nil { // parseCase has checked it
		panic(err)
	}
	tags := make(map[string]string, len(s.tags))
	for name, v := range s.tags {
		tags[name] = tagText(v)
	}
	bindings = slices.Clone(bindings)
	for i := range bindings {
		bindings[i].states = map[int]*goja.Object{}
	}
	p.parts = append(p.parts, &part{scenario: s, number: number, executor: executor, recorder: recorder, bindings: bindings, tags: tags})
}

// warmUp plays the warm-ups; nil when there are none, or the run was stopped.
func (r *run) warmUp(c *caseSpec, number int, bound [][]binding) *result.Warmup {
	recorder := metrics.NewRecorder(metrics.Options{})
	p := newWarmup(c, bound, recorder)
	if len(p.parts) == 0 || r.stopped() {
		return nil
	}
	r.drive(p, number)
	return recorder.Warmup(p.counts().Started)
}

// afterCut is how long requests that were given up have to close their records.
const afterCut = 5 * time.Second

// drive plays all scenarios to their end.
func (r *run) drive(p *play, number int) {
	if r.Watch != nil {
		scenario := ""
		if len(p.spec.scenarios) == 1 {
			scenario = p.spec.scenarios[0].name
		}
		done := r.Watch(CaseView{
			Name: p.spec.name, Scenario: scenario, Tags: p.spec.tags, Number: number, Of: p.spec.of, Repeat: p.spec.repetition, Warmup: p.warmup,
			Progress: p.progress, Live: p.recorder.Live, Warnings: p.warnings,
		})
		defer done()
	}
	began := time.Now()
	ctx, cut := context.WithCancel(r.ctx)
	defer cut()
	stop, release := r.watchThresholds(p, began, cut)
	var all sync.WaitGroup
	for _, s := range p.parts {
		s.executor.Sleep = r.Sleep
		all.Go(func() {
			s.outcome = s.executor.Run(ctx, stop, func(ctx context.Context, at load.Iteration) error { return p.iterate(ctx, s, at) })
		})
	}
	all.Wait()
	release()
	closing, cancel := context.WithTimeout(context.Background(), afterCut)
	defer cancel()
	p.recorder.WaitClosed(closing) // those that are open even then, Finish reports
	if p.crossed == nil && p.enough == nil && !r.interrupted() {
		p.lastLook(time.Since(began))
	}
	if p.crossed != nil {
		r.aborted = p.crossed
	}
}

// iterate plays one iteration of a scenario. A VU always runs on the same
// runtime; scenarios begin at different ones, as many have few VUs.
func (p *play) iterate(ctx context.Context, s *part, at load.Iteration) error {
	it := &iteration{
		Iteration: metrics.Iteration{Recorder: s.recorder, Scenario: s.name, Index: at.Index, VU: at.VU, Tags: s.tags},
		inVU:      at.IterationInVU,
		caseName:  p.spec.name,
		scenario:  s.scenario,
		warmup:    p.warmup,
		binding:   &s.bindings[(s.number+at.VU)%len(s.bindings)],
	}
	it.Begun, it.Asleep = &it.begun, &it.asleep
	// A schedule says when iterations start; without one, a VU starts its next
	// iteration whenever its last one has ended.
	if s.executor.Scheduled() {
		it.Scheduled = at.Scheduled
	}
	ended, _ := p.ends.Get().(chan error)
	if ended == nil {
		ended = make(chan error, 1)
	}
	defer p.ends.Put(ended)
	return it.run(ctx, ended)
}

// skip leaves a case unplayed, because nothing of its warm-up succeeded.
func (p *play) skip(warmed *result.Warmup) {
	p.spec.rules.Warmup = warmed
	for _, s := range p.parts {
		s.outcome.Ended = load.EndDone
	}
}

// counts are the iterations of all scenarios.
func (p *play) counts() result.Counts {
	var sum load.Counts
	for _, s := range p.parts {
		sum.Add(s.outcome.Counts)
	}
	return countsOf(sum)
}

func countsOf(c load.Counts) result.Counts {
	return result.Counts{
		Scheduled:       c.Scheduled,
		Started:         c.Started,
		Completed:       c.Completed,
		IterationFailed: c.Failed,
		Interrupted:     c.Interrupted,
		Dropped:         c.Dropped,
		Late:            c.Late,
	}
}

// progress is how far all scenarios are together.
func (p *play) progress() load.Progress {
	parts := make([]load.Progress, len(p.parts))
	for i, s := range p.parts {
		parts[i] = s.executor.Progress()
	}
	return load.Together(parts)
}

// warnings are what so far speaks against the case; nothing is known of warm-ups.
func (p *play) warnings(l metrics.Live, at load.Progress) []result.Reason {
	if p.warmup {
		return nil
	}
	var client *result.Client
	if p.health != nil {
		client = p.health.Sofar()
	}
	return p.spec.rules.Warnings(l, countsOf(at.Counts), client)
}

// finish sums the case up, and its scenarios.
func (p *play) finish() *result.Case {
	c := p.spec
	rules := c.rules
	rules.Interrupted = p.enough == nil && slices.ContainsFunc(p.parts, func(s *part) bool {
		return s.outcome.Ended == load.EndStopped || s.outcome.Ended == load.EndCancelled
	})
	if e := p.enough; e != nil {
		rules.Stopped = &result.Stopped{Metric: e.Metric, Expr: e.Expr, Value: *e.Value, After: e.after.Seconds()}
	}
	found := p.recorder.Finish(p.counts(), c.judged[""].exprs(), rules)
	found.Interrupted, found.Stopped = rules.Interrupted, rules.Stopped
	if c.named {
		found.Scenarios = map[string]*result.Scenario{}
	}
	for _, s := range p.parts {
		of := found
		if s.recorder != p.recorder {
			of = s.recorder.Finish(countsOf(s.outcome.Counts), c.judged[s.name].exprs(), rules)
			found.Thresholds = append(found.Thresholds, of.Thresholds...)
		}
		if c.named {
			found.Scenarios[s.name] = &result.Scenario{
				Tags: maps.Clone(s.scenario.tags), Started: of.Started, Duration: of.Duration, Counts: of.Counts,
				Metrics: of.Metrics, Throughput: of.Throughput, Goodput: of.Goodput, Errors: of.Errors, Checks: of.Checks,
			}
		}
	}
	for _, metric := range slices.Sorted(maps.Keys(c.inRun)) {
		list := c.inRun[metric]
		of := p.selected[metric].Finish(result.Counts{}, thresholds{metric: list}.exprs(), rules)
		m := of.Metrics[list[0].on.Metric]
		if of.Counts.Requests > of.Counts.RequestsCut || m != nil && m.N > 0 { // otherwise nothing of this case has the tags
			found.Thresholds = append(found.Thresholds, of.Thresholds...)
		}
	}
	p.lookAtVerdict(found)
	p.crossed.mark(found.Thresholds)
	return found
}
