package runtime

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"weir/runtime/metrics"
	"weir/runtime/result"
)

// A case's thresholds with abortOnFail are looked at while it runs, and once more
// when its load has ended. One that is crossed ends the run in good order, as Stop does.
// Its stopWhen is looked at while it runs: what holds ends the case at once, and
// the run goes on.

// abortCheck is how often; k6 does it every two seconds.
const abortCheck = time.Second

// crossing is a threshold that was crossed while its case ran.
type crossing struct {
	caseName string
	result.Threshold
	after time.Duration // from the begin of the case
	atEnd bool          // found when the load had ended already
}

func (c *crossing) String() string {
	how := "was stopped"
	if c.atEnd {
		how = "ended"
	}
	return fmt.Sprintf("case %q %s after %v: %s was %s, which crosses %s, and that threshold has abortOnFail",
		c.caseName, how, c.after.Round(100*time.Millisecond), c.Metric, c.Found(), c.Expr)
}

// mark notes in the result what ended the run, whatever the metric came to in
// the end.
func (c *crossing) mark(list []result.Threshold) {
	if c == nil {
		return
	}
	for i := range list {
		t := &list[i]
		if t.Metric == c.Metric && t.Expr == c.Expr {
			t.OK = false
			t.Note = fmt.Sprintf("it was %s after %v, which ended the run", c.Found(), c.after.Round(100*time.Millisecond))
		}
	}
}

// watchThresholds returns a channel that is closed when the case shall start
// nothing more: because of Stop, or of a threshold, which is in p.crossed then.
// When stopWhen holds, cut is called, and it is in p.enough. release ends the
// watch; only after that p.crossed and p.enough may be read.
func (r *run) watchThresholds(p *play, began time.Time, cut func()) (stop <-chan struct{}, release func()) {
	watched := p.watched()
	if len(watched) == 0 && (p.warmup || len(p.spec.stopWhen) == 0) {
		return r.Stop, func() {}
	}
	stopped, ended, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		pause := time.NewTimer(abortCheck)
		defer pause.Stop()
		for {
			select {
			case <-ended:
				return
			case <-r.Stop:
				close(stopped)
				return
			case <-pause.C:
			}
			at := time.Now()
			if p.crossed = p.look(watched, at.Sub(began)); p.crossed != nil {
				close(stopped)
				return
			}
			if p.enough = p.lookForEnough(at.Sub(began)); p.enough != nil {
				cut()
				return
			}
			// Percentiles of many samples take a while; the load comes first: this takes
			// less than 1 % of the time.
			pause.Reset(max(abortCheck, 100*time.Since(at)))
		}
	}()
	return stopped, func() {
		close(ended)
		<-done
	}
}

// lastLook is the one after the load.
func (p *play) lastLook(after time.Duration) {
	if p.crossed = p.look(p.watched(), after); p.crossed != nil {
		p.crossed.atEnd = true
	}
}

// lookAtVerdict is the one when the case's verdict is known, which nothing before is
// judged by.
func (p *play) lookAtVerdict(found *result.Case) {
	if p.crossed != nil || found.Interrupted {
		return
	}
	after := time.Duration(found.Duration * float64(time.Second))
	for metric, exprs := range p.spec.judged[""].aborting(after) {
		for _, t := range found.Thresholds {
			if t.Metric == metric && t.Verdict != "" && !t.OK && slices.Contains(exprs, t.Expr) {
				p.crossed = &crossing{caseName: p.spec.name, Threshold: t, after: after, atEnd: true}
			}
		}
	}
}

// watchedPart is a recorder with thresholds that may end the run.
type watchedPart struct {
	limits   thresholds
	recorder *metrics.Recorder
	counts   func() result.Counts
}

func (p *play) watched() (list []watchedPart) {
	if p.warmup {
		return nil
	}
	if limits := p.spec.judged[""]; limits.abort() {
		list = append(list, watchedPart{limits: limits, recorder: p.recorder, counts: func() result.Counts { return countsOf(p.progress().Counts) }})
	}
	for _, s := range p.parts {
		if limits := p.spec.judged[s.name]; limits.abort() {
			list = append(list, watchedPart{limits, s.recorder, func() result.Counts { return countsOf(s.executor.Progress().Counts) }})
		}
	}
	for metric, limits := range p.spec.inRun {
		if limits := (thresholds{metric: limits}); limits.abort() {
			list = append(list, watchedPart{limits, p.selected[metric], func() result.Counts { return result.Counts{} }})
		}
	}
	return list
}

// look evaluates what is due; nil when nothing is crossed.
func (p *play) look(watched []watchedPart, after time.Duration) *crossing {
	for _, w := range watched {
		due := w.limits.aborting(after)
		if len(due) == 0 {
			continue
		}
		for _, t := range w.recorder.Evaluate(w.counts(), due) {
			if t.OK || t.Value == nil {
				continue
			}
			return &crossing{caseName: p.spec.name, Threshold: t, after: after}
		}
	}
	return nil
}

// lookForEnough evaluates stopWhen; nil when nothing of it holds.
func (p *play) lookForEnough(after time.Duration) *crossing {
	if p.warmup || len(p.spec.stopWhen) == 0 {
		return nil
	}
	for _, t := range p.recorder.Evaluate(countsOf(p.progress().Counts), p.spec.stopWhen.exprs()) {
		if t.OK {
			return &crossing{caseName: p.spec.name, Threshold: t, after: after}
		}
	}
	return nil
}

// parseStopWhen reads what ends a case early: expressions as thresholds have
// them, about the whole case.
func (r *run) parseStopWhen(c *caseSpec, v any) (thresholds, error) {
	ends, err := parseThresholds("stopWhen", v)
	if err != nil {
		return nil, err
	}
	for metric, list := range ends {
		if len(list[0].on.Tags) > 0 {
			return nil, fmt.Errorf("stopWhen: %s is about a part, and a case ends as a whole; use the metric itself", metric)
		}
		if list := thresholds(map[string][]threshold{metric: list}); list.abort() {
			return nil, fmt.Errorf("stopWhen of %s: abortOnFail belongs to thresholds", metric)
		}
		if metric == "validity" {
			return nil, errors.New("stopWhen: the validity of a case is known when it has ended; thresholds are judged by it then")
		}
		if metric == "goodput" && !c.judges("") {
			return nil, fmt.Errorf("stopWhen of goodput: %w", errNoSLO)
		}
	}
	if err := ends.check("stopWhen", r.Custom); err != nil {
		return nil, err
	}
	return ends, nil
}
