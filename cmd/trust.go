package cmd

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"weir/runtime/access"
)

// trustFlags say what a script may touch besides what it may anyway; see docs/trust.md.
type trustFlags struct {
	hosts, reads, writes, programs []string
}

func (f *trustFlags) flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.hosts, "allow-host", nil, "let the script send requests to `HOST[:PORT]`, or to any with *, besides those that values of its parameters name, and to no others; may be given several times. A scenario that came from elsewhere (a bundle, oci://, https://) reaches no others anyway")
	fs.StringArrayVar(&f.reads, "allow-read", nil, "let the script read this file or `folder`, besides its own folder and what values of its parameters name; may be given several times")
	fs.StringArrayVar(&f.writes, "allow-write", nil, "let the script write to this file or `folder`, besides the result's folder and what values of its parameters name; may be given several times")
	fs.StringArrayVar(&f.programs, "allow-program", nil, "let a scenario that came from elsewhere start this `program` as a profiler; may be given several times")
}

func (f *trustFlags) check() error {
	var errs []error
	for _, host := range f.hosts {
		if err := access.CheckHost(host); err != nil {
			errs = append(errs, fmt.Errorf("--allow-host: %w", err))
		}
	}
	return errors.Join(errs...)
}

// apply adds what the flags allow.
func (f *trustFlags) apply(r *access.Rules) {
	r.Hosts = append(r.Hosts, f.hosts...)
	r.Reads = append(r.Reads, f.reads...)
	r.Writes = append(r.Writes, f.writes...)
	r.Programs = append(r.Programs, f.programs...)
	r.OnlyHosts = r.OnlyHosts || len(f.hosts) > 0
}
