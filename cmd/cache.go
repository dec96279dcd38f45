package cmd

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"weir/runtime/registry"
)

// cacheCommand says where fetched scenarios are, and removes them.
func cacheCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Show where fetched scenarios are kept; remove some of them",
		Long: `Show the folder in which fetched scenarios are kept, and how large it is. WEIR_CACHE names another one.
weir list shows what is in it.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cache, err := openCache(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			all, err := cache.Entries()
			if err != nil {
				return &exitError{exitFault, err}
			}
			bundles := map[string]int64{} // equal ones are kept once
			for _, e := range all {
				bundles[e.Bundle] = e.Size
			}
			var size int64
			for _, s := range bundles {
				size += s
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s, %s\n", cache.Dir(), count(int64(len(all)), "scenario"), registry.Megabytes(size))
			return nil
		},
	}
	cmd.AddCommand(cacheRemoveCommand(), cachePruneCommand())
	return cmd
}

func cacheRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove REFERENCE…",
		Aliases: []string{"rm"},
		Short:   "Remove scenarios from the cache: by a reference, or the first digits of a digest",
		Example: `  weir cache remove oci://registry.example/team/sweep:v1
  weir cache remove 3f786850e387`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &exitError{exitConfig, errors.New("nothing to remove is named\n  hint: weir list shows the references; weir cache prune removes what was not used for long")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cache, err := openCache(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			freed, err := cache.Remove(args...)
			return showFreed(cmd.OutOrStdout(), freed, err)
		},
	}
}

func cachePruneCommand() *cobra.Command {
	older, all := "30d", false
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove what was not used for long from the cache",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			age, err := parseAge(older)
			if err != nil {
				return &exitError{exitConfig, err}
			}
			before := time.Now().Add(-age)
			if all {
				before = time.Now().Add(time.Hour) // clocks of file systems differ
			}
			cache, err := openCache(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			freed, err := cache.Prune(before)
			return showFreed(cmd.OutOrStdout(), freed, err)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&older, "older-than", older, "what was not used for this `time`, such as 12h or 30d")
	fs.BoolVar(&all, "all", false, "everything")
	return cmd
}

// parseAge reads a duration that may have days.
func parseAge(text string) (time.Duration, error) {
	wrong := fmt.Errorf("--older-than is %q; it must be a time such as 12h or 30d", text)
	if digits, ok := strings.CutSuffix(text, "d"); ok {
		days, err := strconv.Atoi(digits)
		if err != nil || days < 0 || days > 36500 {
			return 0, wrong
		}
		return time.Duration(days) * 24 * time.Hour, nil
	}
	age, err := time.ParseDuration(text)
	if err != nil || age < 0 {
		return 0, wrong
	}
	return age, nil
}

func showFreed(to io.Writer, freed registry.Freed, err error) error {
	for _, e := range freed.Entries {
		fmt.Fprintf(to, "removed %s\n", e.Reference)
	}
	if err != nil {
		return &exitError{exitConfig, err}
	}
	fmt.Fprintf(to, "%d removed, %s are free now\n", len(freed.Entries), registry.Megabytes(freed.Bytes))
	return nil
}
