package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"weir/runtime/bundle"
	"weir/runtime/registry"
	"weir/runtime/result"
)

// pullCommand fetches a scenario, to be run without a network later, or kept in a file.
func pullCommand() *cobra.Command {
	var f registryFlags
	var output string
	var force bool
	maxSize := int64(registry.DefaultMaxSize / 1_000_000)
	cmd := &cobra.Command{
		Use:   "pull oci://HOST/PATH[:TAG|@DIGEST] | https://…#sha256=HEX",
		Short: "Fetch a scenario, without running it",
		Long: `Fetch a scenario into the cache, from where weir run takes it without a network, or into a file. It prints the
reference with the digest, by which everybody gets the same.`,
		Example: `  weir pull oci://registry.example/team/sweep:v1
  weir pull oci://registry.example/team/sweep:v1 -o sweep.weir`,
		Args: arguments(1, 1, "one argument, a reference", "weir pull oci://registry.example/team/sweep:v1"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := args[0]
			switch {
			case maxSize < 1:
				return &exitError{exitConfig, errors.New("--max-size must be at least 1")}
			case output != "" && !force && exists(output):
				return &exitError{exitConfig, fmt.Errorf("%s exists\n  hint: --force replaces it", output)}
			}
			ctx, release := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer release()
			client, err := f.client(cmd.ErrOrStderr(), "fetching")
			if err != nil {
				return err
			}
			defer client.Cache.Close()
			client.MaxSize = maxSize * 1e6
			got, err := fetch(ctx, client, name)
			if err != nil {
				return fetchFault(ctx, err)
			}
			b, err := bundle.Open(got.File) // a web server may have anything
			if err != nil {
				return &exitError{exitConfig, err}
			}
			b.Close()
			if output == "" && client.Cache.Temporary() {
				return &exitError{exitFault, fmt.Errorf("%s was fetched, and cannot be kept\n  hint: -o FILE writes it to a file; WEIR_CACHE names another cache", name)}
			}
			tell := func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), "weir: "+format+"\n", args...) }
			if got.Cached {
				tell("the scenario was in the cache already, %s", registry.Megabytes(got.Size))
			} else {
				tell("the scenario was fetched, %s", registry.Megabytes(got.Size))
			}
			if output != "" {
				if err := copyTo(output, got.File); err != nil {
					return &exitError{exitFault, err}
				}
				tell("%s was written", output)
			}
			fmt.Fprintln(cmd.OutOrStdout(), got.Reference)
			return nil
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&output, "output", "o", "", "also write the bundle to this `file`")
	fs.BoolVar(&force, "force", false, "replace a file that exists")
	fs.Int64Var(&maxSize, "max-size", maxSize, "largest bundle that is fetched, `MB`")
	f.flags(fs)
	return cmd
}

// copyTo writes a file whole, or not at all.
func copyTo(path, from string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	return result.ReplaceFileBy(path, 0o644, func(to io.Writer) error {
		_, err := io.Copy(to, file)
		return err
	})
}

// exists tells whether there is something of this name.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
