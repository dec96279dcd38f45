package cmd

import (
	"math"
	"os"
	goruntime "runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"

	"weir/runtime/result"
	"weir/runtime/script"
	"weir/runtime/sim"
	"weir/runtime/transport"
)

// newResult is the run's result before anything was measured: what it is of, and what
// it takes to repeat it.
func (s *session) newResult(loaded *script.Script, server *sim.Server) *result.Result {
	r := &result.Result{
		Schema:      result.Schema,
		Weir:        thisVersion(),
		Script:      s.found.described(loaded),
		Params:      map[string]any{},
		Command:     s.command(loaded),
		Settings:    s.settings(),
		Environment: <-s.machine,
		Cases:       []*result.Case{},
	}
	r.Directory, _ = os.Getwd() // without one, nobody can repeat it from elsewhere
	if s.found.place == nil {
		r.Script.Dir = loaded.Dir
	}
	r.Environment.Runtimes = s.flags.runtimes
	if server != nil {
		r.Environment.Sim = server.URL()
	}
	for _, p := range loaded.Params() {
		switch {
		case !p.Secret:
			r.Params[p.Name] = s.found.shownPaths(shownValue(p.Value))
		case p.From != "default":
			r.Secrets = append(r.Secrets, p.Name)
		}
	}
	return r
}

// shown is a text as others may read it: perhaps it is a URL with a password or a key
// in it.
func shown(text string) string { return result.HideLogin(transport.HideQuery(text)) }

// shownValue is shown for a parameter's value, which may be a list.
func shownValue(v any) any {
	switch v := v.(type) {
	case string:
		return shown(v)
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = shownValue(v[i])
		}
		return all
	}
	return v
}

// command is the command line, with weir's own flags before those of the script.
func (s *session) command(loaded *script.Script) []string {
	line := []string{"weir", "run", s.name}
	if s.earlier != nil {
		line = []string{"weir", "rerun", s.earlier.dir}
	}
	line = append(line, s.own...)
	line = append(line, loaded.HideSecrets(s.args, result.Hidden)...)
	for i, arg := range line {
		name, value, inline := strings.Cut(arg, "=")
		if inline && strings.HasPrefix(arg, "-") {
			line[i] = name + "=" + shown(value)
		} else {
			line[i] = shown(arg)
		}
	}
	return line
}

// settings are weir's own.
func (s *session) settings() *result.Settings {
	f := s.flags
	w := &result.Settings{Runtimes: f.runtimes, GOMAXPROCS: goruntime.GOMAXPROCS(0), Goodput: f.goodput, Repeat: f.repeat, Thresholds: f.thresholds.texts(), Records: f.records, Window: f.window}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		w.MemoryLimit = &limit
	}
	if f.instance.of > 0 {
		w.Instance = f.instance.String()
	}
	for _, a := range f.sources {
		w.Sources = append(w.Sources, a.String())
	}
	if f.sim {
		w.Sim = map[string]string{}
		s.flagSet.VisitAll(func(flag *pflag.Flag) {
			if strings.HasPrefix(flag.Name, "sim-") {
				w.Sim["--"+flag.Name] = flagValue(flag)
			}
		})
	}
	return w
}

// flagValue is a flag's value as it can be given again.
func flagValue(flag *pflag.Flag) string {
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		return strings.Join(list.GetSlice(), ",")
	}
	return flag.Value.String()
}
