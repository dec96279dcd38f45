package script

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/dop251/goja"
	layout "github.com/jedib0t/go-pretty/v6/text"
)

// Help writes the flags that the script declares, see Declared. Lines are broken to fit
// into width columns; 0: they are not.
func (s *Script) Help(ctx context.Context, w io.Writer, width int) error {
	params, err := s.Declared(ctx)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, formatHelp(s.Name, params, width))
	return err
}

// Declared are the parameters of the script: it runs the init code for its params() calls
// only. Once something is declared, a fault of the rest of the init code (a file that is
// not there without the right flags) is ignored, and so are wrong flags.
func (s *Script) Declared(ctx context.Context) ([]Param, error) {
	quiet := &Script{Name: s.Name, Path: s.Path, Dir: s.Dir, Source: s.Source, Map: s.Map, cfg: s.cfg, program: s.program, console: newConsole(nil), values: s.values}
	r := newRuntime(ctx, quiet, 0)
	defer r.Close()
	err := r.Wait(Task{
		Op: "init",
		Run: func(vm *goja.Runtime) (goja.Value, error) {
			r.helping = true
			return r.evaluate(vm)
		},
	}, nil)
	if err != nil && len(r.params.params) == 0 {
		return nil, err
	}
	return r.params.params, nil
}

// helpIndent is where the help texts start at most; longer flags get a line of their own.
const helpIndent = 34

// helpNarrowest is the least room for help texts in which lines are broken.
const helpNarrowest = 24

func formatHelp(name string, params []Param, width int) string {
	if len(params) == 0 {
		return fmt.Sprintf("%s declares no parameters.\n", name)
	}
	heads := make([]string, len(params))
	indent := 0
	for i, p := range params {
		heads[i] = p.helpHead()
		if n := utf8.RuneCountInString(heads[i]); n <= helpIndent {
			indent = max(indent, n)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Flags of %s:\n", name)
	for i, p := range params {
		b.WriteString(heads[i])
		pad := indent - utf8.RuneCountInString(heads[i])
		if pad < 0 {
			b.WriteString("\n")
			pad = indent
		}
		if help := p.helpText(); help != "" {
			if room := width - indent - 2; room >= helpNarrowest {
				help = layout.WrapSoft(help, room)
			}
			for i, line := range strings.Split(help, "\n") {
				if i > 0 {
					b.WriteString("\n")
					pad = indent
				}
				b.WriteString(strings.Repeat(" ", pad+2) + strings.TrimRight(line, " "))
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\nEach flag may also be set by WEIR_<FLAG> in the environment, such as " + envName(params[0].Flag) + ",\nor in a file given with --params (JSON or YAML).\n")
	return b.String()
}

func (p *Param) helpHead() string {
	head := "      --"
	if p.short != "" {
		head = "  -" + p.short + ", --"
	}
	head += p.Flag
	switch p.Type {
	case typeBoolean:
	case typeStringList:
		head += " string…"
	case typeNumberList:
		head += " number…"
	default:
		head += " " + p.Type
	}
	return head
}

func (p *Param) helpText() string {
	var notes []string
	if len(p.Choices) > 0 {
		notes = append(notes, "one of "+strings.Join(p.Choices, ", "))
	}
	if p.Required && p.From != FromBundle && p.From != FromResult {
		notes = append(notes, "required")
	} else if shown := p.helpDefault(); shown != "" {
		if p.Secret {
			shown = "hidden"
		}
		notes = append(notes, "default "+shown)
	}
	help := p.Help
	if len(notes) > 0 {
		if help != "" {
			help += " "
		}
		help += "(" + strings.Join(notes, "; ") + ")"
	}
	return help
}

// helpDefault is what there is when no value is given, which a bundle may say; "": nothing
// worth a word.
func (p *Param) helpDefault() string {
	value := p.Default
	if p.From == FromBundle || p.From == FromResult {
		value = p.Value
	}
	switch {
	case value == false:
		return ""
	case p.Type == typeDuration && value != nil:
		return showDuration(value)
	}
	return show(value)
}
