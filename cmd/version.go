package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"weir/runtime/result"
)

// Set by the linker.
var (
	version = "dev"
	commit  = ""
)

func thisVersion() result.Version {
	v := result.Version{Version: version, Commit: revision(), Go: runtime.Version()}
	for _, e := range compiledInExtensions() {
		v.Extensions = append(v.Extensions, e.String())
	}
	return v
}

// revision is the commit that the program was built from.
func revision() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return ""
}

// programInfo is what weir version --json prints.
type programInfo struct {
	result.Version
	Platform   string       `json:"platform"`
	Extensions []compiledIn `json:"extensions"`
	*linked                 // with --licenses
}

func versionCommand() *cobra.Command {
	var asJSON bool
	var licenses string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of weir, its extensions, and the licences of what is in it",
		Example: `  weir version --json             for programs
  weir version --licenses         what is linked in, with versions and licences
  weir version --licenses=full    with the licences' texts`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			a := programInfo{Version: thisVersion(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Extensions: compiledInExtensions()}
			if licenses != "" {
				if licenses != licensesList && licenses != licensesFull {
					return &exitError{exitConfig, fmt.Errorf("--licenses=%s: there are --licenses and --licenses=full", licenses)}
				}
				var err error
				if a.linked, err = readLinked(licenses == licensesFull); err != nil {
					return &exitError{exitFault, err}
				}
				if !a.Complete {
					fmt.Fprintln(cmd.ErrOrStderr(), "weir: this program was built without the list of licences, and only knows its Go modules\n  hint: \"make build\" and \"weir build\" put the list in")
				}
			}
			switch {
			case asJSON:
				e := json.NewEncoder(out)
				e.SetIndent("", "  ")
				return e.Encode(a)
			case a.linked != nil:
				return a.linked.print(out)
			}
			a.print(out)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	cmd.Flags().StringVar(&licenses, "licenses", "", "`list` what is linked in, with versions and licences; full: with their texts")
	cmd.Flags().Lookup("licenses").NoOptDefVal = licensesList
	return cmd
}

func (a programInfo) print(out io.Writer) {
	fmt.Fprintf(out, "weir %s", a.Version.Version)
	if a.Commit != "" {
		fmt.Fprintf(out, " (%.12s)", a.Commit)
	}
	fmt.Fprintf(out, "\n%s %s\n", a.Go, a.Platform)
	for _, e := range a.Extensions {
		fmt.Fprintf(out, "with %s\n", e)
	}
}
