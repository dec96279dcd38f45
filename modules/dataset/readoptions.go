package dataset

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"

	"weir/modules/dataset/reader"
	"weir/runtime/load"
	"weir/runtime/script"
	"weir/runtime/suggest"
)

// read is read(path, options).
func (k *maker) read(call goja.FunctionCall) (script.Shared, error) {
	path := call.Argument(0)
	if !goja.IsString(path) || path.String() == "" {
		return nil, fmt.Errorf("read: the path is %s, not that of a file or folder", path)
	}
	at, err := k.rt.Script().ReadPath(path.String())
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	r := Reading{Path: at, OutputSpecialTokens: false}
	if v := call.Argument(1); !goja.IsUndefined(v) && !goja.IsNull(v) {
		o, err := readOptions(k.rt.VM(), "read", v, append([]string{"format", "inputOnly", "firstExchange", "fields", "timeUnit", "blockSize", "length", "tokenizer", "specialTokens",
			"outputSpecialTokens", "output", "limit", "sample", "atLeast", "shuffle", "seed", "from", "to", "prompts"}, filterNames...)...)
		if err != nil {
			return nil, err
		}
		r.Reader = reader.Options{Format: o.text("format", ""), InputOnly: o.boolean("inputOnly", false), FirstExchange: o.boolean("firstExchange", false), Fields: o.fields(), TimeUnit: o.duration("timeUnit"), BlockSize: o.integer("blockSize", 0), Length: o.integer("length", 0)}
		r.Tokenizer = o.tokenizer()
		r.NoSpecialTokens = !o.boolean("specialTokens", true)
		r.OutputSpecialTokens = o.boolean("outputSpecialTokens", false)
		r.Filter = o.filter()
		if o.get("output") != nil {
			l := o.length("output")
			r.Output = &l
		}
		r.Limit, r.Sample, r.AtLeast, r.Shuffle, r.Seed = o.integer("limit", 0), o.integer("sample", 0), o.integer("atLeast", 0), o.boolean("shuffle", false), o.seed()
		r.From, r.To = o.duration("from"), o.duration("to")
		switch prompts := o.text("prompts", "made"); prompts {
		case "made":
		case "none":
			r.NoPrompts = true
		default:
			if o.err == nil {
				o.err = fmt.Errorf(`read: prompts is %q: it is "made" or "none"`, prompts)
			}
		}
		if o.err != nil {
			return nil, o.err
		}
	}
	// A file that is missing or broken is a wrong setting, no fault of the script.
	d, err := keepReading(k, r)
	if err != nil && err != script.ErrInterrupted {
		return nil, &script.ParamError{Message: err.Error()}
	}
	if err == nil {
		k.module.note(r.Path)
	}
	return d, err
}

func keepReading(k *maker, r Reading) (*Dataset, error) {
	return keepSaying(k, readingKey(r), func(done, all *atomic.Int64, elapsed time.Duration) string {
		const mb = 1 << 20
		if max(done.Load(), all.Load()) < mb {
			return "" // it is not the reading that takes long
		}
		line := fmt.Sprintf("%s: %d MB are read", filepath.Base(r.Path), done.Load()/mb)
		if all.Load() > 0 {
			line = fmt.Sprintf("%s: %d of %d MB are read", filepath.Base(r.Path), done.Load()/mb, all.Load()/mb)
		}
		if d := done.Load(); d > 0 && all.Load() > d {
			left := time.Duration(float64(elapsed) / float64(d) * float64(all.Load()-d))
			line += fmt.Sprintf(", %v left", max(left.Round(time.Second), time.Second))
		}
		return line
	}, func(ctx context.Context, done, all *atomic.Int64) (*Dataset, error) {
		r.Reader.Found = func(file string) error { return k.rt.Script().Access().Found(r.Path, file) }
		return r.read(ctx, done, all)
	})
}

// readingKey tells a reading from others.
func readingKey(r Reading) string {
	output := Length{}
	if r.Output != nil {
		output = *r.Output
		r.Output = nil
	}
	return fmt.Sprintf("reading %p %+v %+v", r.Tokenizer, r, output)
}

// fields reads names of columns or members.
func (o *options) fields() map[string]string {
	v := o.get("fields")
	if v == nil {
		return nil
	}
	of, err := readOptions(o.vm, o.place+": fields", v, reader.Meanings...)
	if err != nil {
		if o.err == nil {
			o.err = err
		}
		return nil
	}
	fields := map[string]string{}
	for _, name := range reader.Meanings {
		if of.get(name) != nil {
			fields[name] = of.text(name, "")
		}
	}
	if o.err == nil {
		o.err = of.err
	}
	return fields
}

// duration reads "10m" or milliseconds; 0 when it is not given.
func (o *options) duration(name string) time.Duration {
	v := o.get(name)
	if v == nil {
		return 0
	}
	d, err := load.ParseDuration(script.Export(v))
	if err != nil || d < 0 {
		o.fail(name, v, `a duration such as "90s"`)
	}
	return d
}

// mix is mix(parts, options).
func (k *maker) mix(call goja.FunctionCall) (script.Shared, error) {
	vm := k.rt.VM()
	all, ok := call.Argument(0).(*goja.Object)
	if !ok || len(all.Keys()) == 0 {
		return nil, fmt.Errorf("mix: the parts are %s, not an object such as { chat: { data: chat, weight: 3 }, code: { data: code, weight: 1 } }", call.Argument(0))
	}
	var parts []Part
	for _, name := range all.Keys() {
		p := Part{Name: name, Weight: 1}
		v := all.Get(name)
		if p.Data, ok = script.ValueOf(v).(*Dataset); !ok {
			o, err := readOptions(vm, "mix: "+name, v, "data", "weight")
			if err != nil {
				return nil, err
			}
			if p.Data, ok = script.ValueOf(o.value.Get("data")).(*Dataset); !ok {
				return nil, fmt.Errorf("mix: %s: data is no dataset", name)
			}
			p.Weight = o.number("weight", 1)
			if o.err != nil {
				return nil, o.err
			}
		}
		parts = append(parts, p)
	}
	count, seed := 0, uint64(0)
	for _, p := range parts {
		count += p.Data.Len()
	}
	if v := call.Argument(1); !goja.IsUndefined(v) && !goja.IsNull(v) {
		o, err := readOptions(vm, "mix", v, "count", "seed")
		if err != nil {
			return nil, err
		}
		count, seed = o.integer("count", count), o.seed()
		if o.err != nil {
			return nil, o.err
		}
	}
	return Mix(parts, count, seed)
}

// formats describes the formats that can be read.
func formats(vm *goja.Runtime) goja.Value {
	var list []any
	for _, f := range reader.Formats() {
		list = append(list, object(vm, "name", f.Name, "title", f.Title, "trace", f.Trace))
	}
	return vm.NewArray(list...)
}

// lawNames are the options that each distribution has.
var lawNames = map[Law][]string{
	Normal:    {"mean", "std", "min", "max"},
	Lognormal: {"mean", "std", "min", "max"},
	Uniform:   {"min", "max"},
	Zipf:      {"s", "min", "max"},
	Empirical: {"values", "file", "min", "max"},
}

// length reads a number of tokens or a distribution. One that is missing is
// Length{}, which whoever takes it refuses.
func (o *options) length(name string) Length {
	fail := func(err error) Length {
		if o.err == nil {
			o.err = err
		}
		return Length{}
	}
	v := o.get(name)
	if v == nil {
		o.fail(name, goja.Undefined(), "a number of tokens or {mean, std, min, max}")
		return Length{}
	}
	of, isObject := v.(*goja.Object)
	if !isObject {
		return Fixed(o.integer(name, 0))
	}
	place := o.place + ": " + name
	law := Normal
	if given := of.Get("distribution"); given != nil && !goja.IsUndefined(given) {
		law = Law(given.String())
		if lawNames[law] == nil {
			known := []string{string(Normal), string(Lognormal), string(Uniform), string(Zipf), string(Empirical)}
			hint := ""
			if near := suggest.Nearest(string(law), known); near != "" {
				hint = fmt.Sprintf("; did you mean %q?", near)
			}
			return fail(fmt.Errorf("%s: there is no distribution %q: there are %s%s", place, law, strings.Join(known, ", "), hint))
		}
	}
	names := lawNames[law]
	if of.Get("distribution") != nil {
		names = append([]string{"distribution"}, names...)
	}
	in, err := readOptions(o.vm, place, v, names...)
	if err != nil {
		return fail(err)
	}
	l := Length{Law: law, Min: in.integer("min", 0), Max: in.integer("max", 0)}
	needed := func(name, what string) {
		if in.get(name) == nil {
			in.fail(name, goja.Undefined(), what)
		}
	}
	switch law {
	case Normal, Lognormal:
		needed("mean", "a number of tokens")
		l.Mean, l.Std = in.number("mean", 0), in.number("std", 0)
	case Uniform:
		needed("max", "a number of tokens")
	case Zipf:
		needed("s", "the exponent, a number above 0")
		needed("max", "a number of tokens")
		l.Exponent = in.number("s", 0)
	case Empirical:
		l.Values = in.values(o.readable, o.note)
	}
	if in.err != nil {
		return fail(in.err)
	}
	return l
}

// values reads the lengths of an empirical distribution: a list, or a file of numbers.
func (o *options) values(readable func(string) (string, error), note func(...string)) []int {
	list, file := o.get("values"), o.get("file")
	if (list == nil) == (file == nil) {
		o.err = fmt.Errorf("%s: give values, a list of lengths, or file, one with a length in each line", o.place)
		return nil
	}
	if file != nil {
		path, err := readable(o.text("file", ""))
		var values []int
		if err == nil {
			values, err = readLengths(path)
		}
		if err != nil && o.err == nil {
			o.err = fmt.Errorf("%s: %w", o.place, err)
		}
		if err == nil && note != nil {
			note(path)
		}
		return values
	}
	var values []int
	object, ok := list.(*goja.Object)
	if !ok || object.Get("length") == nil {
		o.fail("values", list, "a list of lengths")
		return nil
	}
	for i := range int(object.Get("length").ToInteger()) {
		f, ok := toNumber(object.Get(fmt.Sprint(i)))
		if !ok || f != float64(int(f)) || f < 1 || f > maxLength {
			o.fail(fmt.Sprintf("values[%d]", i), object.Get(fmt.Sprint(i)), "a number of tokens")
			return nil
		}
		values = append(values, int(f))
	}
	return values
}
