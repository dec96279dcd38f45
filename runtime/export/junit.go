package export

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"weir/runtime/result"
)

// JUnit writes what was judged as JUnit XML, for the test reports of a CI: a suite for
// the run and one for each case, with a test for each threshold, one for the validity
// and one for the requests.
//
// What fails here is what makes weir's exit code: thresholds, and a run that ended
// early. Besides, an INVALID case fails its test of validity, and a SUSPECT one skips
// it: nothing was proved.
func JUnit(run *result.Run, path string) error {
	return result.ReplaceFileBy(path, 0o644, func(to io.Writer) error {
		if _, err := io.WriteString(to, xml.Header); err != nil {
			return err
		}
		suites := junitOf(run.Result)
		return suites.WriteXML(to)
	})
}

func junitOf(r *result.Result) *junit.Testsuites {
	all := &junit.Testsuites{Name: legal("weir " + r.Script.Name), Time: seconds(0)}
	if r.Ended != nil {
		all.Time = seconds(r.Ended.Sub(r.Started).Seconds())
	}
	add := func(s *junit.Testsuite) {
		s.ID = len(all.Suites)
		all.AddSuite(*s)
	}
	add(runSuite(r, all.Time))
	for _, c := range r.Cases {
		add(caseSuite(r, c))
	}
	return all
}

// runSuite is what is of no case.
func runSuite(r *result.Result, time string) *junit.Testsuite {
	s := &junit.Testsuite{Name: legal(r.Script.Name), Hostname: legal(r.Environment.Hostname), Time: time}
	s.SetTimestamp(r.Started)
	property(s, "weir", r.Weir.Version)
	property(s, "script", r.Script.Path)
	property(s, "verdict", string(r.Verdict))
	property(s, "command", r.CommandLine())
	property(s, "sim", r.Environment.Sim)
	for _, name := range slices.Sorted(maps.Keys(r.Params)) {
		property(s, "param."+name, text(r.Params[name]))
	}
	ended := junit.Testcase{Name: "run", Classname: legal(r.Script.Name), Time: time}
	switch {
	case r.Error != "":
		ended.Error = &junit.Result{Message: legal("ended early: " + firstLine(r.Error)), Type: "run", Data: legal(r.Error)}
	case r.Interrupted:
		ended.Error = &junit.Result{Message: "interrupted: the result holds what was finished", Type: "run"}
	case r.Ended == nil:
		ended.Error = &junit.Result{Message: "the run has not ended, or has crashed", Type: "run"}
	}
	s.AddTestcase(ended)
	for _, t := range r.Thresholds {
		s.AddTestcase(thresholdTest(r.Script.Name, t))
	}
	return s
}

func caseSuite(r *result.Result, c *result.Case) *junit.Testsuite {
	// Jenkins takes what is before the last dot for a package.
	class := r.Script.Name + "." + strings.ReplaceAll(c.Title(), ".", "_")
	s := &junit.Testsuite{Name: legal(c.Title()), Hostname: legal(r.Environment.Hostname), Package: legal(r.Script.Name), Time: seconds(c.Duration)}
	s.SetTimestamp(c.Started)
	caseProperties(s, c)
	for _, t := range c.Thresholds {
		s.AddTestcase(thresholdTest(class, t))
	}
	s.AddTestcase(validityTest(class, c))
	s.AddTestcase(requestsTest(class, c))
	return s
}

func thresholdTest(class string, t result.Threshold) junit.Testcase {
	test := junit.Testcase{Name: legal(t.Metric + ": " + t.Expr), Classname: legal(class)}
	if t.OK {
		test.SystemOut = &junit.Output{Data: legal(t.Found())}
		return test
	}
	message := t.Found()
	if t.Note != "" && t.Note != message {
		message += "; " + t.Note
	}
	test.Failure = &junit.Result{Message: legal(fmt.Sprintf("%s: %s", t.Metric, message)), Type: "threshold", Data: legal("expected " + t.Metric + " " + t.Expr)}
	return test
}

func validityTest(class string, c *result.Case) junit.Testcase {
	test := junit.Testcase{Name: "validity", Classname: legal(class)}
	var reasons []string
	for _, reason := range c.Validity.Reasons {
		reasons = append(reasons, fmt.Sprintf("%s %s: %s", reason.Verdict, reason.Rule, reason.Message))
	}
	found := &junit.Result{Message: string(c.Validity.Verdict), Type: "validity", Data: legal(strings.Join(reasons, "\n"))}
	for _, reason := range c.Validity.Reasons {
		if reason.Verdict == c.Validity.Verdict && reason.Verdict != result.Valid {
			found.Message = legal(fmt.Sprintf("%s: %s: %s", reason.Verdict, reason.Rule, firstLine(reason.Message)))
			break
		}
	}
	switch c.Validity.Verdict {
	case result.Valid:
		if found.Data != "" {
			test.SystemOut = &junit.Output{Data: found.Data}
		}
	case result.Suspect:
		test.Skipped = found
	default:
		test.Failure = found
	}
	return test
}

// requestsTest is an error when no request completed. Others that failed are listed:
// whether there are too many, thresholds and the validity tell.
func requestsTest(class string, c *result.Case) junit.Testcase {
	test := junit.Testcase{Name: "requests", Classname: legal(class)}
	n := c.Counts
	completed := n.Requests - n.RequestsFailed - n.RequestsCut
	lines := []string{fmt.Sprintf("%d requests: %d completed, %d failed, %d cut off with their iteration", n.Requests, completed, n.RequestsFailed, n.RequestsCut)}
	errors := c.Errors
	refused := c.Warmup.Refused()
	if refused {
		lines = append(lines, fmt.Sprintf("every request of the warm-up failed (%d of %[1]d), so the case was not played", c.Warmup.Requests))
		errors = slices.Concat(errors, c.Warmup.Errors)
	}
	for _, e := range errors {
		lines = append(lines, fmt.Sprintf("%d × %s %s: %s", e.Count, e.Scope, errorLabel(e), e.Message))
	}
	if refused || n.RequestsFailed > 0 && completed == 0 {
		test.Error = &junit.Result{Message: "no request succeeded", Type: "requests", Data: legal(strings.Join(lines, "\n"))}
		return test
	}
	test.SystemOut = &junit.Output{Data: legal(strings.Join(lines, "\n"))}
	return test
}

// errorLabel is the kind of an error, with its status.
func errorLabel(e result.ErrorGroup) string {
	if e.Status != 0 {
		return e.Kind + " " + strconv.Itoa(e.Status)
	}
	return e.Kind
}

// caseProperties are the key numbers of a case.
func caseProperties(s *junit.Testsuite, c *result.Case) {
	property(s, "verdict", string(c.Validity.Verdict))
	for _, name := range slices.Sorted(maps.Keys(c.Tags)) {
		property(s, "tag."+name, text(c.Tags[name]))
	}
	property(s, "window", c.Window)
	property(s, "requests", strconv.FormatInt(c.Counts.Requests, 10))
	property(s, "requests_failed", strconv.FormatInt(c.Counts.RequestsFailed, 10))
	if c.Duration > 0 {
		property(s, "throughput_requests_per_s", number(c.Throughput.Requests))
		property(s, "throughput_input_tokens_per_s", number(c.Throughput.InputTokens))
		property(s, "throughput_output_tokens_per_s", number(c.Throughput.OutputTokens))
	}
	for _, name := range keyMetrics {
		m := c.Metrics[name]
		if m == nil {
			continue
		}
		if m.Avg != nil {
			property(s, name+"_avg_"+m.Unit, number(*m.Avg))
		}
		for _, p := range m.Percentiles() {
			switch {
			case p.Value == nil || p.P != 50 && p.P != 99:
			case p.Supported:
				property(s, name+"_"+p.Name+"_"+m.Unit, number(*p.Value))
			default:
				property(s, name+"_"+p.Name+"_"+m.Unit, fmt.Sprintf("%s (of %d samples, too few)", number(*p.Value), m.N))
			}
		}
	}
	if g := c.Goodput; g != nil && g.Share != nil {
		property(s, "goodput_share", number(*g.Share))
		property(s, "goodput_requests_per_s", number(g.PerSecond))
	}
	if e := c.Energy; e != nil {
		property(s, "energy_J", number(e.Joules))
		if e.PerOutputToken != nil {
			property(s, "energy_per_output_token_J", number(*e.PerOutputToken))
		}
	}
}

// keyMetrics are those that short forms show.
var keyMetrics = []string{"ttft", "tpot", "itl", "e2el", "http_req_duration"}

// property adds one that is not empty.
func property(s *junit.Testsuite, name, value string) {
	if value != "" {
		s.AddProperty(legal(name), legal(value))
	}
}

func seconds(s float64) string { return strconv.FormatFloat(max(s, 0), 'f', 3, 64) }

// text is a value of a script as text: a text as it is, all else as JSON; "" for none.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// legal is a text with what XML cannot hold replaced.
func legal(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t', c == '\n', c == '\r', c >= 0x20 && c <= 0xD7FF, c >= 0xE000 && c <= 0xFFFD, c >= 0x10000 && c <= utf8.MaxRune:
			return c
		}
		return utf8.RuneError
	}, text)
}
