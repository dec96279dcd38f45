package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"weir/runtime/bundle"
	"weir/runtime/result"
	"weir/runtime/script"
)

func rerunCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rerun RESULT [flags] [script flags]",
		Short: "Repeat a run as its result says",
		Long: `Repeat a run: the script as it was, with the values that its parameters had and those that it has chosen itself,
such as a seed, and weir's own flags that change what is measured. Flags of this command line, weir's and the
script's, replace those of the run. Files that have changed since are refused; secrets are asked for again.
Where the result is written, and how it is shown, is not repeated.`,
		Example: `  weir rerun results/sweep-20261127-010502
  weir rerun results/before --out results/after --url http://127.0.0.1:8001`,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			var f runFlags
			fs := f.set()
			own, name, rest := splitArgs(fs, args)
			if name == "" || slices.Contains(own, "--help") || slices.Contains(own, "-h") {
				if name == "" && len(rest) == 0 && len(own) == 0 {
					return &exitError{exitConfig, errors.New("no result is named; write the folder of a run")}
				}
				if name == "" && len(rest) > 0 {
					return &exitError{exitConfig, flagBeforeScript("rerun", fs, rest[0])}
				}
				return cmd.Help()
			}
			e, err := openEarlier(name)
			if err != nil {
				return &exitError{exitConfig, err}
			}
			if own, err = e.flags(own); err != nil {
				return &exitError{exitConfig, err}
			}
			if err := fs.Parse(own); err != nil {
				return &exitError{exitConfig, err}
			}
			if err := f.check(fs, "rerun", name, rest); err != nil {
				return err
			}
			s := &session{flags: &f, flagSet: fs, name: e.result.Script.Path, own: own, args: rest, earlier: e, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			stop, err := profile(f.cpuProfile)
			if err != nil {
				return &exitError{exitConfig, err}
			}
			defer stop()
			return s.run()
		},
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "%s\n\nUsage:\n  weir %s\n\nExamples:\n%s\n%s", cmd.Long, cmd.Use, cmd.Example, flagHelp(new(runFlags).set(), width(out)))
	})
	return cmd
}

// earlier is a run that is repeated.
type earlier struct {
	dir    string // its folder, as it was given
	result *result.Result
	kept   string // its bundle
	own    bool   // it was made by this user's weir on this machine, and is as it was made

	renamed map[string]string // what is written to instead of what is there, by parameter
}

func openEarlier(path string) (*earlier, error) {
	run, err := result.Open(path)
	if err != nil {
		return nil, err
	}
	e := &earlier{dir: run.Dir, result: run.Result, kept: filepath.Join(run.Dir, result.BundleName)}
	if _, err := os.Stat(e.kept); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("repeat %s: there is no %s in it, which every run keeps\n  hint: weir run %s --params %s runs the script as it is now, with the same parameters", path, result.BundleName, run.Result.Script.Path, filepath.Join(run.Dir, result.FileName))
	}
	if host, _ := os.Hostname(); host != "" && run.Result.Environment.Hostname == host {
		key, err := sealKey()
		e.own = err == nil && run.Result.SealedWith(key)
	}
	return e, nil
}

// notRepeated are weir's flags that say where a result is written, how it is shown, and to
// whom it is told; of a result from elsewhere also those that would allow something, reach
// others, or write a file.
func (e *earlier) notRepeated() *pflag.FlagSet {
	var f runFlags
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, name := range []string{"params", "progress", "no-summary", "out", "cpu-profile", "help"} {
		fs.String(name, "", "")
	}
	f.trendStats.flags(fs)
	f.report.flags(fs)
	f.exports.flags(fs)
	f.publish.flags(fs)
	if !e.own {
		f.trust.flags(fs)
		f.monitor.flags(fs)
		f.registries.flags(fs)
		for _, name := range []string{"files-from", "source-ip", "sim-log", "sim-profile-dir", "sim-tokenizer"} {
			if fs.Lookup(name) == nil {
				fs.String(name, "", "")
			}
		}
	}
	return fs
}

// flags are weir's own of the earlier run that are repeated, but for those that are given
// now, and these behind them.
func (e *earlier) flags(given []string) ([]string, error) {
	now := names(given)
	dropped := e.notRepeated()
	var all []string
	var hidden []string
	line := e.result.Command
	if len(line) < 2 {
		return given, nil
	}
	was, _, _ := splitArgs(new(runFlags).set(), line[2:])
	for _, use := range uses(was) {
		switch {
		case now[use.name] || dropped.Lookup(use.name) != nil:
		case result.HasHidden(use.value):
			hidden = append(hidden, "--"+use.name)
		case use.plain:
			all = append(all, "--"+use.name)
		default:
			all = append(all, "--"+use.name+"="+use.value)
		}
	}
	if len(hidden) > 0 {
		return nil, fmt.Errorf("repeat %s: the value of %s is hidden in the result, since it has a secret in it\n  hint: give it again", e.dir, strings.Join(hidden, " and "))
	}
	return append(all, given...), nil
}

// flagUse is one use of a flag of weir's.
type flagUse struct {
	name, value string
	plain       bool // without a value
}

// uses are those in arguments that splitArgs took for weir's.
func uses(own []string) (all []flagUse) {
	fs := new(runFlags).set()
	for i := 0; i < len(own); i++ {
		flag := lookup(fs, own[i])
		if flag == nil {
			continue
		}
		_, value, inline := strings.Cut(own[i], "=")
		use := flagUse{name: flag.Name, value: value}
		switch {
		case inline:
		case flag.NoOptDefVal != "" || i+1 == len(own):
			use.plain = true
		default:
			i++
			use.value = own[i]
		}
		all = append(all, use)
	}
	return all
}

func names(own []string) map[string]bool {
	all := map[string]bool{}
	for _, use := range uses(own) {
		all[use.name] = true
	}
	return all
}

// scenario is that of the earlier run: from the bundle that it came in, when that is still
// there, else from the one that the run has kept.
func (e *earlier) scenario(ctx context.Context, f finding) (*scenario, error) {
	r := e.result
	e.tellWhatDiffers(f)
	if r.Script.Bundle != "" {
		if s, err := e.origin(ctx, f); s != nil || err != nil {
			return s, err
		}
	}
	b, err := bundle.Open(e.kept)
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	defer b.Close()
	s := &scenario{name: r.Script.Path, bundled: &b.Manifest, digest: r.Script.Bundle, pinned: r.Script.Pinned}
	if err := e.prepare(ctx, s, b, f); err != nil {
		s.close()
		return nil, &exitError{exitConfig, err}
	}
	return s, nil
}

// prepare makes the scenario of the bundle that the run has kept. The files that it read
// are where they were; for a run from elsewhere, in its folder or that of --files-from.
func (e *earlier) prepare(ctx context.Context, s *scenario, b *bundle.Bundle, f finding) error {
	r := e.result
	fromElsewhere := !e.own || r.Script.Bundle != ""
	dir := ""
	if fromElsewhere {
		if err := s.unpack(ctx, b, f); err != nil {
			return err
		}
		dir = s.place.Dir
	}
	if err := s.readProgram(b, dir); err != nil {
		return err
	}
	if sum := sha256Text(s.program.Code); sum != r.Script.SHA256 {
		return fmt.Errorf("repeat %s: %s has another script than the run (SHA-256 %s, expected %s)\n  hint: the folder was changed; weir run runs the script as it is now", e.dir, result.BundleName, sum, r.Script.SHA256)
	}
	s.program.Path, s.program.Name = r.Script.Path, r.Script.Name
	s.rules.Limited = fromElsewhere
	if fromElsewhere {
		return e.borrow(ctx, s, f)
	}
	dir = r.Script.Dir
	if f.filesFrom != "" {
		dir = f.filesFrom
	}
	s.program.Dir, s.rules.Dir = dir, dir
	s.rules.Trusted = strings.HasPrefix(r.Script.Path, "builtin:")
	for _, file := range s.bundled.Lacking() {
		rel, isOwn := strings.CutPrefix(file.Path, bundle.FilesDir+"/")
		if !isOwn {
			continue
		}
		if err := checkFile(ctx, filepath.Join(dir, filepath.FromSlash(rel)), file); err != nil {
			return fmt.Errorf("repeat %s: %w\n  hint: put it back as it was, or run the script with what is there now: weir run %s --params %s", e.dir, err, r.Script.Path, filepath.Join(e.dir, result.FileName))
		}
	}
	e.give(s)
	return nil
}

// borrow is prepare's for what came from elsewhere: nothing but the bundle is believed.
func (e *earlier) borrow(ctx context.Context, s *scenario, f finding) error {
	from := f.filesFrom
	if from == "" {
		from = e.dir
	}
	e.give(s)
	if err := s.fetchLacking(ctx, from, f.filesFrom != ""); err != nil {
		return err
	}
	if !e.own {
		s.program.From = script.FromBundle // it names nothing
	}
	return nil
}

// origin is the scenario of the bundle that the run was of, when that has data inside; nil
// when it has none, and the run's own bundle has all.
func (e *earlier) origin(ctx context.Context, f finding) (*scenario, error) {
	r := e.result
	kept, err := bundle.Open(e.kept)
	if err != nil {
		return nil, &exitError{exitConfig, err}
	}
	defer kept.Close()
	if len(kept.Manifest.Lacking()) == 0 {
		return nil, nil
	}
	name := cmp.Or(r.Script.Pinned, r.Script.Path)
	if !e.own {
		return nil, &exitError{exitConfig, fmt.Errorf("repeat %s: its files are in the bundle that was run, %.200q, and the result is not of this user and machine\n  hint: get that bundle, and run it with the same parameters: weir run FILE%s --params %s", e.dir, name, bundle.Ending, filepath.Join(e.dir, result.FileName))}
	}
	if r.Script.Pinned == "" && !filepath.IsAbs(name) {
		name = filepath.Join(r.Directory, name)
	}
	s, err := findScenario(ctx, name, f)
	if err != nil {
		return nil, &exitError{exitConfig, fmt.Errorf("repeat %s: its files are in the bundle that was run: %w", e.dir, err)}
	}
	if s.digest != r.Script.Bundle {
		s.close()
		return nil, &exitError{exitConfig, fmt.Errorf("repeat %s: its files are in the bundle that was run, and %s is another one now (%s, expected %s)\n  hint: bring the bundle back", e.dir, name, s.digest, r.Script.Bundle)}
	}
	s.name = r.Script.Path
	s.program.Path = r.Script.Path
	e.give(s)
	return s, nil
}

// give gives the program the values that the parameters had, with absolute paths of files
// that were read through them, and those that the script chose.
func (e *earlier) give(s *scenario) {
	r, p := e.result, s.program
	of := map[string]bundle.Param{}
	for _, param := range s.bundled.Params {
		of[param.Name] = param
	}
	inBundle := p.Given // paths of what is unpacked now
	p.From, p.Given, p.Left = script.FromResult, map[string]any{}, map[string]string{}
	values := maps.Clone(r.Params)
	maps.Copy(values, r.Chosen)
	for name, v := range values {
		switch {
		case v == nil:
		case result.HasHidden(v):
			p.Left[name] = "it has a secret in it"
		case r.Script.Bundle != "" && len(of[name].Paths) > 0 && fromBundle(v, r.Script.Path):
			p.Given[name] = inBundle[name]
		case len(of[name].Paths) > 0:
			p.Given[name] = absoluteAt(v, of[name].Paths, r.Directory)
			delete(s.named, name)
		default:
			p.Given[name] = e.unwritten(name, v)
		}
	}
	for _, name := range r.Secrets {
		p.Left[name] = "it is a secret"
	}
}

// valuesIn are those of a parameter: of a list all, else the one.
func valuesIn(v any) []any {
	if items, isList := v.([]any); isList {
		return items
	}
	return []any{v}
}

// fromBundle tells whether a value was a path in a bundle.
func fromBundle(v any, name string) bool {
	return slices.ContainsFunc(valuesIn(v), func(item any) bool {
		text, _ := item.(string)
		return strings.HasPrefix(text, name+string(filepath.Separator))
	})
}

// absoluteAt makes relative paths at places of a value start at a folder.
func absoluteAt(v any, places []int, dir string) any {
	items := slices.Clone(valuesIn(v))
	for _, at := range places {
		if at < len(items) {
			if text, isText := items[at].(string); isText && !filepath.IsAbs(text) {
				items[at] = filepath.Join(dir, text)
			}
		}
	}
	if _, isList := v.([]any); isList {
		return items
	}
	return items[0]
}

// unwritten is another name for a file that the run has written and that is still there:
// such are never overwritten.
func (e *earlier) unwritten(param string, v any) any {
	name, isText := v.(string)
	if !isText || !slices.Contains(e.result.Written, name) {
		return v
	}
	fresh := name
	for n := 2; ; n++ {
		if _, err := os.Lstat(fresh); err != nil {
			break
		}
		ending := filepath.Ext(name)
		fresh = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ending), n, ending)
	}
	if fresh != name {
		if e.renamed == nil {
			e.renamed = map[string]string{}
		}
		e.renamed[param] = fresh
	}
	return fresh
}

// tellWhatDiffers says what is not as it was.
func (e *earlier) tellWhatDiffers(f finding) {
	r, now := e.result, thisVersion()
	f.tell("repeating the run of %s", r.Started.Local().Format("2006-01-02 15:04:05"))
	if r.Weir.Version != now.Version || r.Weir.Commit != now.Commit {
		f.tell("weir differs: it was %s, this is %s", versionText(r.Weir), versionText(now))
	}
	host, _ := os.Hostname()
	switch {
	case r.Environment.Hostname != host:
		f.tell("the machine differs: it was %s, this is %s; the run is treated as one from elsewhere", cmp.Or(r.Environment.Hostname, "unknown"), host)
	case !e.own:
		f.tell("the result has no seal of yours, or was changed since; the run is treated as one from elsewhere")
	}
}

func versionText(v result.Version) string {
	if v.Commit == "" {
		return v.Version
	}
	return fmt.Sprintf("%s (%.12s)", v.Version, v.Commit)
}

// tellOverrides says which parameters have another value than they had.
func (e *earlier) tellOverrides(f finding, params []script.Param) {
	for _, p := range params {
		was, known := e.result.Params[p.Name]
		if p.From == script.FromResult && e.renamed[p.Name] != "" {
			f.tell("writing %s, since %v is there", p.Value, was)
		}
		if p.From == "default" || p.From == script.FromResult || p.From == script.FromBundle || p.Secret || !known {
			continue
		}
		if is := shownValue(p.Value); fmt.Sprint(is) != fmt.Sprint(was) {
			f.tell("--%s differs: it was %v, this is %v", p.Flag, was, is)
		}
	}
}
