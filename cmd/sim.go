package cmd

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"weir/modules/tokenizer"
	"weir/runtime/sim"
)

func simCommand() *cobra.Command {
	config := sim.Default()
	config.Addr = "127.0.0.1:8000"
	var counter string
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Serve a simulated inference service",
		Long: `Serve a simulated inference service that speaks every protocol that weir does
(docs/protocols.md). Its times follow a model: the time to the first token grows with the
prompt, the time between tokens with the number of streams. It logs when it really
sent each event, so that a client's numbers can be held against the truth.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop, _, release := signals(cmd.ErrOrStderr(), func() bool { return true })
			defer release()
			server, err := startSim(ctx, config, counter)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "listening on %s\n", server.URL())
			<-stop.Done()
			return server.Close()
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&counter, "tokenizer", tokenizer.Builtin, "tokenizer that prompts are counted with: a directory, or builtin")
	config.Flags(fs, "")
	return cmd
}

// startSim starts a simulated service that counts prompts with a tokenizer.
func startSim(ctx context.Context, config sim.Config, counter string) (*sim.Server, error) {
	if err := config.Validate(); err != nil {
		return nil, &exitError{exitConfig, err}
	}
	t, err := tokenizer.Load(counter)
	if err != nil {
		return nil, &exitError{exitConfig, fmt.Errorf("the simulated service's tokenizer: %w", err)}
	}
	config.CountTokens = func(text string) int { return countTokens(t, text) }
	config.Encode = func(text string) []int { return encode(t, text) }
	server, err := sim.Start(ctx, config)
	if err != nil {
		return nil, &exitError{exitFault, err}
	}
	return server, nil
}

// countTokens counts a prompt; one that no tokenizer takes, such as one with
// NUL, is estimated.
func countTokens(t *tokenizer.Tokenizer, text string) int {
	n, err := t.Count(text)
	if err != nil {
		return sim.EstimateTokens(text)
	}
	return n
}

// encode is countTokens for the tokens themselves.
func encode(t *tokenizer.Tokenizer, text string) []int {
	ids, err := t.Encode(text, false)
	if err != nil {
		return sim.EstimateIDs(text)
	}
	return ids
}
