//go:build linux

package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"weir/runtime/result"
)

//go:embed bench.ts
var benchScript []byte

//go:embed iterations.ts
var iterationsScript []byte

//go:embed starts.ts
var startsScript []byte

// weirRun is what one run of weir has reported.
type weirRun struct {
	*footprint
	report  *result.Case
	records map[string]*result.Request // by the number of the request; nil: none were asked for
}

// runWeir plays a script with the real binary and reads its result.
func (b *bench) runWeir(script []byte, records bool, flags ...string) (*weirRun, error) {
	return b.runWeirOn(nil, script, records, flags...)
}

// runWeirOn does so with a panel of progress on a terminal; nil: without one.
func (b *bench) runWeirOn(tty *os.File, script []byte, records bool, flags ...string) (*weirRun, error) {
	dir, err := os.MkdirTemp(b.dir, "run-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path, out := filepath.Join(dir, "bench.ts"), filepath.Join(dir, "out")
	if err := os.WriteFile(path, script, 0o600); err != nil {
		return nil, err
	}
	progress := "none"
	if tty != nil {
		progress = "full"
	}
	args := append([]string{"run", path, "--out", out, "--progress", progress, "--no-summary"}, flags...) // flags are the script's, and follow its name
	if records {
		args = append(args, "--records")
	}
	if b.profile != "" {
		b.profiles++
		args = append(args, "--cpu-profile", filepath.Join(b.profile, fmt.Sprintf("%03d.pprof", b.profiles)))
	}
	cmd := exec.Command(b.weir, args...)
	if tty != nil {
		cmd.Stderr = tty
		cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	}
	used, err := runClient(cmd)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(out, result.FileName))
	if err != nil {
		return nil, err
	}
	var found result.Result
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("read %s: %w", out, err)
	}
	if len(found.Cases) != 1 {
		return nil, fmt.Errorf("weir has played %d cases, want 1", len(found.Cases))
	}
	run := &weirRun{footprint: used, report: found.Cases[0]}
	if failed := run.report.Counts.RequestsFailed; failed > 0 {
		return nil, fmt.Errorf("%d of %d requests failed: %+v", failed, run.report.Counts.Requests, run.report.Errors)
	}
	if records {
		run.records = make(map[string]*result.Request)
		for r, err := range result.ReadRecords(filepath.Join(out, result.RecordsName)) {
			if err != nil {
				return nil, err
			}
			run.records[strconv.Itoa(r.Iteration)] = r
		}
	}
	return run, nil
}

// metric is a field of a metric of the result, 0 when there were no samples.
func (r *weirRun) metric(name string, field func(*result.Metric) *float64) float64 {
	if m := r.report.Metrics[name]; m != nil && field(m) != nil {
		return *field(m)
	}
	return 0
}

// samples is how many samples a metric of the result has.
func (r *weirRun) samples(name string) int {
	if m := r.report.Metrics[name]; m != nil {
		return int(m.N)
	}
	return 0
}

func avg(m *result.Metric) *float64 { return m.Avg }
func p50(m *result.Metric) *float64 { return m.P50 }
func p99(m *result.Metric) *float64 { return m.P99 }
func top(m *result.Metric) *float64 { return m.Max }
