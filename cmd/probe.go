package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"weir/modules/llm/probe"
	"weir/runtime/transport"
)

func probeCommand() *cobra.Command {
	var f probeFlags
	cmd := &cobra.Command{
		Use:   "probe URL",
		Short: "Find out what a service speaks, and how to run against it",
		Long: `Find out which server answers at a URL, which models it serves and which of weir's
backends it speaks, and print the command line of the static benchmark for it. The
URL is the service's base, or that of one of its requests. A service gets a dozen
small requests, one after another, the largest for 32 tokens.

Keys are better given by the variables WEIR_API_KEY, WEIR_APP_CODE and
WEIR_AUTH_TOKEN than by flags, which other users of the machine can see.`,
		Example: `  weir probe http://127.0.0.1:8000
  weir probe https://gateway.example/v1/infers/123/v1/chat/completions --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("weir probe takes the URL of one service, such as http://127.0.0.1:8000; %d were given", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			f.service.config.URL = args[0]
			return f.run(cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	f.service.set(fs)
	fs.BoolVar(&f.service.config.All, "all", false, "try every backend, also when one works already")
	fs.BoolVar(&f.json, "json", false, "print the result as JSON")
	return cmd
}

// probeFlags are the flags of weir probe.
type probeFlags struct {
	service serviceFlags
	json    bool
}

func (f *probeFlags) run(stdout, stderr io.Writer) error {
	c, err := f.service.resolve()
	if err != nil {
		return err
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer release()
	clients := transport.NewClients(nil, nil)
	defer clients.Close()

	c.Progress = stderr
	result, err := probe.Run(ctx, clients, c)
	if ctx.Err() != nil {
		fmt.Fprintln(stderr)
		return &exitError{exitInterrupted, errors.New("interrupted")}
	}
	var unusable *probe.Error
	if err != nil && !errors.As(err, &unusable) {
		return &exitError{exitConfig, err}
	}
	if f.json {
		if err := printProbe(stdout, result, unusable); err != nil {
			return &exitError{exitFault, err}
		}
	} else if unusable == nil {
		fmt.Fprintln(stderr)
		result.Report(stdout)
	}
	if unusable != nil {
		return &exitError{exitFault, unusable}
	}
	return nil
}

// printProbe prints what was found out, and what kept more from being found out.
func printProbe(w io.Writer, r *probe.Result, unusable *probe.Error) error {
	document := struct {
		*probe.Result
		Failure *probe.Error `json:"failure,omitempty"`
	}{r, unusable}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(document)
}
