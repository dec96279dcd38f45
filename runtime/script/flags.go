package script

import (
	"slices"
	"strings"
	"unicode"
)

// flagUse is one "--flag value value" of the command line.
type flagUse struct {
	text   string   // as written: "--rates", "-r"
	name   string   // without dashes
	short  bool     // one dash
	inline bool     // the first value was given with "="
	values []string // "=value", then what follows up to the next flag
}

// splitFlags groups arguments by flag. What stands before the first flag
// belongs to a use with an empty name. It never fails: what the values mean is
// judged later, when the declared types are known.
func splitFlags(args []string) []flagUse {
	var uses []flagUse
	for _, arg := range args {
		switch {
		case arg == "--":
			// Ends a list of values, nothing else.
			uses = append(uses, flagUse{})
		case isFlag(arg):
			use := flagUse{short: !strings.HasPrefix(arg, "--")}
			name, value, inline := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			use.name = name
			use.text, _, _ = strings.Cut(arg, "=")
			if inline {
				use.inline, use.values = true, []string{value}
			}
			uses = append(uses, use)
		default:
			if len(uses) == 0 {
				uses = append(uses, flagUse{})
			}
			last := &uses[len(uses)-1]
			last.values = append(last.values, arg)
		}
	}
	return uses
}

// isFlag tells flags from values. Negative numbers are values, a dash alone too.
func isFlag(arg string) bool {
	if strings.HasPrefix(arg, "--") {
		return len(arg) > 2 && isFlagRune(rune(arg[2]))
	}
	if len(arg) < 2 || arg[0] != '-' || !isFlagRune(rune(arg[1])) {
		return false
	}
	switch strings.ToLower(arg) {
	case "-inf", "-infinity", "-nan":
		return false
	}
	// One letter, perhaps with a value: "-r", "-r=4".
	return len(arg) == 2 || arg[2] == '='
}

func isFlagRune(c rune) bool { return c < unicode.MaxASCII && unicode.IsLetter(c) }

// kebab turns a name of a script into a flag: sloTtft → slo-ttft, apiKEY → api-key.
func kebab(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, c := range runes {
		if c == '_' || c == '$' {
			c = '-'
		}
		if unicode.IsUpper(c) {
			startsWord := i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
			if startsWord && runes[i-1] != '_' {
				b.WriteByte('-')
			}
			c = unicode.ToLower(c)
		}
		b.WriteRune(c)
	}
	return b.String()
}

// envName is the environment variable of a flag: slo-ttft → WEIR_SLO_TTFT.
func envName(flag string) string {
	return "WEIR_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// isOwnVariable tells whether a variable is one of weir itself, and no parameter's: a script
// that declares a parameter cache or prometheus-password gets neither to the folder of the
// one nor to the other.
func isOwnVariable(name string) bool {
	return name == "WEIR_CACHE" || name == "WEIR_SUMMARY_TREND_STATS" || strings.HasPrefix(name, "WEIR_PROMETHEUS_")
}

// orVariable says which variable gives a flag's value as well.
func orVariable(flag string) string {
	if isOwnVariable(envName(flag)) {
		return ""
	}
	return ", or " + envName(flag) + " in the environment"
}

// HideSecrets replaces the values of secret parameters in arguments by hidden. To be
// called when the parameters are known.
func (s *Script) HideSecrets(args []string, hidden string) []string {
	secret := func(name string, short bool) bool {
		return slices.ContainsFunc(s.Params(), func(p Param) bool { return p.Secret && p.isUse(flagUse{name: name, short: short}) })
	}
	shown := make([]string, len(args))
	within := false // a secret parameter's values
	for i, arg := range args {
		shown[i] = arg
		switch {
		case arg == "--":
			within = false
		case isFlag(arg):
			name, _, inline := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			if within = secret(name, !strings.HasPrefix(arg, "--")); within && inline {
				before, _, _ := strings.Cut(arg, "=")
				shown[i] = before + "=" + hidden
			}
		case within:
			shown[i] = hidden
		}
	}
	return shown
}
