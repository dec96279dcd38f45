package dataset

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/dop251/goja"
	"github.com/montanaflynn/stats"

	"weir/runtime/script"
)

// datasetMethods are the methods of the class Dataset.
func datasetMethods(k *maker) map[string]func(any, goja.FunctionCall) (any, error) {
	rt := k.rt
	vm := rt.VM()
	type method = func(any, goja.FunctionCall) (any, error)
	// making is a method that returns another dataset.
	making := func(f func(*Dataset, goja.FunctionCall) (*Dataset, error)) method {
		return func(self any, call goja.FunctionCall) (any, error) {
			d, err := f(self.(*Dataset), call)
			if err != nil {
				return nil, err
			}
			return d.Object(rt), nil
		}
	}
	return map[string]method{
		"filter": making(func(d *Dataset, call goja.FunctionCall) (*Dataset, error) {
			o, err := readOptions(vm, "filter", call.Argument(0), filterNames...)
			if err != nil {
				return nil, err
			}
			f := o.filter()
			return d.Filter(f), o.err
		}),
		"slice": making(func(d *Dataset, call goja.FunctionCall) (*Dataset, error) {
			from, to := int(call.Argument(0).ToInteger()), d.Len()
			if !goja.IsUndefined(call.Argument(1)) {
				to = int(call.Argument(1).ToInteger())
			}
			if from < 0 {
				from += d.Len()
			}
			if to < 0 {
				to += d.Len()
			}
			return d.Slice(from, to), nil
		}),
		"shuffle": making(func(d *Dataset, call goja.FunctionCall) (*Dataset, error) {
			seed, err := seedOption(vm, "shuffle", call.Argument(0))
			return d.Shuffle(seed), err
		}),
		"sample": making(func(d *Dataset, call goja.FunctionCall) (*Dataset, error) {
			n, err := wholeArgument("sample", call.Argument(0))
			if err != nil {
				return nil, err
			}
			seed, err := seedOption(vm, "sample", call.Argument(1))
			if err != nil {
				return nil, err
			}
			return d.Sample(n, seed)
		}),
		"cycle": making(func(d *Dataset, call goja.FunctionCall) (*Dataset, error) {
			n, err := wholeArgument("cycle", call.Argument(0))
			if err != nil {
				return nil, err
			}
			return d.Cycle(n)
		}),
		"withOutput": making(func(d *Dataset, call goja.FunctionCall) (*Dataset, error) {
			seed, err := seedOption(vm, "withOutput", call.Argument(1))
			if err != nil {
				return nil, err
			}
			holder := &options{vm: vm, place: "withOutput", value: object(vm, "output", call.Argument(0))}
			l := holder.length("output")
			if holder.err != nil {
				return nil, holder.err
			}
			return d.WithOutput(l, seed)
		}),
		"withSystem": making(func(d *Dataset, call goja.FunctionCall) (*Dataset, error) {
			s, err := readSystem(vm, call.Argument(0))
			if err != nil {
				return nil, err
			}
			return watch(k, made("system messages", max(1, s.Groups)), func(ctx context.Context, _, _ *atomic.Int64) (*Dataset, error) {
				return d.WithSystem(ctx, s)
			})
		}),
		"withAnswers": making(func(d *Dataset, call goja.FunctionCall) (*Dataset, error) {
			answers, ok := script.ValueOf(call.Argument(0)).(*Dataset)
			if !ok {
				return nil, fmt.Errorf("withAnswers: the answers are %s, not a dataset", call.Argument(0))
			}
			return d.WithAnswers(answers)
		}),
		"prefixes": making(func(d *Dataset, _ goja.FunctionCall) (*Dataset, error) { return d.Prefixes() }),
		"reuse": func(self any, _ goja.FunctionCall) (any, error) {
			if r, ok := self.(*Dataset).Reuse(); ok {
				return object(vm, "promptTokens", r.PromptTokens, "cachedTokens", r.CachedTokens), nil
			}
			return goja.Null(), nil
		},
		"sessions": func(self any, _ goja.FunctionCall) (any, error) {
			sessions, err := self.(*Dataset).Sessions()
			if err != nil {
				return nil, err
			}
			return sessions.Object(rt), nil
		},
		"timestamps": func(self any, _ goja.FunctionCall) (any, error) {
			return timestamps(rt, self.(*Dataset).entries)
		},
		"stats": func(self any, _ goja.FunctionCall) (any, error) {
			d := self.(*Dataset)
			var prompts, outputs []float64
			for i := range d.entries {
				if n := d.entries[i].promptTokens; n > 0 {
					prompts = append(prompts, float64(n))
				}
				if n := d.entries[i].outputTokens; n > 0 {
					outputs = append(outputs, float64(n))
				}
			}
			return object(vm, "promptTokens", summary(vm, prompts), "outputTokens", summary(vm, outputs)), nil
		},
	}
}

// summary describes lengths: percentiles are numpy's linear ones.
func summary(vm *goja.Runtime, values []float64) *goja.Object {
	if len(values) == 0 {
		return object(vm, "n", 0)
	}
	data := stats.LoadRawData(values)
	sum, _ := data.Sum() // there are values
	mean, _ := data.Mean()
	std, _ := data.StandardDeviationPopulation()
	at := func(q float64) float64 {
		value, _ := data.Percentile(q)
		return value
	}
	return object(vm, "n", len(values), "sum", sum, "avg", mean, "std", std, "min", slices.Min(values), "max", slices.Max(values),
		"p50", at(50), "p90", at(90), "p99", at(99))
}

// wholeArgument reads a number of items.
func wholeArgument(method string, v goja.Value) (int, error) {
	f, ok := toNumber(v)
	if !ok || f != float64(int(f)) {
		return 0, fmt.Errorf("%s: the number of items is %s, not a whole number", method, v)
	}
	return int(f), nil
}

// seedOption reads { seed }.
func seedOption(vm *goja.Runtime, method string, v goja.Value) (uint64, error) {
	if goja.IsUndefined(v) || goja.IsNull(v) {
		return 0, nil
	}
	o, err := readOptions(vm, method, v, "seed")
	if err != nil {
		return 0, err
	}
	seed := o.seed()
	return seed, o.err
}

// readSystem reads the options of withSystem.
func readSystem(vm *goja.Runtime, v goja.Value) (System, error) {
	if goja.IsString(v) { // "" for none
		return System{Text: v.String(), Share: 1}, nil
	}
	o, err := readOptions(vm, "withSystem", v, "text", "tokens", "groups", "share", "tokenizer", "seed")
	if err != nil {
		return System{}, err
	}
	s := System{Text: o.text("text", ""), Tokens: o.integer("tokens", 0), Groups: o.integer("groups", 1), Share: o.number("share", 1), Tokenizer: o.tokenizer(), Seed: o.seed()}
	switch {
	case o.err != nil:
	case (s.Text == "") == (s.Tokens == 0):
		o.err = fmt.Errorf("withSystem: give a text, or a number of tokens for random ones")
	case s.Tokens < 0 || s.Tokens > maxLength:
		o.err = fmt.Errorf("withSystem: %d tokens is out of range", s.Tokens)
	case s.Groups < 1 || s.Groups > maxCount || s.Text != "" && s.Groups > 1:
		o.err = fmt.Errorf("withSystem: %d groups is out of range", s.Groups)
	case !(s.Share >= 0 && s.Share <= 1):
		o.err = fmt.Errorf("withSystem: a share of %v is out of range (0 to 1)", s.Share)
	}
	return s, o.err
}

// tokenizer reads the option of that name; nil: there is none.
func (o *options) tokenizer() Tokenizer {
	value := o.get("tokenizer")
	if value == nil {
		return nil
	}
	t, ok := script.ValueOf(value).(Tokenizer)
	if !ok || !reflect.TypeOf(t).Comparable() {
		if o.err == nil {
			o.err = fmt.Errorf(`%s: tokenizer is %s, not a tokenizer: pass one, such as new Tokenizer("builtin")`, o.place, value)
		}
		return nil
	}
	return t
}

var filterNames = []string{"minPromptTokens", "maxPromptTokens", "minOutputTokens", "maxOutputTokens", "maxTotalTokens", "clamp"}

// filter reads the options of a filter.
func (o *options) filter() Filter {
	f := Filter{
		MinPrompt: o.integer("minPromptTokens", 0), MaxPrompt: o.integer("maxPromptTokens", 0),
		MinOutput: o.integer("minOutputTokens", 0), MaxOutput: o.integer("maxOutputTokens", 0),
		MaxTotal: o.integer("maxTotalTokens", 0), Clamp: o.boolean("clamp", false),
	}
	if err := f.check(); err != nil && o.err == nil {
		o.err = fmt.Errorf("%s: %w", o.place, err)
	}
	return f
}
