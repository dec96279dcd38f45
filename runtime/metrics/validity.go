package metrics

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"weir/runtime/result"
	"weir/runtime/suggest"
)

// The limits of the validity rules. docs/validity.md gives the reason for each.
// Those of what the client itself did to the numbers are in client.go.
const (
	failedInvalid      = 0.01 // share of requests
	interruptedInvalid = 0.10 // share of requests
	iterationsInvalid  = 0.01 // share of iterations that failed
	lateSuspect        = 0.01 // share of iterations
	lateInvalid        = 0.10 // share of iterations
	shortInvalid       = 0.10 // share of the asked output tokens that are missing
	recountSlack       = 0.10 // share of an output that may be missing when our tokenizer counted it
	templateTokens     = 64   // tokens that a chat template may add to a prompt
	promptSlack        = 0.02 // share of the asked length that a prompt may be off besides
	promptInvalid      = 0.10 // share of all asked prompt tokens
	cachedSuspect      = 0.05 // share of prompt tokens
	sharedSuspect      = 0.01 // share of token events, or of first ones
	sharedInvalid      = 0.05 // the same, when the client reads late
	readLateInvalid    = 0.10 // share of token events that were seen to be read late, which are left out of itl
	retransmitSuspect  = 0.01 // share of requests
	recordsSuspect     = 0.01 // wait of a request, as a share of the median time of one
	recordsInvalid     = 0.10
)

// RuleNames are the names of the validity rules, in the order of their reasons.
var RuleNames = []string{
	"failed_warmup", "no_completed_requests", "failed_requests", "failed_dials", "client_limit", "interrupted_requests",
	"interrupted_case", "profiled_case", "failed_iterations", "dropped_iterations", "late_iterations",
	"start_lag", "read_lag", "event_loop_lag", "user_stamps", "client_cpu", "gc_pauses", "cpu_steal", "slow_records",
	"short_outputs", "prompt_length", "cached_prompts", "token_counts",
	"merged_first_tokens", "shared_reads", "retransmissions", "no_steady_state", "few_samples",
}

// Rules adapt the validity rules to a case.
type Rules struct {
	// Expected names rules whose findings belong to the experiment, such as
	// "cached_prompts" where the prefix cache is what is measured. They are
	// reported but leave the verdict alone.
	Expected []string
	// Warmup is that of a case that was not played, as all requests of it failed; nil: the
	// case was played.
	Warmup *result.Warmup
	// Interrupted: the case was stopped before it had been played to its end.
	Interrupted bool
	// Profilers are the names of those that ran during the case.
	Profilers []string
	// Stopped is what the script has ended the case by, in its stopWhen; nil: nothing.
	Stopped *result.Stopped

	unsteady string                    // why there is no steady state, where the case's numbers were to be its; "": there is, or they were not
	shown    map[string]*result.Metric // of the window that the case's numbers are of
}

// Check tells whether all names are those of rules.
func (r Rules) Check() error {
	for _, name := range r.Expected {
		if slices.Contains(RuleNames, name) {
			continue
		}
		hint := ""
		if near := suggest.Nearest(name, RuleNames); near != "" {
			hint = "did you mean " + near + "? "
		}
		return fmt.Errorf("expected validity rules: there is no rule %q; %sthe rules are in docs/validity.md", name, hint)
	}
	return nil
}

// findings are sums over completed generations that the rules need besides the
// metrics.
type findings struct {
	outputs, short                 int64 // requests with an output length asked for; of those, too short ones
	askedOut, missing              int64 // their tokens
	shortest, shortestAsked        int64 // the output that lacks most
	prompts, drifted               int64 // requests with a prompt length meant; of those, drifted ones
	askedIn, input                 int64 // their tokens
	unexplained                    int64 // by which the drifted ones are off
	worstIn, worstAskedIn, worstBy int64 // the prompt that is off most
	cached, cachedOf               int64 // cached prompt tokens beyond a template, of requests that told
	events                         result.TokenEvents
	streams                        int64         // generations that were streamed
	spans                          time.Duration // from their first token event that is not shared to the last
	gaps                           int64         // between token events in those spans
}

// add takes a completed generation.
func (f *findings) add(rec *Record) {
	f.addEvents(rec)
	if rec.Cached.Source != CountNone {
		f.cached += max(int64(rec.Cached.N)-templateTokens, 0)
		f.cachedOf += int64(rec.Input.N)
	}
	f.addOutput(int64(rec.AskedOut), rec.Output)
}

// addEvents counts the token events.
func (f *findings) addEvents(rec *Record) {
	f.events.All += int64(len(rec.Events))
	f.events.Shared += int64(rec.Coalesced)
	if rec.Coalesced > 0 {
		for _, e := range rec.Events {
			if e.ReadLate() {
				f.events.ReadLate++
			}
		}
	}
	if len(rec.Events) == 0 || rec.Whole {
		return
	}
	f.streams++
	if !rec.Events[0].Timed() {
		f.events.FirstShared++
	}
	first, last := 0, len(rec.Events)-1
	for first < last && rec.Events[first].Shared() {
		first++
	}
	f.spans += rec.Events[last].At - rec.Events[first].At
	f.gaps += int64(last - first)
}

// interval is the mean time between token events, ms; 0: there were no gaps.
// Unlike the median of the gaps it does not depend on how many events were read
// together.
func (f *findings) interval() float64 {
	if f.gaps == 0 {
		return 0
	}
	return ms(f.spans) / float64(f.gaps)
}

// merge adds the findings of another shard.
func (f *findings) merge(o *findings) {
	f.outputs += o.outputs
	f.short += o.short
	f.askedOut += o.askedOut
	f.missing += o.missing
	if o.shortestAsked-o.shortest > f.shortestAsked-f.shortest {
		f.shortest, f.shortestAsked = o.shortest, o.shortestAsked
	}
	f.prompts += o.prompts
	f.drifted += o.drifted
	f.askedIn += o.askedIn
	f.input += o.input
	f.unexplained += o.unexplained
	if o.worstBy > f.worstBy {
		f.worstIn, f.worstAskedIn, f.worstBy = o.worstIn, o.worstAskedIn, o.worstBy
	}
	f.cached += o.cached
	f.cachedOf += o.cachedOf
	f.events.All += o.events.All
	f.events.Shared += o.events.Shared
	f.events.ReadLate += o.events.ReadLate
	f.events.FirstShared += o.events.FirstShared
	f.streams += o.streams
	f.spans += o.spans
	f.gaps += o.gaps
}

// addOutput compares an output with its asked length. Events are a lower bound
// and prove nothing; text that we tokenize again may well have fewer tokens than
// were generated.
func (f *findings) addOutput(asked int64, got Count) {
	if asked == 0 || got.Source != CountUsage && got.Source != CountTokenizer {
		return
	}
	f.outputs++
	f.askedOut += asked
	missing := asked - int64(got.N)
	if missing <= 0 || got.Source == CountTokenizer && float64(missing) <= recountSlack*float64(asked) {
		return
	}
	f.short++
	f.missing += missing
	if missing > f.shortestAsked-f.shortest {
		f.shortest, f.shortestAsked = int64(got.N), asked
	}
}

// addPrompt compares a prompt with its meant length. A chat template adds tokens
// and takes none away.
func (f *findings) addPrompt(asked int64, got Count) {
	if asked == 0 || got.Source == CountNone {
		return
	}
	n := int64(got.N)
	f.prompts++
	f.askedIn += asked
	f.input += n
	slack := int64(math.Ceil(promptSlack * float64(asked)))
	off := max(n-(asked+templateTokens+slack), asked-slack-n)
	if off <= 0 {
		return
	}
	f.drifted++
	f.unexplained += off
	if off > f.worstBy {
		f.worstIn, f.worstAskedIn, f.worstBy = n, asked, off
	}
}

// judge applies the rules to a case whose other fields are complete. lag is the
// part of its start lag that is the client's doing.
func (r Rules) judge(c *result.Case, f *findings, lag *result.Metric) result.Validity {
	j := judgement{expected: r.Expected, v: result.Validity{Verdict: result.Valid, Reasons: []result.Reason{}}}
	if r.Warmup != nil {
		j.warmup(r.Warmup)
		return j.v
	}
	j.requests(c, r.Stopped)
	if r.Interrupted {
		j.interrupted(c.Counts)
	}
	if len(r.Profilers) > 0 {
		j.reason("profiled_case", false, "a profiler ran during the case (%s): it takes time from the service, so its latencies and throughput are not those that users see", strings.Join(r.Profilers, ", "))
	}
	j.iterations(c.Counts)
	late := j.client(c, f, lag)
	j.records(c)
	j.outputs(f)
	j.prompts(f)
	j.counting(c)
	j.arrivals(c, f, late)
	if r.unsteady != "" {
		j.note("no_steady_state", "%s; so the metrics are those of the whole case, warming up and draining included", strings.TrimPrefix(r.unsteady, "no steady state: "))
	}
	j.samples(r.shown)
	return j.v
}

// judgement collects reasons; the verdict is that of the worst.
type judgement struct {
	expected []string
	v        result.Validity
}

func (j *judgement) reason(rule string, invalid bool, format string, args ...any) {
	reason := result.Reason{Rule: rule, Verdict: result.Suspect, Message: fmt.Sprintf(format, args...)}
	if invalid {
		reason.Verdict = result.Invalid
	}
	if slices.Contains(j.expected, rule) {
		reason.Verdict = result.Valid
		reason.Message += " (expected)"
	}
	j.v.Reasons = append(j.v.Reasons, reason)
	j.v.Verdict = result.Worse(j.v.Verdict, reason.Verdict)
}

// note reports what the reader should know and what makes no number wrong.
func (j *judgement) note(rule, format string, args ...any) {
	j.v.Reasons = append(j.v.Reasons, result.Reason{Rule: rule, Verdict: result.Valid, Message: fmt.Sprintf(format, args...)})
}

func (j *judgement) requests(c *result.Case, stopped *result.Stopped) {
	n := c.Counts
	completed := n.Requests - n.RequestsFailed - n.RequestsCut
	// A script that sends no requests of its own accord has nothing to prove.
	if completed == 0 && (n.Requests > 0 || n.Started == 0 || n.IterationFailed > 0 || n.Interrupted > 0) {
		j.reason("no_completed_requests", true, "no request completed (%d failed, %d interrupted): there is nothing to measure", n.RequestsFailed, n.RequestsCut)
	}
	if n.RequestsFailed > 0 {
		share := part(n.RequestsFailed, n.Requests)
		meaning := ": the latencies are those of the survivors, and the service had less to do"
		if completed == 0 {
			meaning = ""
		}
		j.reason("failed_requests", share > failedInvalid, "%d of %d requests failed (%s)%s", n.RequestsFailed, n.Requests, percent(share), meaning)
	}
	if n := c.Connections.Failed; n > 0 {
		share := part(n, c.Counts.Requests)
		j.reason("failed_dials", share > failedInvalid, "%d of %d requests found no connection to the service (%s): it, or the way to it, was not up to the connections",
			n, c.Counts.Requests, percent(share))
	}
	for _, e := range c.Errors {
		if e.Kind == "unfinished" {
			j.reason("interrupted_requests", true, "%d requests were given up at the end of the case and did not end: they are in no number", e.Count)
		}
		if e.Kind == "client_limit" {
			j.reason("client_limit", true, "%d requests failed because this machine ran out of something (%s): the client was measured, not the service", e.Count, e.Message)
		}
	}
	switch {
	case n.RequestsCut > 0 && stopped != nil:
		j.note("interrupted_requests", "%d of %d requests were cut off by stopWhen (%s %s), as the script wants it: the slowest ones are missing from the latencies",
			n.RequestsCut, n.Requests, stopped.Metric, stopped.Expr)
	case n.RequestsCut > 0:
		share := part(n.RequestsCut, n.Requests)
		j.reason("interrupted_requests", share > interruptedInvalid, "%d of %d requests were interrupted (%s): the slowest ones are missing from the latencies",
			n.RequestsCut, n.Requests, percent(share))
	}
}

// warmup says why a case was not played.
func (j *judgement) warmup(w *result.Warmup) {
	first := ""
	if i := slices.IndexFunc(w.Errors, func(e result.ErrorGroup) bool { return e.Scope == "request" }); i >= 0 {
		first = ": " + w.Errors[i].Message
	}
	j.reason("failed_warmup", true, "every request of the warm-up failed (%d of %[1]d), so the case was not played%[2]s", w.Requests, first)
}

// interrupted says how much of a case was played that was stopped before its end.
func (j *judgement) interrupted(n result.Counts) {
	played := n.Completed + n.IterationFailed
	if n.Scheduled > n.Started { // it is known how many there were to be
		j.reason("interrupted_case", false, "interrupted: %d of %d iterations were played", played, n.Scheduled)
		return
	}
	j.reason("interrupted_case", false, "interrupted before its end: %d iterations were played", played)
}

func (j *judgement) iterations(n result.Counts) {
	if n.IterationFailed > 0 {
		share := part(n.IterationFailed, n.Started)
		j.reason("failed_iterations", share > iterationsInvalid, "%d of %d iterations ended with an exception (%s): they may not have sent what they should",
			n.IterationFailed, n.Started, percent(share))
	}
	if n.Dropped > 0 {
		share := part(n.Dropped, n.Scheduled)
		j.reason("dropped_iterations", share > lateInvalid, "%d of %d iterations were never started (%s): the load was lower than asked for",
			n.Dropped, n.Scheduled, percent(share))
	}
	if share := part(n.Late, n.Started); share > lateSuspect {
		j.reason("late_iterations", share > lateInvalid, "%d of %d iterations started late (%s): the schedule was not kept, see start_lag",
			n.Late, n.Started, percent(share))
	}
}

// records looks at how long requests were held back by the file of records.
func (j *judgement) records(c *result.Case) {
	w, of := c.RecordsWait, median(c, "e2el", "http_req_duration")
	if w == nil || of == 0 {
		return
	}
	each := w.Total * 1000 / float64(c.Counts.Requests)
	if share := each / of; share > recordsSuspect {
		j.reason("slow_records", share > recordsInvalid, "the disk was too slow for the records: %d of %d requests waited for it when they had ended, %.1f s in all, %s each on average, where a request took %s (median): what followed them started late",
			w.Count, c.Counts.Requests, w.Total, millis(each), millis(of))
	}
}

func (j *judgement) outputs(f *findings) {
	if f.short > 0 {
		share := part(f.missing, f.askedOut)
		j.reason("short_outputs", share > shortInvalid, "%d of %d outputs were shorter than asked (%s of the tokens missing; the shortest had %d of %d): does the service honour ignore_eos and the maximum length?",
			f.short, f.outputs, percent(share), f.shortest, f.shortestAsked)
	}
}

func (j *judgement) prompts(f *findings) {
	if f.drifted > 0 {
		j.reason("prompt_length", part(f.unexplained, f.askedIn) > promptInvalid,
			"%d of %d prompts had another length than meant, by more than a chat template explains (mean %.0f tokens instead of %.0f; the worst %d instead of %d): is --tokenizer that of the served model?",
			f.drifted, f.prompts, part(f.input, f.prompts), part(f.askedIn, f.prompts), f.worstIn, f.worstAskedIn)
	}
	if share := part(f.cached, f.cachedOf); share > cachedSuspect {
		j.reason("cached_prompts", false, "%s of the prompt tokens came from the service's cache (%d of %d, without %d a request for the chat template): their prefill was not measured",
			percent(share), f.cached, f.cachedOf, templateTokens)
	}
}

func (j *judgement) counting(c *result.Case) {
	if n := c.Tokens.Output[CountEvents.String()]; n > 0 {
		var all int64
		for _, count := range c.Tokens.Output {
			all += count
		}
		j.reason("token_counts", false, "the output tokens of %d of %d requests were counted as one for each event: a lower bound; have the service report usage, or give a tokenizer",
			n, all)
	}
}

// arrivals looks at what is not known of the events' times. late tells whether
// the client reads late: then it is its fault, as when that was seen of most of
// the shared events.
func (j *judgement) arrivals(c *result.Case, f *findings, late bool) {
	events := f.events
	invalid := late
	seenLate := part(events.ReadLate, events.All) > readLateInvalid
	late = late || seenLate || events.ReadLate > events.Shared/2
	whose := "the service, or something on the way, sends them together"
	if late {
		whose = "the client was not in time to read them one by one"
	}
	if n := events.FirstShared; n > 0 {
		share := part(n, f.streams)
		message := fmt.Sprintf("the first token event of %d of %d generations was read together with a later event (%s): they are not in ttft but in ttft_upper_bound; %s",
			n, f.streams, percent(share), whose)
		if share > sharedSuspect {
			j.reason("merged_first_tokens", late && share > sharedInvalid, "%s", message)
		} else {
			j.note("merged_first_tokens", "%s", message)
		}
	}
	if share := part(events.Shared, events.All); share > sharedSuspect {
		j.reason("shared_reads", invalid && share > sharedInvalid || seenLate, "%d of %d token events were read together with a later event (%s), and itl %s; %s",
			events.Shared, events.All, percent(share), itlLacks(events), whose)
	}
	if share := part(c.Connections.Retransmitted, c.Counts.Requests); share > retransmitSuspect {
		j.reason("retransmissions", false, "TCP segments were sent again during %d of %d requests (%s): the latencies hold what the network lost",
			c.Connections.Retransmitted, c.Counts.Requests, percent(share))
	}
}

// itlLacks says what shared events mean for itl.
func itlLacks(events result.TokenEvents) string {
	if events.ReadLate == 0 {
		return "takes those of a read for one"
	}
	return fmt.Sprintf("lacks the gaps at %d of them", events.ReadLate)
}

// samples looks at the latency that every completed request has one of. A
// percentile of few samples is vague, not wrong, and only the reader knows
// whether it matters: so it is a note.
func (j *judgement) samples(shown map[string]*result.Metric) {
	for _, name := range []string{"ttft", "http_req_duration", "e2el"} {
		if name == "e2el" && shown["generated_tokens"] != nil {
			continue // its ttft has been looked at
		}
		m := shown[name]
		if m == nil || m.Supports(99) {
			continue
		}
		supported := "not even p50"
		if p, ok := highest(m.N); ok {
			supported = fmt.Sprintf("up to p%g", p)
		}
		j.note("few_samples", "p99 of %s comes from %s and takes %d to be known with 99%% confidence (%s is)", name, samplesOf(m.N), result.Floor(99), supported)
	}
}

func samplesOf(n int64) string {
	if n == 1 {
		return "1 sample"
	}
	return fmt.Sprintf("%d samples", n)
}

// highest is the highest percentile that n samples are enough for, up to p99;
// false: not even the median.
func highest(n int64) (p float64, ok bool) {
	if p = result.Supported(n); p == 0 {
		return 50, false
	}
	return min(p, 99), true
}

// part is a/b, 0 for b = 0.
func part(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// percent writes a share so that a small one does not look like none.
func percent(share float64) string {
	if share > 0 && share < 0.001 {
		return "<0.1%"
	}
	return fmt.Sprintf("%.1f%%", share*100)
}
