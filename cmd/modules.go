package cmd

import (
	"net/url"
	"sync"

	"weir/modules/core"
	"weir/modules/dataset"
	"weir/modules/execution"
	"weir/modules/http"
	"weir/modules/llm"
	custom "weir/modules/metrics"
	"weir/modules/npu"
	"weir/modules/output"
	profilers "weir/modules/profile"
	simulator "weir/modules/sim"
	"weir/modules/tokenizer"
	"weir/runtime/load"
	"weir/runtime/metrics"
	"weir/runtime/profiling"
	"weir/runtime/script"
	"weir/runtime/sim"
	"weir/runtime/transport"
)

// modules are what the scripts of one run can import.
type modules struct {
	table      map[string]script.Module
	tokenizers *tokenizer.Module
	datasets   *dataset.Module
	metrics    *custom.Module
	simulators *simulator.Module
	outputs    *output.Module
	services   *llm.Module
	npus       *npu.Module
	profiling  profiling.Maker
	extensions []extension

	mu     sync.Mutex
	reason string // why the script ended the run
}

// newModules makes the table of modules. redirect is the run's own simulator,
// nil when it has none; abort ends the run in good order.
func newModules(clients *transport.Clients, redirect *url.URL, flags *runFlags, abort func()) *modules {
	m := &modules{tokenizers: tokenizer.New(), datasets: dataset.New(), metrics: custom.New(), outputs: new(output.Module), npus: npu.New()}
	m.simulators = simulator.New(func(text string) int {
		t, err := m.tokenizers.Load(tokenizer.Builtin)
		if err != nil {
			return sim.EstimateTokens(text)
		}
		return countTokens(t, text)
	}, func(text string) []int {
		t, err := m.tokenizers.Load(tokenizer.Builtin)
		if err != nil {
			return sim.EstimateIDs(text)
		}
		return encode(t, text)
	})
	userAgent := "weir/" + version
	m.profiling = profiling.Maker{Clients: clients, UserAgent: userAgent, Duration: load.ParseDuration}
	simURL := ""
	if redirect != nil {
		simURL = redirect.String()
	}
	m.services = llm.New(clients, userAgent)
	m.table = map[string]script.Module{
		"weir":           core.New(),
		"weir/http":      http.New(clients, userAgent),
		"weir/llm":       m.services,
		"weir/tokenizer": m.tokenizers,
		"weir/dataset":   m.datasets,
		"weir/metrics":   m.metrics,
		"weir/npu":       m.npus,
		"weir/output":    m.outputs,
		"weir/profile":   profilers.New(m.profiling),
		"weir/sim":       m.simulators,
		"weir/execution": execution.New(execution.Hooks{
			SimURL:    simURL,
			Instances: max(1, flags.instance.of),
			SLOs:      metrics.SLOs(flags.goodput),
			Abort: func(reason string) {
				m.mu.Lock()
				m.reason = reason
				m.mu.Unlock()
				abort()
			},
		}),
	}
	m.addExtensions(clients)
	return m
}

// aborted is the reason that the script gave for ending the run, "" when it did not.
func (m *modules) aborted() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reason
}

// custom lists the metrics that the script and its extensions have declared.
func (m *modules) custom() map[string]metrics.CustomKind {
	kinds := m.metrics.Kinds()
	m.extensionMetrics(kinds)
	return kinds
}

// close ends what the modules have; the error is that of extensions.
func (m *modules) close() error {
	err := m.closeExtensions()
	m.simulators.Close()
	m.tokenizers.Close()
	m.outputs.Close()
	return err
}
