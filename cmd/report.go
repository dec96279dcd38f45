package cmd

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"weir/runtime/result"
)

// reportCommand shows a finished run again.
func reportCommand() *cobra.Command {
	var out exportFlags
	var page reportFlags
	var like conventionFlags
	var window string
	var stats trendStats
	cmd := &cobra.Command{
		Use:   "report RESULT",
		Short: "Show a finished run again, and write its reports",
		Long: `Show a finished run again: its tables, and whatever a flag asks for; and write its
report.html anew. RESULT is the folder that weir run has written, or the result.json in it.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("weir report shows one run, not %d\n  hint: give its folder: weir report results/static-20260102-150405", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(like.check(), page.check(), out.check(), checkWindow(window), stats.check()); err != nil {
				return &exitError{exitConfig, err}
			}
			run, err := result.Open(args[0])
			if err != nil {
				return &exitError{exitConfig, err}
			}
			for _, line := range showWindow(run.Result, window) {
				fmt.Fprintf(cmd.ErrOrStderr(), "weir: %s\n", line)
			}
			for _, line := range stats.complete(run) {
				fmt.Fprintf(cmd.ErrOrStderr(), "weir: %s\n", line)
			}
			if len(like.names) > 0 {
				if err := like.write(cmd.OutOrStdout(), run); err != nil {
					return &exitError{exitFault, err}
				}
			} else if err := summarise(cmd.OutOrStdout(), run.Result, stats.all); err != nil {
				return err
			}
			if err := errors.Join(append(page.write(run, cmd.ErrOrStderr()), out.write(run, cmd.ErrOrStderr())...)...); err != nil {
				return &exitError{exitFault, err}
			}
			return nil
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	windowFlag(fs, &window, "show the numbers of all of each case, or of its steady state, without warming up and draining (default as in the run)")
	stats.flags(fs)
	like.flags(fs)
	page.flags(fs)
	out.flags(fs)
	return cmd
}
