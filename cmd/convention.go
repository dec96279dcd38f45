package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"weir/runtime/convention"
	"weir/runtime/result"
	"weir/runtime/suggest"
)

// conventionFlags ask for a run's numbers as other tools define them.
type conventionFlags struct {
	names  []string
	format string
}

var conventionFormats = map[string]func(io.Writer, []convention.Table) error{
	"json": convention.WriteJSON,
	"csv":  convention.WriteCSV,
}

func (f *conventionFlags) flags(fs *pflag.FlagSet) {
	var names []string
	for _, c := range convention.All {
		names = append(names, c.Name)
	}
	fs.StringSliceVar(&f.names, "convention", nil, "instead of weir's tables show what other `tools` would have reported, beside weir's numbers and why they differ: "+strings.Join(names, ", ")+", or all")
	fs.StringVar(&f.format, "convention-format", "table", "`format` of that: table, json or csv")
}

// check tells what is wrong with the flags.
func (f *conventionFlags) check() error {
	if _, ok := conventionFormats[f.format]; !ok && f.format != "table" {
		hint := ""
		if near := suggest.Nearest(f.format, []string{"table", "json", "csv"}); near != "" {
			hint = "did you mean " + near + "? "
		}
		return fmt.Errorf("--convention-format: %sit is table, json or csv, not %q", hint, f.format)
	}
	if len(f.names) == 0 && f.format != "table" {
		return fmt.Errorf("--convention-format %s: name the tools with --convention", f.format)
	}
	if _, err := convention.Parse(f.names); err != nil {
		return fmt.Errorf("--convention: %w", err)
	}
	return nil
}

// write shows the run under the conventions that were asked for.
func (f *conventionFlags) write(w io.Writer, run *result.Run) error {
	conventions, err := convention.Parse(f.names)
	if err != nil {
		return err
	}
	tables, err := convention.Tables(run, conventions)
	if err != nil {
		return err
	}
	if write, ok := conventionFormats[f.format]; ok {
		return write(w, tables)
	}
	return convention.WriteText(w, tables, width(w))
}
