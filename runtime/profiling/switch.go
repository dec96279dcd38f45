package profiling

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"weir/runtime/result"
)

// configSwitch is MS Service Profiler's: a service that was started with
// SERVICE_PROF_CONFIG_PATH looks at that file again and again, and profiles while its
// "enable" is 1.
//
// Only that one digit of the file is changed, in place: all other bytes stay, the file
// keeps its owner and mode, a file that is mounted into a container stays the one that
// the service sees, and no reader ever finds half of it.
type configSwitch struct {
	path   string
	settle time.Duration // until the service has seen a change
	trace  result.Trace
}

const (
	configLimit   = 1 << 20         // bytes
	defaultSettle = 3 * time.Second // how often the service looks, nobody says
	configHint    = `it is the file that the service was started with as SERVICE_PROF_CONFIG_PATH, such as {"enable": 0, "prof_dir": "/tmp/prof"}`
)

// MSServiceProfiler makes the switch of a configuration file: { config, settle, trace }.
func (m Maker) MSServiceProfiler(of map[string]any) (Profiler, error) {
	o := &options{of: of, dur: m.Duration}
	o.known("config", "settle", "trace")
	s := &configSwitch{path: o.text("config"), settle: o.duration("settle", defaultSettle)}
	s.trace = result.Trace{Profiler: "ms-service-profiler", Target: s.path, Where: o.text("trace")}
	if s.path == "" {
		o.fail("option config is missing: %s", configHint)
	}
	return s, o.err
}

func (s *configSwitch) String() string { return s.trace.Profiler + " of " + s.path }

func (s *configSwitch) Start(ctx context.Context) error {
	c, err := s.change('0', '1')
	if err != nil {
		return fmt.Errorf("switch MS Service Profiler on in %s: %w", s.path, err)
	}
	s.trace.Started = time.Now()
	if s.trace.Where == "" {
		s.trace.Where = c.profDir
	}
	if !wait(ctx, s.settle) {
		if _, err := s.change('1', '0'); err != nil {
			return fmt.Errorf("switch MS Service Profiler off in %s: %w", s.path, err)
		}
		return ctx.Err()
	}
	return nil
}

func (s *configSwitch) Stop(ctx context.Context) result.Trace {
	asked := time.Now()
	t := s.trace
	switch c, err := s.change('1', '0'); {
	case err == nil:
		wait(ctx, s.settle)
	case c.enable == '0':
		t.Error = "somebody else has set enable to 0 meanwhile: the trace may end before the case"
	default:
		t.Error = fmt.Sprintf("switch MS Service Profiler off in %s: %v; set enable to 0 by hand", s.path, err)
	}
	return stopped(t, asked)
}

// wait waits, and says whether ctx let it.
func wait(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// change sets enable, which must have been from.
func (s *configSwitch) change(from, to byte) (config, error) {
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return config{}, fmt.Errorf("there is no such file\n  hint: %s; the service makes it when it starts", configHint)
	case errors.Is(err, os.ErrPermission):
		return config{}, fmt.Errorf("it may not be written\n  hint: run weir as the user whose file it is")
	case err != nil:
		return config{}, errors.Unwrap(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, configLimit+1))
	if err != nil {
		return config{}, err
	}
	c, err := parseConfig(text)
	if err != nil {
		return c, fmt.Errorf("%w\n  hint: %s", err, configHint)
	}
	if c.enable != from {
		if from == '0' {
			return c, errors.New("enable is 1 already\n  hint: somebody else profiles the service, or a run was killed while it did: set enable to 0 first")
		}
		return c, fmt.Errorf("enable is %c, not %c", c.enable, from)
	}
	if _, err := f.WriteAt([]byte{to}, c.at); err != nil {
		return c, err
	}
	return c, f.Close()
}

// config is what is known of a configuration file.
type config struct {
	enable  byte  // '0' or '1'
	at      int64 // its place
	profDir string
}

// parseConfig finds the digit of enable.
func parseConfig(text []byte) (c config, err error) {
	if len(text) > configLimit {
		return c, fmt.Errorf("it is larger than %d bytes", configLimit)
	}
	if !json.Valid(text) {
		var any any
		return c, fmt.Errorf("it is no JSON: %w", json.Unmarshal(text, &any))
	}
	in := json.NewDecoder(bytes.NewReader(text))
	if open, _ := in.Token(); open != json.Delim('{') {
		return c, errors.New("it is no JSON object")
	}
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return c, err
		}
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return c, err
		}
		switch key {
		case "enable":
			if c.enable != 0 {
				return config{}, errors.New("it has enable twice")
			}
			if len(value) != 1 || value[0] != '0' && value[0] != '1' {
				return c, fmt.Errorf("its enable is %.20s, not 0 or 1", value)
			}
			c.enable, c.at = value[0], in.InputOffset()-1
		case "prof_dir":
			_ = json.Unmarshal(value, &c.profDir) // what is no text is not known
		}
	}
	if c.enable == 0 {
		return c, errors.New("it has no enable")
	}
	return c, nil
}
