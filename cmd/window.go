package cmd

import (
	"fmt"

	"github.com/spf13/pflag"

	"weir/runtime/result"
)

// windowFlag is --window, of weir run and of weir report.
func windowFlag(fs *pflag.FlagSet, to *string, help string) {
	fs.StringVar(to, "window", "", "which `window` counts, all or steady: "+help)
}

// checkWindow tells what is wrong with the name of a window; "" is none.
func checkWindow(name string) error {
	switch name {
	case "", result.WindowAll, result.WindowSteady:
		return nil
	}
	return fmt.Errorf("--window is %q; it must be %s or %s", name, result.WindowAll, result.WindowSteady)
}

// showWindow makes the numbers of a finished run those of another window, in the cases
// that have it, and tells of the others.
func showWindow(r *result.Result, window string) (lacking []string) {
	if window == "" {
		return nil
	}
	for _, c := range r.Cases {
		if c.Show(window) {
			continue
		}
		why := "the result has no windows"
		if w := c.Windows[window]; w != nil && w.Note != "" {
			why = w.Note
		}
		lacking = append(lacking, fmt.Sprintf("case %q is shown as a whole: %s", c.Title(), why))
	}
	return lacking
}
