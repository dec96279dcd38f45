package cmd

import (
	"fmt"
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
	return result.Version{Version: version, Commit: revision(), Go: runtime.Version()}
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

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of weir",
		Args:  cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			v := thisVersion()
			fmt.Fprintf(cmd.OutOrStdout(), "weir %s", v.Version)
			if v.Commit != "" {
				fmt.Fprintf(cmd.OutOrStdout(), " (%.12s)", v.Commit)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "\n%s %s/%s\n", v.Go, runtime.GOOS, runtime.GOARCH)
		},
	}
}
