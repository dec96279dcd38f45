package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/modules/llm"
)

// The static benchmark measures every service that weir speaks with, here the
// simulated one, which then speaks nothing else.
func TestStaticBackends(t *testing.T) {
	for _, backend := range llm.BackendNames() {
		if backend == "rerank" { // it takes a query and documents, not a prompt
			continue
		}
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			table := filepath.Join(t.TempDir(), "table.csv")
			r := runWeir(t, "run", "static", "--sim", "--sim-speaks", backend, "--sim-ttft", "2ms", "--sim-itl", "500us", "--out", "out",
				"--backend", backend, "--scheme", "http", "--served-model-name", "sim", "--parallel-num", "2", "--prompt-tokens", "16", "--output-tokens", "8", "--epochs", "2",
				"--csv-layout", "6.5", "--benchmark-csv", table)
			checkAllWell(t, r)
			c := r.Cases[0]
			tokens := 8.0
			if backend == "embeddings" {
				tokens = 0
			}
			got := c.Metrics["output_tokens"]
			switch {
			case (got == nil) != (tokens == 0):
				t.Errorf("output tokens %+v", got)
			case c.Tokens.Output["tokenizer"] > 0: // it is not the service's, and counts otherwise
				if *got.Min < tokens || *got.Max > 2*tokens {
					t.Errorf("%v to %v output tokens, want about %v", *got.Min, *got.Max, tokens)
				}
			case got != nil && (*got.Min != tokens || *got.Max != tokens):
				t.Errorf("%v to %v output tokens, want %v; from %v", *got.Min, *got.Max, tokens, c.Tokens.Output)
			}
			if got := c.Metrics["input_tokens"]; got == nil || *got.Min < 16 {
				t.Errorf("input tokens %+v, want at least 16", got)
			}
			text, err := os.ReadFile(table)
			if rows := strings.Count(string(text), "\r\n"); err != nil || rows != 2 {
				t.Errorf("%d rows, %v", rows, err)
			}
		})
	}
}
