package metrics

import (
	"fmt"
	"math"
	"slices"

	"weir/runtime/result"
	"weir/runtime/suggest"
)

// The limits of the validity rules. docs/validity.md gives the reason for each.
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
	coalescedSuspect   = 0.01 // share of token events
	p99Samples         = 662
)

// floors are the samples that a percentile takes to be known with 99 %
// confidence (MLPerf's early stopping without tolerated failures).
var floors = []struct {
	name    string
	samples int64
}{{"p95", 130}, {"p90", 64}, {"p75", 24}, {"p50", 11}}

// RuleNames are the names of the validity rules, in the order of their reasons.
var RuleNames = []string{
	"no_completed_requests", "failed_requests", "client_limit", "interrupted_requests", "failed_iterations",
	"dropped_iterations", "late_iterations", "short_outputs", "prompt_length",
	"cached_prompts", "token_counts", "shared_reads", "few_samples",
}

// Rules adapt the validity rules to a case.
type Rules struct {
	// Expected names rules whose findings belong to the experiment, such as
	// "cached_prompts" where the prefix cache is what is measured. They are
	// reported but leave the verdict alone.
	Expected []string
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
	events, coalesced              int64
}

// add takes a completed generation.
func (f *findings) add(rec *Record) {
	f.events += int64(len(rec.Events))
	f.coalesced += int64(rec.Coalesced)
	if rec.Cached.Source != CountNone {
		f.cached += max(int64(rec.Cached.N)-templateTokens, 0)
		f.cachedOf += int64(rec.Input.N)
	}
	f.addOutput(int64(rec.AskedOut), rec.Output)
	f.addPrompt(int64(rec.AskedIn), rec.Input)
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

// judge applies the rules to a case whose other fields are complete.
func (r Rules) judge(c *result.Case, f *findings) result.Validity {
	j := judgement{expected: r.Expected, v: result.Validity{Verdict: result.Valid, Reasons: []result.Reason{}}}
	j.requests(c)
	j.iterations(c.Counts)
	j.outputs(f)
	j.prompts(f)
	j.counting(c, f)
	j.samples(c)
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

func (j *judgement) requests(c *result.Case) {
	n := c.Counts
	completed := n.Requests - n.RequestsFailed - n.RequestsCut
	// A script that sends no requests of its own accord has nothing to prove.
	if completed == 0 && (n.Requests > 0 || n.Started == 0 || n.IterationFailed > 0 || n.Interrupted > 0) {
		j.reason("no_completed_requests", true, "no request completed (%d failed, %d interrupted): there is nothing to measure", n.RequestsFailed, n.RequestsCut)
	}
	if n.RequestsFailed > 0 {
		share := part(n.RequestsFailed, n.Requests)
		j.reason("failed_requests", share > failedInvalid, "%d of %d requests failed (%s): the latencies are those of the survivors, and the service had less to do",
			n.RequestsFailed, n.Requests, percent(share))
	}
	for _, e := range c.Errors {
		if e.Kind == "client_limit" {
			j.reason("client_limit", true, "%d requests failed because this machine ran out of something (%s): the client was measured, not the service", e.Count, e.Message)
		}
	}
	if n.RequestsCut > 0 {
		share := part(n.RequestsCut, n.Requests)
		j.reason("interrupted_requests", share > interruptedInvalid, "%d of %d requests were interrupted (%s): the slowest ones are missing from the latencies",
			n.RequestsCut, n.Requests, percent(share))
	}
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

func (j *judgement) counting(c *result.Case, f *findings) {
	if n := c.Tokens.Output[CountEvents.String()]; n > 0 {
		var all int64
		for _, count := range c.Tokens.Output {
			all += count
		}
		j.reason("token_counts", false, "the output tokens of %d of %d requests were counted as one for each event: a lower bound; have the service report usage, or give a tokenizer",
			n, all)
	}
	if share := part(f.coalesced, f.events); share > coalescedSuspect {
		j.reason("shared_reads", false, "%d of %d token events arrived together with a later one (%s): single gaps are not to be trusted, means are",
			f.coalesced, f.events, percent(share))
	}
}

// samples looks at the latency that every completed request has one of. A
// percentile of few samples is vague, not wrong, and only the reader knows
// whether it matters: so it is a note.
func (j *judgement) samples(c *result.Case) {
	for _, name := range []string{"ttft", "http_req_duration"} {
		m := c.Metrics[name]
		if m == nil || m.N >= p99Samples {
			continue
		}
		supported := "not even p50"
		for _, floor := range floors {
			if m.N >= floor.samples {
				supported = "up to " + floor.name
				break
			}
		}
		j.note("few_samples", "p99 of %s comes from %d samples and takes %d to be known with 99%% confidence (%s is)", name, m.N, p99Samples, supported)
	}
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
