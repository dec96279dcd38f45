package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"weir/modules/llm"
	"weir/runtime/device/sources"
	"weir/runtime/result"
	servers "weir/runtime/serving"
	"weir/runtime/telemetry"
	"weir/runtime/transport"
)

// monitorFlags say what is sampled beside the load.
type monitorFlags struct {
	sources  []string
	hosts    []string
	interval time.Duration
	devices  selection
	pages    []string
}

func (f *monitorFlags) flags(fs *pflag.FlagSet) {
	fs.StringSliceVar(&f.sources, "monitor", nil, "`sources` of devices that are sampled beside the load: "+strings.Join(sources.Names(), ", ")+" (auto is what there is), or the URL of an exporter's page; several with commas or by several flags")
	fs.StringSliceVar(&f.hosts, "monitor-host", nil, "`hosts` whose devices are sampled, instead of this machine's, through ssh without a password")
	fs.DurationVar(&f.interval, "monitor-interval", telemetry.DefaultInterval, "between two samples")
	fs.Var(&f.devices, "devices", "devices whose energy counts, such as 0-3, npu:0,2, host, or npu:0-7@host1 (default all NPUs and GPUs that are sampled)")
	fs.StringSliceVar(&f.pages, "metrics-url", nil, "`URLs` of the services' own pages of metrics, which are set beside what weir sees; auto: those of the script's endpoints")
}

// Limits of --monitor-interval.
const (
	shortestInterval = 10 * time.Millisecond
	longestInterval  = time.Hour
)

// check says which of the flags make no sense, or not together.
func (f *monitorFlags) check() error {
	switch {
	case f.interval < shortestInterval || f.interval > longestInterval:
		return fmt.Errorf("--monitor-interval is %v; it must be from %v to %v", f.interval, shortestInterval, longestInterval)
	case len(f.hosts) > 0 && !slices.ContainsFunc(f.sources, func(s string) bool { return !strings.Contains(s, "://") }):
		return errors.New("--monitor-host has no effect without a --monitor that is a tool\n  hint: say what to sample there, such as --monitor npu-smi, or --monitor auto")
	}
	for _, u := range f.pages {
		if u == "auto" {
			continue
		}
		if _, err := transport.ParseURL(u); err != nil {
			return fmt.Errorf("--metrics-url: %w\n  hint: name the page, such as http://127.0.0.1:8000/metrics, or auto", err)
		}
	}
	return nil
}

// selection is the value of --devices, which may be given several times or have commas.
type selection struct {
	telemetry.Selection
	text string
}

func (v *selection) String() string { return v.text }

func (v *selection) Set(text string) error {
	more, err := telemetry.ParseSelection(text)
	if err != nil {
		return err
	}
	v.Selection = append(v.Selection, more...)
	if v.text != "" {
		v.text += ","
	}
	v.text += text
	return nil
}

func (*selection) Type() string { return "devices" }

// newHub makes the telemetry of the run, without any source.
func (s *session) newHub() *telemetry.Hub {
	return telemetry.NewHub(telemetry.Config{
		Serving:         s.flags.monitor.devices.Selection,
		ServiceInterval: s.flags.monitor.interval,
		Samples: func() (samples *result.Samples, err error) {
			s.samples, err = s.folder.CreateSamples()
			return s.samples, err
		},
		Say: func(message string) { fmt.Fprintf(s.progress, "weir: %s\n", message) },
	})
}

// openMonitors opens what the flags name. What is not there ends the run before any
// load: nobody wants to learn it afterwards. Exporters are outside of the simulator that
// clients may lead to.
func (s *session) openMonitors(ctx context.Context, outside *transport.Clients, services *llm.Module) error {
	f := &s.flags.monitor
	opened, err := sources.Open(ctx, f.sources, f.hosts, outside)
	if err != nil {
		return fmt.Errorf("--monitor: %w", err)
	}
	for _, source := range opened {
		s.hub.AddSource(source, f.interval)
	}
	// The script's own monitors may fail, and have the devices that --devices names.
	if len(opened) > 0 || len(f.devices.Selection) > 0 {
		if err := s.hub.List(ctx, opened...); err != nil {
			return err
		}
	}
	pages, err := services.MetricsTargets(f.pages...)
	if err != nil {
		return fmt.Errorf("--metrics-url: %w", err)
	}
	if err := s.checkPages(ctx, services); err != nil {
		return err
	}
	for _, page := range pages {
		s.hub.AddService(page)
	}
	return nil
}

// pageLimit is how long a page that is named on the command line may take to answer.
const pageLimit = 5 * time.Second

// checkPages looks whether the pages are there that --metrics-url names. Those of
// the script's endpoints may come with its services, and are not looked at.
func (s *session) checkPages(ctx context.Context, services *llm.Module) error {
	named := slices.DeleteFunc(slices.Clone(s.flags.monitor.pages), func(u string) bool { return u == "auto" })
	all, err := services.MetricsTargets(named...)
	if err != nil {
		return fmt.Errorf("--metrics-url: %w", err)
	}
	own, err := services.MetricsTargets()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, pageLimit)
	defer cancel()
	for _, page := range all {
		if slices.ContainsFunc(own, func(other servers.Target) bool { return other.URL == page.URL }) {
			continue
		}
		if _, err := servers.Scrape(ctx, page); err != nil {
			return fmt.Errorf("--metrics-url: %w", err)
		}
	}
	return nil
}
