package script

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/dop251/goja"

	"weir/runtime/access"
	"weir/runtime/result"
)

// Param is one declared parameter. Values are string, bool, int64 or float64
// (durations in milliseconds), or []any of these; nil when there is none.
type Param struct {
	Name     string // as in the script: sloTtft
	Flag     string // as on the command line: slo-ttft
	Type     string // string, number, boolean, duration, string list, number list
	Default  any
	Help     string
	Choices  []string
	Required bool
	Secret   bool // never shown or written to results
	Value    any
	From     string // "default", "bundle", "result", "file", "env", "flag"

	short string // one letter, "" for none
}

// paramSet is what the params() calls of one runtime's init code have declared.
type paramSet struct {
	script   *Script
	uses     []flagUse
	params   []Param
	problems []*ParamError
}

func newParamSet(s *Script) *paramSet {
	return &paramSet{script: s, uses: splitFlags(s.cfg.Args)}
}

func (s *paramSet) declared() []Param { return append([]Param{}, s.params...) }

// Params declares parameters (the object given to params()) and returns their
// values as a frozen object. All wrong values of the call are reported together.
func (r *Runtime) Params(spec *goja.Object) (goja.Value, error) {
	if !r.inInit {
		return nil, TypeErrorf("params() is only possible in init code, at the top of the script")
	}
	if spec == nil {
		return nil, TypeErrorf("params() takes an object with one entry a parameter")
	}
	var declared []Param
	for _, name := range spec.Keys() {
		p, err := r.declare(name, spec.Get(name))
		if err != nil {
			return nil, fmt.Errorf("params(): %q: %w", name, err)
		}
		for _, other := range slices.Concat(r.params.params, declared) {
			if other.Name == p.Name || other.Flag == p.Flag {
				return nil, TypeErrorf("params(): %q is declared twice, both as --%s", p.Name, p.Flag)
			}
			if p.short != "" && other.short == p.short {
				return nil, TypeErrorf("params(): %q and %q both want the short flag -%s", other.Name, p.Name, p.short)
			}
		}
		declared = append(declared, p)
	}
	problems := 0
	values := r.vm.NewObject()
	for i := range declared {
		p := &declared[i]
		if problem := r.params.resolve(p); problem != nil && !r.helping {
			r.params.problems = append(r.params.problems, problem)
			problems++
		}
		p.nameTo(r.script.cfg.Access)
		r.put(values, p.Name, p.Value)
	}
	r.params.params = append(r.params.params, declared...)
	if problems > 0 {
		return nil, r.params.problem()
	}
	return r.freeze(values), nil
}

func (r *Runtime) freeze(obj *goja.Object) goja.Value {
	for _, key := range obj.Keys() {
		if list, ok := obj.Get(key).(*goja.Object); ok {
			r.freeze(list)
		}
	}
	_, _ = r.intrinsic.freeze(goja.Undefined(), obj) // a plain object or array
	return obj
}

// specKeys are what an entry of params() may hold.
var specKeys = []string{"default", "help", "type", "choices", "required", "secret", "short", "flag"}

// declare reads one entry of params(): an object, or a default alone.
func (r *Runtime) declare(name string, v goja.Value) (Param, error) {
	p := Param{Name: name, Flag: kebab(name)}
	entry, isObject := v.(*goja.Object)
	if _, isFunction := goja.AssertFunction(v); !isObject || isFunction || entry.ClassName() == "Array" {
		return p, r.typed(&p, v, "")
	}
	for _, key := range entry.Keys() {
		if !slices.Contains(specKeys, key) {
			return p, TypeErrorf("unknown field %q; %s", key, orList(didYouMean(key, specKeys), specKeys))
		}
	}
	var kind string
	for key, target := range map[string]*string{"help": &p.Help, "type": &kind, "short": &p.short, "flag": &p.Flag} {
		field := entry.Get(key)
		if field == nil || goja.IsUndefined(field) {
			continue
		}
		if !goja.IsString(field) {
			return p, TypeErrorf("%q must be a string, not %s", key, inspect(r, field))
		}
		*target = field.String()
	}
	for key, target := range map[string]*bool{"required": &p.Required, "secret": &p.Secret} {
		if field := entry.Get(key); field != nil {
			*target = field.ToBoolean()
		}
	}
	p.Flag = strings.TrimLeft(p.Flag, "-")
	if !isFlag("--"+p.Flag) || strings.ContainsAny(p.Flag, "= ") {
		return p, TypeErrorf("--%s is not possible as a flag: letters, digits and dashes, the first a letter", p.Flag)
	}
	p.short = strings.TrimLeft(p.short, "-")
	if p.short != "" && (len(p.short) != 1 || !isFlag("-"+p.short)) {
		return p, TypeErrorf("the short flag must be one letter, not %q", p.short)
	}
	if choices := entry.Get("choices"); choices != nil && !goja.IsUndefined(choices) {
		list, err := r.Detach(choices)
		items, ok := list.([]any)
		if err != nil || !ok {
			return p, TypeErrorf("\"choices\" must be an array, not %s", inspect(r, choices))
		}
		for _, item := range items {
			p.Choices = append(p.Choices, show(item))
		}
	}
	return p, r.typed(&p, entry.Get("default"), kind)
}

func orList(hint string, all []string) string {
	if hint != "" {
		return hint
	}
	return "there are " + joinNames(all)
}

func joinNames(names []string) string { return strings.Join(names, ", ") }

// typed settles a parameter's type and default.
func (r *Runtime) typed(p *Param, v goja.Value, kind string) error {
	var def any
	if v != nil && !goja.IsUndefined(v) && !goja.IsNull(v) {
		var err error
		if def, err = r.Detach(v); err != nil {
			return TypeErrorf("the default must be a string, number, boolean or a list of strings or numbers, not %s", inspect(r, v))
		}
	}
	if kind == "" {
		if kind = typeOf(def); kind == "" && def == nil {
			kind = typeString
		}
	}
	if p.Type = typeNames[kind]; p.Type == "" {
		if kind != "" {
			return TypeErrorf("unknown type %q; there are %s", kind, joinNames([]string{typeString, typeNumber, typeBoolean, typeDuration, typeStringList, typeNumberList}))
		}
		return TypeErrorf("the default must be a string, number, boolean or a list of strings or numbers, not %s", inspect(r, v))
	}
	if def == nil {
		if isList(p.Type) && !p.Required {
			p.Default = []any{}
		}
		return nil
	}
	def, err := coerce(p.Type, def)
	if err != nil {
		return TypeErrorf("the default %s: %v", inspect(r, v), err)
	}
	p.Default = def
	if len(p.Choices) > 0 && !p.Required {
		if wrong := p.outsideChoices(def); wrong != "" && wrong != `""` {
			return TypeErrorf("the default %s is not one of the choices %s", wrong, joinNames(p.Choices))
		}
	}
	return nil
}

// nameTo tells which paths and hosts the run names with the parameter. What a bundle gives
// names nothing.
func (p *Param) nameTo(a *access.Access) {
	if p.From == "default" || p.From == FromBundle || p.Value == nil {
		return
	}
	a.Flag(p.Name, "--"+p.Flag)
	items, isList := p.Value.([]any)
	if !isList {
		items = []any{p.Value}
	}
	for _, item := range items {
		if text, ok := item.(string); ok {
			a.Name(p.Name, text)
		}
	}
}

// resolve finds a parameter's value: defaults < bundle < file < environment < flags.
func (s *paramSet) resolve(p *Param) *ParamError {
	p.Value, p.From = p.Default, "default"
	program := s.script.cfg.Program
	if problem := program.given(p); problem != nil {
		return problem
	}
	file, err := s.script.values()
	if err != nil {
		var problem *ParamError
		errors.As(err, &problem)
		return problem
	}
	if v, found := file.value(p); found {
		value, err := coerce(p.Type, v)
		if err != nil {
			return p.wrong(fmt.Sprintf("%s in %s", p.Name, file.path), show(v), err)
		}
		if !file.result || !reflect.DeepEqual(value, p.Default) {
			p.Value, p.From = value, "file"
		}
	}
	if lookup := s.script.cfg.LookupEnv; lookup != nil && p.From != FromResult && !isOwnVariable(envName(p.Flag)) {
		// An empty variable is as good as none: it is how shells and CI systems unset.
		if text, found := lookup(envName(p.Flag)); found && text != "" {
			value, err := p.parse([]string{text})
			if err != nil {
				return p.wrong(envName(p.Flag), text, err)
			}
			p.Value, p.From = value, "env"
		}
	}
	if problem := s.resolveFlag(p); problem != nil {
		return problem
	}
	if p.From == "file" && file.result && result.HasHidden(p.Value) {
		return &ParamError{Message: fmt.Sprintf("--%s: its value is hidden in %s, since it has a secret in it", p.Flag, file.path), Hint: "give it again: --" + p.Flag}
	}
	if problem := program.lacks(p); problem != nil {
		return problem
	}
	if p.Required && p.From == "default" && (p.Value == nil || p.Value == "") {
		message := fmt.Sprintf("--%s is required", p.Flag)
		if p.Help != "" {
			message += " (" + p.Help + ")"
		}
		return &ParamError{Message: message, Hint: fmt.Sprintf("give --%s, %s, or %q in a parameter file", p.Flag, envName(p.Flag), p.Name)}
	}
	if p.From != "default" {
		if wrong := p.outsideChoices(p.Value); wrong != "" {
			return &ParamError{
				Message: fmt.Sprintf("--%s: %s is not one of %s", p.Flag, p.mask(wrong), joinNames(p.Choices)),
				Hint:    didYouMean(strings.Trim(wrong, `"`), p.Choices),
			}
		}
	}
	return nil
}

// resolveFlag takes the parameter's uses on the command line: lists collect
// all of them, of others the last one holds.
func (s *paramSet) resolveFlag(p *Param) *ParamError {
	var texts []string
	for _, use := range s.uses {
		negated := p.Type == typeBoolean && !use.short && use.name == "no-"+p.Flag
		if !negated && !p.isUse(use) {
			continue
		}
		name := use.text
		switch {
		case p.Type == typeBoolean:
			if negated {
				if len(use.values) > 0 {
					return &ParamError{Message: fmt.Sprintf("%s takes no value, got %q", name, use.values[0])}
				}
				p.Value, p.From = false, "flag"
				continue
			}
			if len(use.values) == 0 {
				p.Value, p.From = true, "flag"
				continue
			}
		case len(use.values) == 0 && !isList(p.Type):
			return &ParamError{Message: fmt.Sprintf("%s needs a value: %s", name, expectations[p.Type])}
		case len(use.values) == 0:
			return &ParamError{Message: fmt.Sprintf("%s needs at least one value: %s", name, expectations[p.Type]), Hint: fmt.Sprintf("an empty list is --%s=", p.Flag)}
		}
		if !isList(p.Type) && len(use.values) > 1 {
			return &ParamError{Message: fmt.Sprintf("unexpected argument %q after %s %s, which takes one value", use.values[1], name, p.mask(use.values[0]))}
		}
		if !isList(p.Type) {
			texts = nil
		}
		texts = append(texts, use.values...)
		value, err := p.parse(texts)
		if err != nil {
			return p.wrong(name, strings.Join(use.values, " "), err)
		}
		p.Value, p.From = value, "flag"
	}
	return nil
}

func (p *Param) isUse(use flagUse) bool {
	if use.short {
		return p.short != "" && use.name == p.short
	}
	return use.name != "" && use.name == p.Flag
}

func (p *Param) parse(texts []string) (any, error) {
	if isList(p.Type) {
		return parseTextList(p.Type, texts)
	}
	return parseText(p.Type, texts[0])
}

func (p *Param) wrong(where, text string, err error) *ParamError {
	return &ParamError{Message: fmt.Sprintf("%s: %v, got %s", where, err, p.mask(quote(text)))}
}

func (p *Param) mask(text string) string {
	if p.Secret {
		return "a secret"
	}
	return text
}

// outsideChoices returns the first value that is not among the choices, quoted.
func (p *Param) outsideChoices(v any) string {
	if len(p.Choices) == 0 || v == nil {
		return ""
	}
	items, ok := v.([]any)
	if !ok {
		items = []any{v}
	}
	for _, item := range items {
		if !slices.Contains(p.Choices, show(item)) {
			return quote(show(item))
		}
	}
	return ""
}

// finish reports what is wrong with the flags, the parameter file and the
// values, now that all parameters are declared: unknown flags first, because a
// misspelt one is often why something else is missing.
func (s *paramSet) finish() error {
	var all []*ParamError
	for _, use := range s.uses {
		if problem := s.unknownUse(use); problem != nil {
			all = append(all, problem)
		}
	}
	if file, err := s.script.values(); err == nil && len(s.problems) == 0 {
		names := make([]string, len(s.params))
		for i, p := range s.params {
			names[i] = p.Name
		}
		for _, key := range file.unknown(s.params) {
			all = append(all, &ParamError{
				Message: fmt.Sprintf("unknown parameter %q in %s", key, file.path),
				Hint:    s.hint(didYouMean(key, names)),
			})
		}
	} else if err != nil && len(s.params) == 0 {
		var problem *ParamError
		errors.As(err, &problem)
		all = append(all, problem)
	}
	if len(s.problems) == 0 {
		all = append(all, s.script.cfg.Program.unknown(s.params)...)
	}
	return joinProblems(append(all, s.problems...))
}

func (s *paramSet) problem() error { return joinProblems(s.problems) }

// joinProblems makes one *ParamError of several: one line each, no line twice.
func joinProblems(problems []*ParamError) error {
	switch len(problems) {
	case 0:
		return nil
	case 1:
		return problems[0]
	}
	var lines []string
	for _, p := range problems {
		line := p.Message
		if p.Hint != "" {
			line += " (" + p.Hint + ")"
		}
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return &ParamError{Message: strings.Join(lines, "\n")}
}

func (s *paramSet) unknownUse(use flagUse) *ParamError {
	if use.name == "" {
		if len(use.values) == 0 {
			return nil
		}
		return &ParamError{Message: fmt.Sprintf("unexpected argument %q", use.values[0]), Hint: "values follow a flag: --name value"}
	}
	var flags []string
	for _, p := range s.params {
		if p.isUse(use) || p.Type == typeBoolean && !use.short && use.name == "no-"+p.Flag {
			return nil
		}
		flags = append(flags, "--"+p.Flag)
	}
	return &ParamError{Message: "unknown flag " + use.text, Hint: s.hint(didYouMean("--"+use.name, flags))}
}

func (s *paramSet) hint(near string) string {
	switch {
	case near != "":
		return near
	case len(s.params) == 0:
		return "the script declares no parameters"
	}
	return "--help lists the script's own flags"
}
