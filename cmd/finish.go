package cmd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"weir/runtime"
	"weir/runtime/result"
	"weir/runtime/script"
)

// finish prints what was found and chooses the exit code.
func (s *session) finish(o runtime.Outcome, aborted string) error {
	unrecorded := s.closeRecords(s.records, o.Refused)
	unkept := s.closeRecords(s.requests, o.Refused)
	unsampled := s.closeSamples(o.Refused)
	if o.Refused && s.flags.out == "" {
		os.RemoveAll(s.folder.Dir) // made for this run, and there is no result
	}
	if !o.Summarised && !s.flags.noSummary && len(s.report.Cases) > 0 {
		summarise(s.stdout, s.report, s.flags.trendStats.or(o.TrendStats))
	}
	if !o.Refused {
		lacks := ""
		if s.stale {
			lacks = ", which lacks what came last: it could not be written"
		}
		fmt.Fprintf(s.stderr, "result: %s%s\n", filepath.ToSlash(s.folder.Path()), lacks)
	}
	unwritten := s.writeExports(o)
	switch {
	case o.Err != nil:
		code, message := exitOf(o.Err)
		if code == exitThresholds || code == exitFault {
			return &exitError{code, errors.New(message)}
		}
		var params *script.ParamError
		var fault *script.Error
		if !errors.As(o.Err, &params) && !errors.As(o.Err, &fault) {
			code = exitFault
		}
		return &exitError{code, o.Err}
	case o.Interrupted && aborted != "":
		return &exitError{exitInterrupted, fmt.Errorf("the script ended the run: %s", aborted)}
	case o.Interrupted:
		return &exitError{exitInterrupted, errors.New("interrupted; the result holds what was finished")}
	}
	if err := s.verdict(o.Aborted); err != nil {
		return err
	}
	if unsampled && !unrecorded {
		return &exitError{exitFault, errors.New("the samples of telemetry are incomplete; the result is whole")}
	}
	if unrecorded {
		return &exitError{exitFault, errors.New("the records are incomplete; the result is whole")}
	}
	if unkept {
		return &exitError{exitFault, errors.New("the requests for reports are incomplete; the result is whole")}
	}
	if unwritten {
		return &exitError{exitFault, errors.New("not everything that was asked for could be written; the result is whole")}
	}
	return nil
}

// writeExports writes the report and what flags ask for besides, and says whether
// something could not be.
func (s *session) writeExports(o runtime.Outcome) (incomplete bool) {
	if o.Refused {
		return false
	}
	run := &result.Run{Dir: s.folder.Dir, Result: s.report}
	var all []error
	if len(s.report.Cases) > 0 {
		all = s.flags.report.write(run, s.stderr)
	}
	for _, err := range append(all, s.flags.exports.write(run, s.stderr)...) {
		if err != nil {
			fmt.Fprintf(s.stderr, "weir: %v\n", err)
			incomplete = true
		}
	}
	return incomplete
}

// closeRecords completes the file of records, or that of requests, and says whether
// there should be more in it. One without any is removed.
func (s *session) closeRecords(file *result.Records, refused bool) (incomplete bool) {
	if file == nil {
		return false
	}
	err := file.Close()
	if refused || err == nil && file == s.requests && file.Empty() {
		os.Remove(file.Path())
		return false
	}
	if err != nil {
		fmt.Fprintf(s.stderr, "weir: %v\n", err)
	}
	return err != nil
}

// closeSamples completes the file of telemetry, and says whether there should be more
// in it.
func (s *session) closeSamples(refused bool) (incomplete bool) {
	err := s.hub.Close()
	if refused {
		if s.samples != nil {
			os.Remove(s.samples.Path())
		}
		return false
	}
	if err != nil {
		fmt.Fprintf(s.stderr, "weir: %v\n", err)
	}
	return err != nil
}

// verdict is the exit code of a run that went to its end, or that a threshold has
// ended: aborted says which.
func (s *session) verdict(aborted string) error {
	var crossed []string
	var requests, completed, iterations, threw int64
	var thrown string
	for _, c := range s.report.Cases {
		for _, t := range c.Thresholds {
			if !t.OK {
				crossed = append(crossed, fmt.Sprintf("%s: %s %s", c.Title(), t.Metric, t.Expr))
			}
		}
		for _, e := range c.Errors {
			if e.Scope == "iteration" && thrown == "" {
				thrown = e.Message
			}
		}
		iterations += c.Counts.Started
		threw += c.Counts.IterationFailed
		requests += c.Counts.Requests
		if c.Counts.Requests == 0 && c.Warmup.Refused() { // it was not played
			requests += c.Warmup.Requests
		}
		completed += c.Counts.Requests - c.Counts.RequestsFailed - c.Counts.RequestsCut
	}
	for _, t := range s.report.Thresholds {
		crossed = append(crossed, fmt.Sprintf("%s %s: %s", t.Metric, t.Expr, t.Note))
	}
	switch {
	case aborted != "":
		return &exitError{exitThresholds, errors.New(aborted)}
	case len(crossed) > 0:
		return &exitError{exitThresholds, fmt.Errorf("thresholds crossed: %s", strings.Join(crossed, "; "))}
	case s.flags.requireValid && s.report.Verdict != result.Valid:
		return &exitError{exitInvalid, fmt.Errorf("the result is %s, and --require-valid was given", s.report.Verdict)}
	case requests > 0 && completed == 0:
		return &exitError{exitFault, errors.New("no request succeeded")}
	case iterations > 0 && threw == iterations:
		return &exitError{exitFault, fmt.Errorf("every iteration ended with an exception; the first one: %s", thrown)}
	}
	return nil
}
