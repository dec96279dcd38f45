package cmd

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand writes the man pages. It is for those who make packages.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the man pages of all commands",
		Long: `Write the man pages of all commands into a folder: weir.1, weir-run.1, … They have no date, or that of
SOURCE_DATE_EPOCH, so that the same weir makes the same pages.`,
		Args:   arguments(1, 1, "one argument, a folder", "weir man man1"),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			date, err := sourceDate(os.Getenv("SOURCE_DATE_EPOCH"))
			if err != nil {
				return &exitError{exitConfig, err}
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return &exitError{exitConfig, fmt.Errorf("make the folder of the man pages: %w", err)}
			}
			if err := writeManPages(cmd.Root(), args[0], date); err != nil {
				return &exitError{exitFault, err}
			}
			return nil
		},
	}
}

// sourceDate is the day of SOURCE_DATE_EPOCH, seconds since 1970; "" for "".
func sourceDate(epoch string) (string, error) {
	if epoch == "" {
		return "", nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || seconds < 0 {
		return "", fmt.Errorf("SOURCE_DATE_EPOCH is %q, not seconds since 1970", epoch)
	}
	return time.Unix(seconds, 0).UTC().Format(time.DateOnly), nil
}

func writeManPages(c *cobra.Command, dir, date string) error {
	name := manName(c)
	if err := os.WriteFile(filepath.Join(dir, name+".1"), []byte(manPage(c, date)), 0o644); err != nil {
		return fmt.Errorf("write the man page of %s: %w", c.CommandPath(), err)
	}
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			if err := writeManPages(child, dir, date); err != nil {
				return err
			}
		}
	}
	return nil
}

func manName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage is the page of a command in the language of man(7).
func manPage(c *cobra.Command, date string) string {
	var b strings.Builder
	name := manName(c)
	fmt.Fprintf(&b, ".TH %s 1 %q %q %q\n.nh\n.ad l\n", strings.ToUpper(name), date, "weir "+version, "weir manual")
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(c.Short))
	use := c.UseLine()
	if c.HasSubCommands() {
		use = c.CommandPath() + " COMMAND"
	}
	command, rest, _ := strings.Cut(strings.TrimPrefix(use, c.CommandPath()), " ")
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n%s\n", roff(c.CommandPath()+command), roff(rest))
	b.WriteString(".SH DESCRIPTION\n")
	manText(&b, c.Long)
	if c.HasSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		head := ""
		for _, child := range c.Commands() {
			if child.IsAvailableCommand() {
				if child.GroupID != head {
					head = child.GroupID
					fmt.Fprintf(&b, ".SS %s\n", roff(head))
				}
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(manName(child)), roff(child.Short))
			}
		}
	}
	manFlags(&b, c)
	if c.Example != "" {
		b.WriteString(".SH EXAMPLES\n.nf\n")
		for line := range strings.SplitSeq(c.Example, "\n") {
			b.WriteString(roff(strings.TrimPrefix(line, "  ")) + "\n")
		}
		b.WriteString(".fi\n")
	}
	if !c.HasParent() {
		manExitStatus(&b)
		return b.String()
	}
	fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(manName(c.Parent())))
	return b.String()
}

// manFlags lists the flags of a command under their heads; also those that cobra does not
// parse, as a script's are among them.
func manFlags(b *strings.Builder, c *cobra.Command) {
	flags := c.NonInheritedFlags()
	if of := scriptCommands[c.Name()]; of != nil && !c.Parent().HasParent() {
		flags = of()
	}
	head := ""
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		if section := cmp.Or(strings.Join(f.Annotations[sectionKey], ""), "Options"); section != head {
			head = section
			fmt.Fprintf(b, ".SH %s\n", strings.ToUpper(roff(head)))
		}
		value, usage := pflag.UnquoteUsage(f)
		b.WriteString(".TP\n")
		if f.Shorthand != "" {
			fmt.Fprintf(b, "\\fB\\-%s\\fR, ", f.Shorthand)
		}
		fmt.Fprintf(b, "\\fB%s\\fR", roff("--"+f.Name))
		if value != "" && f.Value.Type() != "bool" {
			fmt.Fprintf(b, " \\fI%s\\fR", roff(value))
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "[]" && f.DefValue != "0s" {
			usage += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		fmt.Fprintf(b, "\n%s\n", roff(usage))
	})
}

// manExitStatus lists the exit codes.
func manExitStatus(b *strings.Builder) {
	b.WriteString(".SH EXIT STATUS\n")
	for _, status := range []struct {
		code    int
		meaning string
	}{
		{0, "the run went to its end; some requests may have failed"},
		{exitFault, "something outside of the script went wrong, no request succeeded, or every iteration threw"},
		{exitInvalid, "--require-valid was given, and the result is not VALID"},
		{exitThresholds, "a threshold was crossed"},
		{exitConfig, "wrong flags, parameters, options or cases"},
		{exitInterrupted, "interrupted by Ctrl-C or SIGTERM, or by the script; the result holds what was finished"},
		{exitScript, "the script has a fault"},
	} {
		fmt.Fprintf(b, ".TP\n.B %d\n%s\n", status.code, roff(status.meaning))
	}
}

// manText writes paragraphs; lines that are indented stay as they are.
func manText(b *strings.Builder, text string) {
	verbatim := false
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		switch {
		case indented && !verbatim:
			b.WriteString(".nf\n")
		case !indented && verbatim:
			b.WriteString(".fi\n")
		}
		verbatim = indented
		if line == "" {
			b.WriteString(".PP\n")
			continue
		}
		b.WriteString(roff(line) + "\n")
	}
	if verbatim {
		b.WriteString(".fi\n")
	}
}

// roff is a line of text in which nothing is a request or an escape, in ASCII.
func roff(text string) string {
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == '\\':
			b.WriteString("\\e")
		case r == '-':
			b.WriteString("\\-")
		case r == '\n':
			b.WriteByte(' ')
		case i == 0 && (r == '.' || r == '\''):
			b.WriteString("\\&" + string(r))
		case r > unicode.MaxASCII:
			fmt.Fprintf(&b, "\\[u%04X]", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
