package compare_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"weir/runtime/compare"
	"weir/runtime/race"
	"weir/runtime/result"
	"weir/runtime/result/resulttest"
)

// planned is a run of cases without requests, for what comes before numbers.
func planned(name string, cases ...*result.Case) *compare.Run {
	r := resulttest.Run(cases...)
	return &compare.Run{Name: name, Result: r}
}

func tagged(name string, tags map[string]any) *result.Case {
	c := resulttest.LLMCase(name, 800, 100)
	c.Tags = tags
	return c
}

func rate(v any) map[string]any { return map[string]any{"rate": v, "seed": rand.Int()} }

func options() compare.Options { return compare.Options{Confidence: 0.95, MinEffect: 0.01} }

func compared(t *testing.T, base, new *compare.Run, o compare.Options) *compare.Comparison {
	t.Helper()
	c, err := compare.Compare([]*compare.Run{base}, []*compare.Run{new}, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMatching(t *testing.T) {
	f := func(base, new []*result.Case, match []string, want string) {
		t.Helper()
		o := options()
		o.Match = match
		var got []string
		c, err := compare.Compare([]*compare.Run{planned("a", base...)}, []*compare.Run{planned("b", new...)}, o)
		switch {
		case err != nil:
			got = []string{strings.SplitN(err.Error(), "\n", 2)[0]}
		default:
			for _, k := range c.Cases {
				got = append(got, fmt.Sprintf("%s/%s %s %d:%d", k.Name, k.NewName, k.MatchedBy, k.Runs[0], k.Runs[1]))
			}
			got = append(got, fmt.Sprint(c.OnlyBase, c.OnlyNew))
		}
		if text := strings.Join(got, "; "); text != want {
			t.Errorf("got  %s\nwant %s", text, want)
		}
	}
	cases := func(list ...*result.Case) []*result.Case { return list }
	repeat := func(n int, c *result.Case) *result.Case { c.Repeat = n; return c }

	// By tags, whatever the order, the names and the type of the values are; seeds do not count.
	f(cases(tagged("x", rate(4)), tagged("y", rate(8))), cases(tagged("y2", rate("8")), tagged("x", rate(4))), nil, "x/ tags 1:1; y/y2 tags 1:1; [] []")
	f(cases(tagged("x", rate(4)), tagged("y", rate(8))), cases(tagged("y", rate(8)), tagged("z", rate(16))), nil, "y/ tags 1:1; [x] [z]")
	// Repetitions are one case.
	f(cases(repeat(1, tagged("x", rate(4))), repeat(2, tagged("x", rate(4)))), cases(tagged("x", rate(4))), nil, "x/ tags 2:1; [] []")
	// Tags that are not unique: by name, then by order.
	f(cases(tagged("x", rate(4)), tagged("y", rate(4))), cases(tagged("y", rate(4)), tagged("x", rate(4))), nil, "x/ name 1:1; y/ name 1:1; [] []")
	f(cases(tagged("x", rate(4)), tagged("x", rate(4))), cases(tagged("x", rate(4)), tagged("x", rate(4))), nil, "x/ order 1:1; x/ order 1:1; [] []")
	// Without tags.
	f(cases(tagged("x", nil), tagged("y", nil)), cases(tagged("y", nil)), nil, "y/ name 1:1; [x] []")
	// Other tags and the same name, or the only case of each: a pair, and the reason is told.
	f(cases(tagged("x", rate(4))), cases(tagged("x", rate(5))), nil, "x/ name 1:1; [] []")
	f(cases(tagged("x", rate(4))), cases(tagged("y", rate(5))), nil, "x/y order 1:1; [] []")
	// By some tags only.
	f(cases(tagged("x", map[string]any{"rate": 4, "build": "a"})), cases(tagged("y", map[string]any{"rate": 4, "build": "b"})), []string{"rate"}, "x/y tags 1:1; [] []")
	// Nothing in common.
	f(cases(tagged("x", rate(4)), tagged("y", rate(5))), cases(tagged("u", rate(6)), tagged("v", rate(7))), nil, "compare a with b: they have no case in common")
	f(nil, cases(tagged("u", rate(6))), nil, "compare a with b: they have no case in common")
}

// What keeps two cases from being compared, and what is only worth a note.
func TestComparable(t *testing.T) {
	f := func(change func(r *result.Result, c *result.Case), reasons, notes string) {
		t.Helper()
		base, new := planned("a", tagged("x", rate(4))), planned("b", tagged("x", rate(4)))
		for _, r := range []*compare.Run{base, new} {
			r.Result.Cases[0].Metrics["input_tokens"] = &result.Metric{Kind: "distribution", Unit: "tokens", N: 800, Avg: new2(1000.0), Std: new2(100.0)}
			r.Result.Cases[0].Metrics["output_tokens"] = &result.Metric{Kind: "distribution", Unit: "tokens", N: 800, Avg: new2(256.0), Std: new2(0.0)}
			r.Result.Params["servedModelName"] = "qwen"
			r.Result.Files = []result.File{{Kind: "dataset", SHA256: "aa"}, {Kind: "tokenizer", SHA256: "bb"}}
		}
		change(new.Result, new.Result.Cases[0])
		c := compared(t, base, new, options())
		var kinds []string
		for _, reason := range c.Cases[0].Reasons {
			kinds = append(kinds, reason.Kind)
			if len(reason.Metrics) == 0 && c.Counts.NotComparable != len(c.Cases[0].Rows) {
				t.Errorf("%s: rows are compared", reason.Message)
			}
		}
		if got := strings.Join(kinds, " "); got != reasons {
			t.Errorf("got the reasons %q: %v, want %q", got, c.Cases[0].Reasons, reasons)
		}
		if got := strings.Join(append(c.Cases[0].Notes, c.Notes...), "; "); !strings.Contains(got, notes) || notes == "" && got != "" {
			t.Errorf("got the notes %q, want %q", got, notes)
		}
		if reasons == "" {
			return
		}
		o := options()
		o.Ignore = compare.ReasonKinds
		again := compared(t, planned("a", base.Result.Cases...), planned("b", new.Result.Cases...), o)
		if again.Counts.NotComparable > 0 {
			t.Errorf("%s: not comparable, and it is to be ignored", reasons)
		}
	}
	type (
		run = *result.Result
		one = *result.Case
	)
	f(func(run, one) {}, "", "")
	f(func(r run, c one) { r.Params["servedModelName"] = "llama" }, "model", "servedModelName qwen → llama")
	f(func(r run, c one) { r.Files[0].SHA256 = "cc" }, "prompts", "")
	f(func(r run, c one) { r.Files[1].SHA256 = "cc" }, "tokenizer", "")
	f(func(r run, c one) { r.Script.Name = "dynamic" }, "load", "the script has changed: dynamic – → ab")
	f(func(r run, c one) { c.Tags = rate(5) }, "load", "")
	f(func(r run, c one) { c.Window = result.WindowSteady }, "window", "")
	f(func(r run, c one) { c.Metrics["input_tokens"].Avg = new2(1100.0) }, "lengths", "")
	f(func(r run, c one) { c.Metrics["input_tokens"].Avg = new2(1015.0) }, "", "")
	f(func(r run, c one) { c.Metrics["output_tokens"].Avg = new2(200.0) }, "lengths", "")
	f(func(r run, c one) { c.Tokens.Output = map[string]int64{"events": 800} }, "tokenizer", "")
	f(func(r run, c one) {
		c.Validity = result.Validity{Verdict: result.Invalid, Reasons: []result.Reason{{Rule: "failed_requests", Verdict: result.Invalid, Message: "all failed"}}}
	}, "invalid", "")
	f(func(r run, c one) {
		c.Validity = result.Validity{Verdict: result.Suspect, Reasons: []result.Reason{{Rule: "few_samples", Verdict: result.Suspect, Message: "few"}}}
	}, "", "the new one is SUSPECT: few_samples: few")
	f(func(r run, c one) {
		c.Metrics["cached_tokens"] = &result.Metric{Kind: "distribution", N: 800, Avg: new2(900.0)}
	}, "", "0% of the prompts' tokens from its prefix cache before, and 90% now")
	f(func(r run, c one) { r.Weir.Version = "0.2.0" }, "", "other weir, whose definitions may differ: version 0.1.0 → 0.2.0")
	f(func(r run, c one) { r.Environment.CPUs = 4 }, "", "other machine: CPUs 2 → 4")
	f(func(r run, c one) { r.Services = []result.Service{{Kind: "vllm", Version: "0.9"}} }, "", "other service: kind – → vllm, version – → 0.9")
	f(func(r run, c one) { r.Devices = []result.Device{{Kind: "npu", Name: "910B4"}} }, "", "other devices: npu 910B4 – → 1")
	f(func(r run, c one) { c.Interrupted = true }, "", "was interrupted")
}

func new2(v float64) *float64 { return &v }

// Lengths of answers are in some metrics only.
func TestPartlyComparable(t *testing.T) {
	base, new := planned("a", tagged("x", rate(4))), planned("b", tagged("x", rate(4)))
	for i, r := range []*compare.Run{base, new} {
		r.Result.Cases[0].Metrics["output_tokens"] = &result.Metric{Kind: "distribution", Unit: "tokens", N: 800, Avg: new2(200 + 50*float64(i)), Std: new2(0.0)}
	}
	for _, r := range compared(t, base, new, options()).Cases[0].Rows {
		depends := r.Metric == "e2el" || r.Metric == "throughput"
		if (r.Verdict == compare.NotComparable) != depends {
			t.Errorf("%s: %s (%s)", r.Label(), r.Verdict, r.Why)
		}
	}
}

// Without requests there is a change and no interval; with repetitions there is one.
func TestWithoutRequests(t *testing.T) {
	c := compared(t, planned("a", resulttest.LLMCase("x", 800, 100)), planned("b", resulttest.LLMCase("x", 800, 120)), options())
	for _, r := range c.Cases[0].Rows {
		if r.Verdict != compare.NoInterval || r.Low != nil || r.Change == nil && r.Metric != "request_failed" {
			t.Errorf("%s: %s, change %v, low %v", r.Label(), r.Verdict, r.Change, r.Low)
		}
	}
	if c.Verdict != compare.NoInterval {
		t.Errorf("the verdict is %s", c.Verdict)
	}
	repeats := func(levels ...float64) (cases []*result.Case) {
		for i, level := range levels {
			k := resulttest.LLMCase("x", 800, level)
			k.Repeat = i + 1
			k.Energy = &result.Energy{Joules: level, PerOutputToken: new2(level / 50)}
			cases = append(cases, k)
		}
		return cases
	}
	c = compared(t, planned("a", repeats(100, 104, 98)...), planned("b", repeats(120, 125, 122)...), options())
	verdicts := map[string]compare.Verdict{}
	for _, r := range c.Cases[0].Rows {
		verdicts[r.Label()] = r.Verdict
		if r.Verdict == compare.NoInterval {
			t.Errorf("%s has no interval: %s", r.Label(), r.Why)
		}
	}
	if verdicts["ttft avg ms"] != compare.Worse || verdicts["energy J/tok"] != compare.Worse || verdicts["e2el avg ms"] != compare.NoDifference || !c.Repeated {
		t.Errorf("%v, repeated %t", verdicts, c.Repeated)
	}
}

// What comes out depends neither on how many processors take part nor on the order of
// the requests in the file, and on nothing but the seed.
func TestDeterministic(t *testing.T) {
	f := func(processors int, seed uint64, shuffle bool) *compare.Comparison {
		t.Helper()
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		sides := make([]*compare.Run, 2)
		for i := range sides {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			sides[i] = simulated("waves", 320, 0.05*float64(i), rng)
			if shuffle {
				var requests []*result.Request
				for q := range sides[i].Requests {
					requests = append(requests, q)
				}
				slices.SortStableFunc(requests, func(a, b *result.Request) int { return int(*a.End - *b.End) })
				sides[i].Requests = sequence(requests)
			}
		}
		o := options()
		o.Seed = seed
		return compared(t, sides[0], sides[1], o)
	}
	text := func(c *compare.Comparison) string {
		var b bytes.Buffer
		if err := compare.JSON(&b, []*compare.Comparison{c}, nil); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	one := text(f(1, 1, false))
	if text(f(4, 1, false)) != one {
		t.Error("several processors make another result")
	}
	if text(f(2, 2, false)) == one {
		t.Error("another seed makes the same result")
	}
	if text(f(1, 1, true)) != one {
		t.Error("the order of the file makes another result")
	}
}

func diff(a, b float64) float64 { return max(a-b, b-a) }

// A large case is thinned, and what comes out stays the same within its interval.
func TestThinned(t *testing.T) {
	if race.Enabled {
		t.Skip("takes long")
	}
	large := func(factor float64) *compare.Run {
		const n = 140_000
		ms := latencies(5, n, factor)
		return withTTFT(ms, 0)
	}
	o := options()
	o.Metrics = []string{"ttft.avg", "throughput"}
	c := compared(t, large(1), large(1.03), o)
	for _, r := range c.Cases[0].Rows {
		if r.Metric == "ttft" && (r.Verdict != compare.Worse || diff(*r.Change, 0.03) > 0.002) || r.Metric == "throughput" && diff(*r.Change, 1/1.03-1) > 0.002 {
			t.Errorf("%s: %s by %v (%v … %v) %s", r.Label(), r.Verdict, *r.Change, r.Low, r.High, r.Why)
		}
	}
}

// What cannot be read is an error that names the run.
func TestBroken(t *testing.T) {
	f := func(q *result.Request, err error, want string) {
		t.Helper()
		bad := planned("bad", tagged("x", rate(4)))
		bad.Requests = func(yield func(*result.Request, error) bool) { yield(q, err) }
		_, got := compare.Compare([]*compare.Run{bad}, []*compare.Run{planned("b", tagged("x", rate(4)))}, options())
		if got == nil || !strings.Contains(got.Error(), want) {
			t.Errorf("got %v, want %q", got, want)
		}
	}
	f(nil, errors.New("line 3: cut off"), "compare bad: line 3: cut off")
	f(&result.Request{Case: 7}, nil, "has one of case 7, and the result has 1")
	f(&result.Request{Case: -1}, nil, "has one of case -1")
}

// In a steady window only its requests count: those before are ten times as slow.
func TestWindow(t *testing.T) {
	side := func(factor float64) *compare.Run {
		ms := latencies(1, 600, factor)
		for i := range 100 {
			ms[i] *= 10
		}
		r := withTTFT(ms, 0)
		before := 0.0
		for _, v := range ms[:100] {
			before += math.Round(v*1000) / 1e6
		}
		c := r.Result.Cases[0]
		c.Window = result.WindowSteady
		c.Windows = map[string]*result.Window{result.WindowSteady: {From: before - 1e-4, To: 1e6, Found: true}}
		*c.Metrics["ttft"].Avg = 100 * factor
		return r
	}
	o := options()
	o.Metrics = []string{"ttft.avg", "throughput.requests"}
	c := compared(t, side(1), side(1.05), o)
	if notes := c.Cases[0].Notes; !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, "those of the steady state") }) {
		t.Errorf("nothing says what the numbers are of: %q", notes)
	}
	for _, r := range c.Cases[0].Rows {
		if r.Low == nil || *r.High-*r.Low > 0.06 {
			t.Errorf("%s: the interval is that of all requests: %s, %s", r.Label(), r.IntervalText(), r.Why)
		}
	}
	if r := c.Cases[0].Rows[0]; *r.Base != 100 || *r.New != 105 {
		t.Errorf("the values are not those of the result: %v, %v", *r.Base, *r.New)
	}
}

// What others have written into a result and its requests never panics.
func FuzzCompare(f *testing.F) {
	result1, _ := json.Marshal(resulttest.Run(tagged("x", rate(4)), tagged("y", rate(4))))
	var lines []byte
	for q := range simulated("waves", 24, 0, rand.New(rand.NewPCG(1, 1))).Requests {
		line, _ := json.Marshal(q)
		lines = append(append(lines, line...), '\n')
	}
	f.Add(result1, result1, lines)
	f.Add([]byte(`{"cases":[{"window":"steady","windows":{"steady":{"found":true,"from_s":1e300,"to_s":-1e300}},"metrics":{"ttft":{"kind":"distribution","n":-5}}}]}`), result1, lines)
	f.Add([]byte(`{"cases":[{"kept":{"every":-1},"duration_s":1,"goodput":{"share":0},"metrics":{"goodput":{"kind":"goodput"},"request_failed":{"kind":"rate","rate":0}}}]}`), []byte(`{"cases":[{"goodput":{"share":1}}]}`), []byte(`{"case":1,"kind":"llm"}`))
	f.Fuzz(func(t *testing.T, a, b, lines []byte) {
		dir := t.TempDir()
		run := func(text []byte) *compare.Run {
			path := filepath.Join(dir, result.FileName)
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
			r, err := compare.Open(path)
			if err != nil {
				return nil
			}
			r.Requests = func(yield func(*result.Request, error) bool) {
				for line := range bytes.Lines(lines) {
					q := new(result.Request)
					if json.Unmarshal(line, q) != nil || !yield(q, nil) {
						return
					}
				}
			}
			return r
		}
		base, new := run(a), run(b)
		if base == nil || new == nil {
			return
		}
		o := options()
		o.Resamples, o.Ignore = 100, compare.ReasonKinds
		c, err := compare.Compare([]*compare.Run{base}, []*compare.Run{new}, o)
		if err != nil {
			return
		}
		for _, write := range []func(io.Writer) error{
			func(w io.Writer) error { return compare.Terminal(w, c, nil, 80, true) },
			func(w io.Writer) error { return compare.Markdown(w, []*compare.Comparison{c}, nil) },
			func(w io.Writer) error { return compare.JSON(w, []*compare.Comparison{c}, nil) },
		} {
			if err := write(io.Discard); err != nil {
				t.Error(err)
			}
		}
	})
}
