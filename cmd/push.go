package cmd

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"weir/runtime/bundle"
	"weir/runtime/registry"
	"weir/runtime/script"
)

// pushCommand sends a bundle to a registry.
func pushCommand() *cobra.Command {
	var f registryFlags
	var tags []string
	cmd := &cobra.Command{
		Use:   "push FILE.weir oci://HOST/PATH[:TAG]",
		Short: "Send a bundle to an OCI registry, for others to run",
		Long: `Send a bundle to an OCI registry, one of those that keep container images: Harbor, SWR, GitLab's, distribution.
It prints the reference to pass on, which has the digest: whoever runs that gets these bytes. A tag may
be moved to another bundle later. Without a tag, latest is meant.

Credentials are those of docker login, oras login and weir login.`,
		Example: `  weir bundle sweep.ts -o sweep.weir
  weir push sweep.weir oci://registry.example/team/sweep:v1
  weir push sweep.weir oci://registry.example/team/sweep:v1 --tag stable --tag latest
  weir run oci://registry.example/team/sweep@sha256:…      what everybody else does`,
		Args: arguments(2, 2, "two arguments, a bundle and where it goes", "weir push sweep.weir oci://registry.example/team/sweep:v1"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := artifactOf(args[0])
			if err != nil {
				return &exitError{exitConfig, err}
			}
			r, err := registry.ParseReference(args[1])
			if err != nil {
				return &exitError{exitConfig, err}
			}
			ctx, release := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer release()
			client, err := f.client(cmd.ErrOrStderr(), "pushing "+args[0])
			if err != nil {
				return err
			}
			pushed, err := client.Push(ctx, a, r, tags...)
			if err != nil {
				return fetchFault(ctx, err)
			}
			tell := func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), "weir: "+format+"\n", args...) }
			if pushed.Sent {
				tell("%s was pushed, %s", args[0], registry.Megabytes(pushed.Size))
			} else {
				tell("the registry had %s already", args[0])
			}
			for _, tag := range pushed.Tags {
				switch {
				case tag.Was == "":
					tell("%s is new", tag.Name)
				case tag.Moved:
					tell("%s has moved, it was %s", tag.Name, tag.Was)
				}
			}
			fmt.Fprintln(cmd.OutOrStdout(), pushed.Pinned)
			return nil
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringArrayVar(&tags, "tag", nil, "another `tag` for it; may be given several times")
	f.flags(fs)
	return cmd
}

// artifactOf reads what a registry shows of a bundle.
func artifactOf(path string) (a registry.Artifact, err error) {
	b, err := openBundleFile(path)
	if err != nil {
		if exists(path) && script.IsScript(filepath.Base(path)) {
			err = fmt.Errorf("%s is a script, and what is pushed is a bundle\n  hint: weir bundle %s -o %s", path, path, strings.TrimSuffix(path, filepath.Ext(path))+bundle.Ending)
		}
		return a, err
	}
	defer b.Close()
	about := registry.About{Title: b.Manifest.Name, Description: b.Manifest.Description}
	return registry.Artifact{File: path, Config: b.ManifestText, About: about}, nil
}
