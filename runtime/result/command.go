package result

import "strings"

// Words are those of the command line, quoted where a shell would read something else in
// them: with blanks between them, a shell takes them apart into the same arguments.
func (r *Result) Words() []string {
	words := make([]string, len(r.Command))
	for i, a := range r.Command {
		plain := a != "" && strings.IndexFunc(a, func(c rune) bool {
			return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./:=,@%+…", c))
		}) < 0
		if words[i] = a; !plain {
			words[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return words
}

// CommandLine is the command line for a shell; "" when it is not known.
func (r *Result) CommandLine() string { return strings.Join(r.Words(), " ") }
