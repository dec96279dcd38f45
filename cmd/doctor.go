package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"weir/modules/llm/checkup"
	"weir/modules/tokenizer"
	"weir/runtime/device/sources"
	"weir/runtime/doctor"
	"weir/runtime/machine"
	"weir/runtime/result"
	"weir/runtime/transport"
)

// doctorFlags are the flags of weir doctor.
type doctorFlags struct {
	service   serviceFlags
	tokenizer string
	streams   int
	monitors  []string
	hosts     []string
	quick     bool
	strict    bool
	json      bool
}

func doctorCommand() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor [URL]",
		Short: "Find out whether this machine is fit to measure, and a service to be measured",
		Long: `Find out whether this machine is fit to measure, and with a URL, whether that service
is fit to be measured: what was found, why it matters for a measurement, and what to
do about it. docs/doctor.md has every check by its name. Nothing is changed.

A service gets some small requests, one after another, the largest for 64 tokens, and
20 GETs. With --quick none makes tokens, and nothing is measured on this machine.

The exit code is 0 when nothing failed, 1 when something did, and with --strict 98
when there are warnings.

Keys are better given by the variables WEIR_API_KEY, WEIR_APP_CODE and
WEIR_AUTH_TOKEN than by flags, which other users of the machine can see.`,
		Example: `  weir doctor                                    this machine alone
  weir doctor http://127.0.0.1:8000 --tokenizer /models/qwen3
  weir doctor http://npu1:8000 --monitor-host root@npu1 --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("weir doctor takes the URL of one service, such as http://127.0.0.1:8000, or none; %d were given", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				f.service.config.URL = args[0]
			}
			return f.run(cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.tokenizer, "tokenizer", "", "tokenizer to compare with the service's counts: a folder with tokenizer.json, or builtin")
	fs.IntVar(&f.streams, "streams", doctor.DefaultStreams, "requests at the same time that are planned")
	fs.StringSliceVar(&f.monitors, "monitor", []string{sources.Auto}, "sources of accelerators to look at, as of weir run: "+strings.Join(sources.Names(), ", ")+", or the URL of an exporter's page; none: none")
	fs.StringSliceVar(&f.hosts, "monitor-host", nil, "hosts whose accelerators to look at, by ssh, such as root@npu1")
	fs.BoolVar(&f.quick, "quick", false, "make no tokens and measure nothing here: less than a second")
	fs.BoolVar(&f.strict, "strict", false, fmt.Sprintf("exit with %d when there are warnings", exitInvalid))
	fs.BoolVar(&f.json, "json", false, "print the findings as JSON")
	f.service.set(fs)
	return cmd
}

func (f *doctorFlags) run(stdout, stderr io.Writer) error {
	if f.streams < 1 {
		return &exitError{exitConfig, errors.New("--streams must be at least 1")}
	}
	c, err := f.service.resolve()
	if err != nil {
		return err
	}
	progress, cleared := stderr, func() {}
	if isTerminal(stderr) {
		line := &lastLine{to: stderr, width: width(stderr)}
		progress, cleared = line, line.clear
	}
	cfg := checkup.Config{Config: c}
	cfg.Progress, cfg.NoTokens = progress, f.quick
	if f.tokenizer != "" {
		if c.URL == "" {
			return &exitError{exitConfig, errors.New("--tokenizer is compared with a service's counts: give the service's URL, too")}
		}
		t, err := tokenizer.Load(f.tokenizer)
		if err != nil {
			return &exitError{exitConfig, fmt.Errorf("--tokenizer: %w", err)}
		}
		defer t.Close()
		cfg.Tokenizer = counting(f.tokenizer, t)
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer release()
	found, err := f.examine(ctx, cfg, progress)
	if ctx.Err() != nil {
		fmt.Fprintln(stderr)
		return &exitError{exitInterrupted, errors.New("interrupted")}
	}
	cleared()
	if err != nil {
		return &exitError{exitConfig, err}
	}
	return f.tell(stdout, found)
}

// counting is a tokenizer as package checkup takes it.
func counting(name string, t *tokenizer.Tokenizer) *checkup.Tokenizer {
	c := &checkup.Tokenizer{Name: name, Count: func(text string, special bool) (int, error) {
		ids, err := t.Encode(text, special)
		return len(ids), err
	}}
	if t.HasChatTemplate() {
		c.Chat = func(ctx context.Context, text string) (int, error) {
			messages, err := json.Marshal([]map[string]string{{"role": "user", "content": text}})
			if err != nil {
				return 0, err
			}
			return t.CountChat(ctx, messages, tokenizer.ChatOptions{AddGenerationPrompt: true})
		}
	}
	return c
}

// examination is what was found out. It is also the JSON of weir doctor --json.
type examination struct {
	Weir        result.Version     `json:"weir"`
	URL         string             `json:"url,omitempty"` // of the service, without a user, a password or a query
	Status      string             `json:"status"`        // the worst of the findings': "ok", "warn" or "fail"
	Findings    []result.Finding   `json:"findings"`
	Environment result.Environment `json:"environment"`
}

// examine looks at the service first, while nothing is measured here.
func (f *doctorFlags) examine(ctx context.Context, cfg checkup.Config, progress io.Writer) (*examination, error) {
	e := &examination{Weir: thisVersion()}
	need := doctor.Need{Streams: f.streams, Local: true}
	clients := transport.NewClients(nil, nil)
	defer clients.Close()
	if cfg.URL != "" {
		report, err := checkup.Run(ctx, clients, cfg)
		if err != nil {
			return nil, err
		}
		e.URL, e.Findings, need.RTT = report.Service.URL, report.Findings, report.RTT
		if at, err := url.Parse(e.URL); err == nil {
			need.Local, need.Network = doctor.Route(ctx, at)
		}
	}
	e.Environment = machine.Read(ctx, os.DirFS("/"))
	facts := doctor.NewFacts(e.Environment)
	var measured *doctor.Measured
	if !f.quick && ctx.Err() == nil {
		fmt.Fprintln(progress, "measuring this machine for a second …")
		m := doctor.Measure(ctx, os.DirFS("/"))
		measured = &m
	}
	e.Findings = append(e.Findings, doctor.Machine(facts, measured, need)...)

	accelerators, err := f.devices(ctx, clients, facts, progress)
	if err != nil {
		return nil, err
	}
	serves := cfg.URL != "" && (need.Local || len(f.hosts) > 0)
	e.Findings = append(e.Findings, doctor.Devices(accelerators, facts, serves)...)
	e.Status = doctor.Worst(e.Findings)
	return e, nil
}

// tell prints what was found and chooses the exit code.
func (f *doctorFlags) tell(stdout io.Writer, e *examination) error {
	var err error
	if f.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(e)
	} else {
		err = doctor.Report{Width: min(width(stdout), widestReport), Colour: coloured(stdout), URL: e.URL, Host: e.Environment.Hostname}.Write(stdout, e.Findings)
	}
	if err != nil {
		return &exitError{exitFault, fmt.Errorf("print the findings: %w", err)}
	}
	switch {
	case e.Status == doctor.Fail:
		return &exitError{code: exitFault}
	case e.Status == doctor.Warn && f.strict:
		return &exitError{code: exitInvalid}
	}
	return nil
}

// widestReport is how long lines are at most: longer ones are hard to read.
const widestReport = 110

// coloured tells whether colours may be used (https://no-color.org).
func coloured(w io.Writer) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && !strings.EqualFold(os.Getenv("TERM"), "dumb")
}

// devices asks the accelerators' tools. What is wrong with a host that was named is a
// finding; the error is that of a flag.
func (f *doctorFlags) devices(ctx context.Context, clients *transport.Clients, facts doctor.Facts, progress io.Writer) ([]doctor.Accelerators, error) {
	if slices.Equal(f.monitors, []string{"none"}) {
		return nil, nil
	}
	fmt.Fprintln(progress, "looking for accelerators …")
	opened, err := sources.Open(ctx, f.monitors, f.hosts, clients)
	switch {
	case err != nil && len(f.hosts) == 0:
		return nil, fmt.Errorf("--monitor: %w", err)
	case err != nil:
		return []doctor.Accelerators{{Source: strings.Join(f.monitors, ", "), Host: strings.Join(f.hosts, ", "), ListErr: err}}, nil
	}
	found := doctor.ReadDevices(ctx, opened, facts)
	for _, host := range f.hosts {
		if host != "localhost" && !slices.ContainsFunc(found, func(a doctor.Accelerators) bool { return a.Host == host }) {
			found = append(found, doctor.Accelerators{Host: host})
		}
	}
	return found, nil
}
